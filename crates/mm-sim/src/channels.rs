//! Channels: public, private, direct and group; making, changing, archiving and finding them.

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, call_hook, notify};
use crate::members::new_member;
use crate::server::Server;
use crate::users::paged;
use crate::world::{ChannelEntry, World};
use crate::{validate, values};

/// The channel that every member of a team is in and that cannot be left or archived.
pub(crate) const DEFAULT_CHANNEL: &str = "town-square";
const EXISTS: &str = "store.sql_channel.save_channel.exists.app_error";
/// How many people a group channel has at least and at most.
const GROUP_SIZE: std::ops::RangeInclusive<usize> = 3..=8;

/// The name of the direct channel of two users: both ids, the smaller one first.
pub(crate) fn direct_name(a: &str, b: &str) -> String {
    if a > b { format!("{b}__{a}") } else { format!("{a}__{b}") }
}

/// The name of a group channel: a hash of the sorted ids of its members.
fn group_name(sorted_ids: &[String]) -> String {
    use sha1::{Digest as _, Sha1};
    Sha1::digest(sorted_ids.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Direct and group channels belong to no team.
pub(crate) fn is_private_talk(channel: &v1::Channel) -> bool {
    matches!(channel.r#type.as_str(), "D" | "G")
}

/// Making and changing.
impl Server {
    /// Checks a new channel and stores it, without members.
    pub(crate) fn store_channel(&self, mut channel: v1::Channel) -> Result<v1::Channel> {
        let refuse = |id: &str, message: &str| Err(errors::app("CreateChannel", id, BAD_REQUEST, message));
        if channel.delete_at != 0 {
            return refuse(
                "store.sql_channel.save.archived_channel.app_error",
                "A new channel cannot be archived already.",
            );
        }
        if !channel.id.is_empty() {
            return refuse("store.sql_channel.save_channel.existing.app_error", "A new channel must not have an id.");
        }
        channel.id = self.new_id();
        channel.display_name = channel.display_name.trim().to_owned();
        channel.create_at = self.now();
        channel.update_at = channel.create_at;
        channel.extra_update_at = 0;
        validate::channel(&channel)?;
        let mut world = self.world();
        let key = (channel.team_id.clone(), channel.name.clone());
        if world.channel_names.contains_key(&key) {
            return refuse(EXISTS, "There is a channel with this name already, maybe an archived one.");
        }
        world.channel_names.insert(key, channel.id.clone());
        let entry = ChannelEntry { channel: channel.clone(), members: Default::default(), posts: Vec::new() };
        world.channels.insert(channel.id.clone(), entry);
        Ok(channel)
    }

    /// `CreateChannel`: a public or private channel, without members.
    pub(crate) fn create_channel(&self, caller: &Caller, channel: v1::Channel) -> Result<v1::Channel> {
        if channel.r#type == "D" {
            let id = "store.sql_channel.save.direct_channel.app_error";
            let message = "Direct channels are made with GetDirectChannel.";
            return Err(errors::app("CreateChannel", id, BAD_REQUEST, message));
        }
        let channel = self.store_channel(channel)?;
        self.notify_channel_created(caller, &channel);
        Ok(channel)
    }

    fn notify_channel_created(&self, caller: &Caller, channel: &v1::Channel) {
        let request = v1::ChannelHasBeenCreatedRequest { context: caller.context(), channel: Some(channel.clone()) };
        notify!(self, "ChannelHasBeenCreated", channel_has_been_created, request);
    }

    /// A channel that a person makes, and joins as its administrator.
    pub(crate) async fn create_channel_with_user(
        &self,
        caller: &Caller,
        mut channel: v1::Channel,
        user_id: &str,
    ) -> Result<v1::Channel> {
        if is_private_talk(&channel) {
            let id = "api.channel.create_channel.direct_channel.app_error";
            let message = "Direct and group channels are not made this way.";
            return Err(errors::app("CreateChannelWithUser", id, BAD_REQUEST, message));
        }
        user_id.clone_into(&mut channel.creator_id);
        let channel = self.store_channel(channel)?;
        {
            let mut world = self.world();
            let user = world.user("CreateChannel", user_id)?.clone();
            let mut member = new_member(&channel.id, &user, self.now());
            member.scheme_admin = true;
            crate::members::put_member(&mut world, member);
        }
        let announced = self.post_joined_channel(caller, user_id, &channel).await;
        if announced.is_ok() {
            let data = [("channel_id", values::string(&channel.id)), ("team_id", values::string(&channel.team_id))];
            self.publish("channel_created", data, Audience::user(user_id), Subject::Channel(channel.clone().into()));
        }
        self.notify_channel_created(caller, &channel);
        announced.map(|()| channel)
    }

    /// The direct channel of two users (or of one with himself), made if need be.
    pub(crate) async fn direct_channel(&self, caller: &Caller, user_id: &str, other_id: &str) -> Result<v1::Channel> {
        let name = direct_name(user_id, other_id);
        let users = {
            let world = self.world();
            if let Some(entry) = world.channel_by_name("", &name) {
                return Ok(entry.channel.clone());
            }
            let Some(users) =
                [user_id, other_id].into_iter().map(|id| world.users.get(id).cloned()).collect::<Option<Vec<_>>>()
            else {
                let id = "api.channel.create_direct_channel.invalid_user.app_error";
                let detail = format!("ids={user_id}, {other_id}");
                return Err(errors::app_with(
                    "CreateDirectChannel",
                    id,
                    BAD_REQUEST,
                    "One of the users does not exist.",
                    detail,
                ));
            };
            users
        };
        let channel = v1::Channel {
            name,
            r#type: "D".to_owned(),
            creator_id: user_id.to_owned(),
            shared: Some(false),
            ..Default::default()
        };
        let channel = self.store_channel(channel)?;
        self.put_members(&channel, &users);
        let data = [("creator_id", values::string(user_id)), ("teammate_id", values::string(other_id))];
        let subject = Subject::Channel(channel.clone().into());
        self.publish("direct_added", data, Audience::channel(&channel.id), subject);
        self.notify_channel_created(caller, &channel);
        self.share_talk(&channel);
        Ok(channel)
    }

    /// The group channel of these users, made if need be.
    pub(crate) async fn group_channel(&self, caller: &Caller, user_ids: &[String]) -> Result<v1::Channel> {
        let refuse = |id: &str, message: &str| Err(errors::app("CreateGroupChannel", id, BAD_REQUEST, message));
        if !GROUP_SIZE.contains(&user_ids.len()) {
            return refuse("api.channel.create_group.bad_size.app_error", "A group channel has 3 to 8 members.");
        }
        let mut ids = user_ids.to_vec();
        ids.sort();
        let name = group_name(&ids);
        let users: Vec<_> = {
            let world = self.world();
            if let Some(entry) = world.channel_by_name("", &name) {
                return Ok(entry.channel.clone());
            }
            user_ids.iter().filter_map(|id| world.users.get(id).cloned()).collect()
        };
        if users.len() != user_ids.len() {
            return refuse("api.channel.create_group.bad_user.app_error", "One of the users does not exist.");
        }
        let mut names: Vec<_> = users.iter().map(|user| user.username.clone()).collect();
        names.sort();
        let display_name = names.join(", ").chars().take(64).collect();
        let channel = v1::Channel { name, display_name, r#type: "G".to_owned(), ..Default::default() };
        let channel = self.store_channel(channel)?;
        self.put_members(&channel, &users);
        let teammates = serde_json::Value::from(user_ids.to_vec()).to_string();
        let subject = Subject::Channel(channel.clone().into());
        let data = [("teammate_ids", values::string(teammates))];
        self.publish("group_added", data, Audience::channel(&channel.id), subject);
        self.notify_channel_created(caller, &channel);
        self.share_talk(&channel);
        Ok(channel)
    }

    fn put_members(&self, channel: &v1::Channel, users: &[std::sync::Arc<v1::User>]) {
        let now = self.now();
        let mut world = self.world();
        for user in users {
            crate::members::put_member(&mut world, new_member(&channel.id, user, now));
        }
    }

    /// `UpdateChannel`: replaces what a channel has, its posts and members excepted.
    pub(crate) fn update_channel(&self, mut channel: v1::Channel) -> Result<v1::Channel> {
        let refuse = |id: &str, message: &str| Err(errors::app("UpdateChannel", id, BAD_REQUEST, message));
        if channel.delete_at != 0 {
            return refuse("app.channel.update.bad_id", "An archived channel cannot be changed.");
        }
        channel.update_at = self.now();
        validate::channel(&channel)?;
        {
            let mut world = self.world();
            // The real server's statement then finds no row, which it does not tell.
            let Some(old) = world.channels.get(&channel.id).map(|entry| entry.channel.clone()) else {
                return Ok(channel);
            };
            let key = (channel.team_id.clone(), channel.name.clone());
            if world.channel_names.get(&key).is_some_and(|id| *id != channel.id) {
                return refuse(EXISTS, "There is a channel with this name already, maybe an archived one.");
            }
            world.channel_names.remove(&(old.team_id, old.name));
            world.channel_names.insert(key, channel.id.clone());
            world.channel_mut("UpdateChannel", &channel.id)?.channel = channel.clone();
        }
        let data = [("channel", values::channel(&channel))];
        let subject = Subject::Channel(channel.clone().into());
        self.publish("channel_updated", data, Audience::channel(&channel.id), subject);
        Ok(channel)
    }

    /// Archives a channel, in the name of a user or, with an empty id, of the server.
    pub(crate) async fn archive_channel(&self, caller: &Caller, channel_id: &str, user_id: &str) -> Result<()> {
        let channel = self.world().channel("GetChannel", channel_id)?.channel.clone();
        let refuse = |id: &str, message: &str| Err(errors::app("deleteChannel", id, BAD_REQUEST, message));
        if channel.delete_at != 0 {
            return refuse("api.channel.delete_channel.deleted.app_error", "The channel is archived already.");
        }
        if channel.name == DEFAULT_CHANNEL {
            return refuse("api.channel.delete_channel.cannot.app_error", "The default channel cannot be archived.");
        }
        for listener in self.listeners("ChannelWillBeArchived") {
            let request =
                v1::ChannelWillBeArchivedRequest { context: caller.context(), channel: Some(channel.clone()) };
            let answer = call_hook!(self, listener, "ChannelWillBeArchived", channel_will_be_archived, request);
            if let Some(reason) = answer.map(|answer| answer.reason).filter(|reason| !reason.is_empty()) {
                let message = format!("The plugin does not allow it: {reason}");
                let id = "app.channel.delete_channel.rejected_by_plugin";
                return Err(errors::app("DeleteChannel", id, BAD_REQUEST, message));
            }
        }
        self.post_archived(caller, user_id, &channel).await;
        let now = self.now();
        {
            let mut world = self.world();
            let channel = &mut world.channel_mut("DeleteChannel", channel_id)?.channel;
            channel.delete_at = now;
            channel.update_at = now;
        }
        let open = channel.r#type == "O";
        let audience = if open { Audience::team(&channel.team_id) } else { Audience::channel(channel_id) };
        let data = [("channel_id", values::string(channel_id)), ("delete_at", values::int(now))];
        self.publish("channel_deleted", data, audience, Subject::Channel(channel.into()));
        Ok(())
    }
}

/// Finding.
impl Server {
    /// A channel by the id of its team and its name.
    pub(crate) fn channel_by_name(
        &self,
        place: &str,
        team_id: &str,
        name: &str,
        include_deleted: bool,
    ) -> Result<v1::Channel> {
        let world = self.world();
        let found = world.channel_by_name(team_id, name).map(|entry| &entry.channel);
        found.filter(|channel| include_deleted || channel.delete_at == 0).cloned().ok_or_else(|| {
            let id = "app.channel.get_by_name.missing.app_error";
            errors::app_with(place, id, NOT_FOUND, "There is no channel with this name.", format!("name={name}"))
        })
    }

    pub(crate) fn channel_by_team_name(&self, team: &str, name: &str, include_deleted: bool) -> Result<v1::Channel> {
        let place = "GetChannelByNameForTeamName";
        let team_id = self.world().team_by_name(team).map(|team| team.id.clone()).ok_or_else(|| {
            let id = "app.team.get_by_name.missing.app_error";
            errors::app_with(place, id, NOT_FOUND, "There is no team with this name.", format!("name={team}"))
        })?;
        self.channel_by_name(place, &team_id, name, include_deleted)
    }

    /// Channels by a test, sorted by display name.
    pub(crate) fn select_channels(&self, wanted: impl Fn(&World, &ChannelEntry) -> bool) -> Vec<v1::Channel> {
        let world = self.world();
        let found = world.channels.values().filter(|entry| wanted(&world, entry));
        let mut channels: Vec<_> = found.map(|entry| entry.channel.clone()).collect();
        channels.sort_by(|a, b| a.display_name.cmp(&b.display_name));
        channels
    }

    pub(crate) fn public_channels(&self, team_id: &str, page: i64, per_page: i64) -> Vec<v1::Channel> {
        let open = |channel: &v1::Channel| channel.r#type == "O" && channel.delete_at == 0;
        let channels = self.select_channels(|_, entry| entry.channel.team_id == team_id && open(&entry.channel));
        paged(&channels, page, per_page).to_vec()
    }

    /// The channels of a user in a team, direct and group ones included.
    pub(crate) fn channels_for_user(
        &self,
        team_id: &str,
        user_id: &str,
        include_deleted: bool,
    ) -> Result<Vec<v1::Channel>> {
        let channels = self.select_channels(|_, entry| {
            entry.members.contains_key(user_id)
                && (team_id.is_empty() || entry.channel.team_id.is_empty() || entry.channel.team_id == team_id)
                && (include_deleted || entry.channel.delete_at == 0)
        });
        if channels.is_empty() {
            let id = "app.channel.get_channels.not_found.app_error";
            let message = "The user is in no channel.";
            return Err(errors::app_with("GetChannelsForUser", id, NOT_FOUND, message, format!("userId={user_id}")));
        }
        Ok(channels)
    }

    pub(crate) fn search_channels(&self, team_id: &str, term: &str) -> Vec<v1::Channel> {
        let term = term.trim().to_lowercase();
        let mut channels = self.select_channels(|_, entry| {
            let channel = &entry.channel;
            let texts = [&channel.name, &channel.display_name, &channel.purpose];
            channel.team_id == team_id
                && channel.r#type == "O"
                && channel.delete_at == 0
                && texts.iter().any(|text| text.to_lowercase().contains(&term))
        });
        channels.truncate(100);
        channels
    }

    pub(crate) fn channel_stats(&self, channel_id: &str) -> v1::ChannelStats {
        let world = self.world();
        // Who is deactivated does not count. Mattermost gives the same number for guests.
        let count = world.channels.get(channel_id).map_or(0, |entry| {
            let active = |id: &&String| world.users.get(*id).is_some_and(|user| user.delete_at == 0);
            entry.members.keys().filter(active).count() as i64
        });
        v1::ChannelStats {
            channel_id: channel_id.to_owned(),
            member_count: count,
            guest_count: count,
            ..Default::default()
        }
    }
}

/// What the REST API does beyond the plugin API.
impl Server {
    /// Changes the header or the purpose of a channel, in the name of a user; a system message says so.
    pub(crate) async fn change_channel_text(
        &self,
        caller: &Caller,
        channel_id: &str,
        user_id: &str,
        what: &str,
        text: &str,
    ) -> Result<v1::Channel> {
        let channel = {
            let world = self.world();
            let channel = world.channel("GetChannel", channel_id)?.channel.clone();
            let permission = match channel.r#type.as_str() {
                "O" => "manage_public_channel_properties",
                "P" => "manage_private_channel_properties",
                // Whoever is in a direct or group channel may change it.
                _ => "read_channel",
            };
            if !world.has_permission_to_channel(user_id, channel_id, permission) {
                return Err(errors::no_permission(user_id, permission));
            }
            channel
        };
        let mut changed = channel.clone();
        let (field, old) = if what == "header" {
            (&mut changed.header, channel.header)
        } else {
            (&mut changed.purpose, channel.purpose)
        };
        if *field == text {
            return Ok(changed);
        }
        text.clone_into(field);
        let changed = self.update_channel(changed)?;
        self.post_text_changed(caller, user_id, &changed, what, (&old, text)).await;
        Ok(changed)
    }

    /// Tells a channel that a user types.
    pub(crate) fn publish_typing(&self, user_id: &str, channel_id: &str, parent_id: &str) {
        let data = [("parent_id", values::string(parent_id)), ("user_id", values::string(user_id))];
        let audience = Audience { omit_users: vec![user_id.to_owned()], ..Audience::channel(channel_id) };
        self.publish("typing", data, audience, Subject::Other);
    }
}
