//! Messages in gRPC's frames on HTTP/2 streams, for bytes in one piece: both ends of unary calls.

use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream};
use http::HeaderMap;
use hyper::body::{Body, Frame};
use tonic::Status;

use crate::raw::MAX_MESSAGE;

/// Before each message: a byte for compression, and its length.
const PREFIX: usize = 5;

/// Larger messages are not copied to put them behind their prefix.
const COPIED: usize = 64 * 1024;

/// Bytes of a message with its prefix.
pub(crate) fn length(message: usize) -> usize {
    PREFIX + message
}

/// Sends a message; `is_last` when nothing follows it. The frames go out when the connection is polled next.
pub(crate) fn send(stream: &mut SendStream<Bytes>, message: Bytes, is_last: bool) -> Result<(), h2::Error> {
    let is_copied = message.len() <= COPIED;
    let mut framed = BytesMut::with_capacity(PREFIX + if is_copied { message.len() } else { 0 });
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).map_err(|_| Reason::INTERNAL_ERROR)?);
    if is_copied {
        framed.put(message);
        return stream.send_data(framed.freeze(), is_last);
    }
    stream.send_data(framed.freeze(), false)?;
    stream.send_data(message, is_last)
}

/// Reads a stream that has one message, with what follows it. `what` is the message's name in errors.
pub(crate) async fn receive(
    what: &'static str,
    body: &mut RecvStream,
) -> Result<(Result<Bytes, Status>, Option<HeaderMap>), h2::Error> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        if first.len() + whole.len() + piece.len() > PREFIX + MAX_MESSAGE {
            let status = Status::out_of_range(format!("{what} has more than the limit of {MAX_MESSAGE} bytes"));
            return Ok((Err(status), None));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(announced(&first).min(16 << 20) + PREFIX);
            whole.put(std::mem::take(&mut first));
        }
        whole.put(piece);
    }
    let data = if whole.is_empty() { first } else { whole.freeze() };
    Ok((message(what, data), body.trailers().await?))
}

/// How long the message says it is.
fn announced(data: &[u8]) -> usize {
    let length = data.get(1..PREFIX).and_then(|it| it.try_into().ok()).map_or(0, u32::from_be_bytes);
    length as usize
}

/// The message without its prefix.
fn message(what: &str, mut data: Bytes) -> Result<Bytes, Status> {
    if data.len() < PREFIX {
        return Err(Status::internal(format!("{what} is missing")));
    }
    let length = announced(&data);
    let prefix = data.split_to(PREFIX);
    if prefix[0] != 0 {
        return Err(Status::internal(format!("{what} is compressed, which is not supported")));
    }
    if length > MAX_MESSAGE {
        return Err(Status::out_of_range(format!("{what} has {length} bytes, more than the limit of {MAX_MESSAGE}")));
    }
    if data.len() != length {
        return Err(Status::internal(format!("{what} says it has {length} bytes and has {}", data.len())));
    }
    Ok(data)
}

/// An HTTP/2 stream as a body, for tonic.
pub(crate) struct Incoming(pub(crate) RecvStream);

impl Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match std::task::ready!(self.0.poll_data(context)) {
            Some(Ok(data)) => {
                let released = self.0.flow_control().release_capacity(data.len());
                Poll::Ready(Some(released.map(|()| Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(std::task::ready!(self.0.poll_trailers(context))?.map(|it| Ok(Frame::trailers(it)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
