//! Reactions to posts, and custom emoji.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, FORBIDDEN, INTERNAL, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, notify};
use crate::server::Server;
use crate::users::paged;
use crate::world::World;
use crate::{files, validate, values};

/// How many different emoji a post may carry.
const MOST_EMOJI: usize = 50;
static SYSTEM_EMOJI: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../data/system_emojis.txt").lines().collect());

/// Whether clients know this emoji without anybody having added it.
pub(crate) fn is_system_emoji(name: &str) -> bool {
    SYSTEM_EMOJI.contains(name)
}

fn no_emoji(place: &str, id: &str, what: &str) -> mm_proto::ApiError {
    errors::app_with(place, id, NOT_FOUND, "There is no such emoji.", what.to_owned())
}

impl World {
    fn emoji_by_name(&self, name: &str) -> Option<&v1::Emoji> {
        self.emojis.values().map(|(emoji, _)| emoji).find(|emoji| emoji.name == name && emoji.delete_at == 0)
    }

    pub(crate) fn emoji_exists(&self, name: &str) -> bool {
        is_system_emoji(name) || self.emoji_by_name(name).is_some()
    }
}

/// Reactions.
impl Server {
    pub(crate) async fn add_reaction(&self, caller: &Caller, mut reaction: v1::Reaction) -> Result<v1::Reaction> {
        let now = self.now();
        let (saved, post) = {
            let mut world = self.world();
            let post = world.post("GetSinglePost", &reaction.post_id)?.post.clone();
            if !world.emoji_exists(&reaction.emoji_name) {
                let id = "app.emoji.get_by_name.no_result";
                return Err(no_emoji("GetEmojiByName", id, &format!("name={}", reaction.emoji_name)));
            }
            check_open(&world, &post, "SaveReactionForPost", "save")?;
            reaction.channel_id.clone_from(&post.channel_id);
            if reaction.create_at == 0 {
                reaction.create_at = now;
            }
            reaction.update_at = now;
            reaction.delete_at = 0;
            reaction.remote_id.get_or_insert_default();
            validate::reaction(&reaction)?;
            let Some(entry) = world.posts.get_mut(&post.id) else {
                return Err(errors::no_post("GetSinglePost", &post.id));
            };
            let kinds: HashSet<_> = entry.reactions.iter().map(|other| other.emoji_name.as_str()).collect();
            if !kinds.contains(reaction.emoji_name.as_str()) && kinds.len() >= MOST_EMOJI {
                let id = "app.reaction.save.save.too_many_reactions";
                let message = "This post has too many different reactions already.";
                return Err(errors::app("SaveReactionForPost", id, BAD_REQUEST, message));
            }
            let same = |other: &&mut v1::Reaction| is_same(other, &reaction);
            match entry.reactions.iter_mut().find(same) {
                Some(known) => known.update_at = now,
                None => entry.reactions.push(reaction.clone()),
            }
            touch(Arc::make_mut(&mut entry.post), true, now);
            (reaction, post)
        };
        let request = v1::ReactionHasBeenAddedRequest { context: caller.context(), reaction: Some(saved.clone()) };
        self.announce_reaction("reaction_added", &saved, &post);
        notify!(self, "ReactionHasBeenAdded", reaction_has_been_added, request);
        self.world().sharing.note_reaction(&saved);
        self.sync_soon(&saved.channel_id);
        Ok(saved)
    }

    pub(crate) async fn remove_reaction(&self, caller: &Caller, mut reaction: v1::Reaction) -> Result<()> {
        let now = self.now();
        let post = {
            let mut world = self.world();
            let post = world.post("GetSinglePost", &reaction.post_id)?.post.clone();
            check_open(&world, &post, "DeleteReactionForPost", "delete")?;
            if let Some(entry) = world.posts.get_mut(&post.id) {
                entry.reactions.retain(|other| !is_same(other, &reaction));
                let left = !entry.reactions.is_empty();
                touch(Arc::make_mut(&mut entry.post), left, now);
            }
            reaction.update_at = now;
            reaction.delete_at = now;
            reaction.channel_id.clone_from(&post.channel_id);
            post
        };
        let request = v1::ReactionHasBeenRemovedRequest { context: caller.context(), reaction: Some(reaction.clone()) };
        self.announce_reaction("reaction_removed", &reaction, &post);
        notify!(self, "ReactionHasBeenRemoved", reaction_has_been_removed, request);
        self.world().sharing.note_reaction(&reaction);
        self.sync_soon(&reaction.channel_id);
        Ok(())
    }

    fn announce_reaction(&self, event: &str, reaction: &v1::Reaction, post: &v1::Post) {
        let data = [("reaction", values::reaction(reaction))];
        let subject = Subject::Reaction(reaction.clone().into());
        self.publish(event, data, Audience::channel(&post.channel_id), subject);
    }

    pub(crate) fn reactions(&self, post_id: &str) -> Vec<v1::Reaction> {
        self.world().posts.get(post_id).map_or_else(Vec::new, |entry| entry.reactions.clone())
    }
}

/// Custom emoji.
impl Server {
    pub(crate) fn create_emoji(&self, user_id: &str, name: &str, image: Vec<u8>) -> Result<v1::Emoji> {
        let refuse = |place: &str, id: &str, message: &str| Err(errors::app(place, id, BAD_REQUEST, message));
        if !validate::is_emoji_name(name) {
            return refuse("Emoji.IsValid", "model.emoji.name.app_error", "This is no name for an emoji.");
        }
        if is_system_emoji(name) {
            let id = "model.emoji.system_emoji_name.app_error";
            return refuse("Emoji.IsValid", id, "There is an emoji with this name in every Mattermost.");
        }
        if files::image_size(&image).is_none() {
            let id = "api.emoji.upload.image.app_error";
            return refuse("uploadEmojiImage", id, "This is no image that the server can read.");
        }
        let now = self.now();
        let emoji = v1::Emoji {
            id: self.new_id(),
            create_at: now,
            update_at: now,
            creator_id: user_id.to_owned(),
            name: name.to_owned(),
            ..Default::default()
        };
        {
            let mut world = self.world();
            if world.emoji_by_name(name).is_some() {
                let id = "api.emoji.create.duplicate.app_error";
                return refuse("createEmoji", id, "There is an emoji with this name already.");
            }
            world.emojis.insert(emoji.id.clone(), (emoji.clone(), image));
        }
        self.publish("emoji_added", [("emoji", values::emoji(&emoji))], Audience::all(), Subject::Other);
        Ok(emoji)
    }

    pub(crate) fn emoji(&self, emoji_id: &str) -> Result<v1::Emoji> {
        let missing = || no_emoji("GetEmoji", "app.emoji.get.no_result", &format!("id={emoji_id}"));
        self.world().emojis.get(emoji_id).map(|(emoji, _)| emoji.clone()).ok_or_else(missing)
    }

    pub(crate) fn emoji_by_name(&self, name: &str) -> Result<v1::Emoji> {
        let missing = || no_emoji("GetEmojiByName", "app.emoji.get_by_name.no_result", &format!("name={name}"));
        self.world().emoji_by_name(name).cloned().ok_or_else(missing)
    }

    pub(crate) fn emoji_list(&self, sort_by: &str, page: i64, per_page: i64) -> Vec<v1::Emoji> {
        let mut list: Vec<_> = self.world().emojis.values().map(|(emoji, _)| emoji.clone()).collect();
        if sort_by == "name" {
            list.sort_by(|a, b| a.name.cmp(&b.name));
        }
        paged(&list, page, per_page).to_vec()
    }

    /// The image of an emoji and its kind: `png`, `gif`, `jpeg`.
    pub(crate) fn emoji_image(&self, emoji_id: &str) -> Result<(Vec<u8>, &'static str)> {
        let world = self.world();
        let Some((_, image)) = world.emojis.get(emoji_id) else {
            return Err(no_emoji("GetEmojiImage", "app.emoji.get.no_result", &format!("id={emoji_id}")));
        };
        let kind = files::image_kind(image).ok_or_else(|| {
            let id = "api.emoji.get_image.decode.app_error";
            errors::app("getEmojiImage", id, INTERNAL, "The image of the emoji cannot be read.")
        })?;
        Ok((image.clone(), kind))
    }
}

fn is_same(a: &v1::Reaction, b: &v1::Reaction) -> bool {
    a.user_id == b.user_id && a.post_id == b.post_id && a.emoji_name == b.emoji_name
}

fn touch(post: &mut v1::Post, has_reactions: bool, now: i64) {
    post.has_reactions = has_reactions;
    post.update_at = now.max(post.update_at + 1);
}

fn check_open(world: &World, post: &v1::Post, place: &str, verb: &str) -> Result<()> {
    if world.channel("GetChannel", &post.channel_id)?.channel.delete_at == 0 {
        return Ok(());
    }
    let id = format!("api.reaction.{verb}.archived_channel.app_error");
    Err(errors::app(place, &id, FORBIDDEN, "The channel is archived."))
}
