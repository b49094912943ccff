//! What can be watched: web socket events, log records, and the calls between server and plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use mm_proto::plugin::v1;
use tokio::sync::mpsc;

/// One thing that happened in the server. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Event {
    /// What the server tells connected clients; its audience says whom.
    WebSocket(Arc<WebSocketEvent>),
    /// A record logged by a plugin or by the server itself.
    Log(Arc<LogRecord>),
    /// A hook or API call, at its start and at its end; only while [`Server::set_tracing`](crate::Server::set_tracing) is on.
    Trace(Arc<Trace>),
}

/// A web socket event, with its payload as clients see it and, for Rust callers, as a typed subject.
#[derive(Clone, Debug)]
pub struct WebSocketEvent {
    /// Counts from 1 over all events of the server.
    pub seq: u64,
    /// When it was published, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Mattermost's name of the event: `posted`, `ephemeral_message`, `custom_<plugin id>_<event>` …
    pub name: String,
    /// The data as a client gets it (objects such as posts are JSON texts there, as on a real server).
    pub data: BTreeMap<String, v1::Value>,
    /// Who is told.
    pub audience: Audience,
    /// What it is about, typed.
    pub subject: Subject,
}

/// Who sees a web socket event: all conditions that are set must hold. Without any, everybody does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Only this user.
    pub user_id: Option<String>,
    /// Only members of this channel.
    pub channel_id: Option<String>,
    /// Only members of this team.
    pub team_id: Option<String>,
    /// Only this connection, see [`Actor::connect`](crate::Actor::connect).
    pub connection_id: Option<String>,
    /// Not these users.
    pub omit_users: Vec<String>,
}

/// What a web socket event is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Nothing typed; see the event's data.
    Other,
    /// The post that was made, edited or deleted, or shown to one user only.
    Post(Arc<v1::Post>),
    /// The reaction that was added or removed.
    Reaction(Arc<v1::Reaction>),
    /// The channel that was made, changed, archived or restored.
    Channel(Arc<v1::Channel>),
}

/// How severe a log record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// The name as logs print it: `debug`, `info`, `warn`, `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }
}

/// One log record.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The plugin that logged it; empty when the server did.
    pub plugin_id: String,
    pub level: LogLevel,
    pub message: String,
    /// Key-value pairs, in the order given.
    pub fields: Vec<(String, String)>,
}

/// Which way a traced call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TraceSide {
    /// The server calls the plugin.
    Hook,
    /// The plugin calls the server.
    Api,
}

/// One end of a call between the server and a plugin.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Same for the start and the end of one call.
    pub id: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    pub side: TraceSide,
    pub plugin_id: String,
    /// Go name of the hook or method, such as `MessageWillBePosted`.
    pub name: &'static str,
    pub phase: TracePhase,
}

/// Start or end of a traced call. Texts are one line in Python's names, without fields that are empty; what is long is cut.
#[derive(Clone, Debug)]
pub enum TracePhase {
    Call { request: String },
    Return { response: String, took_us: u64 },
    Fail { error: String, took_us: u64 },
}

/// A subscription to what happens. Events queue up without limit until they are taken; dropping it ends it.
#[derive(Debug)]
pub struct Feed {
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
}

impl Feed {
    /// The next event; `None` once the server is gone.
    pub async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The next event if there is one already.
    pub fn try_recv(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// All events that are there already.
    pub fn drain(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.try_recv()).collect()
    }
}

impl Audience {
    /// Everybody.
    pub(crate) fn all() -> Self {
        Self::default()
    }

    pub(crate) fn user(id: &str) -> Self {
        Self { user_id: Some(id.to_owned()), ..Self::default() }
    }

    pub(crate) fn channel(id: &str) -> Self {
        Self { channel_id: Some(id.to_owned()), ..Self::default() }
    }

    pub(crate) fn team(id: &str) -> Self {
        Self { team_id: Some(id.to_owned()), ..Self::default() }
    }
}
