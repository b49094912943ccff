//! The server: its making, its plugins, its clock, and the actions of an administrator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mm_proto::plugin::v1;
use mm_proto::{PluginApi, PluginHooks};

use crate::events::{Feed, LogRecord, WebSocketEvent};
use crate::{Actor, SimError};

/// A simulated Mattermost. Cloning is cheap and gives another handle to the same server.
#[derive(Clone)]
pub struct Server {}

/// How a server is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version that it claims to be, such as `11.6.0`.
    pub version: String,
    /// The site URL, without a slash at the end.
    pub site_url: String,
    /// Makes ids and time predictable: ids come from this seed, and time starts at `start_at` and moves by one millisecond whenever
    /// it is asked for. For transcripts and tests.
    pub seed: Option<u64>,
    /// Where time starts when there is a seed, in milliseconds since the Unix epoch.
    pub start_at: i64,
    /// Where the bundles of plugins are said to live (`GetBundlePath` of a plugin without a path of its own).
    pub plugin_directory: String,
}

impl Default for Options {
    fn default() -> Self {
        todo!()
    }
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
}

/// Making and watching.
impl Server {
    /// A server with no users and no teams.
    pub fn new(options: Options) -> Self {
        todo!()
    }

    /// A server to play with: team `dev`; users `admin` (system administrator), `anna`, `ben` and `carol`, all members of the team and
    /// of its default channels `town-square` and `off-topic`.
    pub fn demo() -> Self {
        todo!()
    }

    /// As [`demo`](Self::demo), with options.
    pub fn demo_with(options: Options) -> Self {
        todo!()
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Feed {
        todo!()
    }

    /// Turns [`Event::Trace`](crate::Event::Trace) on or off; off at first, and free of cost then.
    pub fn set_tracing(&self, on: bool) {
        todo!()
    }

    /// The web socket events published so far, oldest first; at most the last 10,000.
    pub fn websocket_events(&self) -> Vec<Arc<WebSocketEvent>> {
        todo!()
    }

    /// The log records so far, oldest first; at most the last 10,000.
    pub fn logs(&self) -> Vec<Arc<LogRecord>> {
        todo!()
    }

    /// Adds a record to the server's log, as if the plugin had logged it: for hosts that capture a plugin's output.
    pub fn log(&self, record: LogRecord) {
        todo!()
    }

    /// Whether this user is told of this event.
    pub fn can_see(&self, event: &WebSocketEvent, user_id: &str) -> bool {
        todo!()
    }

    /// Returns once no hook runs or waits in the background (`MessageHasBeenPosted` and others are called without anyone waiting).
    pub async fn settle(&self) {
        todo!()
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        todo!()
    }

    /// Moves the clock forward: keys expire, sessions too.
    pub fn advance(&self, milliseconds: i64) {
        todo!()
    }
}

/// Plugins.
impl Server {
    /// What the plugin with this id calls. Works before [`activate`](Self::activate); what needs the manifest does not.
    pub fn api(&self, plugin_id: &str) -> Arc<dyn PluginApi> {
        todo!()
    }

    /// Makes the manifest known without running the plugin, so that its API answers while it starts.
    pub fn add_plugin(&self, manifest: v1::Manifest, bundle_path: Option<String>) -> Result<(), SimError> {
        todo!()
    }

    /// Activates the plugin as a server does: checks the minimum version, calls `OnConfigurationChange` and `OnActivate` if
    /// implemented, and then delivers hooks. When `OnActivate` fails, the plugin is left stopped and the error is returned.
    /// A plugin with the same id that runs already is deactivated first. State (key-value store, configuration) is kept.
    pub async fn activate(&self, plugin: PluginRegistration) -> Result<(), SimError> {
        todo!()
    }

    /// As [`activate`](Self::activate), for a host that has run `OnConfigurationChange` and `OnActivate` itself: hooks are
    /// delivered from now on.
    pub fn attach(&self, plugin: PluginRegistration) -> Result<(), SimError> {
        todo!()
    }

    /// Stops the plugin: no more hooks, its commands are gone, then `OnDeactivate` is called if implemented. Its state stays.
    pub async fn deactivate(&self, plugin_id: &str) -> Result<(), SimError> {
        todo!()
    }

    /// As [`deactivate`](Self::deactivate) without calling `OnDeactivate`: for a plugin whose process is gone.
    pub fn detach(&self, plugin_id: &str) {
        todo!()
    }

    /// Sets one setting of a plugin, as an administrator does in the console: `ConfigurationWillBeSaved` of all plugins is asked,
    /// then `OnConfigurationChange` of all is called.
    pub async fn set_plugin_setting(&self, plugin_id: &str, key: &str, value: v1::Value) -> Result<(), SimError> {
        todo!()
    }

    /// The settings that are saved for a plugin, without the manifest's defaults.
    pub fn plugin_settings(&self, plugin_id: &str) -> BTreeMap<String, v1::Value> {
        todo!()
    }
}

/// What an administrator does, and look-ups.
impl Server {
    /// Acts as this user, given by id, by username or by `@username`.
    pub fn act_as(&self, user: &str) -> Result<Actor, SimError> {
        todo!()
    }

    /// Makes a user with this name; `UserHasBeenCreated` is called.
    pub async fn create_user(&self, username: &str) -> Result<v1::User, SimError> {
        todo!()
    }

    /// Makes a team with this name and its default channels.
    pub async fn create_team(&self, name: &str, display_name: &str) -> Result<v1::Team, SimError> {
        todo!()
    }

    /// Adds a user to a team and its default channels; `UserHasJoinedTeam` is called.
    pub async fn add_to_team(&self, team_id: &str, user_id: &str) -> Result<v1::TeamMember, SimError> {
        todo!()
    }

    /// The user with this id or username (with or without `@`).
    pub fn user(&self, id_or_name: &str) -> Result<v1::User, SimError> {
        todo!()
    }

    /// All users, by username.
    pub fn users(&self) -> Vec<v1::User> {
        todo!()
    }

    /// The team with this id or name.
    pub fn team(&self, id_or_name: &str) -> Result<v1::Team, SimError> {
        todo!()
    }

    /// All teams, by name.
    pub fn teams(&self) -> Vec<v1::Team> {
        todo!()
    }

    /// The channel with this id.
    pub fn channel(&self, channel_id: &str) -> Result<v1::Channel, SimError> {
        todo!()
    }
}
