//! What people do: every action fires the hooks that it fires on a real server, checks the user's permissions, and returns what the
//! user sees.

use mm_proto::plugin::v1;

use crate::events::Feed;
use crate::server::Server;
use crate::SimError;

/// A user at work. Actions need the permissions that the user's roles give; errors are those of the REST API.
#[derive(Clone)]
pub struct Actor {
    server: Server,
    user_id: String,
}

/// A channel in a user's sidebar.
#[derive(Clone, Debug)]
pub struct ChannelView {
    pub channel: v1::Channel,
    /// What the sidebar shows: the channel's name, or the other people's usernames in direct and group channels.
    pub display_name: String,
    /// Posts that the user has not seen.
    pub unread: i64,
    /// Mentions of the user among them.
    pub mentions: i64,
}

/// What became of a line of text.
#[derive(Clone, Debug)]
pub enum Sent {
    /// It was posted.
    Post(v1::Post),
    /// It was a slash command, and this is its answer. Its text arrives as a post too: an ephemeral one, or one in the channel.
    Command(v1::CommandResponse),
}

/// Who, and what there is to see.
impl Actor {
    /// The id of the user.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The user as it is now.
    pub fn user(&self) -> v1::User {
        todo!()
    }

    /// The channels that the user is in, archived ones left out: team by team, public and private by name, then direct and group ones.
    pub fn channels(&self) -> Vec<ChannelView> {
        todo!()
    }

    /// Public channels of the team that the user could join, by name.
    pub fn joinable_channels(&self, team_id: &str) -> Vec<v1::Channel> {
        todo!()
    }

    /// A channel by what people type: `town-square`, `~town-square`, `team:town-square`, `@ben` (the direct channel, if there is one), a
    /// display name, or an id. The user must be able to see it.
    pub fn channel(&self, name: &str) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// The users of a channel, by username.
    pub fn members(&self, channel_id: &str) -> Result<Vec<v1::User>, SimError> {
        todo!()
    }

    /// The users whom this user can see, by username.
    pub fn visible_users(&self) -> Vec<v1::User> {
        todo!()
    }

    /// The newest posts of a channel, oldest of them first, as the user reads them: `MessagesWillBeConsumed` is asked. Marks the channel
    /// as viewed.
    pub async fn read(&self, channel_id: &str, limit: usize) -> Result<Vec<v1::Post>, SimError> {
        todo!()
    }

    /// A thread from its root on, as the user reads it.
    pub async fn read_thread(&self, post_id: &str) -> Result<Vec<v1::Post>, SimError> {
        todo!()
    }

    /// What this user is told from now on: the web socket events that it sees, no logs and no traces.
    pub fn subscribe(&self) -> Feed {
        todo!()
    }
}

/// Posts.
impl Actor {
    /// Does what the message box does: a text that starts with `/` is a slash command, any other is posted.
    pub async fn send(&self, channel_id: &str, root_id: Option<&str>, text: &str) -> Result<Sent, SimError> {
        todo!()
    }

    /// Posts a message. Hooks: `MessageWillBePosted`, then `MessageHasBeenPosted` in the background.
    pub async fn post(&self, channel_id: &str, message: &str) -> Result<v1::Post, SimError> {
        todo!()
    }

    /// Answers in the thread of a post (its root, or any post of it).
    pub async fn reply(&self, post_id: &str, message: &str) -> Result<v1::Post, SimError> {
        todo!()
    }

    /// Posts with all that a client can set: root, files, props. The user is this one.
    pub async fn create_post(&self, post: v1::Post) -> Result<v1::Post, SimError> {
        todo!()
    }

    /// Changes the message of a post. Hooks: `MessageWillBeUpdated`, then `MessageHasBeenUpdated` in the background.
    pub async fn edit(&self, post_id: &str, message: &str) -> Result<v1::Post, SimError> {
        todo!()
    }

    /// Deletes a post, and its thread when it is a root. Hook: `MessageHasBeenDeleted` in the background.
    pub async fn delete(&self, post_id: &str) -> Result<(), SimError> {
        todo!()
    }

    /// Pins a post to its channel, or takes it off.
    pub async fn pin(&self, post_id: &str, pinned: bool) -> Result<v1::Post, SimError> {
        todo!()
    }

    /// Adds a reaction, such as `thumbsup`. Hook: `ReactionHasBeenAdded` in the background.
    pub async fn react(&self, post_id: &str, emoji_name: &str) -> Result<v1::Reaction, SimError> {
        todo!()
    }

    /// Takes one's reaction off. Hook: `ReactionHasBeenRemoved` in the background.
    pub async fn unreact(&self, post_id: &str, emoji_name: &str) -> Result<(), SimError> {
        todo!()
    }

    /// Uploads a file to be attached to a post (its `file_ids`). Hook: `FileWillBeUploaded`.
    pub async fn upload(&self, channel_id: &str, name: &str, data: Vec<u8>) -> Result<v1::FileInfo, SimError> {
        todo!()
    }

    /// Tells the channel that the user types.
    pub async fn typing(&self, channel_id: &str) -> Result<(), SimError> {
        todo!()
    }
}

/// Slash commands.
impl Actor {
    /// Executes a slash command, such as `/todo add milk`. Plugins' commands come before the built-in ones.
    /// The answer's text arrives as a post too: ephemeral for this user, or in the channel.
    pub async fn command(
        &self,
        channel_id: &str,
        root_id: Option<&str>,
        text: &str,
    ) -> Result<v1::CommandResponse, SimError> {
        todo!()
    }

    /// What the message box suggests for a text that starts with `/`, as typed so far.
    pub async fn suggest(&self, channel_id: &str, text: &str) -> Vec<v1::AutocompleteSuggestion> {
        todo!()
    }
}

/// Channels.
impl Actor {
    /// Makes a public or private channel in a team and joins it. Hook: `ChannelHasBeenCreated` in the background.
    pub async fn create_channel(
        &self,
        team_id: &str,
        name: &str,
        display_name: &str,
        private: bool,
    ) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// Joins a public channel. Hook: `UserHasJoinedChannel`, without an actor.
    pub async fn join(&self, channel_id: &str) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// Leaves a channel. Hook: `UserHasLeftChannel`.
    pub async fn leave(&self, channel_id: &str) -> Result<(), SimError> {
        todo!()
    }

    /// Adds somebody to a channel. Hook: `UserHasJoinedChannel`, with this user as the actor.
    pub async fn invite(&self, channel_id: &str, user_id: &str) -> Result<v1::ChannelMember, SimError> {
        todo!()
    }

    /// Removes somebody from a channel. Hook: `UserHasLeftChannel`, with this user as the actor.
    pub async fn remove(&self, channel_id: &str, user_id: &str) -> Result<(), SimError> {
        todo!()
    }

    /// The direct channel with somebody, made if need be.
    pub async fn direct(&self, user_id: &str) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// The group channel of this user and these others (3 to 8 in all), made if need be.
    pub async fn group(&self, user_ids: &[String]) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// Archives a channel.
    pub async fn archive(&self, channel_id: &str) -> Result<(), SimError> {
        todo!()
    }

    /// Sets the header or the purpose of a channel; a system message says so.
    pub async fn set_header(&self, channel_id: &str, header: &str) -> Result<v1::Channel, SimError> {
        todo!()
    }

    /// Marks the channel as read.
    pub async fn view(&self, channel_id: &str) -> Result<(), SimError> {
        todo!()
    }
}

/// The user's own things.
impl Actor {
    /// Logs in, which makes a session. Hooks: `UserWillLogIn` (may refuse), then `UserHasLoggedIn` in the background.
    pub async fn log_in(&self) -> Result<v1::Session, SimError> {
        todo!()
    }

    /// Connects a web socket and returns the id of the connection. Hook: `OnWebSocketConnect`.
    pub async fn connect(&self) -> String {
        todo!()
    }

    /// Ends a web socket connection. Hook: `OnWebSocketDisconnect`.
    pub async fn disconnect(&self, connection_id: &str) {
        todo!()
    }

    /// Sends a message over a web socket, as a webapp part of a plugin does. Hook: `WebSocketMessageHasBeenPosted`.
    pub async fn websocket_message(&self, connection_id: &str, action: &str, data: v1::ValueMap) -> Result<(), SimError> {
        todo!()
    }

    /// Sets the status: `online`, `away`, `dnd` or `offline`.
    pub async fn set_status(&self, status: &str) -> Result<v1::Status, SimError> {
        todo!()
    }

    /// Saves preferences. Hook: `PreferencesHaveChanged` in the background.
    pub async fn set_preference(&self, category: &str, name: &str, value: &str) -> Result<(), SimError> {
        todo!()
    }

    /// Adds a custom emoji.
    pub async fn create_emoji(&self, name: &str, image: Vec<u8>) -> Result<v1::Emoji, SimError> {
        todo!()
    }
}
