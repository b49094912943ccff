//! The state of one stream, shared by its halves and by the task that reads frames.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::end::{End, ProtocolError};
use super::limits::WINDOW;

/// A read buffer that has held much is given back when it is empty.
const KEPT_CAPACITY: usize = 16 * 1024;

/// One stream.
pub(super) struct Cell {
    pub(super) id: u32,
    state: Mutex<State>,
}

/// How far the other side is with its half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remote {
    Open,
    /// It will send nothing more.
    Finished,
    /// The stream is gone, by a reset from either side.
    Reset,
}

/// Invariant while the other side is open: `credit + received.len() + freed == WINDOW`.
pub(super) struct State {
    /// What came and was not read.
    received: BytesMut,
    /// Bytes that the other side may still send.
    credit: u32,
    /// Bytes that were read, for which no credit was given yet.
    freed: u32,
    /// Bytes that this side may still send.
    pub(super) window: u32,
    pub(super) remote: Remote,
    /// This side has sent its FIN. It is never sent twice: the other side would end the whole connection.
    pub(super) finished: bool,
    /// Nobody will read: what comes is dropped and credited at once.
    discard: bool,
    /// Halves that the application holds.
    pub(super) halves: u8,
    /// Since when the application has let go of both.
    pub(super) let_go: Option<Instant>,
    pub(super) end: Option<End>,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
}

impl Cell {
    pub(super) fn new(id: u32) -> Self {
        let state = State {
            received: BytesMut::new(),
            credit: WINDOW,
            freed: 0,
            window: WINDOW,
            remote: Remote::Open,
            finished: false,
            discard: false,
            halves: 2,
            let_go: None,
            end: None,
            read_waker: None,
            write_waker: None,
        };
        Self { id, state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock calls foreign code, so a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a data frame of `length` bytes.
    pub(super) fn charge(&self, length: u32) -> Result<(), ProtocolError> {
        let mut state = self.lock();
        if state.remote != Remote::Open && length > 0 {
            return Err(ProtocolError::DataAfterFin(self.id));
        }
        state.credit = state.credit.checked_sub(length).ok_or(ProtocolError::WindowExceeded {
            stream: self.id,
            bytes: length,
            granted: state.credit,
        })?;
        Ok(())
    }

    /// Takes payload that was charged. Answers with credit to send, if there is some.
    pub(super) fn deliver(&self, payload: &[u8]) -> Option<u32> {
        let mut state = self.lock();
        if state.discard {
            return state.free(payload.len());
        }
        state.received.extend_from_slice(payload);
        let waker = state.read_waker.take();
        drop(state);
        wake(waker);
        None
    }

    /// The other side granted `credit` more bytes.
    pub(super) fn grant(&self, credit: u32) -> Result<(), ProtocolError> {
        let mut state = self.lock();
        state.window = state.window.checked_add(credit).ok_or(ProtocolError::WindowOverflow(self.id))?;
        let waker = state.write_waker.take();
        drop(state);
        wake(waker);
        Ok(())
    }

    /// The other side will send nothing more. Whether both sides are through now.
    pub(super) fn remote_finished(&self) -> Result<bool, ProtocolError> {
        let mut state = self.lock();
        if state.remote == Remote::Finished {
            return Err(ProtocolError::SecondFin(self.id));
        }
        state.remote = Remote::Finished;
        let (through, waker) = (state.finished, state.read_waker.take());
        drop(state);
        wake(waker);
        Ok(through)
    }

    /// The stream is gone. Returns whether it was not before.
    pub(super) fn reset(&self) -> bool {
        let mut state = self.lock();
        let first = state.remote != Remote::Reset;
        state.remote = Remote::Reset;
        state.wake_both();
        first
    }

    /// The connection is over.
    pub(super) fn end(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        state.wake_both();
    }
}

impl State {
    /// Reads what is there into `buf`. Answers with credit to send, if there is some.
    pub(super) fn poll_read(&mut self, cx: &Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<Option<u32>>> {
        if !self.received.is_empty() {
            let count = buf.remaining().min(self.received.len());
            buf.put_slice(&self.received[..count]);
            self.received.advance(count);
            if self.received.is_empty() && self.received.capacity() > KEPT_CAPACITY {
                self.received = BytesMut::new();
            }
            return Poll::Ready(Ok(self.free(count)));
        }
        match (self.remote, &self.end) {
            (Remote::Finished, _) => Poll::Ready(Ok(None)),
            (Remote::Reset, _) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            (Remote::Open, Some(end)) => Poll::Ready(Err(end.to_io())),
            (Remote::Open, None) => {
                replace(&mut self.read_waker, cx);
                Poll::Pending
            }
        }
    }

    /// Whether this side may write, apart from the window.
    pub(super) fn check_writable(&self) -> io::Result<()> {
        if self.finished {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "written after the end of the stream"));
        }
        if self.remote == Remote::Reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.end.as_ref().map_or(Ok(()), |end| Err(end.to_io()))
    }

    /// Takes up to `wanted` bytes of the window; waits while it is closed.
    pub(super) fn poll_take_window(&mut self, cx: &Context<'_>, wanted: usize) -> Poll<io::Result<u32>> {
        self.check_writable()?;
        if self.window == 0 {
            replace(&mut self.write_waker, cx);
            return Poll::Pending;
        }
        let taken = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.window);
        self.window -= taken;
        Poll::Ready(Ok(taken))
    }

    /// Nobody reads any more. Answers with credit to send, if there is some.
    pub(super) fn stop_reading(&mut self) -> Option<u32> {
        self.discard = true;
        let unread = self.received.len();
        self.received = BytesMut::new();
        self.free(unread)
    }

    /// Counts `count` bytes as read. Credit goes out when it is half a window, as Go's side does it.
    fn free(&mut self, count: usize) -> Option<u32> {
        self.freed += u32::try_from(count).expect("no more than a window is buffered");
        if self.freed < WINDOW / 2 || self.remote != Remote::Open || self.end.is_some() {
            return None;
        }
        self.credit += self.freed;
        Some(std::mem::take(&mut self.freed))
    }

    fn wake_both(&mut self) {
        wake(self.read_waker.take());
        wake(self.write_waker.take());
    }
}

fn replace(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
