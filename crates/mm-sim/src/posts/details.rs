//! The single steps of storing a post.

use std::sync::Arc;

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, INTERNAL, Result};
use crate::world::World;
use crate::{post_types, text, values};

/// Props that only the server itself may set.
pub(super) fn sanitize_props(post: &mut v1::Post) {
    for key in ["add_channel_member", "force_notification"] {
        post.props.remove(key);
    }
    values::make_generic(&mut post.props, "attachments");
}

pub(super) fn check_root(world: &World, post: &v1::Post) -> Result<()> {
    if post.root_id.is_empty() {
        return Ok(());
    }
    let refuse = |id: &str, status, message: &str| Err(errors::app("createPost", id, status, message));
    let root = world.posts.get(&post.root_id).filter(|entry| entry.post.delete_at == 0);
    match root {
        Some(root) if root.post.channel_id != post.channel_id => refuse(
            "api.post.create_post.channel_root_id.app_error",
            INTERNAL,
            "The thread is in another channel than the post.",
        ),
        Some(root) if root.post.root_id.is_empty() => Ok(()),
        _ => refuse(
            "api.post.create_post.root_id.app_error",
            BAD_REQUEST,
            "The root of a thread must be a post that exists and is no answer itself.",
        ),
    }
}

/// The prop that names the public channels which a message mentions.
pub(super) fn fill_props(world: &World, post: &mut v1::Post, channel: &v1::Channel) {
    let mut mentioned = Vec::new();
    for name in text::channel_mentions(&post.message) {
        let Some(entry) = world.channel_by_name(&channel.team_id, &name) else { continue };
        if entry.channel.r#type != "O" || entry.channel.delete_at != 0 {
            continue;
        }
        let team = world.teams.get(&channel.team_id).map(|team| team.name.as_str()).unwrap_or_default();
        let details =
            [("display_name", values::string(&entry.channel.display_name)), ("team_name", values::string(team))];
        mentioned.push((name, values::map(details)));
    }
    let key = "channel_mentions".to_owned();
    if mentioned.is_empty() {
        post.props.remove(&key);
    } else {
        post.props.insert(key, values::map(mentioned));
    }
}

/// What the server makes of a plugin's replacement: it is decoded over the original, so props cannot be removed and what is absent
/// stays. Metadata never travels to plugins and is put back later.
pub(super) fn merged(original: v1::Post, mut replacement: v1::Post) -> v1::Post {
    for (key, value) in original.props {
        replacement.props.entry(key).or_insert(value);
    }
    replacement.remote_id = replacement.remote_id.or(original.remote_id);
    replacement.is_following = replacement.is_following.or(original.is_following);
    replacement.metadata = None;
    replacement
}

pub(super) fn remove_duplicates(ids: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
}

/// Ties files to their post; ids of files that do not exist, or that belong to another post or user, are dropped.
pub(super) fn attach_files(world: &mut World, post: &mut v1::Post) {
    let mut ids = std::mem::take(&mut post.file_ids);
    ids.retain(|id| {
        let Some(file) = world.files.get_mut(id) else { return false };
        let info = &mut file.info;
        let own = info.creator_id == post.user_id || info.creator_id == "nouser";
        if !info.post_id.is_empty() && info.post_id != post.id || !own {
            return false;
        }
        info.post_id.clone_from(&post.id);
        info.channel_id.clone_from(&post.channel_id);
        true
    });
    post.file_ids = ids;
}

pub(super) fn count_post(world: &mut World, post: &v1::Post, channel: &v1::Channel) {
    let Some(entry) = world.channels.get_mut(&channel.id) else { return };
    let counted = i64::from(!post_types::is_join_leave(&post.r#type));
    entry.channel.last_post_at = entry.channel.last_post_at.max(post.create_at);
    entry.channel.total_msg_count += counted;
    if post.root_id.is_empty() {
        entry.channel.last_root_post_at = entry.channel.last_root_post_at.max(post.create_at);
        entry.channel.total_msg_count_root += counted;
    }
    // Posts with a date of their own (imports) go where they belong.
    let later = |id: &&String| world.posts.get(*id).is_some_and(|other| other.post.create_at > post.create_at);
    let at = entry.posts.len() - entry.posts.iter().rev().take_while(later).count();
    entry.posts.insert(at, post.id.clone());
}

pub(super) fn touch_root(world: &mut World, root_id: &str, at: i64) {
    if let Some(entry) = world.posts.get_mut(root_id) {
        let root = Arc::make_mut(&mut entry.post);
        root.update_at = root.update_at.max(at);
        root.last_reply_at = root.last_reply_at.max(at);
    }
}

pub(super) fn mark_deleted(world: &mut World, id: &str, deleted_by: &str, now: i64) {
    let Some(entry) = world.posts.get_mut(id) else { return };
    let post = Arc::make_mut(&mut entry.post);
    if post.delete_at == 0 {
        post.update_at = now.max(post.update_at + 1);
        post.delete_at = post.update_at;
        post.props.insert("deleteBy".to_owned(), values::string(deleted_by));
        for file_id in post.file_ids.clone() {
            if let Some(file) = world.files.get_mut(&file_id) {
                file.info.delete_at = now;
            }
        }
    }
}

/// Counts a post as a mention for the members whom it names, and in a direct channel for the other one. Gives their ids.
pub(super) fn count_mentions(world: &mut World, post: &v1::Post) -> Vec<String> {
    if post_types::is_system(&post.r#type) {
        return Vec::new();
    }
    let Some(entry) = world.channels.get(&post.channel_id) else { return Vec::new() };
    let disabled = post.props.contains_key("mentionHighlightDisabled");
    let everybody = matches!(entry.channel.r#type.as_str(), "D" | "G")
        || (!disabled && text::channel_wide_mention(&post.message).is_some());
    let mut ids: Vec<String> = if everybody {
        entry.members.keys().cloned().collect()
    } else {
        let lower = post.message.to_lowercase();
        let named = text::user_mentions(&lower);
        let known =
            |name: &String| text::username_candidates(name).find_map(|name| world.user_names.get(name)).cloned();
        named.iter().filter_map(known).filter(|id| entry.members.contains_key(id)).collect()
    };
    ids.retain(|id| *id != post.user_id);
    remove_duplicates(&mut ids);
    if let Some(entry) = world.channels.get_mut(&post.channel_id) {
        for id in &ids {
            if let Some(member) = entry.members.get_mut(id) {
                member.mention_count += 1;
                member.mention_count_root += i64::from(post.root_id.is_empty());
            }
        }
    }
    ids
}
