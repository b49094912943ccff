//! Shared channels, with plugins as the other side: who is registered, which channels are shared, and with whom.
//!
//! A remote is always a plugin: there is no other server that this one could be connected with. [`sync`] sends what changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use mm_proto::ApiError;
use mm_proto::plugin::v1;
use sha1::{Digest as _, Sha1};

use crate::errors::{self, Result};
use crate::events::{Audience, Subject};
use crate::server::Server;
use crate::validate;
use crate::values;

mod sync;

/// Bits of `RemoteCluster.options`.
const AUTO_SHARE_DMS: i64 = 32;
const AUTO_INVITED: i64 = 64;
/// Sorts behind every id.
const BEHIND: &str = "~";

/// Everything about sharing.
#[derive(Default)]
pub(crate) struct SharedChannels {
    /// Remotes by id; who has unregistered is kept with a `delete_at`.
    remotes: IndexMap<String, v1::RemoteCluster>,
    channels: IndexMap<String, v1::SharedChannel>,
    /// By channel and remote.
    invited: IndexMap<(String, String), Invited>,
    /// One synchronization at a time, so that nothing is sent twice.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A remote in a channel.
#[derive(Clone, Default)]
struct Invited {
    cursor: v1::GetPostsSinceForSyncCursor,
    /// When users were sent last, by id.
    users: BTreeMap<String, i64>,
    /// Files that were sent.
    files: BTreeSet<String>,
    /// Reactions that are still to be sent, removed ones with a `delete_at`.
    reactions: Vec<v1::Reaction>,
}

impl SharedChannels {
    fn remote(&self, remote_id: &str) -> Result<&v1::RemoteCluster> {
        let found = self.remotes.get(remote_id).filter(|remote| remote.delete_at == 0);
        found.ok_or_else(|| errors::plain(format!("there is no remote with the id {remote_id:?}")))
    }

    fn shared(&self, channel_id: &str) -> Result<&v1::SharedChannel> {
        self.channels.get(channel_id).ok_or_else(|| errors::plain(format!("the channel {channel_id:?} is not shared")))
    }

    /// Takes notice of a reaction that was added or removed, for the remotes in its channel.
    pub(crate) fn note_reaction(&mut self, reaction: &v1::Reaction) {
        for ((channel_id, remote_id), invited) in &mut self.invited {
            if *channel_id == reaction.channel_id && reaction.remote_id.as_ref() != Some(remote_id) {
                invited.reactions.push(reaction.clone());
            }
        }
    }
}

/// Remotes.
impl Server {
    /// Makes a plugin a remote, or finds that it is one already. It is asked how it is at once.
    pub(crate) fn register_remote(&self, options: v1::RegisterPluginOpts) -> Result<String> {
        if options.plugin_id.is_empty() || options.displayname.is_empty() || !validate::is_id(&options.creator_id) {
            let message = "a plugin registers for shared channels with its id, a name to show and the id of a user";
            return Err(errors::plain(message));
        }
        let remote_id = {
            let mut world = self.world();
            let now = self.now();
            let known = world.sharing.remotes.values_mut().find(|remote| remote.plugin_id == options.plugin_id);
            if let Some(remote) = known {
                remote.delete_at = 0;
                remote.remote_id.clone()
            } else {
                let remote = remote_of(options, now, self.new_id());
                let id = remote.remote_id.clone();
                world.sharing.remotes.insert(id.clone(), remote);
                id
            }
        };
        let (server, id) = (self.clone(), remote_id.clone());
        self.background(async move {
            server.ping(&id).await;
        });
        Ok(remote_id)
    }

    /// The plugin is no remote any more, and in no channel.
    pub(crate) fn unregister_remote(&self, plugin_id: &str) -> Result<()> {
        let now = self.now();
        let sharing = &mut self.world().sharing;
        let known = sharing.remotes.values_mut().find(|it| it.plugin_id == plugin_id && it.delete_at == 0);
        let remote =
            known.ok_or_else(|| errors::plain(format!("{plugin_id} is not registered for shared channels")))?;
        remote.delete_at = now;
        let id = remote.remote_id.clone();
        sharing.invited.retain(|(_, remote_id), _| *remote_id != id);
        Ok(())
    }

    /// The plugins that are registered for shared channels.
    pub fn remotes(&self) -> Vec<v1::RemoteCluster> {
        self.world().sharing.remotes.values().filter(|remote| remote.delete_at == 0).cloned().collect()
    }
}

/// Channels.
impl Server {
    pub(crate) fn share_channel(&self, wanted: v1::SharedChannel) -> Result<v1::SharedChannel> {
        let (shared, invite) = {
            let mut world = self.world();
            let channel = world.channel("ShareChannel", &wanted.channel_id)?.channel.clone();
            if world.sharing.channels.contains_key(&channel.id) {
                return Err(errors::plain("channel is already shared"));
            }
            let shared = filled(wanted, &channel, self.now());
            check(&shared)?;
            world.sharing.channels.insert(channel.id.clone(), shared.clone());
            world.channel_mut("ShareChannel", &channel.id)?.channel.shared = Some(true);
            let remotes = world.sharing.remotes.values();
            let auto = remotes.filter(|it| it.delete_at == 0 && it.options & AUTO_INVITED != 0);
            (shared, auto.map(|it| it.remote_id.clone()).collect::<Vec<_>>())
        };
        self.announce_sharing(&shared);
        for remote_id in invite {
            self.invite_remote(&shared.channel_id, &remote_id, &shared.creator_id, false)?;
        }
        Ok(shared)
    }

    pub(crate) fn update_shared_channel(&self, wanted: v1::SharedChannel) -> Result<v1::SharedChannel> {
        let now = self.now();
        let mut world = self.world();
        let channel = world.channel("UpdateSharedChannel", &wanted.channel_id)?.channel.clone();
        let old = world.sharing.shared(&channel.id)?.clone();
        let shared = v1::SharedChannel { create_at: old.create_at, update_at: now, ..filled(wanted, &channel, now) };
        check(&shared)?;
        world.sharing.channels.insert(channel.id, shared.clone());
        Ok(shared)
    }

    /// Whether it was shared.
    pub(crate) fn unshare_channel(&self, channel_id: &str) -> Result<bool> {
        let gone = {
            let mut world = self.world();
            world.channel_mut("UnshareChannel", channel_id)?.channel.shared = Some(false);
            world.sharing.invited.retain(|(channel, _), _| channel != channel_id);
            world.sharing.channels.shift_remove(channel_id)
        };
        if let Some(shared) = &gone {
            self.announce_sharing(shared);
        }
        Ok(gone.is_some())
    }

    /// What is posted from now on is sent to the remote. What was posted before is not, unless its cursor is set back.
    pub(crate) fn invite_remote(&self, channel_id: &str, remote_id: &str, user_id: &str, share: bool) -> Result<()> {
        self.world().sharing.remote(remote_id)?;
        if share && self.world().sharing.shared(channel_id).is_err() {
            let shared = v1::SharedChannel {
                channel_id: channel_id.to_owned(),
                creator_id: user_id.to_owned(),
                home: true,
                ..Default::default()
            };
            self.share_channel(shared)?;
        }
        {
            let mut world = self.world();
            world.user("InviteRemoteToChannel", user_id)?;
            world.sharing.shared(channel_id)?;
            // By the posts that are there and not by the clock: one that is made in this very millisecond is new.
            let known = world.channel("InviteRemoteToChannel", channel_id)?.posts.iter();
            let now = known.filter_map(|id| world.posts.get(id)).map(|it| it.post.update_at).max().unwrap_or(0);
            let cursor = v1::GetPostsSinceForSyncCursor {
                last_post_update_at: now,
                last_post_update_id: BEHIND.to_owned(),
                last_post_create_at: now,
                last_post_create_id: BEHIND.to_owned(),
            };
            let key = (channel_id.to_owned(), remote_id.to_owned());
            world.sharing.invited.entry(key).or_insert_with(|| Invited { cursor, ..Default::default() });
        }
        self.sync_soon(channel_id);
        Ok(())
    }

    pub(crate) fn uninvite_remote(&self, channel_id: &str, remote_id: &str) -> Result<()> {
        let key = (channel_id.to_owned(), remote_id.to_owned());
        let gone = self.world().sharing.invited.shift_remove(&key);
        gone.map(drop).ok_or_else(|| not_invited(channel_id, remote_id))
    }

    pub(crate) fn set_sync_cursor(
        &self,
        channel_id: &str,
        remote_id: &str,
        cursor: v1::GetPostsSinceForSyncCursor,
    ) -> Result<()> {
        let mut world = self.world();
        let invited = world.sharing.invited.get_mut(&(channel_id.to_owned(), remote_id.to_owned()));
        invited.ok_or_else(|| not_invited(channel_id, remote_id))?.cursor = cursor;
        Ok(())
    }

    /// New direct and group channels are shared with the remotes that want that.
    pub(crate) fn share_talk(&self, channel: &v1::Channel) {
        let remotes: Vec<_> = {
            let world = self.world();
            let remotes = world.sharing.remotes.values();
            remotes.filter(|it| it.delete_at == 0 && it.options & AUTO_SHARE_DMS != 0).cloned().collect()
        };
        for remote in remotes {
            // Whoever made it may be no user, such as for a group channel.
            let _ = self.invite_remote(&channel.id, &remote.remote_id, &remote.creator_id, true);
        }
    }

    /// Clients show a shared channel with a sign.
    fn announce_sharing(&self, shared: &v1::SharedChannel) {
        let data = [("channel_id", values::string(&shared.channel_id))];
        let audience = if shared.team_id.is_empty() {
            Audience::channel(&shared.channel_id)
        } else {
            Audience::team(&shared.team_id)
        };
        self.publish("channel_converted", data, audience, Subject::Other);
    }
}

fn not_invited(channel_id: &str, remote_id: &str) -> ApiError {
    errors::plain(format!("the remote {remote_id:?} is not invited to the channel {channel_id:?}"))
}

/// A plugin as a remote; its id is made of the plugin's, so it is the same on every server.
fn remote_of(options: v1::RegisterPluginOpts, now: i64, token: String) -> v1::RemoteCluster {
    let digest = Sha1::digest(options.plugin_id.as_bytes());
    let alphabet = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let letter = |index: usize| char::from(alphabet[usize::from(digest[index % digest.len()] & 31)]);
    let bit = |on: bool, bit: i64| if on { bit } else { 0 };
    let name = options.displayname.to_lowercase();
    v1::RemoteCluster {
        remote_id: (0..26).map(letter).collect(),
        name: name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' }).collect(),
        display_name: options.displayname,
        site_url: format!("plugin_{}", options.plugin_id),
        create_at: now,
        token,
        creator_id: options.creator_id,
        plugin_id: options.plugin_id,
        options: bit(options.auto_share_dms, AUTO_SHARE_DMS) | bit(options.auto_invited, AUTO_INVITED),
        ..Default::default()
    }
}

/// The sharing with what the channel tells about it.
fn filled(wanted: v1::SharedChannel, channel: &v1::Channel, now: i64) -> v1::SharedChannel {
    let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    v1::SharedChannel {
        team_id: or(wanted.team_id, &channel.team_id),
        share_name: or(wanted.share_name, &channel.name),
        share_display_name: or(wanted.share_display_name, &channel.display_name),
        share_purpose: or(wanted.share_purpose, &channel.purpose),
        share_header: or(wanted.share_header, &channel.header),
        r#type: channel.r#type.clone(),
        create_at: now,
        update_at: now,
        ..wanted
    }
}

fn check(shared: &v1::SharedChannel) -> Result<()> {
    let problem = if !validate::is_id(&shared.creator_id) {
        "creator_id is not the id of a user"
    } else if !shared.home && !validate::is_id(&shared.remote_id) {
        "a channel that is not at home here needs the remote_id of its home"
    } else if shared.share_display_name.chars().count() > 64 {
        "share_display_name is longer than 64 characters"
    } else if shared.share_header.chars().count() > 1024 || shared.share_purpose.chars().count() > 250 {
        "share_header is longer than 1024 characters, or share_purpose than 250"
    } else {
        return Ok(());
    };
    Err(errors::plain(format!("the channel {} cannot be shared so: {problem}", shared.channel_id)))
}
