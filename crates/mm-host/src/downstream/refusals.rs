//! Who was not let in, for the log: each kind at once, and then not more often than somebody can read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::log::{LogLevel, LogRecord, LogSink, LogSource};

/// How long refusals of a kind are only counted after one was logged.
const QUIET: Duration = Duration::from_secs(60);

/// The refusals of one server. Clones are the same.
#[derive(Clone)]
pub(super) struct Refusals {
    sink: LogSink,
    kinds: Arc<Mutex<BTreeMap<&'static str, Kind>>>,
}

struct Kind {
    logged: Instant,
    n_since: u64,
}

impl Refusals {
    pub(super) fn new(sink: LogSink) -> Self {
        Self { sink, kinds: Arc::default() }
    }

    /// Logs a refusal, or counts it when one of its kind was logged a moment ago.
    pub(super) fn add(&self, kind: &'static str, text: &str) {
        if let Some(text) = self.note(kind, text, Instant::now()) {
            (self.sink)(LogRecord::new(LogLevel::Warn, LogSource::Host, text));
        }
    }

    fn note(&self, kind: &'static str, text: &str, now: Instant) -> Option<String> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = kinds.get_mut(kind) else {
            kinds.insert(kind, Kind { logged: now, n_since: 0 });
            return Some(text.to_owned());
        };
        if now.duration_since(known.logged) < QUIET {
            known.n_since += 1;
            return None;
        }
        let n = std::mem::take(&mut known.n_since);
        known.logged = now;
        Some(if n == 0 { text.to_owned() } else { format!("{text} ({n} more of the kind since the last record)") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_two_records() {
        let refusals = Refusals::new(Arc::new(|_| {}));
        let start = Instant::now();
        let notes: Vec<String> = (0..1000).filter_map(|_| refusals.note("token", "no token", start)).collect();
        assert_eq!(notes, ["no token"]);
        assert_eq!(refusals.note("user", "another user", start).as_deref(), Some("another user"), "another kind");
        let later = refusals.note("token", "no token", start + QUIET);
        assert_eq!(later.as_deref(), Some("no token (999 more of the kind since the last record)"));
        assert_eq!(refusals.note("token", "no token", start + QUIET), None);
    }
}
