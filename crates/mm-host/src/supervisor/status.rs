//! What is set and told about the plugin's process: limits, its hello, its status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mm_proto::host::v1 as host;

use super::State;
use super::failure::Failure;

/// How long the steps of a process's life may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the start of the process to its hello.
    pub start: Duration,
    /// `OnConfigurationChange` and `OnActivate` together, of a process that takes the place of another.
    pub activate: Duration,
    /// From the moment that a worker is replaced until its calls have ended.
    pub drain: Duration,
    /// `OnDeactivate`.
    pub deactivate: Duration,
    /// From the request to end until the process has ended by itself; running hooks finish within it.
    pub shutdown: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
    /// Between two health checks; also how long one may take.
    pub health_interval: Duration,
    /// So many failed health checks in a row mean that the process is unusable; 0 = no health checks.
    pub health_failures: u32,
    /// How long a handler may go on after its time was over; then its process is replaced.
    pub stuck: Duration,
}

impl Default for Limits {
    /// 60 s to start; the end takes 9.5 s at most, below the 10 s that a server allows.
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            activate: Duration::from_secs(90),
            drain: Duration::from_secs(8),
            deactivate: Duration::from_secs(5),
            shutdown: Duration::from_secs(3),
            terminate: Duration::from_secs(1),
            health_interval: Duration::from_secs(10),
            health_failures: 3,
            stuck: Duration::from_secs(30),
        }
    }
}

/// What the process said of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hello {
    /// Go names of the hooks that the plugin implements.
    pub hooks: BTreeSet<String>,
    /// Name of the plugin's class.
    pub plugin_class: String,
    /// Version of the SDK.
    pub sdk_version: String,
    /// Python's version.
    pub python_version: String,
    /// The Mattermost version that the SDK was made from.
    pub surface_version: String,
    /// What the handlers of single hooks ask for, by Go name.
    pub options: BTreeMap<String, HookOptions>,
    /// Number of the signal on which the process prints where its threads are; 0 without one.
    pub stack_signal: i32,
}

/// What a handler asks of the host.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HookOptions {
    /// How long it may take.
    pub deadline: Option<Duration>,
    /// What the person who asked reads when it fails; `None`: the server goes on as if it had not been asked.
    pub rejection: Option<String>,
    /// Whether it may be called again when its process died while it ran.
    pub idempotent: bool,
    /// Whether it takes one of the process's threads while it runs.
    pub blocks: bool,
}

impl From<&host::HookOptions> for HookOptions {
    fn from(options: &host::HookOptions) -> Self {
        let deadline = u64::try_from(options.deadline_ms).ok().filter(|it| *it > 0).map(Duration::from_millis);
        // A text is never empty, or the server would take it for none.
        let text = if options.rejection.trim().is_empty() { DEFAULT_REJECTION } else { &options.rejection };
        let rejection = (options.on_error() == host::OnError::Reject).then(|| text.to_owned());
        Self { deadline, rejection, idempotent: options.idempotent, blocks: options.blocks }
    }
}

/// For a handler that refuses without a text of its own, which the SDK does not allow.
const DEFAULT_REJECTION: &str = "The plugin that checks this is out of order. Please try again later.";

/// Where the plugin is in its life, for whoever watches. Of several workers: all of them together.
#[derive(Clone, Debug)]
pub struct ProcessStatus {
    /// The state.
    pub state: State,
    /// The process id, while there is a process; of several the first worker's.
    pub pid: Option<i32>,
    /// What it said of itself, from its hello to its end for good: one that is started again has the hello of the one before.
    pub hello: Option<Arc<Hello>>,
    /// Why the last process that ended without having been asked to did so; in the state `Failed` that is why there is none.
    pub failure: Option<Failure>,
    /// How many processes have ended without having been asked to.
    pub deaths: u64,
}

impl Default for ProcessStatus {
    /// Of a plugin that was never started.
    fn default() -> Self {
        Self { state: State::Stopped, pid: None, hello: None, failure: None, deaths: 0 }
    }
}
