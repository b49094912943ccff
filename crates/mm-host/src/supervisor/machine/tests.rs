//! Every state with every event, and what must hold for all of them.

use std::collections::BTreeSet;

use super::*;

const EVENTS: [Event; 14] = [
    Event::Start,
    Event::Hello,
    Event::HelloRefused,
    Event::HelloTimedOut,
    Event::Activated,
    Event::NotActivated,
    Event::Stop { deactivate: true },
    Event::Stop { deactivate: false },
    Event::StageDone,
    Event::TimedOut,
    Event::Unhealthy,
    Event::Disconnected,
    Event::Exited { again: true },
    Event::Exited { again: false },
];

/// Every state that can be reached, by walking all events from `Stopped`.
fn reachable() -> Vec<State> {
    let mut found = vec![State::Stopped];
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

/// Every step that can be made: state, event, state after it, actions.
fn steps() -> impl Iterator<Item = (State, Event, State, Vec<Action>)> {
    reachable().into_iter().flat_map(|state| {
        EVENTS.into_iter().map(move |event| {
            let (after, actions) = step(state, event);
            (state, event, after, actions)
        })
    })
}

fn is_exit(event: Event) -> bool {
    matches!(event, Event::Exited { .. })
}

#[test]
fn every_state_is_reached() {
    let names: BTreeSet<String> = reachable().iter().map(|it| format!("{it:?}")).collect();
    for name in ["Stopped", "Starting", "Running", "Failed"] {
        assert!(names.contains(name), "{name}");
    }
    for phase in ["Waiting", "Starting", "Activating"] {
        assert!(names.contains(&format!("Restarting({phase})")), "{phase}");
    }
    for stage in ["Deactivating", "Dumping", "Dying", "Killing", "ShuttingDown", "Terminating"] {
        assert!(names.iter().any(|it| it.contains(stage)), "{stage}");
    }
}

#[test]
fn a_process_is_started_only_when_there_is_none_and_finished_exactly_when_it_ends() {
    for (state, event, after, actions) in steps() {
        let spawns = actions.contains(&Action::Spawn);
        let finishes = actions.iter().any(|it| matches!(it, Action::Finish(_)));
        let gave_up = state == State::Restarting(Restart::Waiting) && after == State::Stopped;
        // A process that is not there cannot exit.
        if is_exit(event) && !state.is_alive() {
            assert_eq!((after, actions.len()), (state, 0), "{state:?} {event:?}");
            continue;
        }
        assert_eq!(spawns, !state.is_alive() && after.is_alive(), "{state:?} {event:?}");
        assert_eq!(finishes, (state.is_alive() && !after.is_alive()) || gave_up, "{state:?} {event:?}");
        assert_eq!(finishes, is_exit(event) || gave_up, "{state:?} {event:?}");
    }
}

#[test]
fn a_process_that_reacts_to_nothing_is_killed_within_five_time_outs() {
    for state in reachable().into_iter().filter(|it| matches!(it, State::Draining { .. })) {
        let mut now = state;
        let mut done = Vec::new();
        for _ in 0..5 {
            let (after, actions) = step(now, Event::TimedOut);
            now = after;
            done.extend(actions);
        }
        assert!(done.contains(&Action::Kill), "{state:?}: {done:?}");
    }
}

#[test]
fn no_state_of_a_live_process_but_running_is_left_to_itself() {
    for state in reachable().into_iter().filter(|it| it.is_alive() && *it != State::Running) {
        let event = if state.awaits_hello() { Event::HelloTimedOut } else { Event::TimedOut };
        let (after, actions) = step(state, event);
        assert!(after != state || actions == [Action::Kill], "{state:?}");
    }
}

#[test]
fn what_is_wanted_is_not_reported_as_a_failure_and_the_reverse() {
    for (state, event, after, actions) in steps() {
        for action in actions {
            if let Action::Finish(ending) = action {
                assert_eq!(after == State::Stopped, ending == Ending::Stopped, "{state:?} {event:?}");
            }
        }
    }
}

#[test]
fn hooks_are_let_through_only_while_it_runs() {
    for (state, event, after, actions) in steps() {
        let (before, now) = (state == State::Running, after == State::Running);
        assert_eq!(actions.contains(&Action::OpenDoor), !before && now, "{state:?} {event:?}");
        assert_eq!(actions.contains(&Action::CloseDoor), before && !now, "{state:?} {event:?}");
    }
}

#[test]
fn a_hello_is_answered_once_and_before_anything_is_called() {
    for (state, event, after, actions) in steps() {
        let greets = actions.first() == Some(&Action::Greet);
        assert_eq!(greets, state.awaits_hello() && event == Event::Hello, "{state:?} {event:?}");
        assert_eq!(
            actions.contains(&Action::Activate),
            after == State::Restarting(Restart::Activating) && state != after,
            "{state:?} {event:?}"
        );
    }
}

#[test]
fn a_first_start_that_fails_is_not_tried_again() {
    for again in [true, false] {
        assert_eq!(step(State::Starting, Event::Exited { again }).0, State::Failed);
    }
}

#[test]
fn once_a_stop_is_wanted_nothing_is_started() {
    for state in reachable() {
        let (mut now, _) = step(state, Event::Stop { deactivate: true });
        for event in EVENTS.into_iter().filter(|it| *it != Event::Start).cycle().take(10 * EVENTS.len()) {
            let (after, actions) = step(now, event);
            assert!(!actions.contains(&Action::Spawn), "{state:?}: {now:?} {event:?}");
            now = after;
        }
        assert!(matches!(now, State::Stopped | State::Failed), "{state:?}: {now:?}");
    }
}

#[test]
fn a_death_is_followed_by_another_start_as_long_as_the_budget_says_so() {
    let again = Event::Exited { again: true };
    let mut state = State::Running;
    for _ in 0..3 {
        let mut done = Vec::new();
        for event in [again, Event::TimedOut, Event::Hello, Event::Activated] {
            let (after, actions) = step(state, event);
            state = after;
            done.extend(actions);
        }
        assert_eq!(state, State::Running);
        let crashed = Action::Finish(Ending::Crashed);
        let expected = [Action::CloseDoor, crashed, Action::Spawn, Action::Greet, Action::Activate, Action::OpenDoor];
        assert_eq!(done, expected);
    }
    assert_eq!(step(state, Event::Exited { again: false }).0, State::Failed);
}

#[test]
fn the_polite_way_down() {
    let mut state = State::Running;
    let mut done = Vec::new();
    for event in [Event::Stop { deactivate: true }, Event::StageDone, Event::Exited { again: true }] {
        let (after, actions) = step(state, event);
        state = after;
        done.extend(actions);
    }
    assert_eq!(state, State::Stopped);
    let expected = [Action::CloseDoor, Action::Deactivate, Action::AskToShutDown, Action::Finish(Ending::Stopped)];
    assert_eq!(done, expected);
}
