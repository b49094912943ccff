//! How long a streaming hook may keep everybody waiting: a limit for the first part of its answer, none for what follows.
//!
//! A handler that reads a slow upload before it answers is busy, not stuck: each part of the request that it takes begins the limit anew.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;

/// The limit of one call.
#[derive(Clone)]
pub(crate) struct Patience {
    shared: Arc<Shared>,
}

struct Shared {
    hook: String,
    limit: Duration,
    /// When the last sign of life was.
    since: Mutex<Instant>,
}

impl Patience {
    pub(crate) fn new(hook: &str, limit: Duration) -> Self {
        Self { shared: Arc::new(Shared { hook: hook.to_owned(), limit, since: Mutex::new(Instant::now()) }) }
    }

    /// The request's body: what is taken of it is a sign of life.
    pub(crate) fn watching(self, body: Body) -> Body {
        Body::new(Watched { body, patience: self })
    }

    /// The answer's body, which fails when it does not begin in time; `late` hears of that.
    pub(crate) fn limiting(self, body: Body, late: impl FnOnce() + Send + Unpin + 'static) -> Body {
        let alarm = Box::pin(tokio::time::sleep_until(self.until()));
        Body::new(Limited { body, patience: Some((self, alarm)), late: Some(late) })
    }

    fn note(&self) {
        *self.shared.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn until(&self) -> Instant {
        let since = *self.shared.since.lock().unwrap_or_else(PoisonError::into_inner);
        since + self.shared.limit
    }

    fn over(&self) -> Status {
        let Shared { hook, limit, .. } = &*self.shared;
        Status::deadline_exceeded(format!("{hook} did not begin to answer within {} s", limit.as_secs_f32()))
    }
}

struct Watched {
    body: Body,
    patience: Patience,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(Some(Ok(_)))) {
            self.patience.note();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Limited<F> {
    body: Body,
    late: Option<F>,
    /// Until the answer begins.
    patience: Option<(Patience, Pin<Box<Sleep>>)>,
}

impl<F: FnOnce() + Send + Unpin + 'static> hyper::body::Body for Limited<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            self.patience = None;
            return frame;
        }
        let this = &mut *self;
        let Some((patience, alarm)) = &mut this.patience else { return Poll::Pending };
        while alarm.as_mut().poll(context).is_ready() {
            let until = patience.until();
            if until <= Instant::now() {
                if let Some(late) = this.late.take() {
                    late();
                }
                return Poll::Ready(Some(Err(patience.over())));
            }
            alarm.as_mut().reset(until);
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use futures::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};

    const LIMIT: Duration = Duration::from_secs(30);

    fn after(delays: &[u64]) -> Body {
        let frames = stream::iter(delays.to_vec()).then(|seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Status>(Frame::data(Bytes::from_static(b"x")))
        });
        Body::new(StreamBody::new(Box::pin(frames)))
    }

    async fn read(mut body: Body) -> Result<usize, String> {
        let mut frames = 0;
        while let Some(frame) = body.frame().await {
            frame.map_err(|status| status.message().to_owned())?;
            frames += 1;
        }
        Ok(frames)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_begin_is_given_up() {
        let began = Instant::now();
        let late = Arc::new(AtomicBool::new(false));
        let told = late.clone();
        let answer =
            read(Patience::new("ServeHTTP", LIMIT).limiting(after(&[31]), move || told.store(true, Ordering::Relaxed)))
                .await;
        assert_eq!(answer, Err("ServeHTTP did not begin to answer within 30 s".to_owned()));
        assert_eq!(began.elapsed(), LIMIT);
        assert!(late.load(Ordering::Relaxed));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_has_begun_may_take_for_ever() {
        assert_eq!(read(Patience::new("ServeHTTP", LIMIT).limiting(after(&[29, 3600, 86_400]), || {})).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_still_reads_the_request_is_not_late() {
        let patience = Patience::new("ServeHTTP", LIMIT);
        let request = patience.clone().watching(after(&[20; 10]));
        tokio::spawn(read(request));
        let began = Instant::now();
        assert_eq!(read(patience.clone().limiting(after(&[220]), || {})).await, Ok(1));
        let stuck = read(patience.limiting(after(&[3600]), || {})).await;
        assert!(stuck.is_err());
        assert!(began.elapsed() <= Duration::from_secs(220) + LIMIT);
    }
}
