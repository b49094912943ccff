//! Which calls of hooks that tell what has happened run now, which wait, and which are given up since too many wait.
//!
//! Nobody waits for such a hook, but its handlers take what hooks that decide need: threads, and the processor. So only some run at a
//! time. The others wait here, in order; when more wait than may, the one that has waited longest is shed, of the hook of which most
//! wait: a flood of one does not push out the few of another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mm_proto::HookName;
use tokio::sync::oneshot;

use crate::metrics::QueueLength;

/// A gate. Clones are the same.
#[derive(Clone)]
pub(super) struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    /// How many may run.
    places: usize,
    bounds: Bounds,
    state: Mutex<State>,
}

/// How many may wait, and how many bytes they may have.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) waiting: usize,
    pub(super) bytes: usize,
}

struct State {
    /// What shows how many wait.
    length: QueueLength,
    running: usize,
    waiting: BTreeMap<HookName, VecDeque<Waiter>>,
    n_waiting: usize,
    bytes: usize,
    next: u64,
}

struct Waiter {
    /// Its turn among all hooks.
    number: u64,
    bytes: usize,
    turn: oneshot::Sender<Pass>,
}

/// The right to run; ends when dropped.
pub(super) struct Pass {
    gate: Gate,
}

/// A call that is in the queue.
struct Queued<'a> {
    gate: &'a Gate,
    hook: HookName,
    number: u64,
}

impl Gate {
    pub(super) fn new(places: usize, bounds: Bounds, length: QueueLength) -> Self {
        let state = State { length, running: 0, waiting: BTreeMap::new(), n_waiting: 0, bytes: 0, next: 0 };
        Self { shared: Arc::new(Shared { places: places.max(1), bounds, state: Mutex::new(state) }) }
    }

    /// Waits for the turn of a call with a message of so many bytes; `None` when it is shed. `shed` is told the hook of every call that
    /// has to make room for this one.
    pub(super) async fn enter(&self, hook: HookName, bytes: usize, shed: impl Fn(HookName)) -> Option<Pass> {
        let (turn, number) = {
            let mut state = self.state();
            if state.running < self.shared.places && state.n_waiting == 0 {
                state.running += 1;
                return Some(self.pass());
            }
            let (sender, turn) = oneshot::channel();
            let number = state.push(hook, bytes, sender);
            while state.n_waiting > self.shared.bounds.waiting || state.bytes > self.shared.bounds.bytes {
                let Some(hook) = state.shed() else { break };
                shed(hook);
            }
            (turn, number)
        };
        let _queued = Queued { gate: self, hook, number };
        turn.await.ok()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().n_waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) -> Pass {
        Pass { gate: self.clone() }
    }
}

impl State {
    fn push(&mut self, hook: HookName, bytes: usize, turn: oneshot::Sender<Pass>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.n_waiting += 1;
        self.length.push();
        self.bytes += bytes;
        self.waiting.entry(hook).or_default().push_back(Waiter { number, bytes, turn });
        number
    }

    /// Takes out the first of a hook.
    fn pop(&mut self, hook: HookName) -> Option<Waiter> {
        let waiter = self.waiting.get_mut(&hook)?.pop_front()?;
        self.forget(&waiter);
        Some(waiter)
    }

    fn forget(&mut self, waiter: &Waiter) {
        self.n_waiting -= 1;
        self.length.pop();
        self.bytes -= waiter.bytes;
    }

    /// Gives one up; says of which hook.
    fn shed(&mut self) -> Option<HookName> {
        let (hook, _) = self.waiting.iter().max_by_key(|(_, queue)| queue.len())?;
        let hook = *hook;
        self.pop(hook).map(|_| hook)
    }

    /// Whoever has waited longest.
    fn next(&mut self) -> Option<Waiter> {
        let first = |(hook, queue): (&HookName, &VecDeque<Waiter>)| queue.front().map(|it| (it.number, *hook));
        let (_, hook) = self.waiting.iter().filter_map(first).min()?;
        self.pop(hook)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let next = {
            let mut state = self.gate.state();
            let next = state.next();
            // The place goes over to the next, or is free.
            state.running -= usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // One that is gone meanwhile gives its pass back by dropping it.
            let _ = next.turn.send(self.gate.pass());
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        let Some(queue) = state.waiting.get_mut(&self.hook) else { return };
        // Usually it is gone: it had its turn.
        let Ok(place) = queue.binary_search_by_key(&self.number, |it| it.number) else { return };
        if let Some(waiter) = queue.remove(place) {
            state.forget(&waiter);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;

    use super::*;

    const POSTED: HookName = HookName::MessageHasBeenPosted;
    const JOINED: HookName = HookName::UserHasJoinedTeam;

    fn gate(places: usize, waiting: usize, bytes: usize) -> Gate {
        let metrics = crate::metrics::Metrics::new("com.example.test", "1.0.0");
        Gate::new(places, Bounds { waiting, bytes }, metrics.queue("events"))
    }

    /// Something that waits at the gate, asked once.
    macro_rules! waits {
        ($gate:expr, $hook:expr, $shed:expr) => {{
            let (gate, told) = ($gate.clone(), $shed.clone());
            let enter = async move { gate.enter($hook, 10, |hook| told.lock().unwrap().push(hook)).await };
            let mut waiting: Pin<Box<dyn Future<Output = Option<Pass>>>> = Box::pin(enter);
            assert!(futures::poll!(waiting.as_mut()).is_pending());
            waiting
        }};
    }

    #[tokio::test]
    async fn those_who_wait_come_in_order() {
        let gate = gate(2, 10, 1000);
        let shed = Arc::new(Mutex::new(Vec::new()));
        let one = gate.enter(POSTED, 10, |_| {}).await.unwrap();
        let two = gate.enter(POSTED, 10, |_| {}).await.unwrap();
        let mut third = waits!(gate, POSTED, shed);
        let mut fourth = waits!(gate, JOINED, shed);
        let mut fifth = waits!(gate, POSTED, shed);
        assert_eq!(gate.waiting(), 3);
        drop(one);
        let third = tokio::time::timeout(std::time::Duration::ZERO, third.as_mut()).await.unwrap().unwrap();
        assert!(futures::poll!(fourth.as_mut()).is_pending());
        drop((two, third));
        assert!(futures::poll!(fourth.as_mut()).is_ready());
        assert!(futures::poll!(fifth.as_mut()).is_ready());
        assert!(shed.lock().unwrap().is_empty());
        assert_eq!((gate.waiting(), gate.state().bytes), (0, 0));
    }

    #[tokio::test]
    async fn the_oldest_of_the_hook_with_most_is_shed() {
        let gate = gate(1, 3, 1000);
        let shed = Arc::new(Mutex::new(Vec::new()));
        let pass = gate.enter(POSTED, 10, |_| {}).await;
        let mut rare = waits!(gate, JOINED, shed);
        let mut oldest = waits!(gate, POSTED, shed);
        let mut second = waits!(gate, POSTED, shed);
        let mut third = waits!(gate, POSTED, shed);
        assert_eq!(*shed.lock().unwrap(), [POSTED]);
        assert!(matches!(futures::poll!(oldest.as_mut()), std::task::Poll::Ready(None)));
        drop(pass);
        for waiting in [&mut rare, &mut second, &mut third] {
            assert!(matches!(futures::poll!(waiting.as_mut()), std::task::Poll::Ready(Some(_))));
        }
    }

    #[tokio::test]
    async fn bytes_are_bounded_too() {
        let gate = gate(1, 1000, 25);
        let shed = Arc::new(Mutex::new(Vec::new()));
        let _pass = gate.enter(POSTED, 10, |_| {}).await;
        let _waiting = [waits!(gate, POSTED, shed), waits!(gate, POSTED, shed), waits!(gate, POSTED, shed)];
        assert_eq!(*shed.lock().unwrap(), [POSTED]);
        assert_eq!(gate.state().bytes, 20);
    }

    #[tokio::test]
    async fn who_gives_up_takes_no_place() {
        let gate = gate(1, 10, 1000);
        let shed = Arc::new(Mutex::new(Vec::new()));
        let pass = gate.enter(POSTED, 10, |_| {}).await;
        let gone = waits!(gate, POSTED, shed);
        let mut stays = waits!(gate, POSTED, shed);
        let asked = waits!(gate, POSTED, shed);
        drop(gone);
        drop(pass);
        assert!(futures::poll!(stays.as_mut()).is_ready());
        // Its turn came when it was given up: the place goes on.
        drop(asked);
        assert!(futures::poll!(Box::pin(gate.enter(POSTED, 10, |_| {})).as_mut()).is_ready());
        let state = gate.state();
        assert_eq!((state.n_waiting, state.bytes, state.running), (0, 0, 0));
    }
}
