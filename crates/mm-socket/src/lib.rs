//! A Unix socket for HTTP/2 between two processes that wait for each other's answers.
//!
//! What a call costs there is mostly the waking of threads, and an ordinary socket wakes them too often:
//!
//! - HTTP/2 hands over an answer in pieces (headers and message, then the trailers), and each piece that is written wakes the peer.
//!   [`Socket`] keeps what it is given until [`Socket::send_kept`], so an answer is one system call and wakes the peer once. Whoever polls
//!   the connection calls it afterwards, or lets [`Socket::drive`] do so.
//! - A socket that is watched for being writable wakes its owner whenever the peer has read something. [`Socket`] is watched for
//!   that only when the system would not take all that was written.
//! - A thread that sleeps is woken some time after its answer has come. [`Attention`] stays awake for answers that come soon.
//!
//! Both ends send bodies with [`send_body`].

mod attention;
mod body;

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::runtime::Handle;

pub use self::attention::{Attention, Watch};
pub use self::body::{send_body, send_piece};

/// More than this is not kept but written at once, in bytes.
const MOST_KEPT: usize = 64 * 1024;

/// A connected socket. Clones are the same socket: one goes into the HTTP/2 connection, another flushes it.
#[derive(Clone)]
pub struct Socket {
    shared: Arc<Shared>,
}

struct Shared {
    reader: AsyncFd<UnixStream>,
    outgoing: Mutex<Outgoing>,
    /// Where to watch the socket for being writable; flushing may happen on a thread that is none of the runtime's.
    runtime: Handle,
}

#[derive(Default)]
struct Outgoing {
    kept: BytesMut,
    /// Made when the system would not take all for the first time.
    writer: Option<AsyncFd<UnixStream>>,
}

impl Socket {
    /// Takes over a connected socket. Needs a tokio runtime, which watches it.
    ///
    /// # Errors
    /// When the system does not let it be watched.
    pub fn new(stream: tokio::net::UnixStream) -> io::Result<Self> {
        let stream = stream.into_std()?;
        let reader = watched(stream, Interest::READABLE)?;
        Ok(Self { shared: Arc::new(Shared { reader, outgoing: Mutex::default(), runtime: Handle::current() }) })
    }

    /// Writes what was kept, as far as the system takes it; the rest follows when this is called again, for which `context` is woken.
    ///
    /// # Errors
    /// When the socket cannot be written to any more.
    pub fn send_kept(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_kept(&mut self.outgoing(), context)
    }

    /// Runs a future that uses this socket, and writes what it has left whenever it waits.
    pub async fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let output = future.as_mut().poll(context);
            // What goes wrong with writing, the future finds out by reading.
            let _ = self.send_kept(context);
            output
        })
        .await
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.shared.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_kept(&self, outgoing: &mut Outgoing, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !outgoing.kept.is_empty() {
            match self.shared.reader.get_ref().write(&outgoing.kept) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(n) => outgoing.kept.advance(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(self.poll_writable(outgoing, context))?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until writing is worth another try.
    fn poll_writable(&self, outgoing: &mut Outgoing, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = match &mut outgoing.writer {
            Some(writer) => writer,
            writer => {
                let stream = self.shared.reader.get_ref().try_clone()?;
                let _context = self.shared.runtime.enter();
                writer.insert(watched(stream, Interest::WRITABLE)?)
            }
        };
        // What it knew was wrong, or it would not be asked.
        let mut guard = ready!(writer.poll_write_ready(context))?;
        guard.clear_ready();
        Poll::Ready(Ok(()))
    }

    fn keep(&self, context: &mut Context<'_>, data: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut outgoing = self.outgoing();
        let length: usize = data.iter().map(|it| it.len()).sum();
        if outgoing.kept.len() + length > MOST_KEPT {
            ready!(self.write_kept(&mut outgoing, context))?;
        }
        if length <= MOST_KEPT {
            data.iter().for_each(|it| outgoing.kept.extend_from_slice(it));
            return Poll::Ready(Ok(length));
        }
        loop {
            match self.shared.reader.get_ref().write_vectored(data) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.poll_writable(&mut outgoing, context))?;
                }
                written => return Poll::Ready(written),
            }
        }
    }
}

/// Has the runtime watch a socket.
#[expect(unsafe_code, reason = "tokio asks for a promise that any owned socket keeps")]
fn watched(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: the stream owns its descriptor, which stays the same and open until the stream is dropped, and `AsyncFd` is given no
    // way to drop or replace it before it has ended the watching.
    unsafe { AsyncFd::register_with_interest(stream, interest) }.map_err(io::Error::from)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.shared.reader.poll_read_ready(context))?;
            let unfilled = buffer.initialize_unfilled();
            let room = unfilled.len();
            match guard.get_inner().read(unfilled) {
                Ok(n) => {
                    buffer.advance(n);
                    if n > 0 && n < room {
                        // That was all: the next read need not ask the system to learn it. More that comes is announced anew.
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.keep(context, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.keep(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does nothing: HTTP/2 flushes after every piece. See [`Socket::send_kept`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send_kept(context))?;
        self.shared.reader.get_ref().shutdown(Shutdown::Write)?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn nothing_is_written_before_it_is_flushed() {
        let (one, other) = tokio::net::UnixStream::pair().unwrap();
        let mut socket = Socket::new(one).unwrap();
        socket.write_all(b"headers ").await.unwrap();
        socket.flush().await.unwrap();
        socket.write_all(b"trailers").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(other.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        poll_fn(|context| socket.send_kept(context)).await.unwrap();
        other.readable().await.unwrap();
        assert_eq!(other.try_read(&mut buffer).unwrap(), 16);
        assert_eq!(&buffer[..16], b"headers trailers");
    }

    #[tokio::test]
    async fn more_than_the_system_takes_arrives_whole() {
        let (one, mut other) = tokio::net::UnixStream::pair().unwrap();
        let mut socket = Socket::new(one).unwrap();
        let data: Vec<u8> = (0..4_000_000u32).map(|it| it as u8).collect();
        let expected = data.clone();
        let writing = tokio::spawn(async move {
            for piece in data.chunks(50_000) {
                socket.write_all(piece).await.unwrap();
            }
            socket.write_all(&data).await.unwrap();
            socket.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        other.read_to_end(&mut received).await.unwrap();
        writing.await.unwrap();
        assert!(received[..4_000_000] == expected && received[4_000_000..] == expected);
    }

    #[tokio::test]
    async fn what_comes_is_read_to_its_end() {
        let (one, mut other) = tokio::net::UnixStream::pair().unwrap();
        let mut socket = Socket::new(one).unwrap();
        let writing = tokio::spawn(async move {
            for _ in 0..100 {
                other.write_all(&[7; 10_000]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await.unwrap();
        writing.await.unwrap();
        assert_eq!(received.len(), 1_000_000);
    }
}
