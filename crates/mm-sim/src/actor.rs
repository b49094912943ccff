//! What people do: every action fires the hooks that it fires on a real server, checks the user's permissions, and returns what the
//! user sees.

use mm_proto::plugin::v1;

use crate::errors::{self, Result};
use crate::events::Feed;
use crate::hooks::Caller;
use crate::server::Server;
use crate::world::{ChannelEntry, World};

mod messages;
mod places;

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

/// Permissions.
impl Actor {
    pub(super) fn caller(&self) -> Caller {
        Caller {
            user_id: self.user_id.clone(),
            session_id: self.server.acting_session(&self.user_id),
            request_id: self.server.new_id(),
        }
    }

    pub(super) fn check_own(&self, permission: &str) -> Result<()> {
        if self.server.world().has_permission_to(&self.user_id, permission) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, permission))
    }

    pub(super) fn check_channel(&self, channel_id: &str, permission: &str) -> Result<()> {
        let world = self.server.world();
        world.channel("GetChannel", channel_id)?;
        if world.has_permission_to_channel(&self.user_id, channel_id, permission) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, permission))
    }

    pub(super) fn check_read(&self, channel_id: &str) -> Result<()> {
        let world = self.server.world();
        world.channel("GetChannel", channel_id)?;
        if world.can_read(&self.user_id, channel_id) {
            return Ok(());
        }
        Err(errors::no_permission(&self.user_id, "read_channel_content"))
    }

    pub(super) fn check_manage_members(&self, channel_id: &str) -> Result<()> {
        let private = self.server.channel(channel_id)?.r#type == "P";
        self.check_channel(
            channel_id,
            if private { "manage_private_channel_members" } else { "manage_public_channel_members" },
        )
    }

    /// A post that the user may change: one of his own, or any with the other permission.
    pub(super) fn own_post(&self, post_id: &str, own: &str, others: &str) -> Result<v1::Post> {
        let post = (*self.server.world().post("GetSinglePost", post_id)?.post).clone();
        self.check_channel(&post.channel_id, own)?;
        if post.user_id != self.user_id {
            self.check_channel(&post.channel_id, others)?;
        }
        Ok(post)
    }

    pub(super) fn root_of(&self, post_id: &str) -> Result<String> {
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
