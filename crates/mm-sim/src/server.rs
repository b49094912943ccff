//! The server: its making, its clock, what can be watched, and the look-ups and actions of an administrator.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use futures::FutureExt;
use mm_proto::PluginApi;
use mm_proto::plugin::v1;
use mm_sql::SqlDriver;

use crate::Actor;
use crate::api::SimApi;
use crate::bus::Bus;
use crate::clock::Clock;
use crate::config;
use crate::errors::{self, Result};
use crate::events::{Audience, Event, Feed, LogLevel, LogRecord, Subject, WebSocketEvent};
use crate::hooks::{Caller, Listener, Pending, call_hook};
use crate::sql::Database;
use crate::world::World;

/// A simulated Mattermost. Cloning is cheap and gives another handle to the same server.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    clock: Clock,
    bus: Bus,
    world: Mutex<World>,
    /// The plugins whose hooks are called; apart from the world, since every action asks for it.
    running: RwLock<Arc<Vec<Listener>>>,
    pending: Arc<Pending>,
    database: Database,
}

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
        Self {
            version: mm_proto::SURFACE_VERSION.to_owned(),
            site_url: "http://localhost:8065".to_owned(),
            seed: None,
            // 2026-01-01T09:00:00Z: some morning.
            start_at: 1_767_258_000_000,
            plugin_directory: "./plugins".to_owned(),
        }
    }
}

/// Making and watching.
impl Server {
    /// A server with no users and no teams.
    pub fn new(options: Options) -> Self {
        let clock = match options.seed {
            Some(seed) => Clock::predictable(seed, options.start_at),
            None => Clock::real(),
        };
        let world = World {
            config: config::default_config(&options),
            installed_at: clock.now(),
            diagnostic_id: clock.new_id(),
            ..World::default()
        };
        let shared = Shared {
            options,
            clock,
            bus: Bus::default(),
            world: Mutex::new(world),
            running: RwLock::default(),
            pending: Arc::default(),
            database: Database::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A server to play with: team `dev`; users `admin` (system administrator), `anna`, `ben` and `carol`, all members of the team and
    /// of its default channels `town-square` and `off-topic`.
    pub fn demo() -> Self {
        Self::demo_with(Options::default())
    }

    /// As [`demo`](Self::demo), with options.
    pub fn demo_with(options: Options) -> Self {
        let server = Self::new(options);
        // Nothing in there waits: there is no plugin yet to wait for.
        server.fill_demo().now_or_never().expect("without plugins no action waits").expect("the demo data is valid");
        server
    }

    async fn fill_demo(&self) -> Result<()> {
        let team = self.create_team("dev", "Development").await?;
        for (username, first, last) in [
            ("admin", "Ada", "Admin"),
            ("anna", "Anna", "Andersen"),
            ("ben", "Ben", "Berger"),
            ("carol", "Carol", "Cohen"),
        ] {
            let user = v1::User {
                username: username.to_owned(),
                email: format!("{username}@example.com"),
                first_name: first.to_owned(),
                last_name: last.to_owned(),
                ..Default::default()
            };
            let user = self.save_new_user(user, "Server.demo").await?;
            self.add_user_to_team(&Caller::default(), &team.id, &user.id, "").await?;
            if username == "admin" {
                self.set_user_roles(&user.id, "system_user system_admin")?;
            }
        }
        Ok(())
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Feed {
        self.bus().subscribe(None)
    }

    /// Turns [`Event::Trace`] on or off; off at first, and free of cost then.
    pub fn set_tracing(&self, on: bool) {
        self.bus().set_tracing(on);
    }

    /// The web socket events published so far, oldest first; at most the last 10,000.
    pub fn websocket_events(&self) -> Vec<Arc<WebSocketEvent>> {
        self.bus().websocket_events()
    }

    /// The log records so far, oldest first; at most the last 10,000.
    pub fn logs(&self) -> Vec<Arc<LogRecord>> {
        self.bus().logs()
    }

    /// Adds a record to the server's log, as if the plugin had logged it: for hosts that capture a plugin's output.
    pub fn log(&self, record: LogRecord) {
        self.bus().log(record);
    }

    /// Whether this user is told of this event.
    pub fn can_see(&self, event: &WebSocketEvent, user_id: &str) -> bool {
        let Audience { user_id: only, channel_id, team_id, connection_id, omit_users } = &event.audience;
        if only.as_ref().is_some_and(|id| id != user_id) || omit_users.iter().any(|id| id == user_id) {
            return false;
        }
        let world = self.world();
        channel_id.as_ref().is_none_or(|id| world.is_channel_member(id, user_id))
            && team_id.as_ref().is_none_or(|id| world.is_team_member(id, user_id))
            && connection_id.as_ref().is_none_or(|id| world.connections.get(id).is_some_and(|owner| owner == user_id))
    }

    /// Returns once no hook runs or waits in the background (`MessageHasBeenPosted` and others are called without anyone waiting).
    pub async fn settle(&self) {
        self.shared.pending.settle().await;
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// Moves the clock forward: keys expire, sessions too.
    pub fn advance(&self, milliseconds: i64) {
        self.shared.clock.advance(milliseconds);
    }

    /// What the plugin with this id calls. Works before [`activate`](Self::activate); what needs the manifest does not.
    pub fn api(&self, plugin_id: &str) -> Arc<dyn PluginApi> {
        Arc::new(SimApi::new(self.clone(), plugin_id))
    }

    /// The server's database, for the SQL of plugins: an embedded one, empty at first, which lives as long as the server.
    pub fn sql(&self) -> Arc<dyn SqlDriver> {
        Arc::new(self.shared.database.clone())
    }
}

/// What an administrator does, and look-ups.
impl Server {
    /// Acts as this user, given by id, by username or by `@username`.
    pub fn act_as(&self, user: &str) -> Result<Actor> {
        let user = self.user(user)?;
        Ok(Actor::new(self.clone(), user.id))
    }

    /// Makes a user with this name; `UserHasBeenCreated` is called.
    pub async fn create_user(&self, username: &str) -> Result<v1::User> {
        let user = v1::User {
            username: username.to_owned(),
            email: format!("{}@example.com", username.to_lowercase()),
            ..Default::default()
        };
        self.save_new_user(user, "createUserOrGuest").await
    }

    /// Makes a team with this name and its default channels.
    pub async fn create_team(&self, name: &str, display_name: &str) -> Result<v1::Team> {
        self.save_new_team(v1::Team {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            r#type: "O".to_owned(),
            allow_open_invite: true,
            ..Default::default()
        })
    }

    /// Adds a user to a team and its default channels; `UserHasJoinedTeam` is called.
    pub async fn add_to_team(&self, team_id: &str, user_id: &str) -> Result<v1::TeamMember> {
        self.add_user_to_team(&self.caller(), team_id, user_id, "").await
    }

    /// The user with this id or username (with or without `@`).
    pub fn user(&self, id_or_name: &str) -> Result<v1::User> {
        let world = self.world();
        let name = id_or_name.strip_prefix('@').unwrap_or(id_or_name);
        let user = world.user_by_name(name).or_else(|| world.users.get(id_or_name));
        user.map(|user| (**user).clone()).ok_or_else(|| errors::no_user("Server.user", id_or_name))
    }

    /// All users, by username.
    pub fn users(&self) -> Vec<v1::User> {
        let mut users: Vec<_> = self.world().users.values().map(|user| (**user).clone()).collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        users
    }

    /// The team with this id or name.
    pub fn team(&self, id_or_name: &str) -> Result<v1::Team> {
        let world = self.world();
        let team = world.teams.get(id_or_name).or_else(|| world.team_by_name(id_or_name));
        team.cloned().ok_or_else(|| errors::no_team("Server.team", id_or_name))
    }

    /// All teams, by name.
    pub fn teams(&self) -> Vec<v1::Team> {
        let mut teams: Vec<_> = self.world().teams.values().cloned().collect();
        teams.sort_by(|a, b| a.name.cmp(&b.name));
        teams
    }

    /// The channel with this id.
    pub fn channel(&self, channel_id: &str) -> Result<v1::Channel> {
        Ok(self.world().channel("Server.channel", channel_id)?.channel.clone())
    }

    /// The mails that plugins sent with `SendMail`, oldest first: address, subject, HTML text.
    pub fn mails(&self) -> Vec<(String, String, String)> {
        self.world().mails.clone()
    }
}

/// Push notifications.
impl Server {
    /// The push notifications that plugins sent with `SendPushNotification`, oldest first: the user and the notification. They go
    /// nowhere: nobody has a telephone here.
    pub fn push_notifications(&self) -> Vec<(String, v1::PushNotification)> {
        self.world().pushes.clone()
    }

    /// Sends a push notification, unless a plugin refuses it; then nothing happens, and that is no error. Hook:
    /// `NotificationWillBePushed`.
    pub async fn send_push(&self, user_id: &str, mut notification: v1::PushNotification) {
        for listener in self.listeners("NotificationWillBePushed") {
            let request = v1::NotificationWillBePushedRequest {
                push_notification: Some(notification.clone()),
                user_id: user_id.to_owned(),
            };
            let answer = call_hook!(self, listener, "NotificationWillBePushed", notification_will_be_pushed, request);
            let Some(answer) = answer else { continue };
            if !answer.reason.is_empty() {
                let fields = [("user_id", user_id.to_owned()), ("reason", answer.reason)];
                self.server_log(LogLevel::Info, "A plugin cancelled a push notification.", fields);
                return;
            }
            notification = answer.push_notification.unwrap_or(notification);
        }
        self.world().pushes.push((user_id.to_owned(), notification));
    }
}

/// What the modules of the simulator use.
impl Server {
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(crate) fn new_id(&self) -> String {
        self.shared.clock.new_id()
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.shared.bus
    }

    pub(crate) fn pending(&self) -> Arc<Pending> {
        self.shared.pending.clone()
    }

    /// The world. Never hold it over an `await`: hooks must be able to call the API.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn running(&self) -> Arc<Vec<Listener>> {
        self.shared.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change_running(&self, change: impl FnOnce(&mut Vec<Listener>)) {
        let mut running = self.shared.running.write().unwrap_or_else(PoisonError::into_inner);
        let mut listeners = (**running).clone();
        change(&mut listeners);
        *running = Arc::new(listeners);
    }

    /// A caller that is the server itself or a plugin.
    pub(crate) fn caller(&self) -> Caller {
        Caller { request_id: self.new_id(), ..Caller::default() }
    }

    pub(crate) fn publish<const N: usize>(
        &self,
        name: &str,
        data: [(&str, v1::Value); N],
        audience: Audience,
        subject: Subject,
    ) {
        let data = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        self.bus().publish(self.now(), name, data, audience, subject);
    }

    pub(crate) fn server_log<const N: usize>(&self, level: LogLevel, message: &str, fields: [(&str, String); N]) {
        let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let (plugin_id, message) = (String::new(), message.to_owned());
        self.bus().log(LogRecord { at: self.now(), plugin_id, level, message, fields });
    }

    /// A feed of the web socket events that one user sees.
    pub(crate) fn subscribe_as(&self, user_id: &str) -> Feed {
        let (weak, user_id) = (Arc::downgrade(&self.shared), user_id.to_owned());
        self.bus().subscribe(Some(Box::new(move |event| match (event, weak.upgrade()) {
            (Event::WebSocket(event), Some(shared)) => Server { shared }.can_see(event, &user_id),
            _ => false,
        })))
    }
}
