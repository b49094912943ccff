//! Plugins written to a folder, and hosts for them with the SDK of this repository.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mm_host::log::LogRecord;
use mm_host::{Builder, EnvRequest, Manifest, PluginHost, prepare};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi};

/// What every plugin begins with.
pub(crate) const HEAD: &str =
    "from mattermost_plugin import Plugin, hook, HookName\nfrom mattermost_plugin.server import run_plugin\n";

/// What every plugin ends with.
pub(crate) const TAIL: &str = "\nif __name__ == '__main__':\n    run_plugin(P)\n";

/// The SDK's source folder.
pub(crate) fn sdk() -> PathBuf {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/src").canonicalize().unwrap();
    let native = sdk.join("mattermost_plugin/_native.abi3.so");
    assert!(native.exists(), "{} is missing: run `cargo xtask python` first", native.display());
    sdk
}

/// An API that knows the plugin's settings, of which there are none; the SDK asks for them before the plugin is activated.
struct Settings;

#[tonic::async_trait]
impl PluginApi for Settings {
    async fn load_plugin_configuration(
        &self,
        _: v1::LoadPluginConfigurationRequest,
    ) -> Result<v1::LoadPluginConfigurationResponse, ApiError> {
        Ok(v1::LoadPluginConfigurationResponse { configuration: b"{}".to_vec().into() })
    }
}

/// A plugin in a folder of its own, and what its process logged.
pub(crate) struct TestPlugin {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) logs: Arc<Mutex<Vec<LogRecord>>>,
}

impl TestPlugin {
    /// A plugin whose `plugin.py` is this text.
    pub(crate) fn raw(source: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manifest = r#"{"id": "com.example.test", "name": "Test", "version": "1.2.3", "server": {"executable": "plugin.py", "runtime": "python"}}"#;
        std::fs::write(dir.path().join("plugin.json"), manifest).unwrap();
        std::fs::write(dir.path().join("plugin.py"), source).unwrap();
        Self { dir, logs: Arc::default() }
    }

    /// A plugin whose class has this body.
    pub(crate) fn with_body(body: &str) -> Self {
        Self::raw(&format!("{HEAD}\nclass P(Plugin):\n{body}\n{TAIL}"))
    }

    /// Changes its `plugin.json`.
    pub(crate) fn edit_manifest(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let path = self.dir.path().join("plugin.json");
        let mut manifest = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        std::fs::write(&path, manifest.to_string()).unwrap();
    }

    /// What its `plugin.json` says.
    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::load(self.dir.path()).unwrap().0
    }

    /// A host to be set up further.
    pub(crate) fn builder(&self) -> Builder {
        self.builder_with(self.manifest())
    }

    /// As [`TestPlugin::builder`], with another manifest.
    pub(crate) fn builder_with(&self, manifest: Manifest) -> Builder {
        let sdk = sdk();
        let request =
            EnvRequest { bundle: self.dir.path(), manifest: &manifest, python: None, sdk: Some(&sdk), cache_dir: None };
        let env = prepare(&request, &mut |_| {}).unwrap();
        let logs = self.logs.clone();
        let builder = PluginHost::builder(self.dir.path(), manifest, env).api(Arc::new(Settings));
        builder.log(Arc::new(move |it| logs.lock().unwrap().push(it)))
    }

    /// A host for it.
    pub(crate) fn host(&self) -> PluginHost {
        self.builder().build().unwrap()
    }

    /// Messages logged so far, with their level.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.logs.lock().unwrap().iter().map(|it| format!("{}: {}", it.level.as_str(), it.message)).collect()
    }

    /// Waits until a message containing `text` was logged.
    pub(crate) async fn wait_for_log(&self, text: &str) -> LogRecord {
        let found = || self.logs.lock().unwrap().iter().find(|it| it.message.contains(text)).cloned();
        wait_until(AT_LAST, || found().is_some()).await;
        found().unwrap_or_else(|| panic!("nothing with {text:?} was logged: {:#?}", self.logged()))
    }
}

/// How long is waited for what has to come, before a test fails instead of waiting for ever.
pub(crate) const AT_LAST: Duration = Duration::from_secs(20);

/// The most that one look counts for: what takes longer was somebody else's turn on the machine, of the host's as well.
const LOOK: Duration = Duration::from_millis(50);

/// Looks until the condition holds. Gives how long that took, as [`timed`] has it; `None` when it took longer than `limit`.
pub(crate) async fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> Option<Duration> {
    let mut took = Duration::ZERO;
    while took <= limit {
        let begun = Instant::now();
        if condition() {
            return Some(took);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        took += begun.elapsed().min(LOOK);
    }
    None
}

/// What comes of `work`, and how long it took. A machine that stands still for a while has no part in that, or no limit would hold on it.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let (mut work, mut took) = (pin!(work), Duration::ZERO);
    loop {
        let begun = Instant::now();
        let done = tokio::time::timeout(Duration::from_millis(5), &mut work).await;
        took += begun.elapsed().min(LOOK);
        if let Ok(done) = done {
            return (done, took);
        }
    }
}

/// Whether a process with this id exists (and is no zombie).
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

/// Waits until the process is gone.
pub(crate) async fn wait_until_gone(pid: i32) {
    assert!(wait_until(AT_LAST, || !is_alive(pid)).await.is_some(), "process {pid} still runs");
}
