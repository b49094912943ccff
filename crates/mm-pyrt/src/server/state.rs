//! The calls of a server: waiting, handed out, answered. Everything here is shared between runtime threads and Python threads and
//! holds nothing of Python.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use tonic::Status;

use super::reply::Reply;
use super::stream::StreamState;
use crate::lock;
use crate::wake::Wake;

/// A method that Python answers.
pub(super) struct Route {
    pub(super) path: String,
    pub(super) request: String,
    pub(super) response: String,
    pub(super) is_async: bool,
    pub(super) is_stream: bool,
}

/// One call.
pub(super) struct CallState {
    pub(super) id: u64,
    pub(super) route: Arc<Route>,
    pub(super) headers: HeaderMap,
    pub(super) deadline: Option<Instant>,
    pub(super) body: Body,
    /// Whether the event loop has it, or will.
    is_async: AtomicBool,
    /// Nobody waits for the answer any more, and there was none.
    cancelled: AtomicBool,
    answered: AtomicBool,
}

/// What comes in and how the answer goes out.
pub(super) enum Body {
    Unary { request: Bytes, reply: Mutex<Option<Reply>> },
    Stream(Box<StreamState>),
}

impl CallState {
    pub(super) fn is_cancelled(&self) -> bool {
        let broken = matches!(&self.body, Body::Stream(stream) if stream.is_broken());
        broken || self.cancelled.load(Ordering::Acquire)
    }

    /// How long ago its time was over at `now`; `None` when it is not.
    fn overdue(&self, now: Instant) -> Option<Duration> {
        self.deadline.and_then(|it| now.checked_duration_since(it))
    }

    /// Hands the call to the event loop: if it is cancelled from here on, the loop is told. `false` when it was cancelled before.
    pub(super) fn adopt(&self) -> bool {
        self.is_async.store(true, Ordering::SeqCst);
        !self.cancelled.load(Ordering::SeqCst)
    }

    /// Sends the answer of a unary call or the final status of a stream; `false` when nobody waits or it was sent before.
    pub(super) fn answer(&self, result: Result<Bytes, Status>) -> bool {
        // Before it is sent: from then on the caller may be done, which must not look as if it gave up.
        self.answered.store(true, Ordering::Release);
        match &self.body {
            Body::Unary { .. } => self.take_reply().is_some_and(|it| it.send(result)),
            Body::Stream(stream) => stream.finish(result.err()) && !self.is_cancelled(),
        }
    }
}

impl CallState {
    /// The way to answer a unary call, for the first who asks.
    pub(super) fn take_reply(&self) -> Option<Reply> {
        match &self.body {
            Body::Unary { reply, .. } => lock(reply).take(),
            Body::Stream(_) => None,
        }
    }

    /// Whether the caller went away; `None` after its answer.
    pub(super) fn is_given_up(&self) -> Option<bool> {
        match &self.body {
            Body::Unary { reply, .. } => lock(reply).as_mut().map(Reply::is_given_up),
            Body::Stream(stream) => stream.is_given_up(),
        }
    }
}

/// What the host said in `PluginProcess.Shutdown`.
#[derive(Clone)]
pub(super) struct ShutdownRequest {
    pub(super) grace: Duration,
    pub(super) reason: String,
}

/// Shared by the Python object, the connections and the calls.
pub(super) struct State {
    pub(super) routes: HashMap<String, Arc<Route>>,
    pub(super) token: Option<String>,
    calls: Mutex<Calls>,
    /// Tells threads in `recv` about new calls, and everybody about the end.
    changed: Condvar,
    /// For `stop`, which waits for answers: a condition of its own, so that no answer wakes the workers.
    answered: Condvar,
    /// For `wait_shutdown`.
    ending: Condvar,
    pub(super) wake: Wake,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Calls {
    sync: VecDeque<Arc<CallState>>,
    asynchronous: VecDeque<Arc<CallState>>,
    /// Ids of calls that the event loop has and whose callers are gone.
    cancelled: Vec<u64>,
    /// Calls that were handed out and are not answered.
    active: HashMap<u64, Arc<CallState>>,
    /// Threads that wait for a sync call.
    idle: usize,
    /// Threads that were woken for one and have not come for it yet: they wait for the GIL.
    coming: usize,
    shutdown: Option<ShutdownRequest>,
    stopping: bool,
    /// A thread serves a call whose time is over, and nobody has looked at it yet.
    late: bool,
    /// When Python's main thread was last seen.
    seen: Option<Instant>,
}

/// How far two clocks' ideas of the end of a call may differ.
const ABOUT: Duration = Duration::from_millis(100);

/// What woke a thread from [`State::wait_ending`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    Ending,
    /// A thread serves a call whose time is over.
    Late,
}

/// A thread that comes to take a call. If it does not, dropping this wakes another.
pub(super) struct Arrival<'a> {
    state: &'a State,
    woken: bool,
}

impl Arrival<'_> {
    /// Leaves the counting to the caller; says whether this one counts.
    fn take_over(mut self) -> bool {
        std::mem::take(&mut self.woken)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if self.woken {
            let mut calls = lock(&self.state.calls);
            calls.coming = calls.coming.saturating_sub(1);
            self.state.wake_one(&mut calls);
        }
    }
}

/// What `recv` finds.
pub(super) enum Received {
    Call(Arc<CallState>),
    Stopping,
}

impl State {
    pub(super) fn new(routes: HashMap<String, Arc<Route>>, token: Option<String>, wake: Wake) -> Self {
        Self {
            routes,
            token,
            // From here on: it may be held before it comes to be seen.
            calls: Mutex::new(Calls { seen: Some(Instant::now()), ..Calls::default() }),
            changed: Condvar::new(),
            answered: Condvar::new(),
            ending: Condvar::new(),
            wake,
            next_id: AtomicU64::new(1),
        }
    }

    /// Makes a call and puts it into its queue.
    pub(super) fn submit(
        &self,
        route: Arc<Route>,
        headers: HeaderMap,
        deadline: Option<Instant>,
        body: Body,
    ) -> Result<Arc<CallState>, Status> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let is_async = route.is_async;
        let (cancelled, answered) = (false.into(), false.into());
        let call =
            Arc::new(CallState { id, route, headers, deadline, body, is_async: is_async.into(), cancelled, answered });
        let mut calls = lock(&self.calls);
        if calls.stopping || calls.shutdown.is_some() {
            drop(calls);
            call.answer(Err(shutting_down()));
            return Err(shutting_down());
        }
        if is_async {
            calls.asynchronous.push_back(Arc::clone(&call));
            drop(calls);
            self.wake.set();
        } else {
            calls.sync.push_back(Arc::clone(&call));
            self.wake_one(&mut calls);
        }
        Ok(call)
    }

    /// Wakes a thread for a sync call, unless one is on its way already: only one of them can have the GIL, and a thread that has it
    /// takes the next call without being woken. Whoever comes wakes the next.
    fn wake_one(&self, calls: &mut Calls) {
        if calls.coming == 0 && calls.idle > 0 && !calls.sync.is_empty() {
            calls.coming = 1;
            self.changed.notify_one();
        }
    }

    /// Takes a sync call if there is one. To be called with the GIL, since a call that is taken should not have to wait for it.
    pub(super) fn take(&self, arrival: Option<Arrival<'_>>) -> Option<Received> {
        let mut calls = lock(&self.calls);
        if arrival.is_some_and(Arrival::take_over) {
            calls.coming = calls.coming.saturating_sub(1);
        }
        if calls.stopping {
            return Some(Received::Stopping);
        }
        while let Some(call) = calls.sync.pop_front() {
            if !call.is_cancelled() {
                calls.active.insert(call.id, Arc::clone(&call));
                self.wake_one(&mut calls);
                return Some(Received::Call(call));
            }
        }
        None
    }

    /// Waits until there may be a sync call, or the end; `None` when nothing came within `limit`.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Option<Arrival<'_>> {
        let until = limit.map(|it| Instant::now() + it);
        let mut calls = lock(&self.calls);
        let mut woken = false;
        loop {
            if calls.stopping || !calls.sync.is_empty() {
                return Some(Arrival { state: self, woken });
            }
            if woken {
                // Somebody else was faster.
                calls.coming = calls.coming.saturating_sub(1);
            }
            let left = until.map(|it| it.saturating_duration_since(Instant::now()));
            if left.is_some_and(|it| it.is_zero()) {
                return None;
            }
            calls.idle += 1;
            calls = match left {
                None => self.changed.wait(calls).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.changed.wait_timeout(calls, left).unwrap_or_else(PoisonError::into_inner).0,
            };
            calls.idle -= 1;
            woken = true;
        }
    }

    /// All waiting async calls.
    pub(super) fn drain(&self) -> Vec<Arc<CallState>> {
        self.wake.clear();
        let mut calls = lock(&self.calls);
        let waiting = std::mem::take(&mut calls.asynchronous);
        let waiting: Vec<_> = waiting.into_iter().filter(|it| !it.is_cancelled()).collect();
        calls.active.extend(waiting.iter().map(|it| (it.id, Arc::clone(it))));
        waiting
    }

    pub(super) fn drain_cancelled(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.calls).cancelled)
    }

    /// Notes that nobody waits for a call any more, and tells the event loop if it has it.
    pub(super) fn cancel(&self, call: &CallState) {
        if call.answered.load(Ordering::Acquire) || call.cancelled.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Body::Stream(stream) = &call.body {
            stream.cancel();
        }
        let mut calls = lock(&self.calls);
        if !call.is_async.load(Ordering::SeqCst) {
            calls.sync.retain(|it| it.id != call.id);
            if calls.active.contains_key(&call.id) && call.overdue(Instant::now() + ABOUT).is_some() {
                calls.late = true;
                self.ending.notify_all();
            }
        } else if calls.active.contains_key(&call.id) {
            calls.cancelled.push(call.id);
            drop(calls);
            self.wake.set();
        }
    }

    /// Notes that a call that was handed out has its answer.
    pub(super) fn finished(&self, call: &CallState) {
        let mut calls = lock(&self.calls);
        if calls.active.remove(&call.id).is_some() && calls.active.is_empty() {
            drop(calls);
            self.answered.notify_all();
        }
    }

    pub(super) fn pending(&self) -> usize {
        lock(&self.calls).sync.len()
    }

    pub(super) fn idle(&self) -> usize {
        lock(&self.calls).idle
    }

    pub(super) fn active(&self) -> usize {
        lock(&self.calls).active.len()
    }

    pub(super) fn request_shutdown(&self, request: ShutdownRequest) {
        lock(&self.calls).shutdown.get_or_insert(request);
        self.ending.notify_all();
        self.wake.set();
    }

    pub(super) fn shutdown(&self) -> Option<ShutdownRequest> {
        lock(&self.calls).shutdown.clone()
    }

    pub(super) fn is_stopping(&self) -> bool {
        lock(&self.calls).stopping
    }

    /// Notes that Python's main thread runs.
    pub(super) fn see(&self) {
        lock(&self.calls).seen = Some(Instant::now());
    }

    /// Calls that were given up since their time was over and are still served, with how long ago that was; and how long ago Python's
    /// main thread was seen.
    pub(super) fn overdue(&self) -> (Vec<(Arc<Route>, Duration)>, Duration) {
        let now = Instant::now();
        let calls = lock(&self.calls);
        let overdue = calls.active.values().filter(|it| it.is_cancelled());
        let overdue = overdue.filter_map(|it| Some((Arc::clone(&it.route), it.overdue(now)?))).collect();
        (overdue, calls.seen.filter(|_| !calls.stopping).map_or(Duration::ZERO, |it| now - it))
    }

    /// Waits at most `limit` for the end, or for a call whose time is over; `None` when neither came.
    pub(super) fn wait_ending(&self, limit: Option<Duration>) -> Option<Woken> {
        let calls = lock(&self.calls);
        let waiting = |it: &mut Calls| !it.stopping && it.shutdown.is_none() && !it.late;
        let mut calls = match limit {
            None => self.ending.wait_while(calls, waiting).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                let waited = self.ending.wait_timeout_while(calls, limit, waiting);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let late = std::mem::take(&mut calls.late);
        let ending = calls.stopping || calls.shutdown.is_some();
        if ending { Some(Woken::Ending) } else { late.then_some(Woken::Late) }
    }

    /// Waits at most `limit` until no call is handed out; `None` when some are.
    pub(super) fn wait_answered(&self, limit: Option<Duration>) -> Option<()> {
        let calls = lock(&self.calls);
        let waiting = |it: &mut Calls| !it.active.is_empty();
        let calls = match limit {
            None => self.answered.wait_while(calls, waiting).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                let waited = self.answered.wait_timeout_while(calls, limit, waiting);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        calls.active.is_empty().then_some(())
    }

    /// Begins the end: nothing new, all waiting threads wake, queued calls are refused. `false`: it had begun before.
    pub(super) fn begin_stop(&self) -> bool {
        let mut calls = lock(&self.calls);
        if std::mem::replace(&mut calls.stopping, true) {
            return false;
        }
        let mut queued = std::mem::take(&mut calls.sync);
        queued.append(&mut calls.asynchronous);
        drop(calls);
        self.changed.notify_all();
        self.ending.notify_all();
        self.wake.set();
        for call in queued {
            call.answer(Err(shutting_down()));
        }
        true
    }

    /// Ends all calls that have no answer.
    pub(super) fn cancel_active(&self) {
        let active: Vec<_> = lock(&self.calls).active.values().cloned().collect();
        for call in active {
            self.cancel(&call);
            call.answer(Err(shutting_down()));
        }
    }
}

pub(super) fn shutting_down() -> Status {
    Status::unavailable("the plugin is shutting down")
}
