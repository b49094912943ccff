//! Calls of hooks that were dropped, or answered without the plugin: counted, and told in one record a minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mm_proto::HookName;

use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::metrics::Metrics;

/// From the first call that is dropped to the record that says so.
const FIRST: Duration = Duration::from_secs(1);

/// From one record to the next.
const PERIOD: Duration = Duration::from_secs(60);

/// Why a call was dropped.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Loss {
    /// Too many were waiting.
    Shed,
    /// Too many were under way; somebody waits for the answer.
    Full,
    /// The plugin's process died while its handler ran, or there was none to call.
    Died,
}

/// What was dropped since the last record.
#[derive(Clone)]
pub(super) struct Losses {
    sink: LogSink,
    metrics: Metrics,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    by_hook: BTreeMap<(Loss, HookName), u64>,
    /// Whether a task will tell.
    told: bool,
}

impl Losses {
    pub(super) fn new(sink: LogSink, metrics: Metrics) -> Self {
        Self { sink, metrics, counts: Arc::default() }
    }

    /// Counts a call that was dropped. To be called inside of the runtime.
    pub(super) fn note(&self, loss: Loss, hook: HookName) {
        if matches!(loss, Loss::Shed | Loss::Full) {
            self.metrics.shed(hook.as_str(), 1);
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.by_hook.entry((loss, hook)).or_default() += 1;
        if !std::mem::replace(&mut counts.told, true) {
            tokio::spawn(self.clone().tell());
        }
    }

    async fn tell(self) {
        tokio::time::sleep(FIRST).await;
        loop {
            let counts = {
                let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.told = !counts.by_hook.is_empty();
                std::mem::take(&mut counts.by_hook)
            };
            if counts.is_empty() {
                return;
            }
            (self.sink)(record(&counts));
            tokio::time::sleep(PERIOD).await;
        }
    }
}

/// One record for all of them, with the numbers as fields too.
fn record(counts: &BTreeMap<(Loss, HookName), u64>) -> LogRecord {
    let mut text = String::new();
    for (loss, what) in [
        (
            Loss::Shed,
            ["events were dropped", "because more waited than the queue holds: the plugin handles them too slowly"],
        ),
        (
            Loss::Full,
            [
                "calls were answered without the plugin",
                "because as many were under way as may be: its handlers are too slow",
            ],
        ),
        (
            Loss::Died,
            [
                "events were dropped",
                "because the plugin's process was gone: handlers marked idempotent=True are called again",
            ],
        ),
    ] {
        let of_it: Vec<_> = counts.iter().filter(|((it, _), _)| *it == loss).collect();
        let total: u64 = of_it.iter().map(|(_, n)| **n).sum();
        if total > 0 {
            let each: Vec<String> = of_it.iter().map(|((_, hook), n)| format!("{hook} {n}")).collect();
            let separator = if text.is_empty() { "" } else { "; " };
            let [what, why] = what;
            let _ = write!(text, "{separator}{total} {what} ({}) {why}", each.join(", "));
        }
    }
    let mut record = LogRecord::new(LogLevel::Warn, LogSource::Host, text);
    for ((_, hook), n) in counts {
        let field = record.fields.entry(format!("dropped_{}", hook.info().snake)).or_default();
        *field = (field.parse::<u64>().unwrap_or_default() + n).to_string();
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_record_a_minute_says_how_many() {
        let records = Arc::new(Mutex::new(Vec::<LogRecord>::new()));
        let kept = records.clone();
        let metrics = Metrics::new("com.example.test", "1.0.0");
        let losses = Losses::new(Arc::new(move |it| kept.lock().unwrap().push(it)), metrics.clone());
        for _ in 0..1500 {
            losses.note(Loss::Shed, HookName::MessageHasBeenPosted);
        }
        losses.note(Loss::Died, HookName::UserHasJoinedTeam);
        losses.note(Loss::Full, HookName::MessageWillBePosted);
        tokio::time::sleep(FIRST * 2).await;
        {
            let records = records.lock().unwrap();
            let [record] = records.as_slice() else { panic!("{records:?}") };
            assert!(record.message.starts_with("1500 events were dropped (MessageHasBeenPosted 1500) because"));
            assert!(record.message.contains("; 1 events were dropped (UserHasJoinedTeam 1) because"), "{record:?}");
            let full = "; 1 calls were answered without the plugin (MessageWillBePosted 1) because as many";
            assert!(record.message.contains(full), "{record:?}");
            let page = metrics.text();
            for line in [
                "mm_host_hooks_shed_total{hook=\"MessageHasBeenPosted\"} 1500",
                "mm_host_hooks_shed_total{hook=\"MessageWillBePosted\"} 1",
            ] {
                assert!(page.lines().any(|it| it == line), "{page}");
            }
            assert!(!page.contains("UserHasJoinedTeam\"} "), "{page}");
            assert_eq!(record.fields["dropped_message_has_been_posted"], "1500");
        }
        losses.note(Loss::Shed, HookName::MessageHasBeenPosted);
        tokio::time::sleep(PERIOD / 2).await;
        assert_eq!(records.lock().unwrap().len(), 1, "not twice within a minute");
        tokio::time::sleep(PERIOD / 2).await;
        assert_eq!(records.lock().unwrap().len(), 2);
        // It stops by itself, and begins again.
        tokio::time::sleep(PERIOD * 2).await;
        losses.note(Loss::Shed, HookName::MessageHasBeenPosted);
        tokio::time::sleep(FIRST * 2).await;
        assert_eq!(records.lock().unwrap().len(), 3);
    }
}
