//! Plugins that come as bundles: `InstallPlugin`, `EnablePlugin`, `DisablePlugin`, `RemovePlugin`.
//!
//! The simulator unpacks bundles and keeps them; it cannot start a process. Whoever embeds it may bring a [`PluginStarter`], as
//! `mm-host dev` does. A plugin that was activated from outside once can be enabled again without one: its hooks are still there.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use tempfile::TempDir;

use crate::errors::{self, BAD_REQUEST, NOT_IMPLEMENTED, Result};
use crate::events::LogLevel;
use crate::plugins::{FAILED_TO_START, PluginRegistration, check_id, not_installed};
use crate::server::Server;

mod manifest;

/// A bundle that is larger unpacked is no bundle, in bytes.
const MOST_UNPACKED: u64 = 2 << 30;

/// Runs the plugins that are installed in a simulated server.
#[async_trait]
pub trait PluginStarter: Send + Sync {
    /// Starts a plugin's process.
    ///
    /// # Errors
    /// A text for the log; the plugin's status says it too.
    async fn start(&self, manifest: v1::Manifest, folder: &Path) -> Result<PluginRegistration, String>;

    /// A plugin was deactivated, one that it has not started too: its process is not needed any more.
    async fn stopped(&self, plugin_id: &str);
}

/// What there is to start.
#[derive(Default)]
pub(crate) struct Installs {
    starter: Option<Arc<dyn PluginStarter>>,
    /// The folders of bundles that were unpacked here, by plugin.
    folders: HashMap<String, Arc<TempDir>>,
    /// How plugins were activated last, by id.
    registrations: HashMap<String, PluginRegistration>,
}

impl Installs {
    pub(crate) fn remember(&mut self, plugin: &PluginRegistration) {
        self.registrations.insert(plugin.manifest.id.clone(), plugin.clone());
    }

    pub(crate) fn forget(&mut self, plugin_id: &str) -> Option<Arc<TempDir>> {
        self.registrations.remove(plugin_id);
        self.folders.remove(plugin_id)
    }

    fn starter_of(&self, plugin_id: &str) -> Option<Arc<dyn PluginStarter>> {
        self.starter.clone().filter(|_| self.folders.contains_key(plugin_id))
    }
}

impl Server {
    /// Has installed plugins run by this from now on.
    pub fn set_plugin_starter(&self, starter: Arc<dyn PluginStarter>) {
        self.world().installs.starter = Some(starter);
    }

    /// `InstallPlugin`: takes a bundle. The plugin is not started unless it replaces one that ran.
    pub(crate) async fn install_plugin(
        &self,
        mut requests: Parts<v1::InstallPluginRequest>,
    ) -> Result<v1::InstallPluginResponse> {
        use v1::install_plugin_request::Part;
        let (mut replace, mut bundle) = (false, Vec::new());
        while let Some(part) = requests.next().await {
            match part?.part {
                Some(Part::Start(start)) => replace = start.replace,
                Some(Part::Content(piece)) => bundle.extend_from_slice(&piece),
                None => {}
            }
        }
        let allowed = |config: &v1::Config| {
            let settings = config.plugin_settings.as_ref()?;
            Some(settings.enable? && settings.enable_uploads?)
        };
        if !self.config_flag(allowed) {
            let id = "app.plugin.upload_disabled.app_error";
            let message = "Plugins cannot be uploaded: PluginSettings.EnableUploads allows it.";
            return Err(errors::app("installPlugin", id, NOT_IMPLEMENTED, message));
        }
        let unpacked = tokio::task::spawn_blocking(move || unpack(&bundle)).await;
        let (folder, root) = unpacked.map_err(|error| refused("extract", &error.to_string()))??;
        let manifest = manifest::read(&root).map_err(|why| refused("manifest", &why))?;
        self.put_bundle(manifest.clone(), folder, &root, replace).await?;
        Ok(v1::InstallPluginResponse { manifest: Some(manifest) })
    }

    async fn put_bundle(&self, manifest: v1::Manifest, folder: TempDir, root: &Path, replace: bool) -> Result<()> {
        let id = manifest.id.clone();
        check_id(&id)?;
        let known = self.world().plugins.contains_key(&id);
        if known && !replace {
            let message = "A plugin with this id is installed already, and is not to be replaced.";
            return Err(errors::app("installPlugin", "app.plugin.install_id.app_error", BAD_REQUEST, message));
        }
        let ran = self.is_running(&id);
        if ran {
            self.deactivate(&id).await?;
        }
        self.add_plugin(manifest, Some(root.display().to_string()))?;
        let old = {
            let mut world = self.world();
            let old = world.installs.forget(&id);
            world.installs.folders.insert(id.clone(), Arc::new(folder));
            old
        };
        // Not deleted while the world is held: it takes a while.
        drop(old);
        if ran { self.enable_plugin(&id).await } else { Ok(()) }
    }

    /// Starts a plugin that does not run. That it could not be started is in its status and the log, as on a real server.
    pub(crate) async fn enable_plugin(&self, plugin_id: &str) -> Result<()> {
        let (manifest, folder, starter, registration) = {
            let mut world = self.world();
            let entry = world.plugins.get(plugin_id).ok_or_else(|| not_installed("EnablePlugin", plugin_id))?;
            let (manifest, folder) = (entry.manifest.clone(), entry.bundle_path.clone());
            let states = &mut world.config.plugin_settings.get_or_insert_default().plugin_states;
            states.insert(plugin_id.to_owned(), v1::PluginState { enable: true });
            let starter = world.installs.starter_of(plugin_id);
            (manifest, folder, starter, world.installs.registrations.get(plugin_id).cloned())
        };
        if self.is_running(plugin_id) {
            return Ok(());
        }
        let folder = PathBuf::from(folder.unwrap_or_default());
        let plugin = match (starter, registration) {
            (Some(starter), _) => starter.start(manifest, &folder).await,
            (None, Some(registration)) => Ok(registration),
            (None, None) => {
                Err("nothing here can start it: give the server a PluginStarter, or use mm-host dev".to_owned())
            }
        };
        let failure = match plugin {
            Ok(plugin) => self.activate(plugin).await.err().map(|error| errors::text(&error)),
            Err(why) => Some(why),
        };
        if let Some(error) = failure {
            self.set_state(plugin_id, FAILED_TO_START, error.clone());
            self.end_process(plugin_id).await;
            let fields = [("plugin_id", plugin_id.to_owned()), ("error", error)];
            self.server_log(LogLevel::Error, "A plugin could not be started.", fields);
        }
        Ok(())
    }

    /// Tells the starter, which knows whether the process is one of its own.
    pub(crate) async fn end_process(&self, plugin_id: &str) {
        let starter = self.world().installs.starter.clone();
        if let Some(starter) = starter {
            starter.stopped(plugin_id).await;
        }
    }
}

fn refused(what: &str, why: &str) -> mm_proto::ApiError {
    let message = "The file is not a plugin's bundle.";
    errors::app_with("installPlugin", &format!("app.plugin.{what}.app_error"), BAD_REQUEST, message, why)
}

/// Unpacks a `.tar.gz`; gives the folder and, in it, that of the plugin: where the manifest is, which is the only folder at the top or
/// the top itself.
fn unpack(bundle: &[u8]) -> Result<(TempDir, PathBuf)> {
    let failed = |error: std::io::Error| refused("extract", &error.to_string());
    let folder = tempfile::Builder::new().prefix("mm-sim-plugin-").tempdir().map_err(failed)?;
    let content = flate2::read::GzDecoder::new(bundle).take(MOST_UNPACKED);
    // It refuses what would come to lie outside the folder.
    tar::Archive::new(content).unpack(folder.path()).map_err(failed)?;
    let mut entries = std::fs::read_dir(folder.path()).map_err(failed)?.flatten();
    let root = match (entries.next(), entries.next()) {
        (Some(only), None) if only.path().is_dir() => only.path(),
        _ => folder.path().to_path_buf(),
    };
    Ok((folder, root))
}
