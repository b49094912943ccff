//! The serving side of a streaming call: messages in, messages out, a final status.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Sleep;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::state::{CallState, State};
use crate::framing::Incoming;
use crate::lock;

/// How many response messages may wait for the caller before a writer waits.
const WINDOW: usize = 4;

/// The part of a call that a stream has instead of one request and one answer.
pub(super) struct StreamState {
    incoming: tokio::sync::Mutex<Streaming<Bytes>>,
    /// `None` once the call is finished.
    outgoing: Mutex<Option<mpsc::Sender<Bytes>>>,
    /// What the call ends with when it is not OK; read when `outgoing` is gone.
    last: Arc<Mutex<Option<Status>>>,
    cancelled: CancellationToken,
    /// Whether the request body ended by an error.
    broken: Arc<AtomicBool>,
}

/// What goes out, for [`Outgoing`].
pub(super) struct Pipe {
    messages: mpsc::Receiver<Bytes>,
    last: Arc<Mutex<Option<Status>>>,
}

impl StreamState {
    pub(super) fn new(incoming: Streaming<Bytes>, broken: Arc<AtomicBool>) -> (Self, Pipe) {
        let (outgoing, messages) = mpsc::channel(WINDOW);
        let last = Arc::default();
        let pipe = Pipe { messages, last: Arc::clone(&last) };
        let outgoing = Mutex::new(Some(outgoing));
        (Self { incoming: incoming.into(), outgoing, last, cancelled: CancellationToken::new(), broken }, pipe)
    }

    /// The caller's next message, `None` after its last.
    pub(super) async fn read(&self) -> Result<Option<Bytes>, Status> {
        let mut incoming = self.incoming.lock().await;
        let gone = || Status::cancelled("the caller is gone");
        tokio::select! {
            message = incoming.message() => match message {
                // tonic takes a reset for the end.
                Ok(None) if self.broken.load(Ordering::Acquire) => Err(gone()),
                result => result,
            },
            () = self.cancelled.cancelled() => Err(gone()),
        }
    }

    /// Sends a message if there is room for it now: whether anybody takes it, or the message.
    pub(super) fn try_write(&self, message: Bytes) -> Result<bool, Bytes> {
        let outgoing = lock(&self.outgoing);
        match outgoing.as_ref() {
            Some(outgoing) if !self.cancelled.is_cancelled() => match outgoing.try_send(message) {
                Ok(()) => Ok(true),
                Err(TrySendError::Full(message)) => Err(message),
                Err(TrySendError::Closed(_)) => Ok(false),
            },
            _ => Ok(false),
        }
    }

    /// Sends a message; `false` when nobody takes it.
    pub(super) async fn write(&self, message: Bytes) -> bool {
        let Some(outgoing) = lock(&self.outgoing).clone() else { return false };
        tokio::select! {
            sent = outgoing.send(message) => sent.is_ok(),
            () = self.cancelled.cancelled() => false,
        }
    }

    /// Ends the call after the messages that were written; `false` when it had ended.
    pub(super) fn finish(&self, status: Option<Status>) -> bool {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.is_none() {
            return false;
        }
        *lock(&self.last) = status;
        *outgoing = None;
        true
    }

    /// Wakes who reads or writes. What the call ends with, if anybody still listens, is up to `finish`.
    pub(super) fn cancel(&self) {
        self.cancelled.cancel();
    }
}

/// A request body that notes whether it ended by an error, which tonic does not tell.
pub(super) struct Watched {
    pub(super) body: Incoming,
    pub(super) broken: Arc<AtomicBool>,
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

/// The response stream. Dropped by the connection when the call is over in any way, which is how a lost caller is noticed.
pub(super) struct Outgoing {
    pipe: Pipe,
    deadline: Option<Pin<Box<Sleep>>>,
    over: bool,
    call: Arc<CallState>,
    state: Arc<State>,
}

impl Outgoing {
    pub(super) fn new(pipe: Pipe, call: Arc<CallState>, state: Arc<State>) -> Self {
        let deadline = call.deadline.map(|it| Box::pin(tokio::time::sleep_until(it.into())));
        Self { pipe, deadline, over: false, call, state }
    }
}

impl Stream for Outgoing {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(message) = self.pipe.messages.poll_recv(context) {
            if let Some(message) = message {
                return Poll::Ready(Some(Ok(message)));
            }
            self.over = true;
            return Poll::Ready(lock(&self.pipe.last).take().map(Err));
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            self.over = true;
            return Poll::Ready(Some(Err(Status::deadline_exceeded("no answer within the time limit"))));
        }
        Poll::Pending
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // After a regular end there is nobody to tell; `cancel` is then without effect on the handler.
        self.state.cancel(&self.call);
    }
}
