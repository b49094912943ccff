//! Waiting for an answer that will be there in a moment.
//!
//! A thread that sleeps until an answer comes is woken some 30 to 50 µs after it has come, when its processor has gone idle meanwhile. That
//! is more than either side does for a short call. So who waits for an answer stays awake for a moment and looks for it, as Go's
//! scheduler and adaptive mutexes do, but only when that is worth it:
//!
//! - Answers have come within [`LIMIT`] lately. A busy machine, or a handler that does more, makes them slower, and then nobody stays
//!   awake.
//! - Nothing else is waited for: with more to do, a thread does not fall asleep anyway.
//! - There is another processor for the other side.
//!
//! So a wait costs no more than [`LIMIT`] of processor time, and a process that waits for long answers pays nothing.

use std::future::poll_fn;
use std::num::NonZero;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::yield_now;

/// How long to stay awake, and how long answers may usually take for that.
const LIMIT: Duration = Duration::from_micros(300);

/// A wait counts as this long at most: after an answer that took minutes, ten quick ones are enough to be trusted again.
const LONGEST: Duration = Duration::from_micros(1200);

/// An answer's weight in what is usual is one part of so many.
const MEMORY: u32 = 8;

/// What is known of the answers of one kind of calls.
#[derive(Debug, Default)]
pub struct Attention {
    /// Waits under way, without those of which it is known that they take long.
    waiting: AtomicUsize,
    /// How long an answer takes, as a moving average in nanoseconds.
    usual: AtomicU32,
}

impl Attention {
    /// Of calls of which nothing is known yet.
    pub const fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), usual: AtomicU32::new(0) }
    }

    /// Waits for a future on a tokio runtime. While it stays awake the other tasks run, and the runtime looks for events; with several
    /// threads another one would do that, so then it is an ordinary wait.
    pub async fn wait<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
            return future.await;
        }
        // From what is there already nothing is to be learnt.
        if let Poll::Ready(output) = poll_once(future.as_mut()).await {
            return output;
        }
        let mut watch = self.begin();
        while watch.stays_awake() {
            yield_now().await;
            if let Poll::Ready(output) = poll_once(future.as_mut()).await {
                watch.over();
                return output;
            }
        }
        let output = future.await;
        watch.over();
        output
    }

    /// Begins a wait, for one who waits without a runtime.
    pub fn begin(&self) -> Watch<'_> {
        let since = Instant::now();
        let usual = Duration::from_nanos(self.usual.load(Ordering::Relaxed).into());
        let until = (usual <= LIMIT && has_other_processors()).then(|| since + LIMIT);
        if until.is_some() {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
        Watch { attention: self, since, until }
    }
}

/// A wait under way. Dropped without [`Watch::over`] it was given up, and nothing is learnt from it.
#[derive(Debug)]
pub struct Watch<'a> {
    attention: &'a Attention,
    since: Instant,
    /// `None`: the answer is not expected soon, or not any more. Then this is not among those who wait: an event that comes once an
    /// hour must not send all others to sleep meanwhile.
    until: Option<Instant>,
}

impl Watch<'_> {
    /// Whether to look again at once, in place of sleeping until there is something. Before it says so it gives way to other threads: the
    /// system may have put the one that answers on this very processor.
    pub fn stays_awake(&mut self) -> bool {
        let Some(until) = self.until else { return false };
        if Instant::now() >= until {
            self.leave();
            return false;
        }
        let alone = self.attention.waiting.load(Ordering::Relaxed) == 1;
        if alone {
            std::thread::yield_now();
        }
        alone
    }

    /// Is not among those who wait any more.
    fn leave(&mut self) {
        if self.until.take().is_some() {
            self.attention.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The answer is there.
    pub fn over(self) {
        let took = u32::try_from(self.since.elapsed().min(LONGEST).as_nanos()).unwrap_or(u32::MAX);
        // Of two answers at once one may be forgotten.
        let usual = self.attention.usual.load(Ordering::Relaxed);
        self.attention.usual.store(usual - usual / MEMORY + took / MEMORY, Ordering::Relaxed);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Whether the other side can work while this one looks.
fn has_other_processors() -> bool {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, NonZero::get)) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wait that ended so long after its beginning.
    fn answered_after(attention: &Attention, took: Duration) {
        let mut watch = attention.begin();
        watch.since -= took;
        watch.over();
    }

    /// Whether the next wait would stay awake, on a machine that has the processors for it.
    fn is_awake(attention: &Attention) -> bool {
        let mut watch = attention.begin();
        // However slow this test is.
        watch.until = watch.until.map(|it| it + Duration::from_secs(60));
        watch.stays_awake()
    }

    #[test]
    fn who_gets_quick_answers_stays_awake() {
        let attention = Attention::new();
        assert_eq!(is_awake(&attention), has_other_processors());
        for _ in 0..20 {
            answered_after(&attention, Duration::from_secs(3600));
        }
        assert!(!is_awake(&attention), "answers take long");
        for _ in 0..20 {
            answered_after(&attention, Duration::from_micros(20));
        }
        assert_eq!(is_awake(&attention), has_other_processors(), "they are quick again");
    }

    #[test]
    fn it_ends_after_a_moment() {
        let attention = Attention::new();
        let mut watch = attention.begin();
        watch.until = Some(Instant::now() - Duration::from_nanos(1));
        assert!(!watch.stays_awake());
    }

    #[test]
    fn two_who_wait_sleep() {
        let attention = Attention::new();
        let first = attention.begin();
        assert!(!is_awake(&attention));
        drop(first);
        assert_eq!(is_awake(&attention), has_other_processors());
    }

    #[test]
    fn a_long_wait_sends_nobody_else_to_sleep() {
        let attention = Attention::new();
        let mut first = attention.begin();
        first.until = first.until.map(|_| Instant::now());
        assert!(!first.stays_awake());
        assert_eq!(is_awake(&attention), has_other_processors());
        drop(first);
        assert_eq!(attention.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_is_waited_for_comes_however_long_it_takes() {
        let attention = Attention::new();
        assert_eq!(attention.wait(async { 1 }).await, 1);
        assert_eq!(attention.usual.load(Ordering::Relaxed), 0, "it was there already");
        let (answer, answered) = tokio::sync::oneshot::channel();
        let waiting = attention.wait(answered);
        let answering = async {
            // Until the other has gone to sleep.
            tokio::time::sleep(LIMIT * 20).await;
            answer.send(2).unwrap();
        };
        assert_eq!(tokio::join!(waiting, answering).0, Ok(2));
        assert!(attention.usual.load(Ordering::Relaxed) > 0, "this was learnt from");
        assert_eq!(attention.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_gives_up_does_not_wait_any_more() {
        let attention = Attention::new();
        let waiting = attention.wait(std::future::pending::<()>());
        let given_up = tokio::time::timeout(Duration::from_millis(1), waiting).await;
        assert!(given_up.is_err());
        assert_eq!(attention.waiting.load(Ordering::Relaxed), 0);
    }
}
