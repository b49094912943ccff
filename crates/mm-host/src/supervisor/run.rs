//! One process of the plugin with all that belongs to it, from its start to the explanation of its end.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use mm_proto::host::v1::{HelloResponse, LogLevel as WireLevel};
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use super::Ending;
use super::failure::{self, Evidence, Failure};
use super::process::{Process, Recipe, SocketDir, Token};
use super::status::{Hello, Limits};
use super::stdio::Stdio;
use crate::downstream::{ApiServer, Connection, HelloCall, LateApi, ServerParts};
use crate::log::{LogLevel, LogSink};
use crate::metrics::Metrics;
use crate::permissions::Permissions;
use crate::sql::{LateSql, SqlService};

/// How long what is printed at the end of a process is waited for.
const LAST_OUTPUT: Duration = Duration::from_millis(300);

/// How long the database connections of a process that is gone may take to be given back.
const LAST_SQL: Duration = Duration::from_secs(1);

/// What stays the same over all processes of a plugin.
pub(crate) struct Settings {
    pub(crate) recipe: Recipe,
    pub(crate) plugin_version: String,
    pub(crate) api: LateApi,
    pub(crate) sql: LateSql,
    pub(crate) sink: LogSink,
    pub(crate) log_level: LogLevel,
    pub(crate) max_sync_handlers: u32,
    pub(crate) api_timeout: Duration,
    pub(crate) missing_api_methods: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) permissions: Permissions,
}

/// One process, from spawn to end.
pub(super) struct Run {
    pub(super) process: Process,
    pub(super) sockets: SocketDir,
    pub(super) token: Token,
    /// Serves as long as it is held.
    _server: ApiServer,
    pub(super) stdio: Stdio,
    pub(super) hellos: mpsc::Receiver<HelloCall>,
    pub(super) connection: Option<Connection>,
    pub(super) hello: Option<Arc<Hello>>,
    /// An accepted hello, answered by `Serve`.
    pub(super) unanswered: Option<oneshot::Sender<Result<HelloResponse, Status>>>,
    pub(super) status: Option<ExitStatus>,
    pub(super) waited: Option<Duration>,
    pub(super) refused: Option<String>,
    pub(super) unhealthy: bool,
    /// Tasks of this process, ended with it.
    pub(super) tasks: tokio::task::JoinSet<()>,
}

impl Settings {
    /// The answer to a hello.
    pub(super) fn hello_response(&self) -> HelloResponse {
        let level = match self.log_level {
            LogLevel::Debug => WireLevel::Debug,
            LogLevel::Info => WireLevel::Info,
            LogLevel::Warn => WireLevel::Warn,
            LogLevel::Error => WireLevel::Error,
        };
        HelloResponse {
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: mm_proto::PROTOCOL_VERSION,
            plugin_id: self.recipe.plugin_id.clone(),
            plugin_version: self.plugin_version.clone(),
            bundle_path: self.recipe.bundle.display().to_string(),
            log_level: level.into(),
            max_sync_handlers: self.max_sync_handlers,
            api_timeout_ms: i64::try_from(self.api_timeout.as_millis()).unwrap_or(i64::MAX),
            missing_api_methods: self.missing_api_methods.clone(),
        }
    }
}

impl Run {
    /// Makes folder, token and sockets, and starts the process.
    pub(super) async fn start(settings: &Settings) -> std::io::Result<Self> {
        let sockets = SocketDir::create()?;
        let token = Token::random()?;
        let (sender, hellos) = mpsc::channel(1);
        let parts = ServerParts {
            api: settings.api.clone(),
            sql: SqlService::new(settings.sql.clone()),
            sink: settings.sink.clone(),
            log_level: settings.log_level,
            token: token.clone(),
            hellos: sender,
            permissions: settings.permissions.clone(),
            metrics: settings.metrics.clone(),
        };
        let server = ApiServer::start(&sockets.host_socket(), parts)?;
        let (process, output) = Process::start(&settings.recipe, &sockets, &token).await?;
        server.allow(process.pid());
        settings.metrics.process(0, Some(process.pid()));
        Ok(Self {
            stdio: Stdio::read(output, &settings.sink),
            process,
            sockets,
            token,
            _server: server,
            hellos,
            connection: None,
            hello: None,
            unanswered: None,
            status: None,
            waited: None,
            refused: None,
            unhealthy: false,
            tasks: tokio::task::JoinSet::new(),
        })
    }

    /// Takes the run apart after its process is gone; what it leaves explains its end. `None` for a wanted end.
    pub(super) async fn finish(self, settings: &Settings, ending: Ending) -> Option<Failure> {
        let recipe = &settings.recipe;
        // What it started and left behind, as far as it stayed in its group, goes with it.
        self.process.signal(Signal::SIGKILL);
        settings.metrics.process(0, None);
        let (stderr, ()) = tokio::join!(self.stdio.finish(LAST_OUTPUT), settings.sql.wait(LAST_SQL));
        let evidence = Evidence {
            status: self.status,
            stderr,
            bundle: recipe.bundle.clone(),
            entry: recipe.entry.clone(),
            python: recipe.runtime.python().cloned(),
            waited: self.waited,
            refused: self.refused,
            unhealthy: self.unhealthy,
        };
        match ending {
            Ending::Stopped => None,
            Ending::StartFailed => Some(failure::explain_start(&evidence)),
            Ending::Crashed => Some(failure::explain_crash(&evidence)),
        }
    }
}
