//! Where events, logs and traces go: to the subscribers, and into bounded records.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mm_proto::plugin::v1;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::events::{Audience, Event, Feed, LogRecord, Subject, Trace, TracePhase, TraceSide, WebSocketEvent};
use crate::trace_text;

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
            phase: TracePhase::Call { request: trace_text::message(request) },
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
            Ok(response) => TracePhase::Return { response: trace_text::message(response), took_us },
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
