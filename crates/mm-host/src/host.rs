//! One hosted plugin: its process on one side, the two traits on the other.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mm_proto::grpc::HooksClient;
use mm_proto::plugin::v1::{OnActivateRequest, OnConfigurationChangeRequest};
use mm_proto::{PluginApi, PluginHooks};
use mm_sql::SqlDriver;
use tokio::sync::watch;

use crate::downstream::{Deadlines, LateApi};
use crate::error::HostError;
use crate::guard::{self, Guard, GuardSettings};
use crate::log::{LogLevel, LogSink};
use crate::manifest::Manifest;
use crate::metrics::{Counted, Metrics, WithPage, hooks_of_host};
use crate::permissions::Permissions;
use crate::runtime::Runtime;
use crate::sandbox::Wishes;
use crate::sql::LateSql;
use crate::status::{About, Desk};
use crate::supervisor::crew::Crew;
use crate::supervisor::folder::HostFolder;
use crate::supervisor::process::Recipe;
use crate::supervisor::restart::RestartPolicy;
use crate::supervisor::run::Settings;
use crate::supervisor::status::{Hello, Limits, ProcessStatus};
use crate::supervisor::stdio::Stdio;

/// How many handlers written as `def` run at the same time, unless the builder says otherwise.
const MAX_SYNC_HANDLERS: u32 = 8;

/// How long an API call may take, unless the builder or the plugin says otherwise.
const API_TIMEOUT: Duration = Duration::from_secs(30);

/// A plugin in a process of its own, hosted by this one. Its process ends when the last handle is dropped. Cheap to clone.
#[derive(Clone)]
pub struct PluginHost {
    crew: Arc<Crew>,
    status: watch::Receiver<ProcessStatus>,
    hooks: Arc<dyn PluginHooks>,
    metrics: Metrics,
}

/// Sets a [`PluginHost`] up.
pub struct Builder {
    bundle: PathBuf,
    manifest: Manifest,
    runtime: Runtime,
    api: LateApi,
    sql: LateSql,
    sink: LogSink,
    log_level: LogLevel,
    limits: Limits,
    restart: RestartPolicy,
    workers: usize,
    deadlines: Deadlines,
    max_sync_handlers: u32,
    api_timeout: Duration,
    missing_api_methods: Vec<String>,
    variables: Vec<(OsString, OsString)>,
}

/// An API without a server behind it: every call answers 501.
struct NoApi;

#[tonic::async_trait]
impl PluginApi for NoApi {}

impl PluginHost {
    /// A host for the plugin in the folder `bundle`, whose manifest was loaded and whose Python, or [`Runtime`], was prepared before.
    pub fn builder(bundle: impl Into<PathBuf>, manifest: Manifest, runtime: impl Into<Runtime>) -> Builder {
        Builder {
            workers: manifest.workers(),
            restart: manifest.restart_policy(),
            bundle: bundle.into(),
            manifest,
            runtime: runtime.into(),
            api: LateApi::from(Arc::new(NoApi) as Arc<dyn PluginApi>),
            sql: LateSql::none("this host has no database"),
            sink: Arc::new(|_| {}),
            log_level: LogLevel::Debug,
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            max_sync_handlers: MAX_SYNC_HANDLERS,
            api_timeout: API_TIMEOUT,
            missing_api_methods: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Starts the process and waits for its hello. No hook was called when it returns: [`PluginHost::activate`] does that, or the
    /// server to which [`PluginHost::hooks`] are given.
    ///
    /// # Errors
    /// When it cannot start; the text has the last line of its traceback and what to do.
    pub async fn start(&self) -> Result<Arc<Hello>, HostError> {
        self.crew.start().await
    }

    /// Calls `OnConfigurationChange` and `OnActivate`, as far as the plugin has them; then [`PluginHost::keep_running`].
    ///
    /// # Errors
    /// What the hooks fail with. As on a server, a failed `OnConfigurationChange` does not keep `OnActivate` from being called.
    pub async fn activate(&self) -> Result<(), HostError> {
        let implemented = self.implemented();
        let mut failed = None;
        if implemented.contains("OnConfigurationChange") {
            let result = self.hooks.on_configuration_change(OnConfigurationChangeRequest {}).await;
            failed = result.err().map(|error| HostError::Activation { hook: "OnConfigurationChange", error });
        }
        if implemented.contains("OnActivate") {
            let result = self.hooks.on_activate(OnActivateRequest {}).await;
            result.map_err(|error| HostError::Activation { hook: "OnActivate", error })?;
        }
        self.keep_running().await;
        failed.map_or(Ok(()), Err)
    }

    /// From now on a process that dies is followed by another, which is activated by the host itself, as the [`RestartPolicy`] says.
    /// Until then a death is a failure: the plugin was not active yet, and whoever activates it learns why.
    pub async fn keep_running(&self) {
        self.crew.keep().await;
    }

    /// Starts a new process beside each old one, activates it, lets calls go to it between two calls, and ends the old one when its
    /// calls are over. No call is lost.
    ///
    /// # Errors
    /// Why the new process is of no use: it does not start, or `OnConfigurationChange` or `OnActivate` fails. The old one goes on.
    pub async fn swap(&self, reason: &str) -> Result<Arc<Hello>, HostError> {
        self.crew.swap(reason).await
    }

    /// Ends the process: `OnDeactivate` when the plugin was activated, then the request to end, then signals. Returns when it is gone;
    /// at once when there is none. `reason` is for the log of the plugin.
    pub async fn stop(&self, reason: &str) {
        self.crew.stop(reason, None).await;
    }

    /// Like [`PluginHost::stop`], in other times than those that the host was built with.
    pub async fn stop_within(&self, reason: &str, limits: Limits) {
        self.crew.stop(reason, Some(limits)).await;
    }

    /// The plugin's hooks. They stay valid over restarts; while there is no process, calls fail at once and say why.
    pub fn hooks(&self) -> Arc<dyn PluginHooks> {
        self.hooks.clone()
    }

    /// Go names of the hooks that can be called: those that the running plugin implements, and those that the host has by itself,
    /// `ServeMetrics`. Empty while none runs.
    pub fn implemented(&self) -> BTreeSet<String> {
        let hello = self.status.borrow().hello.clone();
        let with_host =
            |hello: Arc<Hello>| hello.hooks.iter().cloned().chain(hooks_of_host().map(str::to_owned)).collect();
        hello.map(with_host).unwrap_or_default()
    }

    /// What the host counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Waits until a process takes calls.
    ///
    /// # Errors
    /// Why none will without somebody's doing: the plugin is stopped, or has failed.
    pub async fn ready(&self) -> Result<(), String> {
        self.crew.workers().ready().await
    }

    /// Where the process is in its life.
    pub fn status(&self) -> ProcessStatus {
        self.crew.refresh();
        self.status.borrow().clone()
    }

    /// Tells every change of [`PluginHost::status`].
    pub fn watch(&self) -> watch::Receiver<ProcessStatus> {
        self.status.clone()
    }

    /// Waits until all that the process has printed so far reached the log sink, `limit` at most.
    pub async fn drain_output(&self, limit: Duration) {
        for streams in self.crew.streams().await {
            Stdio::drained(&streams, limit).await;
        }
    }
}

impl Builder {
    /// What the plugin's API calls reach; without it every call answers 501.
    #[must_use]
    pub fn api(self, api: Arc<dyn PluginApi>) -> Self {
        self.late_api(LateApi::from(api))
    }

    /// Like [`Builder::api`], for an API that comes when the process may run already: its calls wait until then.
    #[must_use]
    pub fn late_api(mut self, api: LateApi) -> Self {
        self.api = api;
        self
    }

    /// The database that the plugin's SQL reaches; without it connecting fails.
    #[must_use]
    pub fn sql(self, driver: Arc<dyn SqlDriver>) -> Self {
        self.late_sql(LateSql::from(driver))
    }

    /// Like [`Builder::sql`], for a database that comes when the process may run already: connections wait until then.
    #[must_use]
    pub fn late_sql(mut self, sql: LateSql) -> Self {
        self.sql = sql;
        self
    }

    /// Where log records go; without it they are dropped.
    #[must_use]
    pub fn log(mut self, sink: LogSink) -> Self {
        self.sink = sink;
        self
    }

    /// The least level of records to keep; the plugin's process does not even send what is below.
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// How long the steps of the process's life may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How a process that dies is followed by another, in place of what the manifest says.
    #[must_use]
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.restart = policy;
        self
    }

    /// How many processes the plugin has, in place of what the manifest says. Hooks are spread over them; `OnActivate` and
    /// `OnDeactivate` run on the first one only, `OnConfigurationChange` on all.
    #[must_use]
    pub fn workers(mut self, n: usize) -> Self {
        self.workers = n.max(1);
        self
    }

    /// How long hooks may take.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// How many handlers written as `def` run at the same time.
    #[must_use]
    pub fn max_sync_handlers(mut self, n: u32) -> Self {
        self.max_sync_handlers = n;
        self
    }

    /// How long an API call may take unless the plugin says otherwise.
    #[must_use]
    pub fn api_timeout(mut self, limit: Duration) -> Self {
        self.api_timeout = limit;
        self
    }

    /// Go names of methods that the API lacks though the server's version has them; the plugin is told before it calls one.
    #[must_use]
    pub fn missing_api_methods(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.missing_api_methods = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets an environment variable for the process, besides those of the allow-list.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Makes the host. Needs a tokio runtime; starts no process yet.
    ///
    /// # Errors
    /// When the manifest's executable is not there, its permissions name one that there is not, or there can be no folder for sockets.
    pub fn build(self) -> Result<PluginHost, HostError> {
        let bundle = self.bundle.canonicalize().unwrap_or_else(|_| self.bundle.clone());
        let entry = entry_of(&bundle, &self.manifest)?;
        let handling = self.manifest.python();
        let wishes = Wishes { limits: handling.limits.clone(), sandbox: handling.sandbox };
        let recipe = Recipe {
            runtime: self.runtime,
            bundle,
            entry,
            plugin_id: self.manifest.id.clone(),
            variables: self.variables,
            wishes,
        };
        let folder = HostFolder::create(&self.manifest.id).map_err(HostError::Folder)?;
        let folder = Arc::new(folder);
        let metrics = Metrics::new(&self.manifest.id, &self.manifest.version);
        let about = About::new(&self.manifest, &recipe.bundle.display().to_string(), metrics.clone());
        let settings = Settings {
            recipe,
            plugin_version: self.manifest.version,
            api: self.api,
            sql: self.sql,
            sink: self.sink,
            log_level: self.log_level,
            max_sync_handlers: self.max_sync_handlers,
            api_timeout: self.api_timeout,
            missing_api_methods: self.missing_api_methods,
            limits: self.limits,
            metrics: metrics.clone(),
            permissions: Permissions::of(self.manifest.permissions.as_deref()).map_err(HostError::Permissions)?,
            folder: folder.clone(),
            worker: 0,
        };
        let guarding = GuardSettings {
            deadlines: self.deadlines.or(handling.deadlines()),
            queue: handling.queue.and_then(|it| usize::try_from(it).ok()).unwrap_or(guard::QUEUE),
            threads: settings.max_sync_handlers as usize * self.workers,
            max_calls: handling.max_calls.and_then(|it| usize::try_from(it).ok()).unwrap_or(guard::MAX_CALLS),
            stuck: handling.stuck().unwrap_or(settings.limits.stuck),
            sink: settings.sink.clone(),
            metrics: metrics.clone(),
        };
        let sink = settings.sink.clone();
        let crew = Crew::new(settings, self.restart, self.workers);
        let status = crew.watch();
        folder.tell_status(Desk::new(about.source(status.clone()), sink));
        let guard = Guard::new(crew.workers().clone(), status.clone(), guarding);
        let counted = Counted::new(guard, metrics.clone());
        let hooks = Arc::new(HooksClient::over(WithPage::new(counted, metrics.clone(), has_page(&status))));
        Ok(PluginHost { crew, status, hooks, metrics })
    }
}

/// Tells whether the plugin that runs, or the one before it, serves metrics of its own.
fn has_page(status: &watch::Receiver<ProcessStatus>) -> Arc<dyn Fn() -> bool + Send + Sync> {
    let status = status.clone();
    Arc::new(move || status.borrow().hello.as_ref().is_some_and(|it| it.hooks.contains("ServeMetrics")))
}

/// What the plugin is in messages: the Python file, which must be there, or the command.
fn entry_of(bundle: &Path, manifest: &Manifest) -> Result<String, HostError> {
    if let Some(words) = manifest.command() {
        return Ok(words.join(" "));
    }
    let Some(entry) = manifest.entry() else {
        return Err(HostError::Entry("the manifest names no server.executable".to_owned()));
    };
    if !bundle.join(entry).is_file() {
        let field = if manifest.is_bundled() { "server.python.entry" } else { "server.executable" };
        let text = format!("{} is missing: {field} of the manifest names it", bundle.join(entry).display());
        return Err(HostError::Entry(text));
    }
    Ok(entry.to_owned())
}
