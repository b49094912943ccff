//! The life of the plugin's processes.
//!
//! A plugin has one worker or several, each a place for one process. What a worker does next is decided by a pure state machine
//! ([`step`]); whether one that died is followed by another by [`restart`], a pure function too. The rest is effects:
//!
//! | Module | What it does |
//! |---|---|
//! | [`machine`] | states, events, actions |
//! | `restart` | back-off, and how many deaths are too many |
//! | `driver` | waits for the events of one worker and carries its actions out |
//! | `crew` | the workers of a plugin: starts, stops and replaces them |
//! | `run`, `process`, `stdio` | one process: its folder, token and sockets, its start and signals, what it prints |
//! | `folder` | the host's private folder |
//! | [`janitor`] | the process that clears away after a host that was killed |
//! | [`failure`] | why a process ended |

pub(crate) mod crew;
pub(crate) mod driver;
pub(crate) mod environment;
pub(crate) mod failure;
pub(crate) mod folder;
pub mod janitor;
pub mod machine;
pub(crate) mod process;
pub(crate) mod records;
mod requests;
pub(crate) mod restart;
pub(crate) mod run;
mod spawner;
pub(crate) mod status;
pub(crate) mod stdio;

pub use self::machine::{Action, Ending, Event, Restart, Stage, State, step};
#[cfg(any(test, fuzzing))]
pub(crate) use self::requests::check_hello;
