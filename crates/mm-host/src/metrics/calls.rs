//! Counts and latencies of calls, by name.
//!
//! The names are known in advance, so each has its row, found without a lock; the metrics of a row are made when they are first needed,
//! so that a plugin with three hooks does not show fifty.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};
use tonic::Code;

use super::{opts, registered};

/// Upper bounds of the histograms' buckets, in seconds: from a quick handler to the longest deadline.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What is told of names that are not known.
const OTHER: &str = "other";

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With an answer.
    Ok,
    /// With an error: of the handler, or of the server.
    Error,
    /// It took longer than it may.
    Deadline,
    /// There was no process to take it, or it ended meanwhile.
    Unavailable,
    /// Whoever called it gave it up.
    Cancelled,
    /// The plugin may not do this.
    Denied,
}

impl Outcome {
    const ALL: [Self; 6] = [Self::Ok, Self::Error, Self::Deadline, Self::Unavailable, Self::Cancelled, Self::Denied];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Deadline => "deadline",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
        }
    }
}

impl From<Code> for Outcome {
    fn from(code: Code) -> Self {
        match code {
            Code::Ok => Self::Ok,
            Code::DeadlineExceeded => Self::Deadline,
            Code::Unavailable => Self::Unavailable,
            Code::Cancelled => Self::Cancelled,
            _ => Self::Error,
        }
    }
}

/// The calls of one kind.
pub(super) struct Calls {
    /// Sorted.
    names: Vec<&'static str>,
    total: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGauge,
    /// One for each name, and one for all others.
    rows: Box<[Row]>,
}

#[derive(Default)]
struct Row {
    outcomes: [OnceLock<IntCounter>; Outcome::ALL.len()],
    duration: OnceLock<Histogram>,
}

impl Calls {
    /// `kind` is in the metrics' names, `label` is the label with the call's name; `names` are sorted.
    pub(super) fn new(registry: &Registry, kind: &str, label: &str, names: Vec<&'static str>) -> Self {
        debug_assert!(names.is_sorted());
        let what = if kind == "hook" { "Hook calls" } else { "API calls of the plugin" };
        let total = opts(&format!("{kind}_calls_total"), &format!("{what} that are over."));
        let help = format!("{what}: time until the answer, or until it began where the answer is a stream.");
        let duration = HistogramOpts::from(opts(&format!("{kind}_duration_seconds"), &help)).buckets(BUCKETS.to_vec());
        let in_flight = opts(&format!("{kind}_calls_in_flight"), &format!("{what} that are under way."));
        let rows = std::iter::repeat_with(Row::default).take(names.len() + 1).collect();
        Self {
            names,
            total: registered(registry, IntCounterVec::new(total, &[label, "outcome"])),
            duration: registered(registry, HistogramVec::new(duration, &[label])),
            in_flight: registered(registry, IntGauge::with_opts(in_flight)),
            rows,
        }
    }

    /// A call begins; [`Calls::ended`] follows.
    pub(super) fn begun(&self) {
        self.in_flight.inc();
    }

    /// A call of this [`Calls::index`] is over.
    pub(super) fn ended(&self, index: usize, outcome: Outcome, took: Duration) {
        self.in_flight.dec();
        let (row, label) = (&self.rows[index], self.label(index));
        let counter = &row.outcomes[outcome as usize];
        counter.get_or_init(|| self.total.with_label_values(&[label, outcome.as_str()])).inc();
        row.duration.get_or_init(|| self.duration.with_label_values(&[label])).observe(took.as_secs_f64());
    }

    /// The name, if it is one of those.
    pub(super) fn known(&self, name: &str) -> &'static str {
        self.label(self.index(name))
    }

    /// The row of a name.
    pub(super) fn index(&self, name: &str) -> usize {
        self.names.binary_search(&name).unwrap_or(self.names.len())
    }

    fn label(&self, index: usize) -> &'static str {
        self.names.get(index).copied().unwrap_or(OTHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_names_of_their_own() {
        let names: std::collections::BTreeSet<&str> = Outcome::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(names.len(), Outcome::ALL.len());
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "the place in a row");
        }
    }

    #[test]
    fn only_what_was_called_is_shown() {
        let registry = Registry::new();
        let calls = Calls::new(&registry, "hook", "hook", vec!["A", "B"]);
        calls.begun();
        calls.ended(calls.index("B"), Outcome::Ok, Duration::from_millis(2));
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text.contains("mm_host_hook_calls_total{hook=\"B\",outcome=\"ok\"} 1\n"), "{text}");
        assert!(text.contains("mm_host_hook_duration_seconds_bucket{hook=\"B\",le=\"0.0025\"} 1\n"), "{text}");
        assert!(!text.contains("\"A\"") && !text.contains("other"), "{text}");
    }
}
