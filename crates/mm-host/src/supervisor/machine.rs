//! The life of one worker, as a state machine: [`step`] is a pure function of state and event, and says what is to be done.
//!
//! ```text
//!               Start              Hello
//!   Stopped ───────────► Starting ───────► Running ◄──────────────── Activated ─────────────┐
//!      ▲                  │    │             │   │                                          │
//!      │                  │    └──exit──┐    │   │ exit, again    ┌──────── Restarting ─────┴──────────┐
//!      │          timeout │             ▼    │   └───────────────►│ Waiting ─► Starting ─► Activating  │
//!      │                  ▼           Failed ◄───── exit, no more │    ▲          │            │       │
//!      └── exit ── Draining                                       └────┼──────────┼────────────┼───────┘
//!                    Deactivating → ShuttingDown → Terminating → Killing └──── exit, again ────┘
//!                    Dying → Dumping → Killing    (a stage that takes too long: the next one)
//! ```
//!
//! Whether a death is followed by another start is said by the event, because it depends on the time and on other workers: see
//! [`restart`](super::restart). No state has a way to wait for ever: a live process is in a state with a timer or in `Running`, where
//! its health is checked.

#[cfg(test)]
mod tests;

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// There is no process: none was started, or it was stopped on purpose.
    Stopped,
    /// The process runs and has not said hello.
    Starting,
    /// It serves hooks.
    Running,
    /// It is being ended.
    Draining {
        /// How far that is.
        stage: Stage,
        /// What to report once it is gone.
        ending: Ending,
    },
    /// It died, and another one takes its place.
    Restarting(Restart),
    /// There is no process: it could not start, or died and is not started again.
    Failed,
}

/// How far the ending of a process is; each stage is less polite than the one before.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stage {
    /// `OnDeactivate` runs.
    Deactivating,
    /// The process was asked to end, and finishes running hooks.
    ShuttingDown,
    /// SIGTERM was sent.
    Terminating,
    /// It closed its connection, and will be gone in a moment.
    Dying,
    /// SIGABRT was sent, on which Python prints where each thread was.
    Dumping,
    /// SIGKILL was sent.
    Killing,
}

/// What the end of a process is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ending {
    /// Wanted.
    Stopped,
    /// It never became ready.
    StartFailed,
    /// It became unusable while it ran.
    Crashed,
}

/// How far the process that takes the place of a dead one is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Restart {
    /// There is none yet, lest one that dies at once is started all the time.
    Waiting,
    /// It runs and has not said hello.
    Starting,
    /// `OnConfigurationChange` and `OnActivate` run.
    Activating,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Event {
    /// Somebody wants the plugin to run.
    Start,
    /// The process said hello, and all about it is fine.
    Hello,
    /// The process said hello, and the host cannot work with it.
    HelloRefused,
    /// The process has not said hello in time.
    HelloTimedOut,
    /// The hooks that a new process begins with have returned.
    Activated,
    /// One of them failed, so that the process is of no use.
    NotActivated,
    /// Somebody wants the plugin to end.
    Stop {
        /// Whether `OnDeactivate` is to be called: the plugin has it and it has not been called yet.
        deactivate: bool,
    },
    /// The stage of draining came to its end.
    StageDone,
    /// The stage took too long, or the waiting is over.
    TimedOut,
    /// The process does not answer health checks.
    Unhealthy,
    /// The connection to the process is over.
    Disconnected,
    /// The process is gone, and was reaped.
    Exited {
        /// Whether another one takes its place, if its end was not wanted.
        again: bool,
    },
}

/// What is to be done. Actions are carried out in order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Make folder, token and sockets, and start the process.
    Spawn,
    /// Answer the hello.
    Greet,
    /// Let hooks through.
    OpenDoor,
    /// Call `OnConfigurationChange` and `OnActivate`.
    Activate,
    /// Let no more hooks through but those of the ending.
    CloseDoor,
    /// Call `OnDeactivate`.
    Deactivate,
    /// Ask the process to end.
    AskToShutDown,
    /// Send SIGTERM.
    Terminate,
    /// Send SIGABRT.
    Dump,
    /// Send SIGKILL.
    Kill,
    /// Remove sockets and folder, and tell whoever waits how it ended.
    Finish(Ending),
}

impl State {
    /// Whether there is a process.
    pub fn is_alive(self) -> bool {
        !matches!(self, Self::Stopped | Self::Failed | Self::Restarting(Restart::Waiting))
    }

    /// Whether the process is there and has not said hello.
    pub(super) fn awaits_hello(self) -> bool {
        matches!(self, Self::Starting | Self::Restarting(Restart::Starting))
    }
}

/// The state after `event`, and what is to be done. An event that means nothing in a state changes nothing.
pub fn step(state: State, event: Event) -> (State, Vec<Action>) {
    use Action::{Activate, CloseDoor, Finish, Greet, OpenDoor, Spawn};
    use Restart::{Activating, Starting, Waiting};

    match (state, event) {
        (State::Stopped | State::Failed, Event::Start) => (State::Starting, vec![Spawn]),
        (State::Starting, Event::Hello) => (State::Running, vec![Greet, OpenDoor]),

        (State::Restarting(Waiting), Event::TimedOut) => (State::Restarting(Starting), vec![Spawn]),
        (State::Restarting(Waiting), Event::Stop { .. }) => (State::Stopped, vec![Finish(Ending::Stopped)]),
        (State::Restarting(Starting), Event::Hello) => (State::Restarting(Activating), vec![Greet, Activate]),
        (State::Restarting(Activating), Event::Activated) => (State::Running, vec![OpenDoor]),

        (State::Starting | State::Restarting(Starting | Activating), Event::Exited { again }) => {
            let again = again && state != State::Starting;
            (after(Ending::StartFailed, again), vec![Finish(Ending::StartFailed)])
        }
        (State::Running, Event::Exited { again }) => {
            (after(Ending::Crashed, again), vec![CloseDoor, Finish(Ending::Crashed)])
        }
        (State::Draining { ending, .. }, Event::Exited { again }) => (after(ending, again), vec![Finish(ending)]),

        _ => end(state, event),
    }
}

/// The state when there is no process any more.
fn after(ending: Ending, again: bool) -> State {
    match ending {
        Ending::Stopped => State::Stopped,
        Ending::StartFailed | Ending::Crashed if again => State::Restarting(Restart::Waiting),
        Ending::StartFailed | Ending::Crashed => State::Failed,
    }
}

/// The part of [`step`] about how a live process comes to its end.
fn end(state: State, event: Event) -> (State, Vec<Action>) {
    use Action::{AskToShutDown, CloseDoor, Dump, Kill, Terminate};
    use Stage::{Deactivating, Dumping, Dying, Killing, ShuttingDown, Terminating};

    let draining = |stage, ending| State::Draining { stage, ending };
    let starting = state.awaits_hello();
    let activating = state == State::Restarting(Restart::Activating);
    match (state, event) {
        (_, Event::HelloRefused) if starting => (draining(Terminating, Ending::StartFailed), vec![Terminate]),
        (_, Event::HelloTimedOut) if starting => (draining(Dumping, Ending::StartFailed), vec![Dump]),
        (_, Event::Stop { .. }) if starting => (draining(Terminating, Ending::Stopped), vec![Terminate]),

        (_, Event::NotActivated | Event::Disconnected) if activating => {
            (draining(Terminating, Ending::StartFailed), vec![Terminate])
        }
        (_, Event::TimedOut | Event::Unhealthy) if activating => (draining(Dumping, Ending::StartFailed), vec![Dump]),
        (_, Event::Stop { .. }) if activating => (draining(ShuttingDown, Ending::Stopped), vec![AskToShutDown]),

        (State::Running, Event::Stop { deactivate: true }) => {
            (draining(Deactivating, Ending::Stopped), vec![CloseDoor, Action::Deactivate])
        }
        (State::Running, Event::Stop { deactivate: false }) => {
            (draining(ShuttingDown, Ending::Stopped), vec![CloseDoor, AskToShutDown])
        }
        (State::Running, Event::Unhealthy) => (draining(Dumping, Ending::Crashed), vec![CloseDoor, Dump]),
        (State::Running, Event::Disconnected) => (draining(Dying, Ending::Crashed), vec![CloseDoor]),

        // Somebody wants what happens anyway; nothing is started after it.
        (State::Draining { stage, .. }, Event::Stop { .. }) => (draining(stage, Ending::Stopped), Vec::new()),
        (State::Draining { stage: Deactivating, ending }, Event::StageDone | Event::TimedOut) => {
            (draining(ShuttingDown, ending), vec![AskToShutDown])
        }
        // The process answered that it will end; it ends, or the stage times out.
        (State::Draining { stage: ShuttingDown, ending }, Event::TimedOut) => {
            (draining(Terminating, ending), vec![Terminate])
        }
        (State::Draining { stage: Dying, ending }, Event::TimedOut) => (draining(Dumping, ending), vec![Dump]),
        (State::Draining { stage: Terminating | Dumping | Killing, ending }, Event::TimedOut) => {
            (draining(Killing, ending), vec![Kill])
        }
        _ => (state, Vec::new()),
    }
}
