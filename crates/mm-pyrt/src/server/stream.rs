//! The serving side of a streaming call: messages in, messages out, a final status.
//!
//! What goes out is put on the HTTP/2 stream by the thread that has it, which writes it to the socket too: see `connection`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::SendStream;
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Frame};
use tokio_util::sync::CancellationToken;
use tonic::codec::Codec as _;
use tonic::{Status, Streaming};

use super::connection::Connection;
use crate::framing::{self, Incoming};
use crate::lock;
use crate::raw::{MAX_MESSAGE, Raw};

/// As much of a message must have room for it to be sent; the rest then waits in HTTP/2, so that no message is sent by halves.
const ENOUGH_ROOM: usize = 64 * 1024;

/// The part of a call that a stream has instead of one request and one answer.
pub(super) struct StreamState {
    incoming: tokio::sync::Mutex<Streaming<Bytes>>,
    outgoing: Mutex<Outgoing>,
    /// Held by who sends: a stream knows of one who waits for room, and of how much room is wanted once.
    turn: tokio::sync::Mutex<()>,
    connection: Weak<Connection>,
    cancelled: CancellationToken,
    /// Wakes who waits for room: the call was finished or cancelled.
    over: CancellationToken,
    /// Whether the request body ended by an error.
    broken: Arc<AtomicBool>,
}

struct Outgoing {
    /// `None` once the call is finished.
    stream: Option<SendStream<Bytes>>,
    /// Somebody waits for room, and is told by it when the caller goes away. HTTP/2 tells one at a time.
    is_awaited: bool,
}

impl StreamState {
    /// The messages of `body`, and the way to answer them, of which the head is on its way.
    pub(super) fn new(body: Incoming, outgoing: SendStream<Bytes>, connection: &Arc<Connection>) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let body = Watched { body, broken: Arc::clone(&broken) };
        let incoming = Streaming::new_request(Raw.decoder(), body, None, Some(MAX_MESSAGE));
        let outgoing = Outgoing { stream: Some(outgoing), is_awaited: false };
        let cancelled = CancellationToken::new();
        Self {
            incoming: incoming.into(),
            outgoing: outgoing.into(),
            turn: tokio::sync::Mutex::default(),
            connection: Arc::downgrade(connection),
            over: cancelled.child_token(),
            cancelled,
            broken,
        }
    }

    /// The caller's next message, `None` after its last.
    pub(super) async fn read(&self) -> Result<Option<Bytes>, Status> {
        let mut incoming = self.incoming.lock().await;
        let gone = || Status::cancelled("the caller is gone");
        tokio::select! {
            message = incoming.message() => match message {
                // tonic takes a reset for the end.
                Ok(None) if self.is_broken() => Err(gone()),
                result => result,
            },
            () = self.cancelled.cancelled() => Err(gone()),
        }
    }

    /// Sends a message if there is room for it now: whether anybody takes it, or the message. With `more` it goes out with what is
    /// sent next, which has to follow at once.
    pub(super) fn try_write(&self, message: Bytes, more: bool) -> Result<bool, Bytes> {
        let Some(connection) = self.connection.upgrade() else { return Ok(false) };
        // Behind another thread that waits for room.
        let Ok(_turn) = self.turn.try_lock() else { return Err(message) };
        let queue = || {
            let mut outgoing = lock(&self.outgoing);
            match outgoing.stream.as_mut() {
                Some(stream) if !self.cancelled.is_cancelled() => match has_room(stream, message.len()) {
                    true => Ok(framing::send(stream, message, false).is_ok()),
                    false => Err(message),
                },
                _ => Ok(false),
            }
        };
        if more { connection.hold(queue) } else { connection.write(queue) }
    }

    /// Sends a message; `false` when nobody takes it.
    pub(super) async fn write(&self, message: Bytes) -> bool {
        let sending = async {
            let turn = self.turn.lock().await;
            (self.room(message.len()).await, turn)
        };
        let (has_room, _turn) = tokio::select! {
            (has_room, turn) = sending => (has_room, Some(turn)),
            () = self.over.cancelled() => (false, None),
        };
        let Some(connection) = self.connection.upgrade() else { return false };
        connection.write(|| {
            let mut outgoing = lock(&self.outgoing);
            has_room && outgoing.stream.as_mut().is_some_and(|it| framing::send(it, message, false).is_ok())
        })
    }

    /// Waits until there is room for a message of `length`; `false` when nobody takes it.
    async fn room(&self, length: usize) -> bool {
        let _awaited = Awaited::begin(&self.outgoing);
        poll_fn(|context| {
            let mut outgoing = lock(&self.outgoing);
            let Some(stream) = &mut outgoing.stream else { return Poll::Ready(false) };
            while !has_room(stream, length) {
                match ready!(stream.poll_capacity(context)) {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Poll::Ready(false),
                }
            }
            Poll::Ready(true)
        })
        .await
    }

    /// Ends the call after the messages that were written; `false` when it had ended.
    pub(super) fn finish(&self, status: Option<Status>) -> bool {
        let end = || {
            let Some(mut stream) = lock(&self.outgoing).stream.take() else { return false };
            let mut trailers = HeaderMap::new();
            if status.is_none_or(|it| it.add_header(&mut trailers).is_err()) {
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
            }
            // A caller that is gone needs none.
            let _ = stream.send_trailers(trailers);
            true
        };
        let ended = match self.connection.upgrade() {
            Some(connection) => connection.write(end),
            None => end(),
        };
        self.over.cancel();
        ended
    }

    /// Wakes who reads or writes. What the call ends with, if anybody still listens, is up to `finish`.
    pub(super) fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Whether the caller broke its side off, which a reader may hear of before the connection has looked after the call.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Whether the caller went away; `None` after the end of the call.
    pub(super) fn is_given_up(&self) -> Option<bool> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.is_awaited {
            return Some(false);
        }
        let stream = outgoing.stream.as_mut()?;
        Some(stream.poll_reset(&mut Context::from_waker(Waker::noop())).is_ready())
    }
}

/// Whether there is room for a message of `length`.
fn has_room(stream: &mut SendStream<Bytes>, length: usize) -> bool {
    let wanted = framing::length(length).min(ENOUGH_ROOM);
    stream.reserve_capacity(wanted);
    stream.capacity() >= wanted
}

/// While it lives, nobody else asks the stream whether its caller is gone.
struct Awaited<'a>(&'a Mutex<Outgoing>);

impl<'a> Awaited<'a> {
    fn begin(outgoing: &'a Mutex<Outgoing>) -> Self {
        lock(outgoing).is_awaited = true;
        Self(outgoing)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        lock(self.0).is_awaited = false;
    }
}

/// A request body that notes whether it ended by an error, which tonic does not tell.
struct Watched {
    body: Incoming,
    broken: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &frame {
            self.broken.store(true, Ordering::Release);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
