//! Makes a report of what is known in several places.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::Report;
use super::desk::Source;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::supervisor::State;
use crate::supervisor::status::ProcessStatus;

/// What does not change while the host runs, and where to find what does.
pub(crate) struct About {
    fixed: Report,
    since: Instant,
    metrics: Metrics,
}

impl About {
    /// Of the plugin with this manifest in the folder `bundle`.
    pub(crate) fn new(manifest: &Manifest, bundle: &str, metrics: Metrics) -> Self {
        let fixed = Report {
            plugin_id: manifest.id.clone(),
            plugin_version: manifest.version.clone(),
            bundle: bundle.to_owned(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            host_pid: std::process::id(),
            ..Report::default()
        };
        Self { fixed, since: Instant::now(), metrics }
    }

    /// Makes reports of a plugin whose life is told there.
    pub(crate) fn source(self, life: watch::Receiver<ProcessStatus>) -> Source {
        Arc::new(move || {
            let now = life.borrow().clone();
            self.report(now)
        })
    }

    fn report(&self, life: ProcessStatus) -> Report {
        let hello = life.hello.as_deref().cloned().unwrap_or_default();
        let mut report = Report {
            state: name_of(life.state).to_owned(),
            failure: life.failure.map(|it| it.what).unwrap_or_default(),
            deaths: life.deaths,
            uptime_s: self.since.elapsed().as_secs_f64(),
            python_version: hello.python_version,
            sdk_version: hello.sdk_version,
            hooks: hello.hooks.into_iter().collect(),
            ..self.fixed.clone()
        };
        self.metrics.summarise(&mut report);
        report
    }
}

/// The state in one word, as `docs/guide/operations.md` has it.
fn name_of(state: State) -> &'static str {
    match state {
        State::Stopped => "stopped",
        State::Starting => "starting",
        State::Running => "running",
        State::Draining { .. } => "draining",
        State::Restarting(_) => "restarting",
        State::Failed => "failed",
    }
}
