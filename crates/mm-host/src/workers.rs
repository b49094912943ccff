//! The processes of a plugin as the calls see them: one picked for each call, or the reason why none takes it.
//!
//! ```text
//! HooksClient ─► (what guards the calls) ─► Workers ─► HookChannel of one worker ─► its process
//! ```
//!
//! A worker is a place for one process; a process that dies is followed by another at the same place. The first worker is the one on
//! which `OnActivate` and `OnDeactivate` run; `OnConfigurationChange` goes to all; every other hook goes to the worker with the fewest
//! calls under way.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, mpsc, watch};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::downstream::{Absent, Connection, Deadlines, HookChannel, WorkerId};

/// Bytes of a call that goes to all workers. Such a call has no arguments worth mentioning.
const MAX_SHARED_BYTES: usize = 1 << 20;

/// Where calls go. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    /// The first one is the one that is activated.
    seats: RwLock<Vec<Seat>>,
    /// Told whenever a worker begins or ceases to take calls.
    changes: watch::Sender<()>,
    /// Where to begin to look for an idle worker.
    turn: AtomicUsize,
    stuck: mpsc::UnboundedSender<(WorkerId, String)>,
}

/// A worker's place.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) channel: HookChannel,
    load: Arc<Load>,
}

/// The calls under way.
#[derive(Default)]
struct Load {
    calls: AtomicUsize,
    idle: Notify,
}

/// One call under way, for as long as this lives.
struct Ticket(Arc<Load>);

/// Who takes a call: one worker, or all of them.
pub(crate) struct Picked {
    /// Not empty.
    takers: Vec<(Seat, WorkerId, Ticket)>,
}

/// Which workers a hook is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Audience {
    /// The one that is activated.
    First,
    /// Every one.
    All,
    /// Any one.
    Any,
}

impl Audience {
    fn of(hook: &str) -> Self {
        match hook {
            "OnActivate" | "OnDeactivate" => Self::First,
            "OnConfigurationChange" => Self::All,
            _ => Self::Any,
        }
    }
}

/// Whether the plugin lives by this hook: it is for certain workers, and never in the way of others.
pub(crate) fn is_of_life(hook: &str) -> bool {
    Audience::of(hook) != Audience::Any
}

impl Seat {
    /// A place whose process is not there yet; its coming and going is told to the workers that `changes` belongs to.
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self { channel: HookChannel::closed(changes), load: Arc::default() }
    }

    fn ticket(&self) -> Ticket {
        self.load.calls.fetch_add(1, Ordering::AcqRel);
        Ticket(self.load.clone())
    }

    /// Waits until no call is under way, `limit` at most. Gives whether that is so.
    pub(crate) async fn drained(&self, limit: Duration) -> bool {
        let idle = async {
            loop {
                let mut woken = pin!(self.load.idle.notified());
                // From here on nothing is missed.
                woken.as_mut().enable();
                if self.load.calls.load(Ordering::Acquire) == 0 {
                    return;
                }
                woken.await;
            }
        };
        tokio::time::timeout(limit, idle).await.is_ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.0.calls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Workers {
    /// No workers yet; what is said to be [`Workers::stuck`] goes to `stuck`.
    pub(crate) fn new(stuck: mpsc::UnboundedSender<(WorkerId, String)>) -> Self {
        let (seats, turn) = (RwLock::default(), AtomicUsize::new(0));
        Self { shared: Arc::new(Shared { seats, changes: watch::Sender::new(()), turn, stuck }) }
    }

    /// For [`Seat::new`].
    pub(crate) fn changes(&self) -> watch::Sender<()> {
        self.shared.changes.clone()
    }

    /// Calls go to these from now on; gives those before.
    pub(crate) fn seat(&self, seats: Vec<Seat>) -> Vec<Seat> {
        let mut current = self.shared.seats.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, seats);
        drop(current);
        self.shared.changes.send_replace(());
        before
    }

    /// Calls go to `seat` in place of the one at `index`, between two calls; gives the one before, whose calls go on.
    pub(crate) fn replace(&self, index: usize, seat: Seat) -> Option<Seat> {
        let mut current = self.shared.seats.write().unwrap_or_else(PoisonError::into_inner);
        let before = current.get_mut(index).map(|it| std::mem::replace(it, seat));
        drop(current);
        self.shared.changes.send_replace(());
        before
    }

    fn seats(&self) -> RwLockReadGuard<'_, Vec<Seat>> {
        self.shared.seats.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who takes the next call of the hook with this Go name.
    ///
    /// # Errors
    /// Why nobody does, and whether that will change by itself.
    pub(crate) fn pick(&self, hook: &str) -> Result<Picked, Absent> {
        let seats = self.seats();
        let open = |seat: &Seat| seat.channel.worker().map(|id| (seat.clone(), id, seat.ticket()));
        let takers: Vec<_> = match Audience::of(hook) {
            Audience::First => seats.first().into_iter().filter_map(|it| open(it).ok()).collect(),
            Audience::All => seats.iter().filter_map(|it| open(it).ok()).collect(),
            Audience::Any if seats.len() == 1 => seats.iter().filter_map(|it| open(it).ok()).collect(),
            Audience::Any => {
                let begin = self.shared.turn.fetch_add(1, Ordering::Relaxed);
                let n = seats.len();
                let in_turn = (0..n).map(|it| &seats[(begin + it) % n]).filter(|it| it.channel.worker().is_ok());
                let idlest = in_turn.min_by_key(|it| it.load.calls.load(Ordering::Acquire));
                idlest.into_iter().filter_map(|it| open(it).ok()).collect()
            }
        };
        if takers.is_empty() { Err(absence(&seats)) } else { Ok(Picked { takers }) }
    }

    /// Waits until a worker takes calls.
    ///
    /// # Errors
    /// Why none will without somebody's doing: the plugin is stopped, or has failed for good.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.borrow_and_update();
            {
                let seats = self.seats();
                if seats.iter().any(|it| it.channel.worker().is_ok()) {
                    return Ok(());
                }
                let absence = absence(&seats);
                if !absence.coming {
                    return Err(absence.why);
                }
            }
            if changes.changed().await.is_err() {
                return Err("the host has given the plugin up".to_owned());
            }
        }
    }

    /// Says that a handler on this worker is far over its time and does not end: another process takes its place. `why` is for the log.
    pub(crate) fn stuck(&self, worker: WorkerId, why: &str) {
        // Nobody listens any more: the plugin ends.
        let _ = self.shared.stuck.send((worker, why.to_owned()));
    }

    /// The connection to this process, if it still takes calls: to ask it about itself.
    pub(crate) fn connection(&self, worker: WorkerId) -> Option<Connection> {
        self.seats().iter().find_map(|it| it.channel.connection(worker))
    }

    /// Picks a worker and sends the call; see [`Picked::send`].
    pub(crate) async fn send(self, request: Request<Body>) -> Response<Body> {
        let picked = self.pick(request.uri().path().rsplit('/').next().unwrap_or_default());
        match picked {
            Ok(picked) => picked.send(request).await,
            Err(absent) => absent.answer(),
        }
    }
}

/// Why none of them takes calls: what the first one says, and that one comes if any says so.
fn absence(seats: &[Seat]) -> Absent {
    let all: Vec<Absent> = seats.iter().filter_map(|it| it.channel.worker().err()).collect();
    let why = all.first().map_or_else(|| "the plugin's process was not started".to_owned(), |it| it.why.clone());
    Absent { why, coming: all.iter().any(|it| it.coming) }
}

impl Picked {
    /// The process that takes the call; of several the first.
    pub(crate) fn worker(&self) -> WorkerId {
        self.takers[0].1
    }

    /// Sends the call. Sent to all workers, the answer is the first one that is a failure, else that of the first worker.
    /// Its extensions hold the [`WorkerId`] of who gave it, and `WorkerLost` or `NoWorker` when nobody did.
    pub(crate) async fn send(mut self, request: Request<Body>) -> Response<Body> {
        if self.takers.len() > 1 {
            return self.send_to_all(request).await;
        }
        let Some((seat, worker, ticket)) = self.takers.pop() else {
            return Status::internal("a call without a worker").into_http();
        };
        let path = request.uri().path();
        let is_stream = Deadlines::is_stream(path.rsplit('/').next().unwrap_or_default());
        let mut response = seat.channel.send(request).await;
        response.extensions_mut().insert(worker);
        // The answer to any other call is all there.
        if is_stream { response.map(|body| Body::new(Holding::new(body, ticket))) } else { response }
    }

    async fn send_to_all(self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, MAX_SHARED_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Status::internal(format!("a call for all workers: {error}")).into_http(),
        };
        let calls = self.takers.into_iter().map(|(seat, worker, ticket)| {
            let request = Request::from_parts(head.clone(), Body::new(Full::new(body.clone())));
            async move {
                let mut response = seat.channel.send(request).await;
                response.extensions_mut().insert(worker);
                drop(ticket);
                response
            }
        });
        let mut answers = join_all(calls).await;
        let failed = answers.iter().position(|it| it.headers().get("grpc-status").is_some_and(|it| it != "0"));
        answers.swap_remove(failed.unwrap_or_default())
    }
}

impl Service<Request<Body>> for Workers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let workers = self.clone();
        Box::pin(async move { Ok(workers.send(request).await) })
    }
}

/// The answer to a stream, which is under way until its end: so long something is held.
pub(crate) struct Holding<T> {
    body: Body,
    _held: T,
}

impl<T> Holding<T> {
    pub(crate) fn new(body: Body, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<T: Unpin> hyper::body::Body for Holding<T> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
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
    use super::*;
    use crate::downstream::NoWorker;

    fn workers(n: usize) -> (Workers, Vec<Seat>, mpsc::UnboundedReceiver<(WorkerId, String)>) {
        let (stuck, told) = mpsc::unbounded_channel();
        let workers = Workers::new(stuck);
        let seats: Vec<Seat> = (0..n).map(|_| Seat::new(workers.changes())).collect();
        workers.seat(seats.clone());
        (workers, seats, told)
    }

    #[test]
    fn each_hook_has_its_audience() {
        assert_eq!(Audience::of("OnActivate"), Audience::First);
        assert_eq!(Audience::of("OnDeactivate"), Audience::First);
        assert_eq!(Audience::of("OnConfigurationChange"), Audience::All);
        assert_eq!(Audience::of("MessageHasBeenPosted"), Audience::Any);
    }

    #[tokio::test]
    async fn a_call_that_nobody_takes_says_why_and_whether_one_will() {
        let (mut workers, seats, _stuck) = workers(2);
        for (coming, why) in [(false, "stopped"), (true, "restarting")] {
            seats[0].channel.close(why, false);
            seats[1].channel.close("the other", coming);
            let request = Request::builder().uri("/x/MessageWillBePosted").body(Body::empty()).unwrap();
            let response = workers.call(request).await.unwrap();
            assert_eq!(response.extensions().get(), Some(&NoWorker { coming }));
            assert_eq!(response.headers()["grpc-message"], why);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_a_worker_learns_that_none_will_come() {
        let (workers, seats, _stuck) = workers(1);
        seats[0].channel.close("restarting", true);
        let waiting = tokio::spawn({
            let workers = workers.clone();
            async move { workers.ready().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        seats[0].channel.close("it failed too often", false);
        assert_eq!(waiting.await.unwrap(), Err("it failed too often".to_owned()));
    }

    #[tokio::test]
    async fn a_place_is_drained_when_its_last_call_has_ended() {
        let (_workers, seats, _stuck) = workers(1);
        assert!(seats[0].drained(Duration::ZERO).await);
        let tickets = [seats[0].ticket(), seats[0].ticket()];
        assert!(!seats[0].drained(Duration::from_millis(1)).await);
        let waiting = tokio::spawn({
            let seat = seats[0].clone();
            async move { seat.drained(Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        drop(tickets);
        assert!(waiting.await.unwrap());
    }

    #[test]
    fn a_stuck_worker_is_told() {
        let (workers, _seats, mut told) = workers(1);
        workers.stuck(WorkerId(3), "it sleeps");
        assert_eq!(told.try_recv(), Ok((WorkerId(3), "it sleeps".to_owned())));
    }
}
