//! Bytes on their way into a writer, put there whole by many and written by whoever comes first.
//!
//! Both layers of this crate write into one stream from many tasks: a yamux connection its frames, a net/rpc connection its
//! messages. What one task puts must stay together, its state (a gob encoder) must advance in the order of the bytes, and a task
//! that is dropped in the middle must not leave half of it behind. So bytes are appended under a lock, without waiting, and the
//! same task then writes as much as the writer takes. Only when the writer is full does [`Outbox::drive`], the task that belongs
//! to the outbox, go on with the rest. In the common case a reply therefore costs one `write` and no change of task.
//!
//! Where all tasks take turns on one thread, [`Outbox::drive`] can do all of the writing ([`Outbox::gathering`]): then several
//! puts, by tasks that run one after the other, are one `write`, and the other side is woken once.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::AsyncWrite;
use tokio::sync::Notify;

/// Where the bytes go.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A buffer that has held a large message is given back when it is empty.
const KEPT_CAPACITY: usize = 64 * 1024;

/// So much is not kept for the end of a turn but written at once, in bytes.
const MOST_GATHERED: usize = 32 * 1024;

/// See the module. `E` is state that changes together with the bytes.
pub(crate) struct Outbox<E> {
    state: Mutex<State<E>>,
    signal: Arc<Signal>,
    waker: Waker,
    /// More than this much is waiting: [`Outbox::poll_room`] says wait.
    high_water: usize,
    /// See [`Outbox::gathering`].
    gathers: bool,
}

struct State<E> {
    /// `None` once the writer is shut down or has failed.
    writer: Option<Writer>,
    buffer: Vec<u8>,
    /// How much of `buffer` is written.
    written: usize,
    /// Everything is written, but the writer has not confirmed that it passed it on.
    unflushed: bool,
    failure: Option<Arc<io::Error>>,
    /// Tasks that wait for room or for the buffer to be empty.
    waiting: Vec<Waker>,
    extra: E,
}

/// Wakes the task in [`Outbox::drive`]; handed to the writer in place of the waker of a task that will not wait.
struct Signal(Notify);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl<E> Outbox<E> {
    pub(crate) fn new(writer: Writer, high_water: usize, extra: E) -> Self {
        let signal = Arc::new(Signal(Notify::new()));
        let state = State {
            writer: Some(writer),
            buffer: Vec::new(),
            written: 0,
            unflushed: false,
            failure: None,
            waiting: Vec::new(),
            extra,
        };
        Self { state: Mutex::new(state), waker: Waker::from(signal.clone()), signal, high_water, gathers: false }
    }

    /// Whether what is put waits for the end of the turn: until the tasks that can run have run, and [`Outbox::drive`] with them.
    pub(crate) fn gathering(self, gathers: bool) -> Self {
        Self { gathers, ..self }
    }

    /// Appends under the lock and writes nothing yet. `append` gets the buffer and the extra state, and may only
    /// append. After the writer has failed or was shut down nothing is appended and the answer is an error.
    pub(crate) fn append<R>(&self, append: impl FnOnce(&mut Vec<u8>, &mut E) -> R) -> io::Result<R> {
        let mut state = self.lock();
        state.check()?;
        let State { buffer, extra, .. } = &mut *state;
        Ok(append(buffer, extra))
    }

    /// [`Outbox::append`], then writes as much as the writer takes now, or has it written at the end of the turn.
    pub(crate) fn put<R>(&self, append: impl FnOnce(&mut Vec<u8>, &mut E) -> R) -> io::Result<R> {
        let mut state = self.lock();
        state.check()?;
        let State { buffer, extra, .. } = &mut *state;
        let result = append(buffer, extra);
        if self.gathers && state.waiting_bytes() < MOST_GATHERED {
            self.signal.0.notify_one();
        } else {
            self.write_out(state);
        }
        Ok(result)
    }

    /// Writes as much as the writer takes now. Failures are seen by [`Outbox::drive`].
    pub(crate) fn flush(&self) {
        let state = self.lock();
        if !state.buffer.is_empty() || state.unflushed {
            self.write_out(state);
        }
    }

    /// Ready when less than the high-water mark is waiting.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        state.check()?;
        if state.waiting_bytes() < self.high_water {
            return Poll::Ready(Ok(()));
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Waits until less than the high-water mark is waiting.
    pub(crate) async fn room(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_room(cx)).await
    }

    /// Writes what the callers of [`Outbox::put`] could not. Returns when the writer has failed; runs for ever otherwise.
    pub(crate) async fn drive(&self) -> Arc<io::Error> {
        loop {
            self.signal.0.notified().await;
            if self.gathers {
                at_the_end_of_the_queue().await;
            }
            self.flush();
            if let Some(failure) = &self.lock().failure {
                return failure.clone();
            }
        }
    }

    /// Waits until everything is written. Needs [`Outbox::drive`] running.
    pub(crate) async fn drained(&self) -> io::Result<()> {
        self.flush();
        poll_fn(|cx| {
            let mut state = self.lock();
            state.check()?;
            if state.buffer.is_empty() && !state.unflushed {
                return Poll::Ready(Ok(()));
            }
            state.wait(cx);
            Poll::Pending
        })
        .await
    }

    /// Shuts the writer down and lets go of it. What is still waiting is lost: see [`Outbox::drained`].
    pub(crate) async fn shut_down(&self) {
        let writer = {
            let mut state = self.lock();
            let writer = state.writer.take();
            state.fail(io::Error::new(io::ErrorKind::BrokenPipe, "closed on this side"));
            writer
        };
        self.wake_waiting();
        if let Some(mut writer) = writer {
            // Nobody is left who could be told of a failure.
            let _ = poll_fn(|cx| Pin::new(&mut writer).poll_shutdown(cx)).await;
        }
    }

    fn write_out(&self, mut state: MutexGuard<'_, State<E>>) {
        let mut cx = Context::from_waker(&self.waker);
        state.write_out(&mut cx);
        let wake = if state.waiting_bytes() < self.high_water || state.failure.is_some() {
            std::mem::take(&mut state.waiting)
        } else {
            Vec::new()
        };
        if state.failure.is_some() {
            self.signal.0.notify_one();
        }
        drop(state);
        // Outside of the lock: a woken task may run at once and come back here.
        wake.into_iter().for_each(Waker::wake);
    }

    fn wake_waiting(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_iter().for_each(Waker::wake);
        self.signal.0.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // A panic while the lock is held can only come from the writer; the state is whole at each of its calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the tasks run that can run now. Unlike tokio's `yield_now`, does not look for new events before it goes on.
async fn at_the_end_of_the_queue() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<E> State<E> {
    fn check(&self) -> io::Result<()> {
        match &self.failure {
            Some(failure) => Err(io::Error::new(failure.kind(), failure.clone())),
            None => Ok(()),
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.written
    }

    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert_with(|| Arc::new(error));
        self.writer = None;
        self.buffer = Vec::new();
        self.written = 0;
        self.unflushed = false;
    }

    fn write_out(&mut self, cx: &mut Context<'_>) {
        let Some(writer) = &mut self.writer else { return };
        while self.written < self.buffer.len() {
            match Pin::new(&mut *writer).poll_write(cx, &self.buffer[self.written..]) {
                Poll::Ready(Ok(0)) => return self.fail(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return self.fail(error),
                Poll::Pending => return self.compact(),
            }
            self.unflushed = true;
        }
        self.written = 0;
        if self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        } else {
            self.buffer.clear();
        }
        if self.unflushed {
            match Pin::new(writer).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => self.fail(error),
                Poll::Pending => {}
            }
        }
    }

    /// Gives up what is written once it is the larger part, so that the buffer does not grow under a writer that never empties it.
    fn compact(&mut self) {
        if self.written > self.buffer.len() / 2 {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }
}
