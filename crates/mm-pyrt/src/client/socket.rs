//! A Unix socket for HTTP/2 that no runtime watches: the thread that needs it waits for it.

use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{peer, runtime};

/// Longest wait at a time, since the system counts milliseconds in 32 bits.
const LONGEST: Duration = Duration::from_secs(3600);

/// The socket, shared by the connection that uses it and whoever may want to end that.
pub(super) struct Socket {
    stream: UnixStream,
    /// Whether reading is worth a system call. Set by waiting, cleared by a read that found all there was.
    readable: AtomicBool,
    /// Whether there is more to write than the system took.
    is_full: AtomicBool,
}

impl Socket {
    /// Connects, if the process at the other end is the one expected.
    pub(super) fn connect(path: &Path, expected: peer::Expected) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_nonblocking(true)?;
        // Only tokio's socket tells who is there.
        let _context = runtime::runtime().map_err(io::Error::other)?.enter();
        let stream = tokio::net::UnixStream::from_std(stream)?;
        expected.check(&stream.peer_cred()?)?;
        Ok(Self { stream: stream.into_std()?, readable: true.into(), is_full: false.into() })
    }

    /// Waits until there is something to read, or to write if more is to be written than the system took; `false` when that did not
    /// happen within `limit`, or before a signal came.
    pub(super) fn wait(&self, limit: Option<Duration>) -> bool {
        let mut wanted = PollFlags::POLLIN;
        if self.is_full.load(Ordering::Relaxed) {
            wanted |= PollFlags::POLLOUT;
        }
        // Rounded up: waking a moment early would mean to wait again for nothing.
        let limit = limit.map(|it| it.min(LONGEST) + Duration::from_micros(999));
        let limit = limit.map_or(PollTimeout::NONE, |it| it.try_into().unwrap_or(PollTimeout::MAX));
        let mut fds = [PollFd::new(self.stream.as_fd(), wanted)];
        match poll(&mut fds, limit) {
            Ok(0) | Err(Errno::EINTR) => false,
            // Errors and the end of the stream show when it is read.
            _ => {
                self.look_again();
                true
            }
        }
    }

    /// Makes the next read ask the system whatever the last one found.
    pub(super) fn look_again(&self) {
        self.readable.store(true, Ordering::Relaxed);
    }

    /// Ends the connection; a thread that waits wakes up.
    pub(super) fn shutdown(&self) {
        // It can only fail when the other side was faster.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// The socket as HTTP/2 uses it. Wakes nobody: whoever uses the connection waits for the socket and then polls it again.
pub(super) struct Io(pub(super) Arc<Socket>);

impl Io {
    fn write(&self, write: impl FnOnce(&UnixStream) -> io::Result<usize>) -> Poll<io::Result<usize>> {
        let written = write(&self.0.stream);
        let is_full = matches!(&written, Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.0.is_full.store(is_full, Ordering::Relaxed);
        if is_full { Poll::Pending } else { Poll::Ready(written) }
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.0.readable.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let unfilled = buffer.initialize_unfilled();
        let room = unfilled.len();
        match (&self.0.stream).read(unfilled) {
            Ok(n) => {
                buffer.advance(n);
                // Less than there was room for is all there was; nothing is the end, which shows again when it is read again.
                self.0.readable.store(n == room || n == 0, Ordering::Relaxed);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.0.readable.store(false, Ordering::Relaxed);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.write(|mut it| it.write(data))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.write(|mut it| it.write_vectored(data))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.shutdown();
        Poll::Ready(Ok(()))
    }
}
