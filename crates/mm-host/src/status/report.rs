//! What a host tells of itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::one_line;

/// A host, at one moment. Fields that a newer host adds are passed over, and those that an older one lacks are empty.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Report {
    /// The plugin's id.
    pub plugin_id: String,
    /// The plugin's version.
    pub plugin_version: String,
    /// Its folder.
    pub bundle: String,
    /// The host's version.
    pub host_version: String,
    /// The host's process id.
    pub host_pid: u32,
    /// Where the plugin is in its life: `starting`, `running`, `restarting`, `draining`, `stopped` or `failed`.
    pub state: String,
    /// Why the last process ended that nobody asked to; in the state `failed` that is why there is none.
    pub failure: String,
    /// How many processes have ended without having been asked to.
    pub deaths: u64,
    /// Since when the host runs, in seconds.
    pub uptime_s: f64,
    /// The plugin's processes that run.
    pub pids: Vec<i32>,
    /// Version of the plugin's Python; empty in other languages.
    pub python_version: String,
    /// Version of the SDK.
    pub sdk_version: String,
    /// Names of the hooks that the plugin has.
    pub hooks: Vec<String>,
    /// Calls of hooks.
    pub hook_calls: Tally,
    /// Calls of the API.
    pub api_calls: Tally,
    /// Hook calls dropped since a queue was full.
    pub shed: u64,
    /// Hook calls made again after a process had ended.
    pub retried: u64,
    /// Replaced processes, by reason.
    pub restarts: BTreeMap<String, u64>,
    /// Lengths of the queues of hook calls, by queue.
    pub queues: BTreeMap<String, u64>,
    /// Resident memory of the host, in bytes.
    pub host_memory: u64,
    /// Resident memory of the plugin's processes, in bytes.
    pub plugin_memory: u64,
    /// All metrics, in Prometheus' text format.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metrics: String,
}

/// How calls fared.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Tally {
    /// Calls that are over, by how they ended.
    pub over: BTreeMap<String, u64>,
    /// Calls under way.
    pub in_flight: u64,
    /// Mean time of those that are over, in milliseconds.
    pub mean_ms: f64,
}

impl Tally {
    /// Calls that are over.
    pub fn count(&self) -> u64 {
        self.over.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count())?;
        for (outcome, count) in self.over.iter().filter(|(outcome, _)| *outcome != "ok") {
            write!(f, ", {count} {outcome}")?;
        }
        write!(f, "; {:.1} ms on average; {} under way", self.mean_ms, self.in_flight)
    }
}

/// A block of lines, for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", one_line(&format!("{} {}: {}", self.plugin_id, self.plugin_version, self.state)))?;
        // Some of it the plugin has said, which may be anything.
        let mut line = |name: &str, value: &str| match value {
            "" => Ok(()),
            value => writeln!(f, "  {name:<11} {}", one_line(value)),
        };
        let failure = if self.state == "failed" { "failure" } else { "last death" };
        line(failure, &self.failure)?;
        line("folder", &self.bundle)?;
        let uptime = hours(Duration::from_secs_f64(self.uptime_s.max(0.0)));
        line("host", &format!("mm-host {}, process {}, since {uptime}", self.host_version, self.host_pid))?;
        let pids = self.pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let sdk = match self.python_version.as_str() {
            "" => String::new(),
            version => format!(" (Python {version}, SDK {})", self.sdk_version),
        };
        line("process", &if pids.is_empty() { "none".to_owned() } else { format!("{pids}{sdk}") })?;
        line("hooks", &self.hook_calls.to_string())?;
        line("API", &self.api_calls.to_string())?;
        let named = |of: &BTreeMap<String, u64>| {
            of.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
        };
        line("queue", &named(&self.queues))?;
        if self.shed > 0 || self.retried > 0 {
            line("lost", &format!("{} calls dropped, {} made again", self.shed, self.retried))?;
        }
        line("restarts", &named(&self.restarts))?;
        line("memory", &format!("{} host, {} plugin", mebibytes(self.host_memory), mebibytes(self.plugin_memory)))
    }
}

fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..=59 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}
