//! Log records on their way to the server: through its API once that is connected, until then and afterwards as lines on standard error.
//!
//! Whoever logs never waits. What the server does not take in time piles up to a bound; beyond it records are dropped, and their number
//! is logged.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use mm_proto::plugin::v1::value::Kind;
use mm_proto::plugin::v1::{LogDebugRequest, LogErrorRequest, LogInfoRequest, LogWarnRequest, Value};
use mm_proto::{ApiError, PluginApi};
use tokio::sync::Notify;
use tonic::Code;

use super::hclog;
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};

/// What may wait for the server, in records and in bytes of their texts.
const MAX_RECORDS: usize = 10_000;
const MAX_BYTES: usize = 8 << 20;

/// How long the last records may take.
pub(super) const LAST_RECORDS: Duration = Duration::from_millis(300);

/// The way of all records to the server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Logs {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something waits.
    filled: Notify,
    /// Nothing waits, and nothing is on its way.
    emptied: Notify,
    api: OnceLock<Arc<dyn PluginApi>>,
    /// The API is about to go away.
    disconnected: AtomicBool,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<LogRecord>,
    bytes: usize,
    n_dropped: u64,
    /// Whether a record was taken out and is on its way.
    busy: bool,
}

impl Logs {
    /// Begins to send what is logged; needs a tokio runtime. `write` takes what goes to standard error; it may block.
    pub(super) fn start(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let logs = Self::stopped();
        tokio::spawn(send(logs.shared.clone(), Arc::new(write)));
        logs
    }

    fn stopped() -> Self {
        let shared = Shared {
            queue: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            api: OnceLock::new(),
            disconnected: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// From now on records go through the server's API.
    pub(super) fn connect(&self, api: Arc<dyn PluginApi>) {
        // The first stays: a server activates once.
        let _ = self.shared.api.set(api);
    }

    /// From now on records go to standard error; one that is on its way to the API already is waited for by [`Self::flush`], and the
    /// server has it even if its answer is cut off: it came before the end, and the server carries out what has come.
    pub(super) fn disconnect(&self) {
        self.shared.disconnected.store(true, Ordering::Relaxed);
    }

    /// Takes a record.
    pub(super) fn log(&self, record: LogRecord) {
        self.shared.queue().push(record);
        self.shared.filled.notify_one();
    }

    /// Takes a text of this program.
    pub(super) fn say(&self, level: LogLevel, text: impl Into<String>) {
        self.log(LogRecord::new(level, LogSource::Host, text));
    }

    /// The same as a function.
    pub(super) fn sink(&self) -> LogSink {
        let logs = self.clone();
        Arc::new(move |record| logs.log(record))
    }

    /// Waits until everything is on its way, `limit` at most.
    pub(super) async fn flush(&self, limit: Duration) {
        let empty = async {
            loop {
                let emptied = self.shared.emptied.notified();
                tokio::pin!(emptied);
                // Before the look at the queue, so that nothing is missed in between.
                emptied.as_mut().enable();
                if self.shared.queue().is_done() {
                    return;
                }
                emptied.await;
            }
        };
        let _ = tokio::time::timeout(limit, empty).await;
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's API, while it is there.
    fn api(&self) -> Option<&Arc<dyn PluginApi>> {
        self.api.get().filter(|_| !self.is_disconnected())
    }

    fn is_disconnected(&self) -> bool {
        self.disconnected.load(Ordering::Relaxed)
    }

    /// The next record, once there is one.
    async fn next(&self) -> LogRecord {
        loop {
            if let Some(record) = self.queue().take() {
                return record;
            }
            self.emptied.notify_waiters();
            self.filled.notified().await;
        }
    }
}

impl Queue {
    fn push(&mut self, record: LogRecord) {
        let size = size(&record);
        if self.records.len() >= MAX_RECORDS || self.bytes.saturating_add(size) > MAX_BYTES.max(size) {
            self.n_dropped += 1;
            return;
        }
        self.note_dropped();
        self.bytes += size;
        self.records.push_back(record);
    }

    fn take(&mut self) -> Option<LogRecord> {
        if self.records.is_empty() {
            self.note_dropped();
        }
        let record = self.records.pop_front();
        self.busy = record.is_some();
        self.bytes -= record.as_ref().map_or(0, size);
        record
    }

    /// Says where records are missing, and how many.
    fn note_dropped(&mut self) {
        if self.n_dropped == 0 {
            return;
        }
        let n_dropped = std::mem::take(&mut self.n_dropped);
        let text = format!(
            "{n_dropped} log records were dropped: the server takes them more slowly than the plugin makes them"
        );
        let record = LogRecord::new(LogLevel::Warn, LogSource::Host, text);
        self.bytes += size(&record);
        self.records.push_back(record);
    }

    fn is_done(&self) -> bool {
        self.records.is_empty() && self.n_dropped == 0 && !self.busy
    }
}

/// What a record takes in memory, roughly.
fn size(record: &LogRecord) -> usize {
    let fields: usize = record.fields.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
    record.message.len() + record.traceback.len() + record.logger.len() + fields + 128
}

/// Sends one record after the other: the server logs in the order of arrival, and runs calls side by side.
async fn send(shared: Arc<Shared>, write: Arc<dyn Fn(&str) + Send + Sync>) {
    loop {
        let record = shared.next().await;
        if let Some(api) = shared.api() {
            match call(&**api, &record).await {
                Ok(()) => continue,
                Err(error) if shared.is_disconnected() && is_cut_off(&error) => continue,
                Err(_) => {}
            }
        }
        // Standard error is a pipe, and the server may be slow to read it.
        let write = write.clone();
        let lines = move || hclog::lines(&record).iter().for_each(|line| write(line));
        let _ = tokio::task::spawn_blocking(lines).await;
    }
}

/// Whether the connection ended before the answer came.
fn is_cut_off(error: &ApiError) -> bool {
    matches!(error, ApiError::Transport(status) if status.code() == Code::Unavailable)
}

async fn call(api: &dyn PluginApi, record: &LogRecord) -> Result<(), ApiError> {
    let msg = record.message.clone();
    let mut pairs: Vec<(String, String)> = key_values(record).collect();
    if !record.traceback.is_empty() {
        pairs.push(("traceback".to_owned(), record.traceback.clone()));
    }
    let text = |text| Value { kind: Some(Kind::StringValue(text)) };
    let key_value_pairs = pairs.into_iter().flat_map(|(key, value)| [text(key), text(value)]).collect();
    match record.level {
        LogLevel::Debug => api.log_debug(LogDebugRequest { msg, key_value_pairs }).await.map(drop),
        LogLevel::Info => api.log_info(LogInfoRequest { msg, key_value_pairs }).await.map(drop),
        LogLevel::Warn => api.log_warn(LogWarnRequest { msg, key_value_pairs }).await.map(drop),
        LogLevel::Error => api.log_error(LogErrorRequest { msg, key_value_pairs }).await.map(drop),
    }
}

/// What goes with a record: the plugin's key-values, and where it comes from, unless the plugin says that itself.
pub(super) fn key_values(record: &LogRecord) -> impl Iterator<Item = (String, String)> {
    let source = match record.source {
        LogSource::Logger => None,
        // What a Go plugin prints has these names in the server's log.
        LogSource::Stdout => Some("plugin_stdout"),
        LogSource::Stderr => Some("plugin_stderr"),
        LogSource::Host => Some("mm-host"),
    };
    let logger = Some(("logger", record.logger.as_str())).filter(|(_, name)| !name.is_empty());
    let own = logger.into_iter().chain(source.map(|it| ("source", it)));
    let own = own.filter(|(key, _)| !record.fields.contains_key(*key)).map(|(key, it)| (key.to_owned(), it.to_owned()));
    record.fields.iter().map(|(key, value)| (key.clone(), value.clone())).chain(own)
}

/// Writes to standard error.
pub(super) fn write_stderr(line: &str) {
    let mut stderr = std::io::stderr().lock();
    // A server that is gone reads nothing, and then nobody can be told.
    let _ = stderr.write_all(line.as_bytes()).and_then(|()| stderr.flush());
}

/// Lets a panic of this program become a record at the level of errors; as Rust prints it, a server would show it to nobody.
pub(super) fn record_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = format!("mm-host: {panic}");
        for line in hclog::lines(&LogRecord::new(LogLevel::Error, LogSource::Host, text)) {
            write_stderr(&line);
        }
    }));
}

#[cfg(test)]
mod tests {
    use mm_proto::plugin::v1::{LogErrorResponse, LogInfoResponse, LogWarnResponse};
    use tonic::Status;

    use super::*;

    type Lines = Arc<Mutex<Vec<String>>>;

    fn logs() -> (Logs, Lines) {
        let lines = Lines::default();
        let written = lines.clone();
        (Logs::start(move |line| written.lock().unwrap().push(line.to_owned())), lines)
    }

    /// Keeps what is logged at two of the levels, ends its connection at one that it takes too, and does not have the last.
    #[derive(Default)]
    struct Server {
        got: Mutex<Vec<(String, Vec<Value>)>>,
        /// Told of what it takes when it ends its connection.
        taken: Notify,
        /// Held by a test: nothing is taken meanwhile.
        stuck: tokio::sync::Mutex<()>,
    }

    #[tonic::async_trait]
    impl PluginApi for Server {
        async fn log_info(&self, request: LogInfoRequest) -> Result<LogInfoResponse, ApiError> {
            let _free = self.stuck.lock().await;
            self.got.lock().unwrap().push((request.msg, request.key_value_pairs));
            Ok(LogInfoResponse {})
        }

        async fn log_warn(&self, request: LogWarnRequest) -> Result<LogWarnResponse, ApiError> {
            self.got.lock().unwrap().push((request.msg, request.key_value_pairs));
            Ok(LogWarnResponse {})
        }

        async fn log_error(&self, _: LogErrorRequest) -> Result<LogErrorResponse, ApiError> {
            self.taken.notify_one();
            let _free = self.stuck.lock().await;
            Err(ApiError::Transport(Status::unavailable("the connection is lost")))
        }
    }

    fn texts(values: &[Value]) -> Vec<String> {
        let text = |it: &Value| match &it.kind {
            Some(Kind::StringValue(text)) => text.clone(),
            other => panic!("{other:?}"),
        };
        values.iter().map(text).collect()
    }

    #[tokio::test]
    async fn records_go_to_standard_error_before_the_api_is_there_when_it_fails_and_after_it() {
        let (logs, lines) = logs();
        logs.say(LogLevel::Info, "before");
        logs.flush(Duration::from_secs(5)).await;
        let server = Arc::new(Server::default());
        logs.connect(server.clone());
        let mut record = LogRecord::new(LogLevel::Info, LogSource::Logger, "with the API");
        record.fields.insert("n".to_owned(), "1".to_owned());
        record.logger = "a.b".to_owned();
        record.traceback = "Traceback …".to_owned();
        logs.log(record);
        logs.say(LogLevel::Debug, "which this server does not take");
        logs.flush(Duration::from_secs(5)).await;
        logs.disconnect();
        logs.say(LogLevel::Info, "after it");
        logs.flush(Duration::from_secs(5)).await;
        let messages: Vec<serde_json::Value> =
            lines.lock().unwrap().iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(messages.len(), 3);
        assert_eq!((&messages[0]["@message"], &messages[0]["source"]), (&"before".into(), &"mm-host".into()));
        assert_eq!(messages[1]["@message"], "which this server does not take");
        assert_eq!(messages[2]["@message"], "after it");
        let got = server.got.lock().unwrap();
        assert_eq!(got.len(), 1);
        assert_eq!(texts(&got[0].1), ["n", "1", "logger", "a.b", "traceback", "Traceback …"]);
    }

    #[tokio::test]
    async fn a_record_that_the_server_was_sent_is_written_again_only_if_the_end_came_as_a_surprise() {
        for surprise in [true, false] {
            let (logs, lines) = logs();
            let server = Arc::new(Server::default());
            logs.connect(server.clone());
            let stuck = server.stuck.lock().await;
            logs.say(LogLevel::Error, "on its way");
            server.taken.notified().await;
            if !surprise {
                logs.disconnect();
            }
            drop(stuck);
            logs.flush(Duration::from_secs(30)).await;
            assert_eq!(lines.lock().unwrap().len(), usize::from(surprise));
        }
    }

    #[tokio::test]
    async fn a_stuck_server_holds_nobody_up_and_what_is_dropped_is_counted() {
        let (logs, lines) = logs();
        let server = Arc::new(Server::default());
        logs.connect(server.clone());
        let stuck = server.stuck.lock().await;
        for n in 0..MAX_RECORDS + 500 {
            logs.say(LogLevel::Info, format!("record {n}"));
        }
        logs.flush(Duration::from_millis(20)).await;
        assert!(server.got.lock().unwrap().is_empty());
        drop(stuck);
        logs.flush(Duration::from_secs(30)).await;
        logs.say(LogLevel::Info, "afterwards");
        logs.flush(Duration::from_secs(5)).await;
        let got = server.got.lock().unwrap();
        let (dropped, kept): (Vec<_>, Vec<_>) = got.iter().partition(|it| it.0.contains("were dropped"));
        let n_dropped: usize = dropped[0].0.split(' ').next().unwrap().parse().unwrap();
        assert_eq!((dropped.len(), kept.len() + n_dropped), (1, MAX_RECORDS + 501));
        assert_eq!(kept.last().unwrap().0, "afterwards");
        assert!(lines.lock().unwrap().is_empty());
    }

    #[test]
    fn the_bound_is_of_bytes_too_and_one_large_record_passes() {
        let mut queue = Queue::default();
        let large = || LogRecord::new(LogLevel::Info, LogSource::Stdout, "x".repeat(MAX_BYTES));
        queue.push(large());
        queue.push(large());
        assert_eq!((queue.records.len(), queue.n_dropped), (1, 1));
        assert_eq!(queue.take().unwrap().message.len(), MAX_BYTES);
        assert!(queue.take().unwrap().message.starts_with("1 log records were dropped"));
        assert!(queue.take().is_none() && queue.is_done() && queue.bytes == 0);
    }
}
