//! The life of the plugin's process, as a state machine: [`step`] is a pure function of state and event, and says what is to be done.
//!
//! ```text
//!            Start             Hello
//!   Idle ───────────► Starting ───────► Running
//!    ▲                  │  │              │  │ exit: crash
//!    │                  │  └──exit──┐     │  └──────────► Failed ──Start──► Starting
//!    │          timeout │           ▼     │ Stop, no answer to health checks
//!    │                  ▼         Failed  ▼
//!    └────── exit ── Draining: Deactivating → ShuttingDown → Terminating → Killing   (a stage that takes too long: the next one)
//! ```
//!
//! What is done is in the modules below: [`process`] starts and signals, [`stdio`] reads what it prints, [`driver`] waits for events
//! and carries actions out. No state has a way to wait for ever: a live process is in a state with a timer or in `Running`, where
//! its health is checked.

pub(crate) mod driver;
pub(crate) mod environment;
pub(crate) mod failure;
pub(crate) mod process;
pub(crate) mod records;
mod requests;
#[cfg(any(test, fuzzing))]
pub(crate) use self::requests::check_hello;
pub(crate) mod run;
mod spawner;
pub(crate) mod status;
pub(crate) mod stdio;

/// Where the plugin's process is in its life.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// There is no process: none was started, or it was stopped on purpose.
    Idle,
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
    /// There is no process: it could not start, or died.
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
    /// Somebody wants the plugin to end.
    Stop {
        /// Whether `OnDeactivate` is to be called: the plugin has it and it has not been called yet.
        deactivate: bool,
    },
    /// The stage of draining came to its end.
    StageDone,
    /// The stage of draining took too long.
    StageTimedOut,
    /// The process does not answer health checks.
    Unhealthy,
    /// The process is gone, and was reaped.
    Exited,
}

/// What is to be done. Actions are carried out in order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Make folder, token and sockets, and start the process.
    Spawn,
    /// Answer the hello, and let hooks through.
    Serve,
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

/// The state after `event`, and what is to be done. An event that means nothing in a state changes nothing.
pub fn step(state: State, event: Event) -> (State, Vec<Action>) {
    use Action::{AskToShutDown, CloseDoor, Deactivate, Dump, Finish, Kill, Serve, Spawn, Terminate};
    use Stage::{Deactivating, Dumping, Killing, ShuttingDown, Terminating};

    let draining = |stage, ending| State::Draining { stage, ending };
    match (state, event) {
        (State::Idle | State::Failed, Event::Start) => (State::Starting, vec![Spawn]),

        (State::Starting, Event::Hello) => (State::Running, vec![Serve]),
        (State::Starting, Event::HelloRefused) => (draining(Terminating, Ending::StartFailed), vec![Terminate]),
        (State::Starting, Event::HelloTimedOut) => (draining(Dumping, Ending::StartFailed), vec![Dump]),
        (State::Starting, Event::Stop { .. }) => (draining(Terminating, Ending::Stopped), vec![Terminate]),
        (State::Starting, Event::Exited) => (State::Failed, vec![Finish(Ending::StartFailed)]),

        (State::Running, Event::Stop { deactivate: true }) => {
            (draining(Deactivating, Ending::Stopped), vec![CloseDoor, Deactivate])
        }
        (State::Running, Event::Stop { deactivate: false }) => {
            (draining(ShuttingDown, Ending::Stopped), vec![CloseDoor, AskToShutDown])
        }
        (State::Running, Event::Unhealthy) => (draining(Dumping, Ending::Crashed), vec![CloseDoor, Dump]),
        (State::Running, Event::Exited) => (State::Failed, vec![CloseDoor, Finish(Ending::Crashed)]),

        (State::Draining { ending, .. }, Event::Exited) => {
            let state = if ending == Ending::Stopped { State::Idle } else { State::Failed };
            (state, vec![Finish(ending)])
        }
        (State::Draining { stage: Deactivating, ending }, Event::StageDone | Event::StageTimedOut) => {
            (draining(ShuttingDown, ending), vec![AskToShutDown])
        }
        // The process answered that it will end; it ends, or the stage times out.
        (State::Draining { stage: ShuttingDown, ending }, Event::StageTimedOut) => {
            (draining(Terminating, ending), vec![Terminate])
        }
        (State::Draining { stage: Terminating | Dumping | Killing, ending }, Event::StageTimedOut) => {
            (draining(Killing, ending), vec![Kill])
        }

        (state, _) => (state, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const EVENTS: [Event; 10] = [
        Event::Start,
        Event::Hello,
        Event::HelloRefused,
        Event::HelloTimedOut,
        Event::Stop { deactivate: true },
        Event::Stop { deactivate: false },
        Event::StageDone,
        Event::StageTimedOut,
        Event::Unhealthy,
        Event::Exited,
    ];

    /// Every state that can be reached, by walking all events from `Idle`.
    fn reachable() -> Vec<State> {
        let mut found = vec![State::Idle];
        let mut next = 0;
        while next < found.len() {
            for event in EVENTS {
                let (state, _) = step(found[next], event);
                if !found.contains(&state) {
                    found.push(state);
                }
            }
            next += 1;
        }
        found
    }

    fn alive(state: State) -> bool {
        !matches!(state, State::Idle | State::Failed)
    }

    #[test]
    fn a_process_is_started_only_when_there_is_none_and_finished_exactly_when_it_ends() {
        for state in reachable() {
            for event in EVENTS {
                let (after, actions) = step(state, event);
                let spawns = actions.contains(&Action::Spawn);
                let finishes = actions.iter().any(|it| matches!(it, Action::Finish(_)));
                assert_eq!(spawns, !alive(state) && alive(after), "{state:?} {event:?}");
                assert_eq!(finishes, alive(state) && !alive(after), "{state:?} {event:?}");
                assert_eq!(finishes, alive(state) && event == Event::Exited, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn a_process_that_reacts_to_nothing_is_killed_within_four_time_outs() {
        for state in reachable().into_iter().filter(|it| matches!(it, State::Draining { .. })) {
            let mut now = state;
            let mut done = Vec::new();
            for _ in 0..4 {
                let (after, actions) = step(now, Event::StageTimedOut);
                now = after;
                done.extend(actions);
            }
            assert!(done.contains(&Action::Kill), "{state:?}: {done:?}");
        }
    }

    #[test]
    fn what_is_wanted_is_not_reported_as_a_failure_and_the_reverse() {
        for state in reachable() {
            let (after, actions) = step(state, Event::Exited);
            for action in actions {
                if let Action::Finish(ending) = action {
                    assert_eq!(after == State::Idle, ending == Ending::Stopped, "{state:?}");
                }
            }
        }
    }

    #[test]
    fn hooks_are_let_through_only_from_hello_to_the_end_of_running() {
        for state in reachable() {
            for event in EVENTS {
                let (after, actions) = step(state, event);
                assert_eq!(
                    actions.contains(&Action::Serve),
                    state != State::Running && after == State::Running,
                    "{state:?} {event:?}"
                );
                assert_eq!(
                    actions.contains(&Action::CloseDoor),
                    state == State::Running && after != State::Running,
                    "{state:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn the_polite_way_down() {
        let mut state = State::Running;
        let mut done = Vec::new();
        for event in [Event::Stop { deactivate: true }, Event::StageDone, Event::Exited] {
            let (after, actions) = step(state, event);
            state = after;
            done.extend(actions);
        }
        assert_eq!(state, State::Idle);
        assert_eq!(
            done,
            [Action::CloseDoor, Action::Deactivate, Action::AskToShutDown, Action::Finish(Ending::Stopped)]
        );
    }

    #[test]
    fn every_draining_stage_is_reached() {
        let stages: BTreeSet<String> = reachable()
            .into_iter()
            .filter_map(|it| match it {
                State::Draining { stage, .. } => Some(format!("{stage:?}")),
                _ => None,
            })
            .collect();
        let all = ["Deactivating", "Dumping", "Killing", "ShuttingDown", "Terminating"];
        assert_eq!(stages.into_iter().collect::<Vec<_>>(), all);
    }
}
