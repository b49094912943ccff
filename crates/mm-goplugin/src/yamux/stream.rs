//! A stream as its user has it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::cell::{Cell, Remote};
use super::connection::{Held, Inner};
use super::frame::{Header, flag};

/// One stream of a connection: bytes in both directions, each of which ends by itself.
///
/// Shutting the writer down (or dropping the stream) tells the other side that nothing more comes. A stream that is dropped while
/// the other side still sends stays known to the connection, which drops what comes, until the other side is through too: a reset
/// would turn the end that it is about to see into an error.
pub struct Stream {
    read: ReadHalf,
    write: WriteHalf,
}

/// The reading half of a [`Stream`]. Dropping it drops what still comes.
pub struct ReadHalf(Handle);

/// The writing half of a [`Stream`]. Dropping it is the end of what is sent.
pub struct WriteHalf(Handle);

/// What both halves hold.
struct Handle {
    inner: Arc<Inner>,
    cell: Arc<Cell>,
    /// Keeps the connection open.
    _held: Arc<Held>,
}

impl Stream {
    pub(super) fn new(inner: Arc<Inner>, held: Arc<Held>, cell: Arc<Cell>) -> Self {
        let read = ReadHalf(Handle { inner: inner.clone(), cell: cell.clone(), _held: held.clone() });
        Self { read, write: WriteHalf(Handle { inner, cell, _held: held }) }
    }

    /// The number of the stream on its connection.
    pub fn id(&self) -> u32 {
        self.read.0.cell.id
    }

    /// Two halves that can be used by different tasks.
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        (self.read, self.write)
    }

    /// Gives the stream up in both directions at once. The other side gets an error, not an end.
    pub fn reset(self) {
        self.read.0.reset();
    }
}

impl WriteHalf {
    /// Gives the whole stream up, like [`Stream::reset`].
    pub fn reset(self) {
        self.0.reset();
    }
}

impl Handle {
    /// Sends credit. When it fails the connection is at its end anyway.
    fn credit(&self, credit: Option<u32>) {
        if let Some(credit) = credit {
            let _ = self.inner.out.put(|out, ()| Header::window_update(self.cell.id, 0, credit).write(out));
        }
    }

    /// Gives the stream up in both directions.
    fn reset(&self) {
        let Self { inner, cell, .. } = self;
        let ended = cell.lock().end.is_some();
        if cell.reset() && !ended {
            let _ = inner.out.put(|out, ()| Header::window_update(cell.id, flag::RST, 0).write(out));
            inner.forget(cell.id);
        }
    }

    /// Says that nothing more comes, the first time it is called.
    fn finish(&self) {
        let mut state = self.cell.lock();
        if state.finished || state.remote == Remote::Reset || state.end.is_some() {
            return;
        }
        state.finished = true;
        let through = state.remote == Remote::Finished;
        drop(state);
        let _ = self.inner.out.put(|out, ()| Header::window_update(self.cell.id, flag::FIN, 0).write(out));
        if through {
            self.inner.forget(self.cell.id);
        }
    }

    /// One half is dropped.
    fn let_go(&self) {
        let mut state = self.cell.lock();
        state.halves -= 1;
        if state.halves == 0 {
            state.let_go = Some(Instant::now());
        }
    }
}

impl Drop for ReadHalf {
    fn drop(&mut self) {
        let credit = self.0.cell.lock().stop_reading();
        self.0.credit(credit);
        self.0.let_go();
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        self.0.finish();
        self.0.let_go();
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let credit = ready!(self.0.cell.lock().poll_read(cx, buf))?;
        self.0.credit(credit);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Handle { inner, cell, .. } = &self.0;
        if buf.is_empty() {
            return Poll::Ready(cell.lock().check_writable().map(|()| 0));
        }
        ready!(inner.out.poll_room(cx))?;
        let length = ready!(cell.lock().poll_take_window(cx, buf.len()))?;
        let count = length as usize;
        // Not under the stream's lock: the task that reads must not wait for the socket to take this. Nobody else writes on this
        // stream, so nothing can get in between.
        inner.out.put(|out, ()| {
            Header::data(cell.id, 0, length).write(out);
            out.extend_from_slice(&buf[..count]);
        })?;
        Poll::Ready(Ok(count))
    }

    /// Does nothing: what was taken is on its way.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.finish();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(cx)
    }
}
