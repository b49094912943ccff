//! Standard output and standard error of the plugin's process, read to log records.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

use super::process::Output;
use super::records::Grouper;
use crate::log::{LogRecord, LogSink, LogSource};

/// How long a record that may go on is held back.
const HOLD: Duration = Duration::from_millis(40);

/// How much of standard error is kept to explain an end.
const TAIL_BYTES: usize = 64 * 1024;

/// A line longer than this is cut.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// The readers of one process.
pub(crate) struct Stdio {
    tasks: Vec<JoinHandle<()>>,
    streams: Vec<Arc<Stream>>,
    tail: Arc<Mutex<Tail>>,
}

/// What a reader shares with whoever wants to know whether all was read.
struct Stream {
    /// Another descriptor of the pipe, to ask how much is in it.
    pipe: Option<OwnedFd>,
    /// Whether the reader waits for the pipe with nothing held back.
    idle: AtomicBool,
}

#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Stdio {
    /// Reads both streams until their end.
    pub(crate) fn read((stdout, stderr): Output, sink: &LogSink) -> Self {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let stream = |pipe: Option<OwnedFd>| Arc::new(Stream { pipe, idle: AtomicBool::new(false) });
        let streams =
            vec![stream(stdout.as_fd().try_clone_to_owned().ok()), stream(stderr.as_fd().try_clone_to_owned().ok())];
        let out = Reader::new(LogSource::Stdout, sink.clone(), None, streams[0].clone());
        let err = Reader::new(LogSource::Stderr, sink.clone(), Some(tail.clone()), streams[1].clone());
        let tasks = vec![tokio::spawn(out.run(stdout)), tokio::spawn(err.run(stderr))];
        Self { tasks, streams, tail }
    }

    /// Waits until all that was printed so far became records, or `limit` is over.
    pub(crate) async fn drained(streams: &StreamSet, limit: Duration) {
        let all = async {
            // Twice in a row: a reader that has just emptied the pipe says so a moment later.
            let mut n_quiet = 0;
            while n_quiet < 2 {
                n_quiet = if streams.0.iter().all(|it| it.is_drained()) { n_quiet + 1 } else { 0 };
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(limit, all).await;
    }

    /// What [`Stdio::drained`] waits for.
    pub(crate) fn streams(&self) -> StreamSet {
        StreamSet(self.streams.clone())
    }

    /// Waits for the end of both streams, at most `limit`: a process that this one started may still hold them.
    pub(crate) async fn finish(self, limit: Duration) -> String {
        let deadline = tokio::time::Instant::now() + limit;
        for mut task in self.tasks {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.lines.iter().map(|it| format!("{it}\n")).collect()
    }
}

/// The streams of a process.
#[derive(Clone)]
pub(crate) struct StreamSet(Vec<Arc<Stream>>);

impl Stream {
    fn is_drained(&self) -> bool {
        let empty = self.pipe.as_ref().is_none_or(|it| bytes_waiting(it) == 0);
        empty && self.idle.load(Ordering::Acquire)
    }
}

/// How many bytes are in a pipe.
fn bytes_waiting(pipe: &OwnedFd) -> i32 {
    let mut n_bytes: nix::libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the address, which is that of a local int; the descriptor is open.
    let result = unsafe { nix::libc::ioctl(pipe.as_raw_fd(), nix::libc::FIONREAD, &raw mut n_bytes) };
    if result == 0 { n_bytes } else { 0 }
}

/// Reads one stream.
struct Reader {
    grouper: Grouper,
    sink: LogSink,
    tail: Option<Arc<Mutex<Tail>>>,
    stream: Arc<Stream>,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
}

impl Reader {
    fn new(source: LogSource, sink: LogSink, tail: Option<Arc<Mutex<Tail>>>, stream: Arc<Stream>) -> Self {
        Self { grouper: Grouper::new(source), sink, tail, stream, partial: Vec::new() }
    }

    async fn run(mut self, mut pipe: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let holding = self.grouper.is_holding() || !self.partial.is_empty();
            self.stream.idle.store(!holding, Ordering::Release);
            let read = pipe.read(&mut buffer);
            let n = match if holding { tokio::time::timeout(HOLD, read).await } else { Ok(read.await) } {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(n)) => n,
                Err(_) => {
                    self.flush();
                    continue;
                }
            };
            self.stream.idle.store(false, Ordering::Release);
            self.take(&buffer[..n]);
        }
        self.flush();
        self.stream.idle.store(true, Ordering::Release);
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|it| *it == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial.len() > MAX_LINE_BYTES {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.partial);
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches(['\n', '\r']);
        if let Some(tail) = &self.tail {
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
        for record in self.grouper.push(line) {
            self.emit(record);
        }
    }

    fn flush(&mut self) {
        if !self.partial.is_empty() {
            self.end_line();
        }
        if let Some(record) = self.grouper.flush() {
            self.emit(record);
        }
    }

    fn emit(&self, record: LogRecord) {
        (self.sink)(record);
    }
}

impl Tail {
    fn push(&mut self, line: &str) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line.to_owned());
        while self.bytes > TAIL_BYTES {
            let Some(first) = self.lines.pop_front() else { break };
            self.bytes -= first.len() + 1;
        }
    }
}
