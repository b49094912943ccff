//! What is set and told about the plugin's process: limits, its hello, its status.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::failure::Failure;

/// How long the steps of a process's life may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the start of the process to its hello.
    pub start: Duration,
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
}

impl Default for Limits {
    /// 60 s to start; the end takes 9.5 s at most, below the 10 s that a server allows.
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            deactivate: Duration::from_secs(5),
            shutdown: Duration::from_secs(3),
            terminate: Duration::from_secs(1),
            health_interval: Duration::from_secs(10),
            health_failures: 3,
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
}

/// Where the plugin's process is in its life, for whoever watches.
#[derive(Clone, Debug)]
pub struct ProcessStatus {
    /// The state.
    pub state: State,
    /// Its process id, while there is one.
    pub pid: Option<i32>,
    /// What it said of itself, from its hello to its end.
    pub hello: Option<Arc<Hello>>,
    /// Why there is no process, in the state `Failed`.
    pub failure: Option<Failure>,
}
