//! Standard output and standard error of the plugin's process, read to log records.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::pin;
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

/// How often is looked whether a pipe was read.
const LOOK: Duration = Duration::from_millis(2);

/// How many looks a process that holds a stream, and writes on, is worth in the end.
const LAST_LOOKS: usize = 250;

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
            while !streams.0.iter().all(|it| it.is_drained()) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(limit, all).await;
    }

    /// What [`Stdio::drained`] waits for.
    pub(crate) fn streams(&self) -> StreamSet {
        StreamSet(self.streams.clone())
    }

    /// Waits for the end of both streams, at most `limit`: a process that this one started may still hold them. What is in the pipes by
    /// then is read all the same.
    pub(crate) async fn finish(self, limit: Duration) -> String {
        let deadline = tokio::time::Instant::now() + limit;
        for (mut task, stream) in self.tasks.into_iter().zip(&self.streams) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                // On a machine that stood still meanwhile the limit is over before anything was read.
                for _ in 0..LAST_LOOKS {
                    if stream.is_drained() {
                        break;
                    }
                    tokio::time::sleep(LOOK).await;
                }
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
        empty && self.idle.load(Ordering::SeqCst)
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
            let mut read = pin!(pipe.read(&mut buffer));
            let read = poll_fn(|cx| {
                // Before the pipe is emptied: who finds it empty has to find a reader that is not idle, until there are records.
                self.stream.idle.store(false, Ordering::SeqCst);
                let polled = read.as_mut().poll(cx);
                self.stream.idle.store(polled.is_pending() && !holding, Ordering::SeqCst);
                polled
            });
            let n = match if holding { tokio::time::timeout(HOLD, read).await } else { Ok(read.await) } {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(n)) => n,
                Err(_) => {
                    self.flush();
                    continue;
                }
            };
            self.take(&buffer[..n]);
        }
        self.flush();
        self.stream.idle.store(true, Ordering::SeqCst);
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

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;

    use super::*;

    /// A machine that stands still while a process ends: the limit is over, and nothing was read.
    #[test]
    fn what_was_printed_is_read_though_the_limit_is_over_and_somebody_holds_the_pipe() {
        // One that looks at the time after each task.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.event_interval(1).enable_all().build().unwrap().block_on(last_words());
    }

    async fn last_words() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "echo out; echo 'no luck' >&2; exec sleep 100"]).kill_on_drop(true);
        let mut child =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let pipe = stderr.as_fd().try_clone_to_owned().unwrap();
        while bytes_waiting(&pipe) == 0 {
            tokio::time::sleep(LOOK).await;
        }
        let records = Arc::new(Mutex::new(Vec::new()));
        let kept = records.clone();
        let sink: LogSink = Arc::new(move |it: LogRecord| kept.lock().unwrap().push(it.message));
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(50)) });
        let limit = Duration::from_millis(1);
        assert_eq!(Stdio::read((stdout, stderr), &sink).finish(limit).await, "no luck\n");
        let mut records = records.lock().unwrap().clone();
        records.sort();
        assert_eq!(records, ["no luck", "out"]);
    }

    /// A pipe that is empty from the moment in which it is read, after it has been waited for once.
    struct Emptied(Arc<Stream>, usize);

    impl AsyncRead for Emptied {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            to: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            assert!(!self.0.is_drained(), "the pipe is empty, and there is no record yet");
            self.1 += 1;
            match self.1 {
                1 => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                2 => to.put_slice(b"line\n"),
                _ => {}
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn nothing_is_drained_between_the_pipe_and_the_records() {
        let stream = Arc::new(Stream { pipe: None, idle: AtomicBool::new(false) });
        let seen = stream.clone();
        let sink: LogSink = Arc::new(move |_| assert!(!seen.is_drained()));
        let reader = Reader::new(LogSource::Stdout, sink, None, stream.clone());
        reader.run(Emptied(stream.clone(), 0)).await;
        assert!(stream.is_drained());
    }
}
