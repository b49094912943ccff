//! What the lines do: the user one acts as, the channel one is in, and every action.

mod channels;
mod plugin;
mod posts;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use mm_proto::plugin::v1;
use mm_sim::{Actor, Sent, Server, SimError};

pub(crate) use self::plugin::language;
use super::command::{self, Command, Line};
use super::plugin::{Plugin, explain};
use super::render::channel_name;
use super::screen::Screen;
use super::{outside, web};

/// The channel everybody is in at first.
const DEFAULT_CHANNEL: &str = "town-square";

/// The error of a slash command that nobody has.
const NO_SUCH_COMMAND: &str = "api.command.execute_command.not_found.app_error";

/// The error of a post that a plugin dropped without a word.
const DISMISSED: &str = "plugin.message_will_be_posted.dismiss_post";

/// Who acts, and where. Shared with the completion of the terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) user: String,
    pub(crate) channel_id: String,
}

/// What an action came to: lines to show, or why it did not work.
pub(crate) type Outcome = Result<Vec<String>, String>;

/// A chat with a plugin in it.
pub(crate) struct Chat {
    pub(crate) server: Server,
    pub(crate) plugin: Plugin,
    pub(crate) screen: Screen,
    place: Arc<Mutex<Place>>,
    /// The web sockets that are open: whose, and their ids.
    connections: Vec<(String, String)>,
    pub(crate) quit: bool,
}

impl Chat {
    /// A chat as `user` in the default channel.
    ///
    /// # Errors
    /// When the server has no such user.
    pub(crate) fn new(server: Server, plugin: Plugin, screen: Screen, user: &str) -> Result<Self, String> {
        let mut chat = Self { server, plugin, screen, place: Arc::default(), connections: Vec::new(), quit: false };
        chat.act_as(user)?;
        Ok(chat)
    }

    /// Who acts, and where.
    pub(crate) fn place(&self) -> Place {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, shared.
    pub(crate) fn shared_place(&self) -> Arc<Mutex<Place>> {
        self.place.clone()
    }

    /// Such as `anna ~town-square> `.
    pub(crate) fn prompt(&self) -> String {
        let place = self.place();
        let user_id = self.server.user(&place.user).map(|it| it.id).ok();
        format!("{} {}> ", place.user, channel_name(&self.server, &place.channel_id, user_id.as_deref()))
    }

    /// Does what a line says.
    pub(crate) async fn act(&mut self, line: Line) -> Outcome {
        match line {
            Line::Nothing => Ok(Vec::new()),
            Line::Say(text) => self.say(text).await,
            Line::Command(command) => self.command(command).await,
        }
    }

    fn actor(&self) -> Result<Actor, String> {
        self.server.act_as(&self.place().user).map_err(text)
    }

    fn set_place(&self, place: Place) {
        self.screen.with_renderer(|it| it.channel_id.clone_from(&place.channel_id));
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    fn go(&self, channel_id: &str) -> Outcome {
        self.set_place(Place { user: self.place().user, channel_id: channel_id.to_owned() });
        Ok(Vec::new())
    }

    /// Acts as another user: in the same channel if that is theirs too.
    fn act_as(&mut self, user: &str) -> Outcome {
        let actor = self.server.act_as(&self.user(user)?.username).map_err(text)?;
        let here = self.place().channel_id;
        let is_member = actor.channels().iter().any(|it| it.channel.id == here);
        let channel_id = if is_member { here } else { actor.channel(DEFAULT_CHANNEL).map_err(text)?.id };
        self.set_place(Place { user: actor.user().username, channel_id });
        Ok(Vec::new())
    }

    /// A user by name.
    ///
    /// # Errors
    /// When there is none: who there is.
    fn user(&self, name: &str) -> Result<v1::User, String> {
        self.server.user(name).map_err(|_| {
            let names: Vec<String> = self.server.users().into_iter().map(|it| it.username).collect();
            format!("there is no user {name}; there are {}", names.join(", "))
        })
    }

    async fn say(&mut self, message: String) -> Outcome {
        let place = self.place();
        let result = self.actor()?.send(&place.channel_id, None, &message).await;
        match result {
            Ok(Sent::Post(_)) => Ok(Vec::new()),
            Ok(Sent::Command(response)) => self.follow(&message, &response),
            Err(SimError::App(error)) if error.id == NO_SUCH_COMMAND => match command::fallback(&message) {
                Some(command) => {
                    // Boxed, since commands and messages are made of each other.
                    let action: BoxFuture<'_, Outcome> = Box::pin(self.command(command?));
                    action.await
                }
                None => Err(text(SimError::App(error))),
            },
            // Clients say nothing then, and neither does the plugin unless it wants to.
            Err(SimError::App(error)) if error.id == DISMISSED => {
                Ok(vec!["(the plugin dismissed the message)".to_owned()])
            }
            Err(error) => Err(text(error)),
        }
    }

    /// Goes where a slash command leads: the place that its answer names, or the channel that was joined.
    fn follow(&self, message: &str, response: &v1::CommandResponse) -> Outcome {
        let actor = self.actor()?;
        let named = response.goto_location.rsplit('/').next().filter(|it| !it.is_empty());
        let joined = message.strip_prefix("/join ").map(str::trim);
        if let Some(channel) = named.or(joined).and_then(|it| actor.channel(it).ok())
            && actor.channels().iter().any(|it| it.channel.id == channel.id)
        {
            return self.go(&channel.id);
        }
        // A user who left the channel is shown another one.
        let here = self.place().channel_id;
        if !actor.channels().iter().any(|it| it.channel.id == here) {
            return self.go(&actor.channel(DEFAULT_CHANNEL).map_err(text)?.id);
        }
        Ok(Vec::new())
    }

    async fn command(&mut self, command: Command) -> Outcome {
        match command {
            Command::Help => Ok(help()),
            Command::As(user) => self.act_as(&user),
            Command::Quit => {
                self.quit = true;
                Ok(Vec::new())
            }
            Command::Trace(on) => {
                self.server.set_tracing(on);
                self.screen.with_renderer(|it| it.tracing = on);
                Ok(Vec::new())
            }
            Command::Log(level) => {
                self.screen.with_renderer(|it| it.log_level = level);
                Ok(Vec::new())
            }
            Command::Wait(time) => {
                tokio::time::sleep(time).await;
                Ok(Vec::new())
            }
            Command::Expect { .. } => Err("expectations belong in a script".to_owned()),
            Command::Status
            | Command::Restart
            | Command::Stop
            | Command::Kill
            | Command::Set { .. }
            | Command::Settings
            | Command::Keys => self.about_plugin(command).await,
            Command::User(_) | Command::Users | Command::Login | Command::Advance(_) => self.about_users(command).await,
            Command::Http { method, path, body } => {
                let plugin_id =
                    self.plugin.manifest().map(|it| it.id.clone()).ok_or("the plugin has no manifest yet")?;
                web::ask(&self.actor()?, &plugin_id, &method, &path, body).await
            }
            Command::Event(event) => {
                let plugin_id = self.plugin.manifest().map(|it| it.id.clone()).unwrap_or_default();
                outside::happen(&self.server, &self.actor()?, &plugin_id, &mut self.connections, event).await
            }
            Command::Token => Ok(vec![self.actor()?.session_token()]),
            Command::Channels
            | Command::Go(_)
            | Command::Create { .. }
            | Command::Join(_)
            | Command::Leave
            | Command::Invite(_)
            | Command::Remove(_)
            | Command::Members => self.about_channels(command).await,
            _ => self.about_posts(command).await,
        }
    }

    async fn about_users(&mut self, command: Command) -> Outcome {
        match command {
            Command::User(name) => {
                let user = self.server.create_user(&name).await.map_err(text)?;
                for team in self.server.teams() {
                    self.server.add_to_team(&team.id, &user.id).await.map_err(text)?;
                }
                self.act_as(&name)
            }
            Command::Users => Ok(self.server.users().iter().map(describe_user).collect()),
            Command::Login => {
                self.actor()?.log_in().await.map_err(text)?;
                Ok(vec![format!("{} is logged in", self.place().user)])
            }
            Command::Advance(time) => {
                self.server.advance(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Waits until the hooks that were set off have returned, and what was printed meanwhile was logged.
    pub(crate) async fn settle(&self) {
        self.server.settle().await;
        self.plugin.drain_output().await;
    }

    /// As [`Chat::settle`], at most for this long.
    pub(crate) async fn settle_within(&self, limit: Duration) {
        let _ = tokio::time::timeout(limit, self.settle()).await;
    }
}

fn text(error: SimError) -> String {
    explain(&error)
}

fn describe_user(user: &v1::User) -> String {
    let full = format!("{} {}", user.first_name, user.last_name);
    let full = if full.trim().is_empty() { String::new() } else { format!(" ({})", full.trim()) };
    let bot = if user.is_bot { ", a bot" } else { "" };
    let admin = if user.roles.contains("system_admin") { ", administrator" } else { "" };
    format!("@{}{full}{bot}{admin}", user.username)
}

fn help() -> Vec<String> {
    let mut lines =
        vec!["A line is posted; one that starts with / is a slash command of Mattermost or of the plugin.".to_owned()];
    lines
        .push("Commands of this terminal start with : (or with /, where Mattermost has none of that name):".to_owned());
    for row in command::COMMANDS {
        let usage = format!(":{} {}", row.name, row.arguments);
        lines.push(format!("  {usage:<26} {}", row.help));
    }
    lines
}
