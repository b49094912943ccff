//! The plugin of `mm-host dev`: its folder, its host, its place in the simulated server. Can be started again and again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mm_proto::plugin::v1;
use mm_sim::{PluginRegistration, Server, SimError};

use super::chat::language;
use super::installed::Installed;
use super::{Options, settings};
use crate::host::PluginHost;
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::manifest::Manifest;
use crate::python_env::{EnvRequest, Progress};
use crate::runtime::Runtime;
use crate::supervisor::State;
use crate::supervisor::status::{Hello, Limits};

/// How long the end of a process's output is waited for between two actions.
const OUTPUT_LIMIT: Duration = Duration::from_millis(500);

/// A plugin in a simulated server.
pub(crate) struct Plugin {
    options: Arc<Options>,
    server: Server,
    running: Option<Running>,
    manifest: Option<Manifest>,
    /// Settings of the command line are given to the server once; `:set` may change them later.
    configured: bool,
    /// The host of the process that runs or starts, for whoever must end it in the middle of something.
    current: Current,
    installed: Arc<Installed>,
}

/// The host of the process that runs or starts, if one does.
pub(crate) type Current = Arc<Mutex<Option<PluginHost>>>;

struct Running {
    host: PluginHost,
    manifest: Manifest,
    runtime: Runtime,
    /// How many of its deaths were shown.
    deaths_shown: u64,
}

/// How it started, for people.
pub(crate) struct Started {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) python: String,
    pub(crate) hooks: Vec<String>,
    pub(crate) took: Duration,
}

impl Started {
    fn new(manifest: &Manifest, hello: &Hello, began: Instant) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            python: hello.python_version.clone(),
            hooks: hello.hooks.iter().cloned().collect(),
            took: began.elapsed(),
        }
    }
}

impl Plugin {
    pub(crate) fn new(options: Arc<Options>, server: Server) -> Self {
        let installed = Installed::of(options.clone(), server.clone());
        Self {
            options,
            server,
            running: None,
            manifest: None,
            configured: false,
            current: Current::default(),
            installed,
        }
    }

    /// Reads the manifest, prepares Python, starts the process, activates the plugin. Stops the one that runs before.
    ///
    /// # Errors
    /// A text for people; the plugin does not run then.
    pub(crate) async fn start(&mut self, progress: impl Fn(Progress) + Send + 'static) -> Result<Started, String> {
        self.stop("restart").await;
        let began = Instant::now();
        let (manifest, _) = Manifest::load(&self.options.dir).map_err(text)?;
        let runtime = prepare(&self.options, &self.options.dir, &manifest, progress).await?;
        let host = build_host(&self.options, &self.server, &self.options.dir, &manifest, runtime.clone())?;
        let api_manifest = v1::Manifest::from(&manifest);
        self.server.add_plugin(api_manifest, Some(self.bundle())).map_err(|error| explain(&error))?;
        self.manifest = Some(manifest.clone());
        self.configure(&manifest).await?;

        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
        let hello = host.start().await.map_err(text)?;
        if let Err(error) = self.server.activate(self.registration(&manifest, &host)).await {
            host.drain_output(OUTPUT_LIMIT).await;
            host.stop("activation failed").await;
            return Err(format!("the plugin could not be activated: {}", explain(&error)));
        }
        host.keep_running().await;
        let started = Started::new(&manifest, &hello, began);
        self.running = Some(Running { host, manifest, runtime, deaths_shown: 0 });
        Ok(started)
    }

    /// Starts a new process beside the one that runs, and lets it take over when it is active; its place in the server stays.
    /// Without one that runs, and when more changed than its code, it is [`Plugin::start`].
    ///
    /// # Errors
    /// A text for people; the old process goes on then, if one ran.
    pub(crate) async fn swap(&mut self, progress: impl Fn(Progress) + Send + 'static) -> Result<Started, String> {
        let began = Instant::now();
        let Some(running) = &self.running else { return self.start(progress).await };
        let (host, before) = (running.host.clone(), running.runtime.clone());
        let (manifest, _) = Manifest::load(&self.options.dir).map_err(text)?;
        if manifest != running.manifest {
            return self.start(progress).await;
        }
        // In an environment that exists already, changed requirements are installed while the old process goes on.
        if prepare(&self.options, &self.options.dir, &manifest, progress).await? != before {
            return self.start(|_| {}).await;
        }
        let hello = host.swap("its files changed").await.map_err(|error| {
            // What went wrong was logged like all that a hook does; here is why nothing changed.
            format!("{error}\nthe plugin goes on as it was before the change")
        })?;
        self.server.attach(self.registration(&manifest, &host)).map_err(|error| explain(&error))?;
        Ok(Started::new(&manifest, &hello, began))
    }

    fn registration(&self, manifest: &Manifest, host: &PluginHost) -> PluginRegistration {
        let manifest = v1::Manifest::from(manifest);
        let mut registration = PluginRegistration::new(manifest, host.hooks(), host.implemented());
        registration.bundle_path = Some(self.bundle());
        registration
    }

    fn bundle(&self) -> String {
        self.options.dir.display().to_string()
    }

    /// Gives the settings of the command line to the server.
    async fn configure(&mut self, manifest: &Manifest) -> Result<(), String> {
        if self.configured {
            return Ok(());
        }
        for (key, value) in &self.options.settings {
            let (key, value) = settings::from_text(manifest.settings_schema.as_ref(), key, value)?;
            self.server.set_plugin_setting(&manifest.id, &key, value).await.map_err(|error| explain(&error))?;
        }
        self.configured = true;
        Ok(())
    }

    /// Deactivates the plugin and ends its process, if it runs.
    pub(crate) async fn stop(&mut self, reason: &str) {
        let Some(running) = self.running.take() else { return };
        // The server calls OnDeactivate; the host sees that and does not call it again.
        if let Err(error) = self.server.deactivate(&running.manifest.id).await {
            let text = format!("OnDeactivate failed: {}", explain(&error));
            sink(self.server.clone(), running.manifest.id.clone())(LogRecord::new(
                LogLevel::Warn,
                LogSource::Host,
                text,
            ));
        }
        running.host.drain_output(OUTPUT_LIMIT).await;
        running.host.stop(reason).await;
    }

    /// Ends everything: this plugin, and those that were installed.
    pub(crate) async fn end(&mut self, reason: &str) {
        self.stop(reason).await;
        self.installed.stop().await;
    }

    /// Takes notice of a process that died, and gives why. When it is not started again, the server is told. `None` when nothing died.
    pub(crate) fn take_crash(&mut self) -> Option<String> {
        let running = self.running.as_mut()?;
        let status = running.host.status();
        if status.deaths == running.deaths_shown {
            return None;
        }
        running.deaths_shown = status.deaths;
        if status.state == State::Failed {
            self.server.detach(&running.manifest.id);
            self.running = None;
        }
        Some(status.failure.map_or_else(|| "the plugin's process is gone".to_owned(), |it| it.to_string()))
    }

    /// Whether there is a plugin, if perhaps one that is just started again.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Waits until a process is gone without having been asked to; for ever when none runs.
    pub(crate) async fn crashed(&self) {
        match &self.running {
            Some(running) => {
                let (mut status, shown) = (running.host.watch(), running.deaths_shown);
                if status.wait_for(|it| it.deaths > shown).await.is_err() {
                    std::future::pending().await
                }
            }
            None => std::future::pending().await,
        }
    }

    /// Waits until a process that died is followed by another that takes calls, or by none.
    pub(crate) async fn recovered(&self) {
        if let Some(running) = &self.running {
            // That there is none is told with its crash.
            let _ = running.host.ready().await;
        }
    }

    /// Waits until all that the process has printed was logged.
    pub(crate) async fn drain_output(&self) {
        if let Some(running) = &self.running {
            running.host.drain_output(OUTPUT_LIMIT).await;
        }
    }

    /// Kills the process, and waits until that is noticed.
    pub(crate) async fn kill(&self) -> Result<(), String> {
        let pid = self.running.as_ref().and_then(|it| it.host.status().pid).ok_or("the plugin does not run")?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).map_err(text)?;
        self.crashed().await;
        Ok(())
    }

    /// How it is, for people.
    pub(crate) fn describe(&self) -> Vec<String> {
        let Some(running) = &self.running else {
            return vec!["the plugin does not run; :restart starts it".to_owned()];
        };
        let status = running.host.status();
        let mut lines = vec![format!("{} runs", running.manifest.id)];
        if let Some(hello) = &status.hello {
            lines[0] +=
                &format!(" ({}, {}, SDK {})", hello.plugin_class, language(&hello.python_version), hello.sdk_version);
            let hooks: Vec<&str> = hello.hooks.iter().map(String::as_str).collect();
            lines.push(format!("hooks: {}", hooks.join(", ")));
        }
        lines
    }

    /// The manifest, once it could be read.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The host of the process that runs or starts.
    pub(crate) fn current(&self) -> Current {
        self.current.clone()
    }

    /// The folder.
    pub(crate) fn dir(&self) -> PathBuf {
        self.options.dir.clone()
    }
}

/// The environment of a plugin: its Python with its requirements.
///
/// # Errors
/// A text for people when it cannot be prepared.
pub(crate) async fn prepare(
    options: &Arc<Options>,
    dir: &Path,
    manifest: &Manifest,
    progress: impl Fn(Progress) + Send + 'static,
) -> Result<Runtime, String> {
    let (of, bundle, for_env) = (options.clone(), dir.to_owned(), manifest.clone());
    let runtime = tokio::task::spawn_blocking(move || {
        let request = EnvRequest {
            bundle: &bundle,
            manifest: &for_env,
            python: of.python.as_deref(),
            sdk: of.sdk.as_deref(),
            cache_dir: of.cache_dir.as_deref(),
        };
        Runtime::prepare(&request, &mut |it| progress(it))
    });
    runtime.await.map_err(|error| error.to_string())?.map_err(text)
}

/// The host of a plugin in a simulated server.
///
/// # Errors
/// A text for people.
pub(crate) fn build_host(
    options: &Options,
    server: &Server,
    dir: &Path,
    manifest: &Manifest,
    runtime: Runtime,
) -> Result<PluginHost, String> {
    let limits = Limits { start: options.start_timeout, ..Limits::default() };
    let mut builder = PluginHost::builder(dir, manifest.clone(), runtime)
        .api(server.api(&manifest.id))
        .missing_api_methods(not_simulated())
        .sql(server.sql())
        .log(sink(server.clone(), manifest.id.clone()))
        .log_level(LogLevel::Debug)
        .limits(limits);
    for (name, value) in &options.variables {
        builder = builder.variable(name, value);
    }
    builder.build().map_err(text)
}

/// Log records to the simulated server's log, from where they are shown.
fn sink(server: Server, plugin_id: String) -> LogSink {
    Arc::new(move |record: LogRecord| {
        // That the process died is shown to whoever types or plays, with more to it than a log line has.
        if record.source == LogSource::Host && record.level == LogLevel::Error {
            return;
        }
        let level = match record.level {
            LogLevel::Debug => mm_sim::LogLevel::Debug,
            LogLevel::Info => mm_sim::LogLevel::Info,
            LogLevel::Warn => mm_sim::LogLevel::Warn,
            LogLevel::Error => mm_sim::LogLevel::Error,
        };
        let mut message = record.message;
        if !record.traceback.is_empty() {
            message = format!("{message}\n{}", record.traceback.trim_end());
        }
        let fields = record.fields.into_iter().collect();
        server.log(mm_sim::LogRecord { at: record.time_ms, plugin_id: plugin_id.clone(), level, message, fields });
    })
}

/// The API methods that the simulator has not.
fn not_simulated() -> impl Iterator<Item = &'static str> {
    mm_proto::API_METHODS.iter().map(|it| it.go).filter(|it| !mm_sim::COVERAGE.contains(it))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// An error of the server for people: what it says, then its id and status.
pub(crate) fn explain(error: &SimError) -> String {
    match error {
        SimError::App(error) => {
            let what = if error.message.is_empty() { &error.id } else { &error.message };
            let detail =
                if error.detailed_error.is_empty() { String::new() } else { format!(": {}", error.detailed_error) };
            // Some errors of the server have their text in place of an id.
            let id = if error.id == *what { String::new() } else { format!("{}, ", error.id) };
            let what = if detail.is_empty() { what } else { what.trim_end_matches('.') };
            format!("{what}{detail} ({id}{})", error.status_code)
        }
        SimError::Plain(error) => error.message.clone(),
        SimError::Transport(status) => status.message().to_owned(),
    }
}
