//! What people do: every action fires the hooks that it fires on a real server, checks the user's permissions, and returns what the
//! user sees.

use mm_proto::plugin::v1;

use crate::autocomplete::{Suggestion, Typist};
use crate::errors::{self, BAD_REQUEST, Result};
use crate::events::Feed;
use crate::files::Uploader;
use crate::hooks::Caller;
use crate::http::{HttpRequest, HttpResponse, set_header};
use crate::server::Server;
use crate::world::{ChannelEntry, World};
use crate::{builtin, post_types};

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
#[allow(clippy::large_enum_variant, reason = "made once per action")]
pub enum Sent {
    /// It was posted.
    Post(v1::Post),
    /// It was a slash command, and this is its answer. Its text arrives as a post too: an ephemeral one, or one in the channel.
    Command(v1::CommandResponse),
}

/// Who, and what there is to see.
impl Actor {
    pub(crate) fn new(server: Server, user_id: String) -> Self {
        Self { server, user_id }
    }

    /// The id of the user.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The user as it is now; empty if it has been removed.
    pub fn user(&self) -> v1::User {
        self.server.world().users.get(&self.user_id).map(|user| (**user).clone()).unwrap_or_default()
    }

    /// The channels that the user is in, archived ones left out: team by team, public and private by name, then direct and group ones.
    pub fn channels(&self) -> Vec<ChannelView> {
        let world = self.server.world();
        let mut views: Vec<_> = world
            .channels_of(&self.user_id)
            .filter(|(entry, _)| entry.channel.delete_at == 0)
            .map(|(entry, member)| ChannelView {
                display_name: display_name(&world, entry, &self.user_id),
                unread: (entry.channel.total_msg_count - member.msg_count).max(0),
                mentions: member.mention_count,
                channel: entry.channel.clone(),
            })
            .collect();
        views.sort_by_cached_key(|view| {
            let team = world.teams.get(&view.channel.team_id).map(|team| team.name.clone());
            // Direct and group channels belong to no team and come last.
            (team.is_none(), team, view.display_name.to_lowercase())
        });
        views
    }

    /// Public channels of the team that the user could join, by display name.
    pub fn joinable_channels(&self, team_id: &str) -> Vec<v1::Channel> {
        self.server.select_channels(|world, entry| {
            entry.channel.r#type == "O"
                && entry.channel.delete_at == 0
                && entry.channel.team_id == team_id
                && world.is_team_member(team_id, &self.user_id)
                && !entry.members.contains_key(&self.user_id)
        })
    }

    /// A channel by what people type: `town-square`, `~town-square`, `team:town-square`, `@ben` (the direct channel, if there is one), a
    /// display name, or an id. The user must be able to see it.
    pub fn channel(&self, name: &str) -> Result<v1::Channel> {
        let world = self.server.world();
        let plain = name.strip_prefix('~').unwrap_or(name);
        let found = if let Some(username) = name.strip_prefix('@') {
            let other = world.user_by_name(username);
            other.and_then(|other| world.channel_by_name("", &crate::channels::direct_name(&self.user_id, &other.id)))
        } else if let Some((team, channel)) = plain.split_once(':') {
            world.team_by_name(team).and_then(|team| world.channel_by_name(&team.id, channel))
        } else {
            let teams = world.teams_of(&self.user_id);
            let by_name = teams.iter().find_map(|team| world.channel_by_name(&team.id, plain));
            let by_display = || {
                world
                    .channels_of(&self.user_id)
                    .map(|(entry, _)| entry)
                    .find(|entry| entry.channel.display_name == plain)
            };
            by_name.or_else(|| world.channels.get(plain)).or_else(by_display)
        };
        let visible = found.filter(|entry| world.can_read(&self.user_id, &entry.channel.id));
        visible.map(|entry| entry.channel.clone()).ok_or_else(|| errors::no_channel("Actor.channel", name))
    }

    /// The users of a channel, by username.
    pub fn members(&self, channel_id: &str) -> Result<Vec<v1::User>> {
        self.check_read(channel_id)?;
        Ok(self.server.select_users(0, i64::MAX, |world, user| world.is_channel_member(channel_id, &user.id)))
    }

    /// The users whom this user can see, by username: all that are active, bots included.
    pub fn visible_users(&self) -> Vec<v1::User> {
        self.server.select_users(0, i64::MAX, |_, user| user.delete_at == 0)
    }

    /// The newest posts of a channel, oldest of them first, as the user reads them: `MessagesWillBeConsumed` is asked. Marks the channel
    /// as viewed.
    pub async fn read(&self, channel_id: &str, limit: usize) -> Result<Vec<v1::Post>> {
        self.check_read(channel_id)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).min(1000);
        let list = self.server.posts_page(channel_id, 0, limit).await?;
        self.server.mark_viewed(channel_id, &self.user_id);
        Ok(in_order(list, true))
    }

    /// A thread from its root on, as the user reads it; given by any of its posts.
    pub async fn read_thread(&self, post_id: &str) -> Result<Vec<v1::Post>> {
        let root = self.root_of(post_id)?;
        let channel_id = self.server.world().post("GetPostThread", &root)?.post.channel_id.clone();
        self.check_read(&channel_id)?;
        Ok(in_order(self.server.post_thread(&root).await?, false))
    }

    /// The reactions to a post, oldest first.
    pub fn reactions(&self, post_id: &str) -> Vec<v1::Reaction> {
        self.server.reactions(post_id)
    }

    /// What this user is told from now on: the web socket events that it sees, no logs and no traces.
    pub fn subscribe(&self) -> Feed {
        self.server.subscribe_as(&self.user_id)
    }
}

/// Posts.
impl Actor {
    /// Does what the message box does: a text that starts with `/` is a slash command, any other is posted.
    pub async fn send(&self, channel_id: &str, root_id: Option<&str>, text: &str) -> Result<Sent> {
        if text.starts_with('/') {
            return Ok(Sent::Command(self.command(channel_id, root_id, text).await?));
        }
        let post = v1::Post {
            channel_id: channel_id.to_owned(),
            root_id: root_id.unwrap_or_default().to_owned(),
            message: text.to_owned(),
            ..Default::default()
        };
        Ok(Sent::Post(self.create_post(post).await?))
    }

    /// Posts a message. Hooks: `MessageWillBePosted`, then `MessageHasBeenPosted` in the background.
    pub async fn post(&self, channel_id: &str, message: &str) -> Result<v1::Post> {
        let (channel_id, message) = (channel_id.to_owned(), message.to_owned());
        self.create_post(v1::Post { channel_id, message, ..Default::default() }).await
    }

    /// Answers in the thread of a post (its root, or any post of it).
    pub async fn reply(&self, post_id: &str, message: &str) -> Result<v1::Post> {
        let root_id = self.root_of(post_id)?;
        let channel_id = self.server.world().post("CreatePost", &root_id)?.post.channel_id.clone();
        self.create_post(v1::Post { channel_id, root_id, message: message.to_owned(), ..Default::default() }).await
    }

    /// Posts with all that a client can set: root, files, props. The user is this one.
    pub async fn create_post(&self, mut post: v1::Post) -> Result<v1::Post> {
        let place = "CreatePostAsUser";
        {
            let world = self.server.world();
            let entry =
                world.channels.get(&post.channel_id).ok_or_else(|| errors::bad_param(place, "post.channel_id"))?;
            let everybody = entry.channel.r#type == "O"
                && world.has_permission_to_team(&self.user_id, &entry.channel.team_id, "create_post_public");
            if !everybody && !world.has_permission_to_channel(&self.user_id, &post.channel_id, "create_post") {
                return Err(errors::no_permission(&self.user_id, "create_post"));
            }
            if entry.channel.delete_at != 0 {
                let id = "api.post.create_post.can_not_post_to_deleted.error";
                return Err(errors::app("createPost", id, BAD_REQUEST, "The channel is archived."));
            }
            if post_types::is_system(&post.r#type) {
                return Err(errors::bad_param(place, "post.type"));
            }
            if !world.has_permission_to(&self.user_id, "manage_system") {
                post.create_at = 0;
            }
        }
        self.user_id.clone_into(&mut post.user_id);
        post.delete_at = 0;
        post.remote_id = None;
        let channel_id = post.channel_id.clone();
        let post = self.server.create_post(&self.caller(), post).await?;
        self.server.set_online(&self.user_id, false);
        self.server.mark_viewed(&channel_id, &self.user_id);
        Ok(post)
    }

    /// Changes the message of a post. Hooks: `MessageWillBeUpdated`, then `MessageHasBeenUpdated` in the background.
    pub async fn edit(&self, post_id: &str, message: &str) -> Result<v1::Post> {
        let post = self.own_post(post_id, "edit_post", "edit_others_posts")?;
        self.server.update_post(&self.caller(), v1::Post { message: message.to_owned(), ..post }).await
    }

    /// Deletes a post, and its thread when it is a root. Hook: `MessageHasBeenDeleted` in the background.
    pub async fn delete(&self, post_id: &str) -> Result<()> {
        self.own_post(post_id, "delete_post", "delete_others_posts")?;
        self.server.delete_post(&self.caller(), post_id, &self.user_id).await
    }

    /// Pins a post to its channel, or takes it off.
    pub async fn pin(&self, post_id: &str, pinned: bool) -> Result<v1::Post> {
        let post = (*self.server.world().post("PatchPost", post_id)?.post).clone();
        self.check_read(&post.channel_id)?;
        self.server.update_post(&self.caller(), v1::Post { is_pinned: pinned, ..post }).await
    }

    /// Adds a reaction, such as `thumbsup`. Hook: `ReactionHasBeenAdded` in the background.
    pub async fn react(&self, post_id: &str, emoji_name: &str) -> Result<v1::Reaction> {
        let reaction = self.reaction(post_id, emoji_name, "add_reaction")?;
        self.server.add_reaction(&self.caller(), reaction).await
    }

    /// Takes one's reaction off. Hook: `ReactionHasBeenRemoved` in the background.
    pub async fn unreact(&self, post_id: &str, emoji_name: &str) -> Result<()> {
        let reaction = self.reaction(post_id, emoji_name, "remove_reaction")?;
        self.server.remove_reaction(&self.caller(), reaction).await
    }

    fn reaction(&self, post_id: &str, emoji_name: &str, permission: &str) -> Result<v1::Reaction> {
        let channel_id = self.server.world().post("GetSinglePost", post_id)?.post.channel_id.clone();
        self.check_channel(&channel_id, permission)?;
        Ok(v1::Reaction {
            user_id: self.user_id.clone(),
            post_id: post_id.to_owned(),
            emoji_name: emoji_name.trim_matches(':').to_owned(),
            ..Default::default()
        })
    }

    /// Uploads a file to be attached to a post (its `file_ids`). Hook: `FileWillBeUploaded`.
    pub async fn upload(&self, channel_id: &str, name: &str, data: Vec<u8>) -> Result<v1::FileInfo> {
        self.check_channel(channel_id, "upload_file")?;
        let team_id = self.server.channel(channel_id)?.team_id;
        let by = Uploader { user_id: &self.user_id, team_id: &team_id };
        self.server.upload_file(&self.caller(), by, channel_id, name, data).await
    }

    /// Downloads a file. Hook: `FileWillBeDownloaded`.
    pub async fn download(&self, file_id: &str) -> Result<Vec<u8>> {
        let info = self.server.file_info(file_id)?;
        if !info.channel_id.is_empty() {
            self.check_read(&info.channel_id)?;
        }
        self.server.ask_file_will_be_downloaded(&self.caller(), &info).await?;
        self.server.file(file_id)
    }

    /// Tells the channel that the user types.
    pub async fn typing(&self, channel_id: &str) -> Result<()> {
        self.check_channel(channel_id, "create_post")?;
        self.server.publish_typing(&self.user_id, channel_id, "");
        Ok(())
    }
}

/// Slash commands and requests to plugins.
impl Actor {
    /// Executes a slash command, such as `/todo add milk`. Plugins' commands come before the built-in ones.
    /// The answer's text arrives as a post too: ephemeral for this user, or in the channel.
    pub async fn command(&self, channel_id: &str, root_id: Option<&str>, text: &str) -> Result<v1::CommandResponse> {
        self.check_channel(channel_id, "create_post")?;
        let channel = self.server.channel(channel_id)?;
        if channel.delete_at != 0 {
            let id = "api.command.execute_command.deleted.error";
            return Err(errors::app("executeCommand", id, BAD_REQUEST, "The channel is archived."));
        }
        let args = v1::CommandArgs {
            user_id: self.user_id.clone(),
            channel_id: channel_id.to_owned(),
            team_id: self.team_of(&channel),
            root_id: root_id.unwrap_or_default().to_owned(),
            command: text.trim_end().to_owned(),
            ..Default::default()
        };
        self.server.execute_command(&self.caller(), args).await
    }

    /// What the message box suggests for a text that starts with `/`, as typed so far.
    pub async fn suggest(&self, channel_id: &str, text: &str) -> Vec<Suggestion> {
        let Some(typed) = text.strip_prefix('/') else { return Vec::new() };
        let Ok(channel) = self.server.channel(channel_id) else { return Vec::new() };
        let team_id = self.team_of(&channel);
        let mut commands = self.server.plugin_commands(&team_id);
        commands.extend(self.server.custom_commands(&team_id));
        for command in builtin::list() {
            if !commands.iter().any(|known| known.trigger == command.trigger) {
                commands.push(command);
            }
        }
        commands.retain(|command| command.auto_complete);
        let admin = self.server.world().has_permission_to(&self.user_id, "manage_system");
        let typist = Typist { server: &self.server, user_id: &self.user_id, channel_id, team_id: &team_id, admin };
        typist.suggest(&commands, typed).await
    }

    /// Sends an HTTP request to a plugin, as a browser does to `/plugins/<id>/…`, logged in as this user. Hook: `ServeHTTP`.
    pub async fn http(&self, plugin_id: &str, mut request: HttpRequest) -> HttpResponse {
        set_header(&mut request, "Mattermost-User-Id", &self.user_id);
        self.server.serve_http(&self.caller(), plugin_id, request).await
    }

    /// Commands in direct and group channels belong to the team that the user has open; here the first one.
    fn team_of(&self, channel: &v1::Channel) -> String {
        if !channel.team_id.is_empty() {
            return channel.team_id.clone();
        }
        self.server.world().teams_of(&self.user_id).first().map(|team| team.id.clone()).unwrap_or_default()
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
    ) -> Result<v1::Channel> {
        let permission = if private { "create_private_channel" } else { "create_public_channel" };
        if !self.server.world().has_permission_to_team(&self.user_id, team_id, permission) {
            return Err(errors::no_permission(&self.user_id, permission));
        }
        let channel = v1::Channel {
            team_id: team_id.to_owned(),
            name: name.to_owned(),
            display_name: if display_name.is_empty() { name.to_owned() } else { display_name.to_owned() },
            r#type: if private { "P" } else { "O" }.to_owned(),
            ..Default::default()
        };
        self.server.create_channel_with_user(&self.caller(), channel, &self.user_id).await
    }

    /// Joins a public channel. Hook: `UserHasJoinedChannel`, without an actor.
    pub async fn join(&self, channel_id: &str) -> Result<v1::Channel> {
        let team_id = self.server.channel(channel_id)?.team_id;
        if !self.server.world().has_permission_to_team(&self.user_id, &team_id, "join_public_channels") {
            return Err(errors::no_permission(&self.user_id, "join_public_channels"));
        }
        self.server.join_channel(&self.caller(), channel_id, &self.user_id).await
    }

    /// Leaves a channel. Hook: `UserHasLeftChannel`.
    pub async fn leave(&self, channel_id: &str) -> Result<()> {
        self.server.leave_channel(&self.caller(), channel_id, &self.user_id).await
    }

    /// Adds somebody to a channel. Hook: `UserHasJoinedChannel`, with this user as the actor.
    pub async fn invite(&self, channel_id: &str, user_id: &str) -> Result<v1::ChannelMember> {
        self.check_manage_members(channel_id)?;
        self.server.add_channel_member(&self.caller(), channel_id, user_id, &self.user_id).await
    }

    /// Removes somebody from a channel. Hook: `UserHasLeftChannel`, with this user as the actor.
    pub async fn remove(&self, channel_id: &str, user_id: &str) -> Result<()> {
        if user_id != self.user_id {
            self.check_manage_members(channel_id)?;
        }
        self.server.remove_from_channel(&self.caller(), channel_id, user_id, &self.user_id).await
    }

    /// The direct channel with somebody, made if need be.
    pub async fn direct(&self, user_id: &str) -> Result<v1::Channel> {
        self.check_own("create_direct_channel")?;
        self.server.direct_channel(&self.caller(), &self.user_id, user_id).await
    }

    /// The group channel of this user and these others (3 to 8 in all), made if need be.
    pub async fn group(&self, user_ids: &[String]) -> Result<v1::Channel> {
        self.check_own("create_group_channel")?;
        let mut ids: Vec<_> = user_ids.iter().filter(|id| **id != self.user_id).cloned().collect();
        ids.push(self.user_id.clone());
        self.server.group_channel(&self.caller(), &ids).await
    }

    /// Archives a channel. Hook: `ChannelWillBeArchived`.
    pub async fn archive(&self, channel_id: &str) -> Result<()> {
        let private = self.server.channel(channel_id)?.r#type == "P";
        self.check_channel(channel_id, if private { "delete_private_channel" } else { "delete_public_channel" })?;
        self.server.archive_channel(&self.caller(), channel_id, &self.user_id).await
    }

    /// Sets the header of a channel; a system message says so.
    pub async fn set_header(&self, channel_id: &str, header: &str) -> Result<v1::Channel> {
        self.server.change_channel_text(&self.caller(), channel_id, &self.user_id, "header", header).await
    }

    /// Sets the purpose of a channel; a system message says so.
    pub async fn set_purpose(&self, channel_id: &str, purpose: &str) -> Result<v1::Channel> {
        self.server.change_channel_text(&self.caller(), channel_id, &self.user_id, "purpose", purpose).await
    }

    /// Marks the channel as read.
    pub async fn view(&self, channel_id: &str) -> Result<()> {
        self.check_read(channel_id)?;
        self.server.mark_viewed(channel_id, &self.user_id);
        Ok(())
    }
}

/// The user's own things.
impl Actor {
    /// Logs in, which makes a session. Hooks: `UserWillLogIn` (may refuse), then `UserHasLoggedIn` in the background.
    pub async fn log_in(&self) -> Result<v1::Session> {
        self.server.log_in(&self.user_id).await
    }

    /// Connects a web socket and returns the id of the connection. Hook: `OnWebSocketConnect`.
    pub async fn connect(&self) -> String {
        self.server.connect(&self.user_id).await
    }

    /// Ends a web socket connection. Hook: `OnWebSocketDisconnect`.
    pub async fn disconnect(&self, connection_id: &str) {
        self.server.disconnect(connection_id).await;
    }

    /// Sends a message over a web socket, as a webapp part of a plugin does. Hook: `WebSocketMessageHasBeenPosted`.
    pub async fn websocket_message(&self, connection_id: &str, action: &str, data: v1::ValueMap) -> Result<()> {
        let session_id = self.server.acting_session(&self.user_id);
        self.server.websocket_message(connection_id, &session_id, action, data).await
    }

    /// Sets the status: `online`, `away`, `dnd` or `offline`.
    pub async fn set_status(&self, status: &str) -> Result<v1::Status> {
        self.server.set_status(&self.user_id, status)
    }

    /// Saves a preference. Hook: `PreferencesHaveChanged` in the background.
    pub async fn set_preference(&self, category: &str, name: &str, value: &str) -> Result<()> {
        let preference = v1::Preference {
            user_id: self.user_id.clone(),
            category: category.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.server.save_preferences(&self.caller(), &self.user_id, vec![preference])
    }

    /// Adds a custom emoji; the image is a PNG, GIF or JPEG.
    pub async fn create_emoji(&self, name: &str, image: Vec<u8>) -> Result<v1::Emoji> {
        self.server.create_emoji(&self.user_id, name, image)
    }
}

/// Permissions.
impl Actor {
    fn caller(&self) -> Caller {
        Caller {
            user_id: self.user_id.clone(),
            session_id: self.server.acting_session(&self.user_id),
            request_id: self.server.new_id(),
        }
    }

    fn check_own(&self, permission: &str) -> Result<()> {
        if self.server.world().has_permission_to(&self.user_id, permission) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, permission))
    }

    fn check_channel(&self, channel_id: &str, permission: &str) -> Result<()> {
        let world = self.server.world();
        world.channel("GetChannel", channel_id)?;
        if world.has_permission_to_channel(&self.user_id, channel_id, permission) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, permission))
    }

    fn check_read(&self, channel_id: &str) -> Result<()> {
        let world = self.server.world();
        world.channel("GetChannel", channel_id)?;
        if world.can_read(&self.user_id, channel_id) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, "read_channel_content"))
    }

    fn check_manage_members(&self, channel_id: &str) -> Result<()> {
        let private = self.server.channel(channel_id)?.r#type == "P";
        self.check_channel(
            channel_id,
            if private { "manage_private_channel_members" } else { "manage_public_channel_members" },
        )
    }

    /// A post that the user may change: one of his own, or any with the other permission.
    fn own_post(&self, post_id: &str, own: &str, others: &str) -> Result<v1::Post> {
        let post = (*self.server.world().post("GetSinglePost", post_id)?.post).clone();
        self.check_channel(&post.channel_id, own)?;
        if post.user_id != self.user_id {
            self.check_channel(&post.channel_id, others)?;
        }
        Ok(post)
    }

    fn root_of(&self, post_id: &str) -> Result<String> {
        let world = self.server.world();
        let post = &world.post("GetSinglePost", post_id)?.post;
        Ok(if post.root_id.is_empty() { post_id.to_owned() } else { post.root_id.clone() })
    }
}

/// What a user sees as the name of a channel.
fn display_name(world: &World, entry: &ChannelEntry, user_id: &str) -> String {
    if !crate::channels::is_private_talk(&entry.channel) {
        return entry.channel.display_name.clone();
    }
    let mut others: Vec<_> = entry.members.keys().filter(|id| *id != user_id).map(|id| world.username(id)).collect();
    others.sort();
    // The direct channel of a user with himself.
    if others.is_empty() { world.username(user_id) } else { others.join(", ") }
}

/// The posts that a list's order names.
fn in_order(mut list: v1::PostList, newest_first: bool) -> Vec<v1::Post> {
    let mut posts: Vec<_> = list.order.iter().filter_map(|id| list.posts.remove(id)).collect();
    if newest_first {
        posts.reverse();
    }
    posts
}
