//! What the host counts, for a Prometheus that asks for it and for `mm-host status`.
//!
//! A [`Metrics`] is handed to whatever has something to tell; telling costs a few atomic operations and takes no lock. The names that
//! Prometheus sees are documented in `docs/guide/operations.md`, and are kept as they are from release to release.
//!
//! | Module | What it is |
//! |---|---|
//! | `calls` | counts and latencies by name, for hooks and for API methods |
//! | `layer` | counts the calls that pass |
//! | `page` | the hook `ServeMetrics` |
//! | `summary` | all of it in few numbers |
//! | `memory` | how much memory the host and the plugin's processes have |

mod calls;
mod layer;
mod memory;
mod page;
mod summary;

use std::sync::{Arc, Mutex, PoisonError};
#[cfg(test)]
use std::time::Duration;
use std::time::SystemTime;

use mm_proto::{API_METHODS, HOOKS};
use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use self::calls::Calls;
pub use self::calls::Outcome;
pub(crate) use self::layer::{Counted, api_call};
pub(crate) use self::page::{WithPage, hooks_of_host};

/// Why a process of the plugin was replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RestartReason {
    /// It ended by itself.
    Exited,
    /// A signal ended it.
    Killed,
    /// The system killed it since memory was short, or its limit was reached.
    OutOfMemory,
    /// It did not answer health checks.
    Unhealthy,
    /// A handler was far over its deadline and did not end.
    Stuck,
    /// It did not start.
    StartFailed,
    /// Somebody asked for a new one: a changed file, SIGHUP.
    Requested,
}

impl RestartReason {
    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Killed => "killed",
            Self::OutOfMemory => "out_of_memory",
            Self::Unhealthy => "unhealthy",
            Self::Stuck => "stuck",
            Self::StartFailed => "start_failed",
            Self::Requested => "requested",
        }
    }
}

/// The counters of one hosted plugin. Cheap to clone; clones are the same counters.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    hooks: Calls,
    api: Calls,
    shed: IntCounterVec,
    retried: IntCounterVec,
    restarts: IntCounterVec,
    queue: IntGaugeVec,
    workers: IntGauge,
    workers_wanted: IntGauge,
    host_memory: IntGauge,
    process_memory: IntGaugeVec,
    /// The plugin's processes, by worker.
    processes: Mutex<Vec<Option<i32>>>,
}

impl Metrics {
    /// Counters at zero, for the plugin of this id and version.
    pub fn new(plugin_id: &str, plugin_version: &str) -> Self {
        let registry = Registry::new();
        let hook_names: Vec<&'static str> = HOOKS.iter().map(|it| it.go).collect();
        let api_names: Vec<&'static str> = API_METHODS.iter().map(|it| it.go).collect();
        let info = GaugeVec::new(
            opts("info", "The plugin that this host runs; always 1."),
            &["plugin_id", "plugin_version", "host_version"],
        );
        let info = registered(&registry, info);
        info.with_label_values(&[plugin_id, plugin_version, env!("CARGO_PKG_VERSION")]).set(1.0);
        let started =
            registered(&registry, Gauge::with_opts(opts("start_time_seconds", "When the host began, in Unix time.")));
        started.set(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        let counters = |name, help, label| registered(&registry, IntCounterVec::new(opts(name, help), &[label]));
        let gauge = |name, help| registered(&registry, IntGauge::with_opts(opts(name, help)));
        let inner = Inner {
            hooks: Calls::new(&registry, "hook", "hook", hook_names),
            api: Calls::new(&registry, "api", "method", api_names),
            shed: counters(
                "hooks_shed_total",
                "Hook calls dropped since their queue was full, or answered without the plugin since too many were under way.",
                "hook",
            ),
            retried: counters("hook_retries_total", "Hook calls made again after a process had ended.", "hook"),
            restarts: counters("restarts_total", "Processes of the plugin that were replaced.", "reason"),
            queue: registered(
                &registry,
                IntGaugeVec::new(opts("queue_length", "Hook calls that wait for their turn."), &["queue"]),
            ),
            workers: gauge("workers", "Processes of the plugin that take calls."),
            workers_wanted: gauge("workers_wanted", "Processes of the plugin that there should be."),
            host_memory: gauge("resident_memory_bytes", "Memory of the host."),
            process_memory: registered(
                &registry,
                IntGaugeVec::new(
                    opts("plugin_resident_memory_bytes", "Memory of the plugin's processes."),
                    &["worker"],
                ),
            ),
            processes: Mutex::default(),
            registry,
        };
        inner.workers_wanted.set(1);
        Self { inner: Arc::new(inner) }
    }

    /// The calls of hooks, or those of the API.
    fn calls(&self, hooks: bool) -> &Calls {
        if hooks { &self.inner.hooks } else { &self.inner.api }
    }

    /// A hook's call is over that did not pass the layer that counts them. Names that no hook has are counted as `other`.
    #[cfg(test)]
    fn hook(&self, name: &str, outcome: Outcome, took: Duration) {
        self.inner.hooks.begun();
        self.inner.hooks.ended(self.inner.hooks.index(name), outcome, took);
    }

    /// So many calls of a hook were dropped, or answered, without being made.
    pub fn shed(&self, hook: &str, n: u64) {
        self.inner.shed.with_label_values(&[self.inner.hooks.known(hook)]).inc_by(n);
    }

    /// A hook is called once more, since the process that had it ended.
    pub fn retried(&self, hook: &str) {
        self.inner.retried.with_label_values(&[self.inner.hooks.known(hook)]).inc();
    }

    /// A process of the plugin is replaced.
    pub fn restart(&self, reason: RestartReason) {
        self.inner.restarts.with_label_values(&[reason.as_str()]).inc();
    }

    /// The gauge of a queue, to be kept by whoever has the queue: setting it costs one atomic operation. `queue` is one of a few fixed
    /// names.
    pub fn queue(&self, queue: &'static str) -> QueueLength {
        QueueLength(self.inner.queue.with_label_values(&[queue]))
    }

    /// How many processes take calls, and how many there should be.
    pub fn workers(&self, running: usize, wanted: usize) {
        self.inner.workers.set(as_gauge(running));
        self.inner.workers_wanted.set(as_gauge(wanted));
    }

    /// The process of a worker, counted from 0, whose memory is to be told from now on; `None` when it is gone.
    pub fn process(&self, worker: usize, pid: Option<i32>) {
        let mut processes = self.inner.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if processes.len() <= worker {
            processes.resize(worker + 1, None);
        }
        processes[worker] = pid;
    }

    /// The plugin's processes that run.
    fn processes(&self) -> Vec<i32> {
        self.inner.processes.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten().copied().collect()
    }

    /// All of it as Prometheus reads it, in the text format 0.0.4.
    pub fn text(&self) -> String {
        self.measure();
        // Names and labels are fixed, so nothing can be wrong with them.
        TextEncoder::new().encode_to_string(&self.inner.registry.gather()).unwrap_or_default()
    }

    /// Looks at what is not counted but measured.
    fn measure(&self) {
        self.inner.host_memory.set(memory::resident(std::process::id()).unwrap_or_default());
        let processes = self.inner.processes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.inner.process_memory.reset();
        for (worker, pid) in processes.iter().enumerate() {
            let bytes = pid.and_then(|it| u32::try_from(it).ok()).and_then(memory::resident);
            if let Some(bytes) = bytes {
                self.inner.process_memory.with_label_values(&[&worker.to_string()]).set(bytes);
            }
        }
    }
}

/// Tells how long a queue is. Cheap to clone.
#[derive(Clone)]
pub struct QueueLength(IntGauge);

impl QueueLength {
    /// It is as long as this now.
    pub fn set(&self, length: usize) {
        self.0.set(as_gauge(length));
    }

    /// One more waits.
    pub fn push(&self) {
        self.0.inc();
    }

    /// One less waits.
    pub fn pop(&self) {
        self.0.dec();
    }
}

fn as_gauge(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("mm_host")
}

/// A metric that the registry has.
fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = metric.expect("names are valid");
    registry.register(Box::new(metric.clone())).expect("names differ");
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_in_the_text() {
        let metrics = Metrics::new("com.example.x", "1.2.3");
        metrics.hook("MessageHasBeenPosted", Outcome::Ok, Duration::from_millis(3));
        metrics.hook("MessageHasBeenPosted", Outcome::Ok, Duration::from_millis(30));
        metrics.hook("MessageHasBeenPosted", Outcome::Deadline, Duration::from_secs(5));
        metrics.hook("NoSuchHook", Outcome::Error, Duration::ZERO);
        metrics.shed("MessageHasBeenPosted", 7);
        metrics.retried("MessageHasBeenPosted");
        metrics.restart(RestartReason::OutOfMemory);
        metrics.queue("events").set(12);
        metrics.workers(1, 2);
        let text = metrics.text();
        for line in [
            "# TYPE mm_host_hook_calls_total counter",
            "# TYPE mm_host_hook_duration_seconds histogram",
            "mm_host_hook_calls_total{hook=\"MessageHasBeenPosted\",outcome=\"ok\"} 2",
            "mm_host_hook_calls_total{hook=\"MessageHasBeenPosted\",outcome=\"deadline\"} 1",
            "mm_host_hook_calls_total{hook=\"other\",outcome=\"error\"} 1",
            "mm_host_hook_duration_seconds_bucket{hook=\"MessageHasBeenPosted\",le=\"0.005\"} 1",
            "mm_host_hook_duration_seconds_bucket{hook=\"MessageHasBeenPosted\",le=\"0.05\"} 2",
            "mm_host_hook_duration_seconds_count{hook=\"MessageHasBeenPosted\"} 3",
            "mm_host_hooks_shed_total{hook=\"MessageHasBeenPosted\"} 7",
            "mm_host_hook_retries_total{hook=\"MessageHasBeenPosted\"} 1",
            "mm_host_restarts_total{reason=\"out_of_memory\"} 1",
            "mm_host_queue_length{queue=\"events\"} 12",
            "mm_host_workers 1",
            "mm_host_workers_wanted 2",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
        }
        let info = "plugin_id=\"com.example.x\",plugin_version=\"1.2.3\"";
        assert!(text.contains(info), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_that_of_processes_which_are_there() {
        let metrics = Metrics::new("x", "1");
        let own = i32::try_from(std::process::id()).unwrap();
        metrics.process(1, Some(own));
        let measured = |text: &str, name: &str| {
            let line = text.lines().find(|it| it.starts_with(name) && !it.starts_with('#'))?;
            line.rsplit(' ').next()?.parse::<f64>().ok()
        };
        let text = metrics.text();
        let bytes =
            measured(&text, "mm_host_plugin_resident_memory_bytes{worker=\"1\"}").expect("this process is told");
        assert!(bytes > 100_000.0, "{bytes}");
        assert!(measured(&text, "mm_host_resident_memory_bytes").unwrap() > 100_000.0);
        metrics.process(1, None);
        assert!(!metrics.text().contains("mm_host_plugin_resident_memory_bytes{"));
    }
}
