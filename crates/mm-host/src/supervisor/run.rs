//! One process of the plugin with all that belongs to it, from its start to the explanation of its end.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mm_proto::host::v1::{HelloResponse, LogLevel as WireLevel};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use super::Ending;
use super::failure::{self, Evidence, Failure};
use super::folder::{HostFolder, SocketDir};
use super::process::{Process, Recipe, Token};
use super::status::{Hello, Limits};
use super::stdio::Stdio;
use crate::downstream::{ApiServer, Connection, HelloCall, LateApi, ServerParts};
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::metrics::{Metrics, RestartReason};
use crate::permissions::Permissions;
use crate::sandbox;
use crate::sql::{LateSql, SqlService};

/// How long what is printed at the end of a process is waited for.
const LAST_OUTPUT: Duration = Duration::from_millis(300);

/// How long the database connections of a process that is gone may take to be given back.
const LAST_SQL: Duration = Duration::from_secs(1);

/// What stays the same over all processes of a plugin.
#[derive(Clone)]
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
    pub(crate) folder: Arc<HostFolder>,
    /// Which worker of the plugin it is, counted from 0.
    pub(crate) worker: usize,
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
    /// Why `OnActivate` failed on a process that was to take the place of another.
    pub(super) not_activated: Arc<OnceLock<String>>,
    /// The database connections of this process.
    sql: LateSql,
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
    /// Makes folder, token and sockets, and starts the process with this number.
    pub(super) async fn start(settings: &Settings, number: u64) -> std::io::Result<Self> {
        let sockets = settings.folder.of_process(number)?;
        let token = Token::random()?;
        let (sender, hellos) = mpsc::channel(1);
        let sql = settings.sql.of_process();
        let parts = ServerParts {
            api: settings.api.clone(),
            sql: SqlService::new(sql.clone()),
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
        for line in process.confined() {
            (settings.sink)(LogRecord::new(LogLevel::Info, LogSource::Host, line.as_str()));
        }
        settings.metrics.process(settings.worker, Some(process.pid()));
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
            not_activated: Arc::default(),
            sql,
            tasks: tokio::task::JoinSet::new(),
        })
    }

    /// In what way the process ended, for counting; known once it has.
    pub(super) fn reason(&self, ending: Ending) -> RestartReason {
        match (ending, self.status) {
            _ if self.process.memory().is_some_and(|it| it.killed) => RestartReason::OutOfMemory,
            _ if self.unhealthy => RestartReason::Unhealthy,
            (Ending::StartFailed, _) => RestartReason::StartFailed,
            (_, Some(status)) if status.signal().is_some() => RestartReason::Killed,
            _ => RestartReason::Exited,
        }
    }

    /// Takes the run apart after its process is gone; what it leaves explains its end. `None` for a wanted end.
    pub(super) async fn finish(self, settings: &Settings, ending: Ending) -> Option<Failure> {
        let recipe = &settings.recipe;
        // What it started and left behind, as far as it stayed in its group, goes with it.
        self.process.clear_group();
        settings.metrics.process(settings.worker, None);
        let (stderr, ()) = tokio::join!(self.stdio.finish(LAST_OUTPUT), self.sql.wait(LAST_SQL));
        let evidence = Evidence {
            status: self.status,
            stderr,
            bundle: recipe.bundle.clone(),
            entry: recipe.entry.clone(),
            python: recipe.runtime.python().cloned(),
            waited: self.waited,
            refused: self.refused.or_else(|| self.not_activated.get().cloned()),
            unhealthy: self.unhealthy,
        };
        let failure = match ending {
            Ending::Stopped => return None,
            Ending::StartFailed => failure::explain_start(&evidence),
            Ending::Crashed => failure::explain_crash(&evidence),
        };
        Some(sandbox::explain(failure, self.process.memory(), &evidence.stderr))
    }
}
