//! Plugins: registration, activation, stopping, and what the API tells about them.

use std::collections::BTreeSet;
use std::sync::Arc;

use mm_proto::PluginHooks;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::events::LogLevel;
use crate::hooks::{Listener, call_hook};
use crate::server::Server;

/// States of a plugin, as `PluginStatus.state` gives them.
pub(crate) const NOT_RUNNING: i64 = 0;
pub(crate) const RUNNING: i64 = 2;
pub(crate) const FAILED_TO_START: i64 = 3;

/// A plugin that the server knows, running or not.
#[derive(Clone)]
pub(crate) struct PluginEntry {
    pub(crate) manifest: v1::Manifest,
    pub(crate) bundle_path: Option<String>,
    pub(crate) state: i64,
    pub(crate) error: String,
}

/// A plugin, ready to be activated.
#[derive(Clone)]
pub struct PluginRegistration {
    pub manifest: v1::Manifest,
    /// How the server calls it.
    pub hooks: Arc<dyn PluginHooks>,
    /// Go names of the hooks that it implements; the others are never called.
    pub implemented: BTreeSet<String>,
    /// The folder of its bundle, for `GetBundlePath`.
    pub bundle_path: Option<String>,
}

impl PluginRegistration {
    /// A registration without a bundle folder.
    pub fn new<S: Into<String>>(
        manifest: v1::Manifest,
        hooks: Arc<dyn PluginHooks>,
        implemented: impl IntoIterator<Item = S>,
    ) -> Self {
        Self { manifest, hooks, implemented: implemented.into_iter().map(Into::into).collect(), bundle_path: None }
    }

    fn listener(&self) -> Listener {
        Listener {
            plugin_id: self.manifest.id.as_str().into(),
            hooks: self.hooks.clone(),
            implemented: Arc::new(self.implemented.clone()),
        }
    }
}

/// Plugins.
impl Server {
    /// Makes the manifest known without running the plugin, so that its API answers while it starts. Known already: the manifest
    /// is replaced.
    pub fn add_plugin(&self, manifest: v1::Manifest, bundle_path: Option<String>) -> Result<()> {
        check_id(&manifest.id)?;
        self.check_server_version(&manifest)?;
        let entry = PluginEntry { manifest, bundle_path, state: NOT_RUNNING, error: String::new() };
        self.world().plugins.insert(entry.manifest.id.clone(), entry);
        Ok(())
    }

    /// Activates the plugin as a server does: checks the minimum version, calls `OnConfigurationChange` and `OnActivate` if
    /// implemented, and then delivers hooks. When `OnActivate` fails, the plugin is left stopped and the error is returned.
    /// A plugin with the same id that runs already is deactivated first. State (key-value store, configuration) is kept.
    pub async fn activate(&self, plugin: PluginRegistration) -> Result<()> {
        if self.is_running(&plugin.manifest.id) {
            self.deactivate(&plugin.manifest.id).await?;
        }
        self.add_plugin(plugin.manifest.clone(), plugin.bundle_path.clone())?;
        let listener = plugin.listener();
        if plugin.implemented.contains("OnConfigurationChange") {
            let request = v1::OnConfigurationChangeRequest::default();
            // Its error is logged only, as on a real server.
            let _ = call_hook!(self, listener, "OnConfigurationChange", on_configuration_change, request);
        }
        if plugin.implemented.contains("OnActivate") {
            self.run_on_activate(&listener).await?;
        }
        self.attach(plugin)
    }

    async fn run_on_activate(&self, listener: &Listener) -> Result<()> {
        let request = v1::OnActivateRequest::default();
        let span = self.trace_hook(listener, "OnActivate", &request);
        let result = listener.hooks.on_activate(request).await;
        self.bus().trace_return(self.clock(), span, result.as_ref().map_err(errors::text));
        let Err(error) = result else { return Ok(()) };
        self.log_hook_failure(&listener.plugin_id, "OnActivate", &error);
        self.set_state(&listener.plugin_id, FAILED_TO_START, errors::text(&error));
        self.unregister_commands(&listener.plugin_id);
        Err(error)
    }

    /// As [`activate`](Self::activate), for a host that has run `OnConfigurationChange` and `OnActivate` itself: hooks are
    /// delivered from now on.
    pub fn attach(&self, plugin: PluginRegistration) -> Result<()> {
        let id = plugin.manifest.id.clone();
        self.world().installs.remember(&plugin);
        self.add_plugin(plugin.manifest.clone(), plugin.bundle_path.clone())?;
        self.set_state(&id, RUNNING, String::new());
        let listener = plugin.listener();
        self.change_running(|running| {
            running.retain(|other| other.plugin_id != listener.plugin_id);
            running.push(listener);
        });
        Ok(())
    }

    /// Stops the plugin: no more hooks, its commands are gone, then `OnDeactivate` is called if implemented. Its state stays.
    pub async fn deactivate(&self, plugin_id: &str) -> Result<()> {
        let Some(listener) = self.running().iter().find(|listener| *listener.plugin_id == *plugin_id).cloned() else {
            return Err(not_installed("deactivatePlugin", plugin_id));
        };
        self.detach(plugin_id);
        if listener.implemented.contains("OnDeactivate") {
            let request = v1::OnDeactivateRequest::default();
            let _ = call_hook!(self, listener, "OnDeactivate", on_deactivate, request);
        }
        self.end_process(plugin_id).await;
        Ok(())
    }

    /// As [`deactivate`](Self::deactivate) without calling `OnDeactivate`: for a plugin whose process is gone.
    pub fn detach(&self, plugin_id: &str) {
        self.change_running(|running| running.retain(|listener| *listener.plugin_id != *plugin_id));
        self.unregister_commands(plugin_id);
        self.set_state(plugin_id, NOT_RUNNING, String::new());
    }

    pub(crate) fn is_running(&self, plugin_id: &str) -> bool {
        self.running().iter().any(|listener| *listener.plugin_id == *plugin_id)
    }

    pub(crate) fn set_state(&self, plugin_id: &str, state: i64, error: String) {
        if let Some(entry) = self.world().plugins.get_mut(plugin_id) {
            entry.state = state;
            entry.error = error;
        }
    }

    fn unregister_commands(&self, plugin_id: &str) {
        self.world().plugin_commands.retain(|command| command.plugin_id != plugin_id);
    }

    fn check_server_version(&self, manifest: &v1::Manifest) -> Result<()> {
        if manifest.min_server_version.is_empty() {
            return Ok(());
        }
        let parse = |text: &str| semver::Version::parse(text.trim_start_matches('v'));
        let needed = parse(&manifest.min_server_version).map_err(|error| {
            errors::plain(format!(
                "min_server_version {:?} of plugin {} is not a version such as 9.5.0: {error}",
                manifest.min_server_version, manifest.id
            ))
        })?;
        match parse(&self.options().version) {
            Ok(have) if have < needed => Err(errors::plain(format!(
                "plugin {} needs Mattermost {needed} or later; this server is {have}",
                manifest.id
            ))),
            _ => Ok(()),
        }
    }
}

/// What plugins ask about plugins.
impl Server {
    pub(crate) fn plugin_manifests(&self) -> Vec<v1::Manifest> {
        let world = self.world();
        // The running ones first, as a real server lists them.
        let (running, stopped): (Vec<_>, Vec<_>) = world.plugins.values().partition(|entry| entry.state == RUNNING);
        running.into_iter().chain(stopped).map(|entry| entry.manifest.clone()).collect()
    }

    pub(crate) fn plugin_status(&self, plugin_id: &str) -> Result<v1::PluginStatus> {
        let world = self.world();
        let entry = world.plugins.get(plugin_id).ok_or_else(|| not_installed("GetPluginStatus", plugin_id))?;
        Ok(v1::PluginStatus {
            plugin_id: plugin_id.to_owned(),
            plugin_path: entry.bundle_path.clone().unwrap_or_default(),
            state: entry.state,
            error: entry.error.clone(),
            name: entry.manifest.name.clone(),
            description: entry.manifest.description.clone(),
            version: entry.manifest.version.clone(),
            ..Default::default()
        })
    }

    /// The folder of a plugin that has one.
    pub(crate) fn bundle_of(&self, plugin_id: &str) -> Option<std::path::PathBuf> {
        self.world().plugins.get(plugin_id).and_then(|entry| entry.bundle_path.clone()).map(Into::into)
    }

    pub(crate) fn bundle_path(&self, plugin_id: &str) -> String {
        let known = self.world().plugins.get(plugin_id).and_then(|entry| entry.bundle_path.clone());
        known.unwrap_or_else(|| format!("{}/{plugin_id}", self.options().plugin_directory))
    }

    /// Stops the plugin in the background, since it may be the one that asks.
    pub(crate) fn disable_plugin(&self, plugin_id: &str) -> Result<()> {
        {
            let mut world = self.world();
            if !world.plugins.contains_key(plugin_id) {
                return Err(not_installed("DisablePlugin", plugin_id));
            }
            let states = &mut world.config.plugin_settings.get_or_insert_default().plugin_states;
            states.insert(plugin_id.to_owned(), v1::PluginState { enable: false });
        }
        if self.is_running(plugin_id) {
            let (server, plugin_id) = (self.clone(), plugin_id.to_owned());
            self.background(async move {
                if let Err(error) = server.deactivate(&plugin_id).await {
                    let fields = [("plugin_id", plugin_id), ("error", errors::text(&error))];
                    server.server_log(LogLevel::Warn, "A plugin could not be stopped.", fields);
                }
            });
        }
        Ok(())
    }

    /// Hands an event to a plugin, as if it had been published on another node of the cluster. What the plugin publishes itself comes
    /// back the same way: this server is a cluster of one that hears itself. Hook: `OnPluginClusterEvent`.
    pub fn deliver_cluster_event(&self, plugin_id: &str, event: v1::PluginClusterEvent) {
        let Some(listener) = self.listeners("OnPluginClusterEvent").into_iter().find(|l| *l.plugin_id == *plugin_id)
        else {
            return;
        };
        let server = self.clone();
        self.background(async move {
            // Mattermost gives an empty context here.
            let request = v1::OnPluginClusterEventRequest { context: Some(v1::Context::default()), event: Some(event) };
            let _ = call_hook!(server, listener, "OnPluginClusterEvent", on_plugin_cluster_event, request);
        });
    }
}

pub(crate) fn not_installed(place: &str, plugin_id: &str) -> mm_proto::ApiError {
    let message = "No plugin with this id is installed.";
    errors::app_with(place, "app.plugin.not_installed.app_error", NOT_FOUND, message, format!("plugin_id={plugin_id}"))
}

/// Mattermost's rule for plugin ids: 3 to 190 characters of letters, digits, `-`, `_` and `.`.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (3..=190).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    let message = "A plugin id has 3 to 190 letters, digits, dashes, underscores and dots.";
    Err(errors::app_with(
        "installPlugin",
        "app.plugin.invalid_id.app_error",
        BAD_REQUEST,
        message,
        format!("id={id:?}"),
    ))
}
