//! Channels, and what belongs to the user alone.

use mm_proto::plugin::v1;

use super::Actor;
use crate::errors::{self, Result};

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
