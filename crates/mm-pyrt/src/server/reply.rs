//! Answers on HTTP/2 streams: of unary calls, by whatever thread has them, and of everything else, by tasks.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Weak;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::Body as _;
use tonic::Status;
use tonic::body::Body;

use super::connection::Connection;
use crate::framing;

/// The way to answer a unary call, once.
pub(super) struct Reply {
    respond: SendResponse<Bytes>,
    connection: Weak<Connection>,
}

impl Reply {
    pub(super) fn new(respond: SendResponse<Bytes>, connection: Weak<Connection>) -> Self {
        Self { respond, connection }
    }

    /// Sends the answer; the calling thread writes it to the socket itself, so that no other has to wake for it. `false` when the
    /// caller is gone.
    pub(super) fn send(mut self, result: Result<Bytes, Status>) -> bool {
        let Some(connection) = self.connection.upgrade() else { return false };
        connection.write(move || {
            let sent = match result {
                Ok(message) => send_message(&mut self.respond, message),
                Err(status) => send_status(&mut self.respond, status),
            };
            sent.is_ok()
        })
    }

    /// Whether the caller does not wait any more.
    pub(super) fn is_given_up(&mut self) -> bool {
        self.respond.poll_reset(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}

/// What an answer with messages begins with.
pub(super) fn head() -> Response<()> {
    let mut head = Response::new(());
    head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    head
}

fn send_message(respond: &mut SendResponse<Bytes>, message: Bytes) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(head(), false)?;
    framing::send(&mut stream, message, false)?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// Ends a call with a status and no message.
pub(super) fn send_status(respond: &mut SendResponse<Bytes>, status: Status) -> Result<(), h2::Error> {
    let (head, _) = status.into_http::<Body>().into_parts();
    respond.send_response(Response::from_parts(head, ()), true).map(drop)
}

/// Answers with what a service says, unless the caller goes away first.
pub(super) async fn send_response(
    answer: impl Future<Output = Result<Response<Body>, Infallible>>,
    mut respond: SendResponse<Bytes>,
) {
    let mut answer = pin!(answer);
    let answered = poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(Ok(response)) => Poll::Ready(Some(response)),
        Poll::Pending => respond.poll_reset(context).map(|_| None),
    });
    let Some(response) = answered.await else { return };
    let (head, body) = response.into_parts();
    let is_short = body.is_end_stream();
    if let Ok(stream) = respond.send_response(Response::from_parts(head, ()), is_short)
        && !is_short
    {
        mm_socket::send_body(stream, body, Reason::INTERNAL_ERROR).await;
    }
}
