//! What is read from the socket, on its way to the streams.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::connection::Inner;
use super::end::End;
use super::reader::Reader;

/// Bytes read from the socket at a time.
const READ_SIZE: usize = 64 * 1024;

/// The buffer and the state of the one who reads: the connection's task, or another thread while that one is held up. Whoever has it
/// reads and acts on what was read before it lets go, so that the order of the bytes stays.
pub(super) struct Intake {
    reader: Reader,
    buffer: Box<[u8]>,
}

impl Intake {
    pub(super) fn new() -> Self {
        Self { reader: Reader::new(), buffer: vec![0; READ_SIZE].into_boxed_slice() }
    }

    /// Where the next bytes belong.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Acts on the first `count` bytes in the buffer, which were just read.
    pub(super) fn feed(&mut self, inner: &Inner, count: usize) -> Result<(), End> {
        inner.reads.fetch_add(1, Ordering::Relaxed);
        let result = self.reader.feed(inner, &self.buffer[..count]);
        // All answers to what was read, in one write. If there are none the outbox is left alone: a stream's task may be writing,
        // and this one must not wait for it.
        if self.reader.has_answered() {
            inner.out.flush();
        }
        result
    }

    /// Reads once and acts on it; how many bytes it was.
    pub(super) fn poll_feed(
        &mut self,
        inner: &Inner,
        read: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, End>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let read: io::Result<()> = ready!(read.poll_read(cx, &mut buffer));
        let count = buffer.filled().len();
        Poll::Ready(read.map_err(End::from).and_then(|()| self.feed(inner, count).map(|()| count)))
    }
}
