//! The counters in few numbers, for `mm-host status`.

use std::collections::BTreeMap;

use prometheus::proto::MetricFamily;

use super::Metrics;
use crate::status::{Report, Tally};

impl Metrics {
    /// Fills in what is counted and measured.
    pub(crate) fn summarise(&self, report: &mut Report) {
        report.metrics = self.text();
        let families = self.inner.registry.gather();
        let family = |name: &str| families.iter().find(|it| it.name().strip_prefix("mm_host_") == Some(name));
        report.hook_calls = tally("hook", &family);
        report.api_calls = tally("api", &family);
        report.shed = by_label(family("hooks_shed_total")).values().sum();
        report.retried = by_label(family("hook_retries_total")).values().sum();
        report.restarts = by_label(family("restarts_total"));
        report.queues = by_label(family("queue_length"));
        report.host_memory = by_label(family("resident_memory_bytes")).values().sum();
        report.plugin_memory = by_label(family("plugin_resident_memory_bytes")).values().sum();
        report.pids = self.processes();
    }
}

/// The calls of a kind.
fn tally<'a>(kind: &str, family: &impl Fn(&str) -> Option<&'a MetricFamily>) -> Tally {
    let times = family(&format!("{kind}_duration_seconds"));
    let times = times.map(|it| it.get_metric()).unwrap_or_default().iter().map(|it| it.get_histogram());
    let (count, seconds) =
        times.fold((0, 0.0), |(count, sum), it| (count + it.get_sample_count(), sum + it.get_sample_sum()));
    #[allow(clippy::cast_precision_loss, reason = "it is a mean")]
    let mean_ms = if count == 0 { 0.0 } else { seconds * 1000.0 / count as f64 };
    let in_flight = by_label(family(&format!("{kind}_calls_in_flight"))).values().sum();
    Tally { over: by_label(family(&format!("{kind}_calls_total"))), in_flight, mean_ms }
}

/// The values of counters or gauges, added up by the label that is left when the call's name is left out.
fn by_label(family: Option<&MetricFamily>) -> BTreeMap<String, u64> {
    let mut values = BTreeMap::new();
    for metric in family.map(|it| it.get_metric()).unwrap_or_default() {
        let label = metric.get_label().iter().find(|it| !matches!(it.name(), "hook" | "method"));
        let label = label.map(|it| it.value().to_owned()).unwrap_or_default();
        // One of the two is there; the other is zero.
        let value = metric.get_counter().get_value() + metric.get_gauge().get_value();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and bytes")]
        let value = value.max(0.0) as u64;
        *values.entry(label).or_default() += value;
    }
    values
}
