//! The plugin in whose bundle this executable lies, in Python or another language with a process of its own.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use mm_goplugin::rpc;
use mm_proto::{PluginApi, PluginHooks};
use tokio::sync::SetOnce;

use super::plugin::{Hurry, Plugin};
use crate::bundle::layout;
use crate::downstream::LateApi;
use crate::host::PluginHost;
use crate::log::LogSink;
use crate::manifest::Manifest;
use crate::python_env::EnvRequest;
use crate::runtime::Runtime;
use crate::sql::{LateSql, ServerSql};
use crate::supervisor::State;
use crate::supervisor::status::{Hello, Limits};

/// How long the plugin's database connections may take to be given back before the server is gone.
const LAST_SQL: Duration = Duration::from_millis(1500);

/// How a plugin ends of which nothing may be left 2 s later.
fn hurried() -> Limits {
    Limits {
        // Called before.
        deactivate: Duration::ZERO,
        shutdown: Duration::from_millis(700),
        terminate: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// A Python process that starts as soon as this is made, and is waited for where the server can wait.
pub(super) struct PythonPlugin {
    stage: Arc<Stage>,
    api: LateApi,
    sql: LateSql,
}

#[derive(Default)]
struct Stage {
    /// There from the moment the process is started.
    host: SetOnce<PluginHost>,
    /// The plugin's id, as soon as that.
    id: OnceLock<String>,
    /// What the process said of itself, or why it does not run.
    started: SetOnce<Result<Arc<Hello>, String>>,
}

impl PythonPlugin {
    /// Starts it, in the background.
    pub(super) fn start(sink: LogSink) -> Self {
        let plugin = Self { stage: Arc::default(), api: LateApi::new(), sql: LateSql::new() };
        let (stage, api, sql) = (plugin.stage.clone(), plugin.api.clone(), plugin.sql.clone());
        tokio::spawn(async move {
            let started = stage.start(api, sql, sink).await;
            // Set here only, and once.
            let _ = stage.started.set(started);
        });
        plugin
    }
}

impl Stage {
    async fn start(&self, api: LateApi, sql: LateSql, sink: LogSink) -> Result<Arc<Hello>, String> {
        let (host, id) = make_host(api, sql, sink).await?;
        let _ = self.id.set(id);
        // Set here only, and once.
        let _ = self.host.set(host.clone());
        host.start().await.map_err(|error| error.to_string())
    }
}

/// The host of the plugin in this bundle, and the plugin's id.
async fn make_host(api: LateApi, sql: LateSql, sink: LogSink) -> Result<(PluginHost, String), String> {
    let found = tokio::task::spawn_blocking(|| {
        let executable =
            std::env::current_exe().map_err(|error| format!("mm-host cannot find its own file: {error}"))?;
        find(&executable).map(|(bundle, manifest, runtime)| (bundle.to_owned(), manifest, runtime))
    });
    let (bundle, manifest, runtime) = found.await.map_err(|error| error.to_string())??;
    let (id, in_python) = (manifest.id.clone(), manifest.command().is_none());
    let mut builder = PluginHost::builder(bundle, manifest, runtime).late_api(api).late_sql(sql).log(sink);
    if in_python {
        // The server may write into the bundle's folder, but what it unpacks there is all that belongs there.
        builder = builder.variable("PYTHONDONTWRITEBYTECODE", "1");
    }
    builder.build().map(|host| (host, id)).map_err(|error| error.to_string())
}

/// The bundle in which `executable` lies, and what to start of it.
fn find(executable: &Path) -> Result<(&Path, Manifest, Runtime), String> {
    let remake = "make the bundle with `mm-host bundle`";
    let bundle = layout::bundle_of(executable).ok_or_else(|| {
        format!("{} does not lie in a bundle as server/<target>/mm-host: {remake}", executable.display())
    })?;
    let (manifest, path) = Manifest::load(bundle).map_err(|error| error.to_string())?;
    if !manifest.is_bundled() {
        return Err(format!("{} is not the manifest of a bundle: {remake}", path.display()));
    }
    let request = EnvRequest { bundle, manifest: &manifest, python: None, sdk: None, cache_dir: None };
    let runtime = Runtime::prepare(&request, &mut |_| {}).map_err(|error| error.to_string())?;
    Ok((bundle, manifest, runtime))
}

#[async_trait]
impl Plugin for PythonPlugin {
    async fn implemented(&self) -> Vec<String> {
        match self.stage.started.wait().await {
            Ok(_) => self.stage.host.wait().await.implemented().into_iter().collect(),
            Err(_) => Vec::new(),
        }
    }

    async fn connect_sql(&self, service: Result<rpc::Client, String>) {
        match service {
            Ok(client) => {
                // Known by the time that the process has said hello, which `connect` waits for as well.
                self.stage.started.wait().await;
                let id = self.stage.id.get().map(String::as_str).unwrap_or_default();
                self.sql.set(Arc::new(ServerSql::new(client, id)));
            }
            Err(why) => self.sql.set_none(why),
        }
    }

    async fn connect(&self, api: Arc<dyn PluginApi>) -> Result<Arc<dyn PluginHooks>, String> {
        self.stage.started.wait().await.as_ref().map_err(String::clone)?;
        self.api.fill(api);
        Ok(self.stage.host.wait().await.hooks())
    }

    async fn activated(&self) {
        self.stage.host.wait().await.keep_running().await;
    }

    async fn reload(&self) -> Result<String, String> {
        let known = self.stage.started.wait().await.clone()?;
        let hello = self.stage.host.wait().await.swap("SIGHUP").await.map_err(|error| error.to_string())?;
        let new: Vec<&str> = hello.hooks.difference(&known.hooks).map(String::as_str).collect();
        Ok(match new.as_slice() {
            [] => "the plugin was loaded anew".to_owned(),
            _ => format!(
                "the plugin was loaded anew; the server calls its new hooks ({}) only once it is disabled and enabled",
                new.join(", ")
            ),
        })
    }

    async fn failed(&self) -> String {
        if let Err(why) = self.stage.started.wait().await {
            return why.clone();
        }
        let mut status = self.stage.host.wait().await.watch();
        match status.wait_for(|it| it.state == State::Failed).await {
            Ok(status) => {
                status.failure.as_ref().map_or_else(|| "the plugin's process is gone".to_owned(), ToString::to_string)
            }
            Err(_) => "the host has given the plugin's process up".to_owned(),
        }
    }

    async fn quitting(&self) {
        // A transaction that is still open would go back to the server's pool as it is.
        self.sql.end(LAST_SQL).await;
    }

    async fn stop(&self, reason: &str, hurry: Hurry) {
        let Some(host) = self.stage.host.get() else { return };
        match hurry {
            Hurry::No => host.stop(reason).await,
            Hurry::Yes => host.stop_within(reason, hurried()).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_outside_of_a_bundle_says_so() {
        let error = find(Path::new("/usr/local/bin/mm-host")).unwrap_err();
        assert_eq!(
            error,
            "/usr/local/bin/mm-host does not lie in a bundle as server/<target>/mm-host: make the bundle with `mm-host bundle`"
        );
    }

    #[test]
    fn a_manifest_that_is_no_bundle_s_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let manifest =
            r#"{"id": "com.example.x", "name": "X", "version": "1.0.0", "server": {"executable": "plugin.py"}}"#;
        std::fs::write(dir.path().join("plugin.json"), manifest).unwrap();
        let error = find(&dir.path().join("server/linux-amd64/mm-host")).unwrap_err();
        assert!(
            error.ends_with("plugin.json is not the manifest of a bundle: make the bundle with `mm-host bundle`"),
            "{error}"
        );
    }

    #[test]
    fn a_hurried_end_leaves_time_to_spare() {
        let limits = hurried();
        assert!(limits.shutdown + limits.terminate <= Duration::from_millis(1000));
    }
}
