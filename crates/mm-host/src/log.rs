//! Log records of a plugin's process, on their way to whoever shows or stores them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How severe a record is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// What happens as it should.
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    /// Every level, from the least severe on.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The name as logs print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no log level: write debug, info, warn or error"))
    }
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogSource {
    /// The plugin's logger.
    Logger,
    /// What the plugin printed.
    Stdout,
    /// What Python or a library wrote to standard error: warnings, tracebacks.
    Stderr,
    /// This host, about the plugin's process.
    Host,
}

/// One record. A traceback is one record, however many lines it has.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// How severe it is.
    pub level: LogLevel,
    /// Where it comes from.
    pub source: LogSource,
    /// The text; may have several lines.
    pub message: String,
    /// Name of the Python logger; "" for what was printed.
    pub logger: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Key-values given with it.
    pub fields: BTreeMap<String, String>,
    /// Traceback of the exception logged with it; "" without one.
    pub traceback: String,
}

impl LogRecord {
    /// A record of now, with a text only.
    pub fn new(level: LogLevel, source: LogSource, message: impl Into<String>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            level,
            source,
            message: message.into(),
            logger: String::new(),
            time_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            fields: BTreeMap::new(),
            traceback: String::new(),
        }
    }
}

/// Takes records. It is called from several tasks, and must not block.
pub type LogSink = Arc<dyn Fn(LogRecord) + Send + Sync>;
