//! HTTP/2 to the process, without a client above it.
//!
//! hyper's client gives every request two tasks of its own and writes its headers before it looks at its body. Here the caller itself
//! hands headers and message to the connection, so that a hook call is one write and one change of task. Only a body that is not
//! there at once, which is a stream's, gets a task.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use mm_socket::{Attention, Socket};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;

use super::{CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW};

/// Headers carry the details of errors.
const MAX_HEADERS: u32 = 1 << 20;

/// A connection. Cheap to clone; ends with the last clone.
#[derive(Clone)]
pub(super) struct Link {
    sender: SendRequest<Bytes>,
    /// Done when the connection is over.
    over: CancellationToken,
    attention: Arc<Attention>,
}

impl Link {
    /// Begins HTTP/2 on a connected socket.
    pub(super) async fn open(stream: UnixStream) -> io::Result<Self> {
        let socket = Socket::new(stream)?;
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(MAX_HEADERS)
            .enable_push(false);
        let handshake = socket.drive(builder.handshake::<_, Bytes>(socket.clone())).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        // Ends with the last sender, or with the process; what the calls in flight then say is all there is to say.
        let over = CancellationToken::new();
        let told = over.clone().drop_guard();
        tokio::spawn(async move {
            socket.drive(connection).await.unwrap_or_default();
            drop(told);
        });
        Ok(Self { sender, over, attention: Arc::default() })
    }

    /// Done when the connection is over.
    pub(super) fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    /// Sends a request; the answer's body comes as it is read. Dropping either ends the call for the peer too.
    pub(super) async fn send(self, request: Request<Body>) -> Result<Response<Body>, h2::Error> {
        let mut sender = self.sender.ready().await?;
        let (head, mut body) = request.into_parts();
        let (response, mut stream) = sender.send_request(Request::from_parts(head, ()), false)?;
        let mut begin = Vec::new();
        let mut sending = None;
        if poll_fn(|context| Poll::Ready(is_short(&mut body, &mut begin, context))).await {
            stream.send_data(begin.pop().unwrap_or_default(), true)?;
        } else {
            sending = Some(AbortOnDropHandle::new(tokio::spawn(send_rest(stream, begin, body))));
        }
        Ok(self.attention.wait(response).await?.map(|stream| Body::new(Incoming { stream, _sending: sending })))
    }
}

/// Whether the body is all there and one piece at most; what was taken from it is in `begin`.
fn is_short(body: &mut Body, begin: &mut Vec<Bytes>, context: &mut Context<'_>) -> bool {
    while begin.len() < 2 {
        match Pin::new(&mut *body).poll_frame(context) {
            // Requests of gRPC have no trailers.
            Poll::Ready(Some(Ok(frame))) => begin.extend(frame.into_data()),
            Poll::Ready(None) => return begin.len() < 2,
            // What is wrong shows again when the rest is sent.
            Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
        }
    }
    false
}

/// Sends a stream's body as fast as the peer takes it.
async fn send_rest(mut stream: SendStream<Bytes>, begin: Vec<Bytes>, body: Body) {
    for piece in begin {
        if !mm_socket::send_piece(&mut stream, piece).await {
            return;
        }
    }
    // Requests of gRPC have no trailers.
    mm_socket::send_body(stream, body, Reason::CANCEL).await;
}

/// An answer's body.
struct Incoming {
    stream: RecvStream,
    /// Ends with the answer.
    _sending: Option<AbortOnDropHandle<()>>,
}

impl hyper::body::Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match ready!(self.stream.poll_data(context)) {
            Some(Ok(data)) => {
                // Read is read: what the reader does with it does not hold up the peer.
                let released = self.stream.flow_control().release_capacity(data.len());
                Poll::Ready(Some(released.map(|()| Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(ready!(self.stream.poll_trailers(context))?.map(|it| Ok(Frame::trailers(it)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}
