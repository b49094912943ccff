//! Plugins that the plugin installs: their bundles are unpacked by the simulator and run here, each in a process of its own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mm_proto::plugin::v1;
use mm_sim::{PluginRegistration, PluginStarter, Server};

use super::Options;
use super::plugin::{build_host, prepare};
use crate::host::PluginHost;
use crate::manifest::Manifest;
use crate::supervisor::State;

/// The installed plugins that run.
pub(crate) struct Installed {
    options: Arc<Options>,
    server: Server,
    hosts: Mutex<HashMap<String, PluginHost>>,
}

impl Installed {
    /// Has the server's installed plugins run here.
    pub(crate) fn of(options: Arc<Options>, server: Server) -> Arc<Self> {
        let installed = Arc::new(Self { options, server: server.clone(), hosts: Mutex::default() });
        server.set_plugin_starter(installed.clone());
        installed
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, PluginHost>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deactivates and ends all of them.
    pub(crate) async fn stop(&self) {
        let ids: Vec<String> = self.hosts().keys().cloned().collect();
        for id in ids {
            // Ends the process too; one that has died is not active any more.
            if self.server.deactivate(&id).await.is_err() {
                self.stopped(&id).await;
            }
        }
    }

    /// Tells the server when a process ends that should not.
    fn watch(&self, id: String, host: &PluginHost) {
        let (server, mut status) = (self.server.clone(), host.watch());
        tokio::spawn(async move {
            if status.wait_for(|it| it.state == State::Failed).await.is_ok() {
                server.detach(&id);
            }
        });
    }
}

#[async_trait]
impl PluginStarter for Installed {
    async fn start(&self, manifest: v1::Manifest, folder: &Path) -> Result<PluginRegistration, String> {
        let (own, _) = Manifest::load(folder).map_err(|error| error.to_string())?;
        let runtime = prepare(&self.options, folder, &own, |_| {}).await?;
        let host = build_host(&self.options, &self.server, folder, &own, runtime)?;
        host.start().await.map_err(|error| error.to_string())?;
        let mut registration = PluginRegistration::new(manifest, host.hooks(), host.implemented());
        registration.bundle_path = Some(folder.display().to_string());
        self.watch(own.id.clone(), &host);
        self.hosts().insert(own.id, host);
        Ok(registration)
    }

    async fn stopped(&self, plugin_id: &str) {
        let host = self.hosts().remove(plugin_id);
        if let Some(host) = host {
            host.stop("deactivated").await;
        }
    }
}
