//! Posting, editing, deleting, reacting; files; slash commands and requests to plugins.

use mm_proto::plugin::v1;

use super::{Actor, Sent};
use crate::autocomplete::{Suggestion, Typist};
use crate::errors::{self, BAD_REQUEST, Result};
use crate::files::Uploader;
use crate::http::{HttpRequest, HttpResponse, set_header};
use crate::{builtin, post_types};

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

    /// The token of a session of this user: what `Authorization: Bearer …` carries to [`Server::listen`].
    pub fn session_token(&self) -> String {
        let session_id = self.server.acting_session(&self.user_id);
        self.server.session(&session_id).map(|session| session.token).unwrap_or_default()
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
