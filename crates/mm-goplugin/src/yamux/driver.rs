//! The two tasks of a connection.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

use super::connection::Inner;
use super::end::End;
use super::frame::{Header, flag};

/// The reason that yamux gives for a protocol error.
const GO_AWAY_PROTOCOL_ERROR: u32 = 1;

/// Into how many parts the wait for the answer to a ping is divided, and how much a timer may be late in any case.
const PARTS: u32 = 10;
const SLACK: Duration = Duration::from_millis(10);

/// Starts both tasks.
pub(super) fn start(inner: Arc<Inner>, read: impl AsyncRead + Send + Unpin + 'static) {
    let reader = tokio::spawn({
        let inner = inner.clone();
        async move {
            let end = read_all(&inner, read).await;
            inner.finish(&end);
        }
    });
    tokio::spawn(async move {
        let end = drive(&inner).await;
        if matches!(end, End::Closed) {
            // Before `Connection::close` returns: its caller may end the process.
            write_rest(&inner).await;
        }
        inner.finish(&end);
        reader.abort();
        if matches!(inner.end_now(), Some(End::Protocol(_))) {
            let _ = inner.out.append(|out, ()| Header::go_away(GO_AWAY_PROTOCOL_ERROR).write(out));
        }
        write_rest(&inner).await;
        inner.out.shut_down().await;
    });
}

/// Reads until the connection is over.
async fn read_all(inner: &Inner, mut read: impl AsyncRead + Unpin) -> End {
    loop {
        match poll_fn(|cx| inner.intake().poll_feed(inner, Pin::new(&mut read), cx)).await {
            Ok(0) => return End::PeerClosed,
            Ok(_) => {}
            Err(end) => return end,
        }
    }
}

/// Writes what could not be written at once, and keeps time, until the connection is over.
async fn drive(inner: &Inner) -> End {
    let flush = inner.out.drive();
    tokio::pin!(flush);
    let every = inner.limits.keep_alive_interval;
    let mut tick = interval_at(Instant::now() + every, every);
    let mut ping: u32 = 0;
    let part = inner.limits.keep_alive_timeout / PARTS;
    let mut waiting: Option<Waiting> = None;
    loop {
        let overdue = async {
            match &waiting {
                Some(waiting) => sleep_until(waiting.begun + part).await,
                None => pending().await,
            }
        };
        tokio::select! {
            error = &mut flush => return End::Io(error),
            () = inner.close.notified() => return inner.end_now().unwrap_or(End::Closed),
            () = overdue => {
                waiting = waiting.filter(|it| !it.is_over(pong(inner), ping));
                if let Some(more) = waiting.take() {
                    match more.after(part) {
                        Some(more) => waiting = Some(more),
                        None => return End::KeepAliveTimeout,
                    }
                }
            }
            now = tick.tick() => {
                sweep(inner, now);
                ping = ping.wrapping_add(1);
                // A failure is seen by `flush`.
                let _ = inner.out.put(|out, ()| Header::ping(flag::SYN, ping).write(out));
                waiting = waiting.filter(|it| !it.is_over(pong(inner), ping));
                waiting.get_or_insert(Waiting { ping, begun: Instant::now(), left: PARTS });
            }
        }
    }
}

/// The wait for the answer to a ping.
struct Waiting {
    ping: u32,
    /// When its present part has begun.
    begun: Instant,
    left: u32,
}

impl Waiting {
    /// Whether this ping was answered, or one after it; `last` is the last that was sent.
    fn is_over(&self, pong: Option<u32>, last: u32) -> bool {
        pong.is_some_and(|it| it.wrapping_sub(self.ping) <= last.wrapping_sub(self.ping))
    }

    /// What is left after a part, if anything. One that was far longer than it should be does not count: then this process had no turn,
    /// or the whole machine stood still, and the answer may be there and unread.
    fn after(self, part: Duration) -> Option<Self> {
        let counts = self.begun.elapsed() <= 2 * part + SLACK;
        let left = self.left - u32::from(counts);
        (left > 0).then(|| Self { begun: Instant::now(), left, ..self })
    }
}

fn pong(inner: &Inner) -> Option<u32> {
    *inner.pong.lock().expect("nothing panics under this lock")
}

/// Resets streams that this side let go of long ago and the other side has not closed.
fn sweep(inner: &Inner, now: Instant) {
    let limit = inner.limits.stream_close_timeout;
    let mut table = inner.table();
    let old = table.streams.extract_if(.., |_, cell| cell.lock().let_go.is_some_and(|since| now - since >= limit));
    for (id, cell) in old {
        cell.reset();
        let _ = inner.out.append(|out, ()| Header::window_update(id, flag::RST, 0).write(out));
    }
}

/// Writes what is waiting. A peer that does not read in time loses it.
async fn write_rest(inner: &Inner) {
    let rest = async {
        tokio::select! {
            _ = inner.out.drive() => {}
            _ = inner.out.drained() => {}
        }
    };
    let _ = timeout(inner.limits.close_timeout, rest).await;
}
