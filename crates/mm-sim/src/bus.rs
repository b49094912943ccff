//! Where events, logs and traces go: to the subscribers, and into bounded records.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mm_proto::plugin::v1;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::events::{Audience, Event, Feed, LogRecord, Subject, Trace, TracePhase, TraceSide, WebSocketEvent};

/// How many web socket events and log records are kept.
const KEPT: usize = 10_000;

/// Decides whether a subscriber wants an event.
type Filter = Box<dyn Fn(&Event) -> bool + Send>;

#[derive(Default)]
pub(crate) struct Bus {
    tracing: AtomicBool,
    trace_ids: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    subscribers: Vec<(mpsc::UnboundedSender<Event>, Option<Filter>)>,
    events: VecDeque<Arc<WebSocketEvent>>,
    logs: VecDeque<Arc<LogRecord>>,
    seq: u64,
}

impl Bus {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self, filter: Option<Filter>) -> Feed {
        let (sender, events) = mpsc::unbounded_channel();
        self.inner().subscribers.push((sender, filter));
        Feed { events }
    }

    pub(crate) fn publish(
        &self,
        at: i64,
        name: &str,
        data: BTreeMap<String, v1::Value>,
        audience: Audience,
        subject: Subject,
    ) {
        let mut inner = self.inner();
        inner.seq += 1;
        let event = Arc::new(WebSocketEvent { seq: inner.seq, at, name: name.to_owned(), data, audience, subject });
        keep(&mut inner.events, event.clone());
        inner.send(Event::WebSocket(event));
    }

    pub(crate) fn log(&self, record: LogRecord) {
        let record = Arc::new(record);
        let mut inner = self.inner();
        keep(&mut inner.logs, record.clone());
        inner.send(Event::Log(record));
    }

    pub(crate) fn websocket_events(&self) -> Vec<Arc<WebSocketEvent>> {
        self.inner().events.iter().cloned().collect()
    }

    pub(crate) fn logs(&self) -> Vec<Arc<LogRecord>> {
        self.inner().logs.iter().cloned().collect()
    }

    pub(crate) fn set_tracing(&self, on: bool) {
        self.tracing.store(on, Ordering::Relaxed);
    }

    /// Records the start of a call; `None`, and no work, while tracing is off.
    pub(crate) fn trace_call(
        &self,
        clock: &Clock,
        side: TraceSide,
        plugin_id: &str,
        name: &'static str,
        request: &dyn std::fmt::Debug,
    ) -> Option<TraceSpan> {
        if !self.tracing.load(Ordering::Relaxed) {
            return None;
        }
        let id = self.trace_ids.fetch_add(1, Ordering::Relaxed) + 1;
        let trace = Trace {
            id,
            at: clock.now(),
            side,
            plugin_id: plugin_id.to_owned(),
            name,
            phase: TracePhase::Call { request: compact(request) },
        };
        self.inner().send(Event::Trace(Arc::new(trace.clone())));
        Some(TraceSpan { trace, started: Instant::now() })
    }

    /// Records the end of a call.
    pub(crate) fn trace_return<R: std::fmt::Debug>(
        &self,
        clock: &Clock,
        span: Option<TraceSpan>,
        result: Result<&R, String>,
    ) {
        let Some(TraceSpan { mut trace, started }) = span else { return };
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        trace.at = clock.now();
        trace.phase = match result {
            Ok(response) => TracePhase::Return { response: compact(response), took_us },
            Err(error) => TracePhase::Fail { error, took_us },
        };
        self.inner().send(Event::Trace(Arc::new(trace)));
    }
}

impl Inner {
    fn send(&mut self, event: Event) {
        self.subscribers.retain(|(sender, filter)| {
            if sender.is_closed() {
                return false;
            }
            if filter.as_ref().is_none_or(|wants| wants(&event)) {
                return sender.send(event.clone()).is_ok();
            }
            true
        });
    }
}

/// The open end of a traced call.
pub(crate) struct TraceSpan {
    trace: Trace,
    started: Instant,
}

fn keep<T>(record: &mut VecDeque<T>, item: T) {
    if record.len() == KEPT {
        record.pop_front();
    }
    record.push_back(item);
}

/// The debug text of a message without what says nothing: fields that are empty, zero, false or absent.
fn compact(value: &dyn std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let mut out = String::with_capacity(text.len() / 2);
    compact_into(&text, &mut out);
    out
}

/// Copies a debug text, leaving out the fields `name: nothing` of every struct in it.
fn compact_into(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(end) = empty_field(text, at, out) {
            at = end;
            continue;
        }
        let step = match bytes[at] {
            b'"' => string_end(bytes, at) - at,
            b'}' => {
                close_struct(out);
                1
            }
            _ => text[at..].chars().next().map_or(1, char::len_utf8),
        };
        out.push_str(&text[at..at + step]);
        at += step;
    }
}

/// Mends the end of a struct that may have lost its last field, or all of them.
fn close_struct(out: &mut String) {
    let kept = out.trim_end_matches([' ', ',']).len();
    // A trailing comma inside a string is followed by its quote, so what is cut here is ours.
    out.truncate(kept);
    if !out.ends_with('{') {
        out.push(' ');
    }
}

/// Where an empty field that starts at `at` ends, its comma and space included.
fn empty_field(text: &str, at: usize, out: &str) -> Option<usize> {
    if !(out.ends_with("{ ") || out.ends_with(", ")) {
        return None;
    }
    let rest = &text[at..];
    let name = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'#').count();
    let value = rest.get(name..)?.strip_prefix(": ")?;
    if name == 0 {
        return None;
    }
    let empty = ["\"\"", "0", "None", "[]", "{}", "false", "0.0"]
        .into_iter()
        .find(|empty| value.strip_prefix(empty).is_some_and(|after| after.starts_with([',', ' '])))?;
    let end = at + name + 2 + empty.len();
    Some(if text[end..].starts_with(", ") { end + 2 } else { end })
}

/// The index after the closing quote of the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[derive(Debug)]
    #[allow(dead_code, reason = "read through Debug only")]
    struct Sample {
        id: &'static str,
        at: i64,
        note: &'static str,
        parent: Option<&'static str>,
        tags: Vec<&'static str>,
        done: bool,
    }

    const EMPTY: Sample = Sample { id: "", at: 0, note: "", parent: None, tags: vec![], done: false };

    #[test]
    fn empty_fields_are_left_out() {
        assert_eq!(
            compact(&Sample { id: "a", tags: vec!["x", "y"], ..EMPTY }),
            r#"Sample { id: "a", tags: ["x", "y"] }"#
        );
        assert_eq!(compact(&EMPTY), "Sample {}");
        assert_eq!(compact(&vec![EMPTY]), "[Sample {}]");
    }

    #[test]
    fn text_that_looks_like_fields_is_kept() {
        let sample = Sample { note: r#"{ at: 0, say "no": 0, "#, at: 10, parent: Some("ü"), ..EMPTY };
        assert_eq!(compact(&sample), r#"Sample { at: 10, note: "{ at: 0, say \"no\": 0, ", parent: Some("ü") }"#);
    }
}
