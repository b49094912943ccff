//! Bodies on streams of HTTP/2, as fast as the peer takes them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body;

/// Sends a body to its end, with the trailers if it has any, and ends the stream.
///
/// A stream that the peer gives up ends this at once, also while the body has nothing to send: whoever waits for an answer on the same
/// stream is told of it there. A body that fails resets the stream with `failed`.
pub async fn send_body<B>(mut stream: SendStream<Bytes>, mut body: B, failed: Reason)
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        let frame = poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
            Poll::Pending => stream.poll_reset(context).map(|_| None),
            Poll::Ready(frame) => Poll::Ready(Some(frame)),
        });
        let sent = match frame.await {
            Some(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) => send_piece(&mut stream, piece).await,
                Err(frame) => return drop(stream.send_trailers(frame.into_trailers().unwrap_or_default())),
            },
            Some(Some(Err(_))) => return stream.send_reset(failed),
            Some(None) => return drop(stream.send_data(Bytes::new(), true)),
            None => return,
        };
        if !sent {
            return;
        }
    }
}

/// Sends a piece of a body when there is room for it; `false` when nobody wants it any more.
pub async fn send_piece(stream: &mut SendStream<Bytes>, mut piece: Bytes) -> bool {
    while !piece.is_empty() {
        stream.reserve_capacity(piece.len());
        let Some(Ok(room)) = poll_fn(|context| stream.poll_capacity(context)).await else { return false };
        let now = piece.split_to(room.min(piece.len()));
        if stream.send_data(now, false).is_err() {
            return false;
        }
    }
    true
}
