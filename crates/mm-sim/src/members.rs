//! Members of channels: joining, leaving, roles, notification settings, and what they have read.

use std::sync::Arc;

use mm_proto::plugin::v1;

use crate::channels::{DEFAULT_CHANNEL, is_private_talk};
use crate::errors::{self, BAD_REQUEST, FORBIDDEN, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, call_hook, notify};
use crate::server::Server;
use crate::teams::DEFAULT_CHANNELS;
use crate::users::{paged, sanitized};
use crate::world::{World, roles_of};
use crate::{permissions, values};

/// The settings that `UpdateChannelMemberNotifications` takes; others are ignored.
const NOTIFY_KEYS: [&str; 10] = [
    "mark_unread",
    "desktop",
    "desktop_sound",
    "desktop_notification_sound",
    "desktop_threads",
    "email",
    "push",
    "push_threads",
    "ignore_channel_mentions",
    "channel_auto_follow_threads",
];

/// A member as he joins.
pub(crate) fn new_member(channel_id: &str, user: &v1::User, now: i64) -> v1::ChannelMember {
    let guest = user.roles.split(' ').any(|role| role == "system_guest");
    let notify_props = [
        ("desktop", "default"),
        ("mark_unread", "all"),
        ("push", "default"),
        ("email", "default"),
        ("ignore_channel_mentions", "default"),
        ("channel_auto_follow_threads", "off"),
    ];
    v1::ChannelMember {
        channel_id: channel_id.to_owned(),
        user_id: user.id.clone(),
        scheme_guest: guest,
        scheme_user: !guest,
        last_update_at: now,
        notify_props: notify_props.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Default::default()
    }
}

/// Stores a member; roles follow from what the member has, and who is new has read everything so far.
pub(crate) fn put_member(world: &mut World, mut member: v1::ChannelMember) -> v1::ChannelMember {
    member.roles = roles_of(
        &member.explicit_roles,
        [
            (member.scheme_guest, "channel_guest"),
            (member.scheme_user, "channel_user"),
            (member.scheme_admin, "channel_admin"),
        ],
    );
    if let Some(entry) = world.channels.get_mut(&member.channel_id) {
        if !entry.members.contains_key(&member.user_id) {
            member.msg_count = entry.channel.total_msg_count;
            member.msg_count_root = entry.channel.total_msg_count_root;
        }
        entry.members.insert(member.user_id.clone(), member.clone());
    }
    member
}

pub(crate) fn no_member(place: &str) -> mm_proto::ApiError {
    let message = "This user is no member of this channel.";
    errors::app(place, "app.channel.get_member.missing.app_error", NOT_FOUND, message)
}

/// Joining and leaving.
impl Server {
    /// The default channels of a team, which everybody joins with the team. No `UserHasJoinedChannel` is called for them.
    pub(crate) async fn join_default_channels(
        &self,
        caller: &Caller,
        team: &v1::Team,
        user: &Arc<v1::User>,
        admin: bool,
        requestor_id: &str,
    ) -> Result<()> {
        for (name, _) in DEFAULT_CHANNELS {
            let joined = {
                let mut world = self.world();
                let entry = world.channel_by_name(&team.id, name);
                let channel = entry.map(|entry| entry.channel.clone()).filter(|channel| channel.delete_at == 0);
                if let Some(channel) = &channel {
                    let mut member = new_member(&channel.id, user, self.now());
                    member.scheme_admin = admin;
                    put_member(&mut world, member);
                }
                channel
            };
            let Some(channel) = joined else { continue };
            self.post_joined_default(caller, &user.id, requestor_id, &channel).await?;
            self.announce_joined(&channel, &user.id);
        }
        Ok(())
    }

    fn announce_joined(&self, channel: &v1::Channel, user_id: &str) {
        let data = [("user_id", values::string(user_id)), ("team_id", values::string(&channel.team_id))];
        let subject = Subject::Channel(channel.clone().into());
        self.publish("user_added", data, Audience::channel(&channel.id), subject);
    }

    /// Adds a user to a public or private channel; with a requestor it is he who adds. `AddChannelMember`, `AddUserToChannel`.
    pub(crate) async fn add_channel_member(
        &self,
        caller: &Caller,
        channel_id: &str,
        user_id: &str,
        requestor_id: &str,
    ) -> Result<v1::ChannelMember> {
        let (channel, user, actor) = {
            let world = self.world();
            let entry = world.channel("GetChannel", channel_id)?;
            if let Some(member) = entry.members.get(user_id) {
                return Ok(member.clone());
            }
            let user = world.user("GetUser", user_id)?.clone();
            if user.delete_at != 0 {
                let id = "app.channel.add_member.deleted_user.app_error";
                return Err(errors::app("AddChannelMember", id, FORBIDDEN, "This user is deactivated."));
            }
            let actor = match requestor_id {
                "" => None,
                id => Some(world.user("GetUser", id)?.clone()),
            };
            (entry.channel.clone(), user, actor)
        };
        let member = self.save_channel_member(caller, &channel, &user).await?;
        let actor_user = actor.as_ref().map(|actor| sanitized(actor));
        let request = v1::UserHasJoinedChannelRequest {
            context: caller.context(),
            channel_member: Some(member.clone()),
            actor: actor_user,
        };
        let announced = match actor.filter(|actor| actor.id != user.id) {
            None => self.post_joined_channel(caller, &user.id, &channel).await,
            Some(actor) => {
                self.post_added_to_channel(caller, &actor, &user, &channel).await;
                Ok(())
            }
        };
        notify!(self, "UserHasJoinedChannel", user_has_joined_channel, request);
        announced?;
        Ok(member)
    }

    async fn save_channel_member(
        &self,
        caller: &Caller,
        channel: &v1::Channel,
        user: &v1::User,
    ) -> Result<v1::ChannelMember> {
        let place = "AddUserToChannel";
        let team_member = self.world().team_member(&channel.team_id, &user.id).cloned();
        if !is_private_talk(channel) {
            let Some(team_member) = team_member else {
                let id = "app.team.get_member.missing.app_error";
                return Err(errors::app(place, id, NOT_FOUND, "The user is no member of the channel's team."));
            };
            if team_member.delete_at != 0 {
                let id = "api.channel.add_user.to.channel.failed.deleted.app_error";
                return Err(errors::app(place, id, BAD_REQUEST, "The user has left the channel's team."));
            }
        } else {
            let id = "api.channel.add_user_to_channel.type.app_error";
            let message = "Nobody can be added to a direct or group channel.";
            return Err(errors::app(place, id, BAD_REQUEST, message));
        }
        let mut member = new_member(&channel.id, user, self.now());
        for listener in self.listeners("ChannelMemberWillBeAdded") {
            let request =
                v1::ChannelMemberWillBeAddedRequest { context: caller.context(), channel_member: Some(member.clone()) };
            let answer = call_hook!(self, listener, "ChannelMemberWillBeAdded", channel_member_will_be_added, request);
            let Some(answer) = answer else { continue };
            if !answer.reason.is_empty() {
                let id = "app.channel.add_user.to.channel.rejected_by_plugin";
                let message = format!("The plugin does not allow it: {}", answer.reason);
                return Err(errors::app(place, id, BAD_REQUEST, message));
            }
            member = answer.channel_member.unwrap_or(member);
        }
        let member = put_member(&mut self.world(), member);
        self.announce_joined(channel, &user.id);
        Ok(member)
    }

    /// A user joins a public channel himself.
    pub(crate) async fn join_channel(&self, caller: &Caller, channel_id: &str, user_id: &str) -> Result<v1::Channel> {
        let (channel, user) = {
            let world = self.world();
            let entry = world.channel("JoinChannel", channel_id)?;
            let user = world.user("CreateChannel", user_id)?.clone();
            if entry.members.contains_key(user_id) {
                return Ok(entry.channel.clone());
            }
            (entry.channel.clone(), user)
        };
        if channel.r#type != "O" {
            let id = "api.channel.join_channel.permissions.app_error";
            return Err(errors::app("JoinChannel", id, BAD_REQUEST, "Only public channels can be joined."));
        }
        let member = self.save_channel_member(caller, &channel, &user).await?;
        let request =
            v1::UserHasJoinedChannelRequest { context: caller.context(), channel_member: Some(member), actor: None };
        let announced = self.post_joined_channel(caller, user_id, &channel).await;
        notify!(self, "UserHasJoinedChannel", user_has_joined_channel, request);
        announced?;
        Ok(channel)
    }

    /// A user leaves a channel: `DeleteChannelMember`, and what people do themselves.
    pub(crate) async fn leave_channel(&self, caller: &Caller, channel_id: &str, user_id: &str) -> Result<()> {
        let place = "LeaveChannel";
        let channel = {
            let world = self.world();
            let entry = world.channel(place, channel_id)?;
            world.user(place, user_id)?;
            let refuse = |id: &str, message: &str| Err(errors::app(place, id, BAD_REQUEST, message));
            if is_private_talk(&entry.channel) {
                return refuse("api.channel.leave.direct.app_error", "Direct and group channels cannot be left.");
            }
            if entry.channel.r#type == "P" && entry.members.len() == 1 {
                return refuse(
                    "api.channel.leave.last_member.app_error",
                    "The last member of a private channel cannot leave it; archive it instead.",
                );
            }
            entry.channel.clone()
        };
        let left = self.drop_member(caller, &channel, user_id, user_id)?;
        self.post_left_channel(caller, user_id, &channel).await;
        notify!(self, "UserHasLeftChannel", user_has_left_channel, left);
        Ok(())
    }

    /// Somebody removes a user from a channel.
    pub(crate) async fn remove_from_channel(
        &self,
        caller: &Caller,
        channel_id: &str,
        user_id: &str,
        remover_id: &str,
    ) -> Result<()> {
        let channel = self.world().channel("RemoveUserFromChannel", channel_id)?.channel.clone();
        let left = self.drop_member(caller, &channel, user_id, remover_id)?;
        if user_id == remover_id {
            self.post_left_channel(caller, user_id, &channel).await;
        } else {
            self.post_removed_from_channel(caller, remover_id, user_id, &channel).await;
        }
        notify!(self, "UserHasLeftChannel", user_has_left_channel, left);
        Ok(())
    }

    /// Takes a user out of a channel; gives the arguments of `UserHasLeftChannel`, for when people were told.
    fn drop_member(
        &self,
        caller: &Caller,
        channel: &v1::Channel,
        user_id: &str,
        remover_id: &str,
    ) -> Result<v1::UserHasLeftChannelRequest> {
        let (member, actor) = {
            let mut world = self.world();
            let user = world.user("removeUserFromChannel", user_id)?.clone();
            if channel.name == DEFAULT_CHANNEL && !user.roles.contains("system_guest") {
                let id = "api.channel.remove.default.app_error";
                return Err(errors::app(
                    "RemoveUserFromChannel",
                    id,
                    BAD_REQUEST,
                    "Nobody can be removed from the default channel.",
                ));
            }
            let entry = world.channel_mut("removeUserFromChannel", &channel.id)?;
            let member = entry.members.shift_remove(user_id).ok_or_else(|| no_member("GetChannelMember"))?;
            world.left_channels.insert((channel.id.clone(), user_id.to_owned()));
            (member, world.users.get(remover_id).map(|actor| sanitized(actor)))
        };
        for (audience, key, value) in
            [(Audience::channel(&channel.id), "user_id", user_id), (Audience::user(user_id), "channel_id", &channel.id)]
        {
            let data = [(key, values::string(value)), ("remover_id", values::string(remover_id))];
            self.publish("user_removed", data, audience, Subject::Channel(channel.clone().into()));
        }
        Ok(v1::UserHasLeftChannelRequest { context: caller.context(), channel_member: Some(member), actor })
    }
}

/// Looking at members and changing them.
impl Server {
    pub(crate) fn channel_member(&self, channel_id: &str, user_id: &str) -> Result<v1::ChannelMember> {
        let world = self.world();
        world.channel_member(channel_id, user_id).cloned().ok_or_else(|| no_member("GetChannelMember"))
    }

    pub(crate) fn channel_members(&self, channel_id: &str, page: i64, per_page: i64) -> Vec<v1::ChannelMember> {
        let world = self.world();
        let members: Vec<_> =
            world.channels.get(channel_id).map_or_else(Vec::new, |entry| entry.members.values().collect());
        // Without a page size all of them.
        let page = if per_page <= 0 { &members[..] } else { paged(&members, page, per_page) };
        page.iter().map(|member| (*member).clone()).collect()
    }

    pub(crate) fn channel_members_by_ids(&self, channel_id: &str, user_ids: &[String]) -> Vec<v1::ChannelMember> {
        let world = self.world();
        user_ids.iter().filter_map(|id| world.channel_member(channel_id, id)).cloned().collect()
    }

    pub(crate) fn memberships(&self, user_id: &str, page: i64, per_page: i64) -> Vec<v1::ChannelMember> {
        let world = self.world();
        let members: Vec<_> = world.channels_of(user_id).map(|(_, member)| member.clone()).collect();
        paged(&members, page, per_page).to_vec()
    }

    fn change_member(
        &self,
        place: &str,
        channel_id: &str,
        user_id: &str,
        change: impl FnOnce(&mut v1::ChannelMember) -> Result<()>,
    ) -> Result<v1::ChannelMember> {
        let now = self.now();
        let saved = {
            let mut world = self.world();
            let mut member = world.channel_member(channel_id, user_id).cloned().ok_or_else(|| no_member(place))?;
            change(&mut member)?;
            member.last_update_at = now;
            put_member(&mut world, member)
        };
        let data = [("channelMember", values::channel_member(&saved))];
        self.publish("channel_member_updated", data, Audience::user(user_id), Subject::Other);
        Ok(saved)
    }

    pub(crate) fn set_channel_member_roles(
        &self,
        channel_id: &str,
        user_id: &str,
        roles: &str,
    ) -> Result<v1::ChannelMember> {
        self.change_member("GetChannelMember", channel_id, user_id, |member| {
            let split = permissions::split_roles("UpdateChannelMemberRoles", roles, "channel", member.scheme_guest)?;
            member.scheme_guest = split.guest;
            member.scheme_user = split.user;
            member.scheme_admin = split.admin;
            member.explicit_roles = split.explicit;
            Ok(())
        })
    }

    pub(crate) fn set_channel_member_notify<'a>(
        &self,
        channel_id: &str,
        user_id: &str,
        props: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<v1::ChannelMember> {
        self.change_member("updateMemberNotifyProps", channel_id, user_id, |member| {
            for (key, value) in props {
                if NOTIFY_KEYS.contains(&key.as_str()) {
                    check_notify_value(key, value)?;
                    member.notify_props.insert(key.clone(), value.clone());
                }
            }
            Ok(())
        })
    }

    /// Marks a channel as read by a user.
    pub(crate) fn mark_viewed(&self, channel_id: &str, user_id: &str) {
        let now = self.now();
        {
            let mut world = self.world();
            let Some(entry) = world.channels.get_mut(channel_id) else { return };
            let ChannelCounts { total, root, last_post_at } = counts(&entry.channel);
            let Some(member) = entry.members.get_mut(user_id) else { return };
            member.msg_count = total;
            member.msg_count_root = root;
            member.mention_count = 0;
            member.mention_count_root = 0;
            member.urgent_mention_count = 0;
            member.last_viewed_at = last_post_at.max(member.last_viewed_at);
            member.last_update_at = now;
        }
        let times = serde_json::json!({ channel_id: now }).to_string();
        let data = [("channel_times", values::string(times))];
        self.publish("multiple_channels_viewed", data, Audience::user(user_id), Subject::Other);
    }
}

struct ChannelCounts {
    total: i64,
    root: i64,
    last_post_at: i64,
}

fn counts(channel: &v1::Channel) -> ChannelCounts {
    ChannelCounts {
        total: channel.total_msg_count,
        root: channel.total_msg_count_root,
        last_post_at: channel.last_post_at,
    }
}

fn check_notify_value(key: &str, value: &str) -> Result<()> {
    let (known, field): (&[&str], _) = match key {
        "desktop" => (&["default", "all", "mention", "none"], "notify_level"),
        "push" => (&["default", "all", "mention", "none"], "push_level"),
        "mark_unread" => (&["all", "mention"], "unread_level"),
        "email" => (&["default", "true", "false"], "email_value"),
        "ignore_channel_mentions" => (&["default", "on", "off"], "ignore_channel_mentions_value"),
        "channel_auto_follow_threads" => (&["on", "off"], "channel_auto_follow_threads_value"),
        _ => return Ok(()),
    };
    if known.contains(&value) {
        return Ok(());
    }
    let id = format!("model.channel_member.is_valid.{field}.app_error");
    let message = format!("{key} must be one of {}.", known.join(", "));
    Err(errors::app_with("ChannelMember.IsValid", &id, BAD_REQUEST, message, format!("{key}={value}")))
}
