//! Sending what changes in shared channels to the plugins that are invited to them, in the server's order: users, files, posts,
//! reactions, profile images.

use std::collections::BTreeMap;

use mm_proto::plugin::v1;

use super::Invited;
use crate::events::LogLevel;
use crate::hooks::{Listener, call_hook};
use crate::server::Server;
use crate::users::sanitized;
use crate::world::World;
use crate::{post_types, posts};

/// As many posts are sent in one message.
const MOST_POSTS: usize = 50;
/// A remote is asked how it is when this has passed since it last was, in milliseconds.
const PING_EVERY: i64 = 60_000;
/// A remote that has not said that it is well for so long gets nothing.
const OFFLINE_AFTER: i64 = 5 * 60_000;

/// What there is to send to one remote in one channel.
struct Batch {
    users: Vec<v1::User>,
    images: Vec<v1::User>,
    files: Vec<(v1::FileInfo, v1::Post)>,
    posts: Vec<v1::Post>,
    reactions: Vec<v1::Reaction>,
}

impl Server {
    /// Asks every registered plugin how it is, as the server does each minute: `OnSharedChannelsPing`. Gives the names of the remotes
    /// and whether they are well.
    pub async fn ping_remotes(&self) -> Vec<(String, bool)> {
        let mut answers = Vec::new();
        for remote in self.remotes() {
            answers.push((remote.display_name.clone(), self.ping(&remote.remote_id).await));
        }
        answers
    }

    /// Whether a remote says that it is well. One that does not implement the hook never does.
    pub(super) async fn ping(&self, remote_id: &str) -> bool {
        let Ok(remote) = self.world().sharing.remote(remote_id).cloned() else { return false };
        let Some(listener) = self.listener_of(&remote.plugin_id, "OnSharedChannelsPing") else {
            let text = "A plugin that does not implement OnSharedChannelsPing, or does not run, gets nothing of shared channels.";
            self.server_log(LogLevel::Warn, text, [("plugin_id", remote.plugin_id)]);
            return false;
        };
        let request = v1::OnSharedChannelsPingRequest { remote_cluster: Some(remote) };
        let answer = call_hook!(self, listener, "OnSharedChannelsPing", on_shared_channels_ping, request);
        let is_well = answer.is_some_and(|answer| answer.result);
        let now = self.now();
        if let Some(remote) = self.world().sharing.remotes.get_mut(remote_id).filter(|_| is_well) {
            remote.last_ping_at = now;
        }
        is_well
    }

    /// Whether what changes is sent to a remote.
    async fn is_online(&self, remote: &v1::RemoteCluster) -> bool {
        let age = self.now() - remote.last_ping_at;
        age < PING_EVERY || self.ping(&remote.remote_id).await || age < OFFLINE_AFTER
    }

    /// Sends what has changed in a channel, in the background; nothing when it is not shared.
    pub(crate) fn sync_soon(&self, channel_id: &str) {
        if self.world().sharing.shared(channel_id).is_err() {
            return;
        }
        let (server, channel_id) = (self.clone(), channel_id.to_owned());
        self.background(async move { server.sync_channel(&channel_id).await });
    }

    async fn sync_channel(&self, channel_id: &str) {
        let turn = self.world().sharing.turn.clone();
        let _turn = turn.lock().await;
        let remotes: Vec<_> = {
            let world = self.world();
            let invited = world.sharing.invited.keys().filter(|(channel, _)| channel == channel_id);
            invited.filter_map(|(_, remote)| world.sharing.remote(remote).ok().cloned()).collect()
        };
        for remote in remotes {
            if self.is_online(&remote).await {
                while self.sync_batch(channel_id, &remote).await {}
            }
        }
    }

    /// Sends one batch; gives whether there may be more.
    async fn sync_batch(&self, channel_id: &str, remote: &v1::RemoteCluster) -> bool {
        let key = (channel_id.to_owned(), remote.remote_id.clone());
        let (batch, mut invited) = {
            let mut world = self.world();
            let Some(invited) = world.sharing.invited.get(&key).cloned() else { return false };
            let batch = batch(&world, channel_id, remote, &invited);
            if let Some(stored) = world.sharing.invited.get_mut(&key) {
                stored.reactions.clear();
            }
            (batch, invited)
        };
        let Batch { users, images, files, posts, reactions } = batch;
        let (cursor, more) = (after(&invited.cursor, &posts), posts.len() == MOST_POSTS);
        invited.reactions = reactions.clone();
        let now = self.now();
        let message = |users, posts, reactions| v1::SyncMsg {
            id: self.new_id(),
            channel_id: channel_id.to_owned(),
            users,
            posts,
            reactions,
            ..Default::default()
        };
        let by_id: BTreeMap<_, _> = users.iter().map(|user| (user.id.clone(), user.clone())).collect();
        let users_sent = by_id.is_empty() || self.send_sync(remote, message(by_id, vec![], vec![])).await;
        for (info, post) in files {
            if self.send_file(remote, &info, post).await {
                invited.files.insert(info.id);
            }
        }
        let no_users = BTreeMap::new;
        let posts_sent = posts.is_empty() || self.send_sync(remote, message(no_users(), posts, vec![])).await;
        if posts_sent {
            invited.cursor = cursor;
        }
        if reactions.is_empty() || self.send_sync(remote, message(no_users(), vec![], reactions)).await {
            invited.reactions.clear();
        }
        if users_sent {
            invited.users.extend(users.into_iter().map(|user| (user.id, now)));
        }
        for user in images {
            self.send_image(remote, user).await;
        }
        self.keep(&key, invited);
        posts_sent && more
    }

    /// Stores how far a remote is; what it has been told to be meanwhile wins.
    fn keep(&self, key: &(String, String), invited: Invited) {
        let mut world = self.world();
        let Some(stored) = world.sharing.invited.get_mut(key) else { return };
        let newer = std::mem::take(&mut stored.reactions);
        *stored = invited;
        stored.reactions.extend(newer);
    }

    fn remote_listener(&self, remote: &v1::RemoteCluster, hook: &str) -> Option<Listener> {
        self.listener_of(&remote.plugin_id, hook)
    }

    /// Whether the plugin has taken a message.
    async fn send_sync(&self, remote: &v1::RemoteCluster, message: v1::SyncMsg) -> bool {
        let Some(listener) = self.remote_listener(remote, "OnSharedChannelsSyncMsg") else { return false };
        let request = v1::OnSharedChannelsSyncMsgRequest { msg: Some(message), remote_cluster: Some(remote.clone()) };
        let answer = call_hook!(self, listener, "OnSharedChannelsSyncMsg", on_shared_channels_sync_msg, request);
        let Some(answer) = answer else { return false };
        let response = answer.sync_response.unwrap_or_default();
        let failures = [response.user_errors, response.post_errors, response.reaction_errors].concat();
        if !failures.is_empty() {
            let fields = [("plugin_id", remote.plugin_id.clone()), ("ids", failures.join(", "))];
            self.server_log(LogLevel::Warn, "A plugin could not take all of a shared channel's changes.", fields);
        }
        true
    }

    async fn send_file(&self, remote: &v1::RemoteCluster, info: &v1::FileInfo, post: v1::Post) -> bool {
        let name = "OnSharedChannelsAttachmentSyncMsg";
        let Some(listener) = self.remote_listener(remote, name) else { return false };
        let request = v1::OnSharedChannelsAttachmentSyncMsgRequest {
            file_info: Some(info.clone()),
            post: Some(post),
            remote_cluster: Some(remote.clone()),
        };
        let span = self.trace_hook(&listener, name, &request);
        let result = listener.hooks.on_shared_channels_attachment_sync_msg(request).await;
        self.finish_hook(&listener, name, span, result).is_some()
    }

    async fn send_image(&self, remote: &v1::RemoteCluster, user: v1::User) {
        let name = "OnSharedChannelsProfileImageSyncMsg";
        let Some(listener) = self.remote_listener(remote, name) else { return };
        let request =
            v1::OnSharedChannelsProfileImageSyncMsgRequest { user: Some(user), remote_cluster: Some(remote.clone()) };
        let span = self.trace_hook(&listener, name, &request);
        let result = listener.hooks.on_shared_channels_profile_image_sync_msg(request).await;
        let _ = self.finish_hook(&listener, name, span, result);
    }
}

/// What has changed for a remote since its cursor, and did not come from it.
fn batch(world: &World, channel_id: &str, remote: &v1::RemoteCluster, invited: &Invited) -> Batch {
    let posts = changed_posts(world, channel_id, remote, &invited.cursor);
    let files = posts.iter().flat_map(|post| post.file_ids.iter().map(move |id| (id, post)));
    let unsent = files.filter(|(id, _)| !invited.files.contains(*id));
    let files = unsent.filter_map(|(id, post)| Some((world.files.get(id)?.info.clone(), post.clone()))).collect();
    let authors = posts.iter().map(|post| &post.user_id).chain(invited.reactions.iter().map(|it| &it.user_id));
    let mut ids: Vec<&String> = authors.chain(invited.users.keys()).collect();
    ids.sort();
    ids.dedup();
    let local = ids.into_iter().filter_map(|id| world.users.get(id));
    let local: Vec<_> = local.filter(|user| user.remote_id.as_ref() != Some(&remote.remote_id)).collect();
    let last = |user: &v1::User| invited.users.get(&user.id).copied();
    let users = local.iter().filter(|user| last(user).is_none_or(|at| user.update_at > at));
    let images = local.iter().filter(|user| last(user).is_none_or(|at| user.last_picture_update > at));
    Batch {
        users: users.map(|user| sanitized(user)).collect(),
        images: images.map(|user| sanitized(user)).collect(),
        files,
        reactions: invited.reactions.clone(),
        posts,
    }
}

fn changed_posts(
    world: &World,
    channel_id: &str,
    remote: &v1::RemoteCluster,
    cursor: &v1::GetPostsSinceForSyncCursor,
) -> Vec<v1::Post> {
    let Some(entry) = world.channels.get(channel_id) else { return Vec::new() };
    let is_new = |post: &v1::Post| {
        let created = (post.create_at, &post.id) > (cursor.last_post_create_at, &cursor.last_post_create_id);
        let updated = (post.update_at, &post.id) > (cursor.last_post_update_at, &cursor.last_post_update_id);
        // What was deleted before it was ever sent is nothing to send.
        updated && (post.delete_at == 0 || !created)
    };
    let posts = entry.posts.iter().filter_map(|id| world.posts.get(id)).map(|entry| &*entry.post);
    let own = posts.filter(|post| post.remote_id.as_ref() != Some(&remote.remote_id));
    let mut changed: Vec<_> = own.filter(|post| !post_types::is_system(&post.r#type) && is_new(post)).collect();
    changed.sort_by(|a, b| (a.update_at, &a.id).cmp(&(b.update_at, &b.id)));
    changed.into_iter().take(MOST_POSTS).map(posts::for_plugin).collect()
}

/// The cursor once these posts, which are in the order of their changes, were sent.
fn after(cursor: &v1::GetPostsSinceForSyncCursor, sent: &[v1::Post]) -> v1::GetPostsSinceForSyncCursor {
    let mut next = cursor.clone();
    if let Some(last) = sent.last() {
        next.last_post_update_at = last.update_at;
        next.last_post_update_id.clone_from(&last.id);
    }
    for post in sent {
        if post.create_at > next.last_post_create_at {
            next.last_post_create_at = post.create_at;
            next.last_post_create_id.clone_from(&post.id);
        }
    }
    next
}
