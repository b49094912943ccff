//! Posts: creating, changing, deleting, and ephemeral ones.

use std::sync::Arc;

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, INTERNAL, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, call_hook, notify};
use crate::server::Server;
use crate::world::{PendingPost, PostEntry};
use crate::{post_types, text, validate, values};

mod details;

use details::{
    attach_files, check_root, count_mentions, count_post, fill_props, mark_deleted, merged, remove_duplicates,
    sanitize_props, touch_root,
};

/// What a plugin answers to `MessageWillBePosted` to drop a post without telling its author.
pub(crate) const DISMISS: &str = "plugin.message_will_be_posted.dismiss_post";
/// How long a repeated request with the same `pending_post_id` gives the same post, in milliseconds.
const PENDING_FOR: i64 = 30_000;

/// The post as plugins see it: without metadata, which does not travel to them.
pub(crate) fn for_plugin(post: &v1::Post) -> v1::Post {
    v1::Post { metadata: None, ..post.clone() }
}

/// Creating.
impl Server {
    /// Creates a post as the API's `CreatePost` does, and as the server does for its own messages.
    pub(crate) async fn create_post(&self, caller: &Caller, post: v1::Post) -> Result<v1::Post> {
        let channel = {
            let world = self.world();
            world.channel("CreatePostMissingChannel", &post.channel_id)?.channel.clone()
        };
        if post.pending_post_id.is_empty() {
            return self.create_post_in(caller, post, &channel).await;
        }
        let pending_id = post.pending_post_id.clone();
        if let Some(known) = self.find_pending(&pending_id)? {
            return Ok(known);
        }
        let outcome = self.create_post_in(caller, post, &channel).await;
        let mut world = self.world();
        match &outcome {
            Ok(saved) => {
                let pending = PendingPost { post_id: Some(saved.id.clone()), expires_at: self.now() + PENDING_FOR };
                world.pending_posts.insert(pending_id, pending);
            }
            // A failed request may be repeated.
            Err(_) => drop(world.pending_posts.remove(&pending_id)),
        }
        drop(world);
        outcome
    }

    /// The post that an earlier request with this pending id made; notes the id when there was none.
    fn find_pending(&self, pending_id: &str) -> Result<Option<v1::Post>> {
        let now = self.now();
        let mut world = self.world();
        world.pending_posts.retain(|_, pending| pending.expires_at > now);
        let Some(pending) = world.pending_posts.get(pending_id) else {
            let pending = PendingPost { post_id: None, expires_at: now + PENDING_FOR };
            world.pending_posts.insert(pending_id.to_owned(), pending);
            return Ok(None);
        };
        let Some(post_id) = pending.post_id.clone() else {
            let id = "api.post.deduplicate_create_post.pending";
            let message = "The same post is being created by another request.";
            return Err(errors::app("deduplicateCreatePost", id, INTERNAL, message));
        };
        let entry = world.post("deduplicateCreatePost", &post_id)?;
        Ok(Some(world.post_out(&entry.post)))
    }

    async fn create_post_in(&self, caller: &Caller, mut post: v1::Post, channel: &v1::Channel) -> Result<v1::Post> {
        sanitize_props(&mut post);
        let warning = self.prepare_new_post(&mut post, channel)?;
        let metadata = post.metadata.take();
        let post = self.ask_message_will_be_posted(caller, post).await?;
        let saved = self.save_post(v1::Post { metadata, ..post }, channel)?;
        let request = v1::MessageHasBeenPostedRequest { context: caller.context(), post: Some(for_plugin(&saved)) };
        let shown = self.consumed(saved).await;
        let mentioned = self.announce_post(&shown, channel);
        if let Some(warning) = warning {
            self.send_ephemeral(&shown.user_id, warning);
        }
        notify!(self, "MessageHasBeenPosted", message_has_been_posted, request);
        self.mail_about(&shown, channel, &mentioned);
        self.sync_soon(&channel.id);
        Ok(shown)
    }

    /// Checks author and thread, and fills in what the server adds. Gives the note for an author who may not speak to everybody.
    fn prepare_new_post(&self, post: &mut v1::Post, channel: &v1::Channel) -> Result<Option<v1::Post>> {
        let world = self.world();
        let author = world.user("CreatePost", &post.user_id)?.clone();
        if author.is_bot {
            post.props.insert("from_bot".to_owned(), values::string("true"));
        }
        let mut warning = None;
        if post.r#type.is_empty()
            && !world.has_permission_to_channel(&author.id, &channel.id, "use_channel_mentions")
            && let Some(mention) = text::channel_wide_mention(&post.message)
        {
            post.props.insert("mentionHighlightDisabled".to_owned(), values::boolean(true));
            warning = Some(v1::Post {
                user_id: author.id.clone(),
                root_id: post.root_id.clone(),
                channel_id: channel.id.clone(),
                message: format!("You may not notify all of {} with @{mention}.", channel.name),
                ..Default::default()
            });
        }
        check_root(&world, post)?;
        post.hashtags = text::hashtags(&post.message);
        fill_props(&world, post, channel);
        Ok(warning)
    }

    /// Asks the plugins one after the other; each sees what the previous ones made of the post.
    async fn ask_message_will_be_posted(&self, caller: &Caller, mut post: v1::Post) -> Result<v1::Post> {
        for listener in self.listeners("MessageWillBePosted") {
            let request = v1::MessageWillBePostedRequest { context: caller.context(), post: Some(post.clone()) };
            let answer = call_hook!(self, listener, "MessageWillBePosted", message_will_be_posted, request);
            let Some(answer) = answer else { continue };
            if !answer.reason.is_empty() {
                // Mattermost makes the reason a part of the id, and the text of the error is its id.
                let id = match answer.reason.as_str() {
                    DISMISS => DISMISS.to_owned(),
                    reason => format!("Post rejected by plugin. {reason}"),
                };
                return Err(errors::app("createPost", &id, BAD_REQUEST, id.clone()));
            }
            if let Some(replacement) = answer.post {
                post = merged(post, replacement);
            }
        }
        Ok(post)
    }

    fn save_post(&self, mut post: v1::Post, channel: &v1::Channel) -> Result<v1::Post> {
        if !post.id.is_empty() {
            let message = "A new post must not have an id.";
            return Err(errors::app("CreatePost", "app.post.save.existing.app_error", BAD_REQUEST, message));
        }
        post.id = self.new_id();
        post.original_id.clear();
        let now = self.now();
        let mut world = self.world();
        if post.create_at == 0 {
            // Posts of a channel never share a time, as requests over a network hardly ever do: pages are cut by it.
            let last = world.channels.get(&channel.id).map_or(0, |entry| entry.channel.last_post_at);
            post.create_at = now.max(last + 1);
        }
        post.update_at = post.create_at;
        remove_duplicates(&mut post.file_ids);
        validate::post(&post)?;
        attach_files(&mut world, &mut post);
        count_post(&mut world, &post, channel);
        if !post.root_id.is_empty() {
            touch_root(&mut world, &post.root_id, post.create_at);
            world.replies.entry(post.root_id.clone()).or_default().push(post.id.clone());
        }
        post.reply_count = world.reply_count(&post);
        let entry = PostEntry { post: Arc::new(post.clone()), reactions: Vec::new() };
        world.posts.insert(post.id.clone(), entry);
        drop(world);
        Ok(post)
    }

    /// Tells the members of the channel, and counts the mentions. Gives the ids of who was mentioned.
    fn announce_post(&self, post: &v1::Post, channel: &v1::Channel) -> Vec<String> {
        let (sender, mentioned) = {
            let mut world = self.world();
            let sender = world.username(&post.user_id);
            (sender, count_mentions(&mut world, post))
        };
        let mentions = serde_json::Value::from(mentioned.clone()).to_string();
        let data = [
            ("channel_type", values::string(&channel.r#type)),
            ("channel_display_name", values::string(&channel.display_name)),
            ("channel_name", values::string(&channel.name)),
            ("sender_name", values::string(format!("@{sender}"))),
            ("team_id", values::string(&channel.team_id)),
            ("mentions", values::string(mentions)),
            ("post", values::post(post)),
        ];
        self.publish("posted", data, Audience::channel(&post.channel_id), Subject::Post(post.clone().into()));
        mentioned
    }
}

/// Changing and deleting.
impl Server {
    /// `UpdatePost` of the API, and what people's edits become.
    pub(crate) async fn update_post(&self, caller: &Caller, mut received: v1::Post) -> Result<v1::Post> {
        let place = "UpdatePost";
        sanitize_props(&mut received);
        let (old, channel) = {
            let world = self.world();
            if received.id.is_empty() {
                let message = "The post to change must have an id.";
                return Err(errors::app(place, "app.post.get.app_error", BAD_REQUEST, message));
            }
            let old = world.post(place, &received.id)?.post.clone();
            (old.clone(), world.channel("GetChannel", &old.channel_id)?.channel.clone())
        };
        if post_types::is_system(&old.r#type) {
            let id = "api.post.update_post.system_message.app_error";
            let detail = format!("id={}", old.id);
            return Err(errors::app_with(place, id, BAD_REQUEST, "System messages cannot be changed.", detail));
        }
        if channel.delete_at != 0 {
            let id = "api.post.update_post.can_not_update_post_in_deleted.error";
            return Err(errors::app(place, id, BAD_REQUEST, "The channel is archived."));
        }
        let new = self.edited(&old, received, &channel);
        let new = self.ask_message_will_be_updated(caller, new, &old).await?;
        let saved = self.save_update(v1::Post { metadata: old.metadata.clone(), ..new })?;
        let request = v1::MessageHasBeenUpdatedRequest {
            context: caller.context(),
            new_post: Some(for_plugin(&saved)),
            old_post: Some(for_plugin(&old)),
        };
        let data = [("post", values::post(&saved))];
        let subject = Subject::Post(saved.clone().into());
        self.publish("post_edited", data, Audience::channel(&saved.channel_id), subject);
        notify!(self, "MessageHasBeenUpdated", message_has_been_updated, request);
        self.sync_soon(&saved.channel_id);
        Ok(saved)
    }

    /// The old post with what an edit may change.
    fn edited(&self, old: &v1::Post, received: v1::Post, channel: &v1::Channel) -> v1::Post {
        let mut new = v1::Post {
            is_pinned: received.is_pinned,
            has_reactions: received.has_reactions,
            file_ids: received.file_ids,
            props: received.props,
            metadata: None,
            ..old.clone()
        };
        if new.message != received.message {
            new.message = received.message;
            new.hashtags = text::hashtags(&new.message);
            new.edit_at = self.now();
        } else if new.file_ids != old.file_ids || new.props.get("attachments") != old.props.get("attachments") {
            new.edit_at = self.now();
        }
        fill_props(&self.world(), &mut new, channel);
        new
    }

    async fn ask_message_will_be_updated(
        &self,
        caller: &Caller,
        mut new: v1::Post,
        old: &v1::Post,
    ) -> Result<v1::Post> {
        for listener in self.listeners("MessageWillBeUpdated") {
            let request = v1::MessageWillBeUpdatedRequest {
                context: caller.context(),
                new_post: Some(new.clone()),
                old_post: Some(for_plugin(old)),
            };
            let answer = call_hook!(self, listener, "MessageWillBeUpdated", message_will_be_updated, request);
            let Some(answer) = answer else { continue };
            // Unlike for new posts, no post means no here.
            let Some(replacement) = answer.post else {
                let id = format!("Post rejected by plugin. {}", answer.reason);
                return Err(errors::app("UpdatePost", &id, BAD_REQUEST, id.clone()));
            };
            new = replacement;
        }
        Ok(new)
    }

    fn save_update(&self, mut post: v1::Post) -> Result<v1::Post> {
        let now = self.now();
        remove_duplicates(&mut post.file_ids);
        let mut world = self.world();
        // Later than what it changes, even within a millisecond: shared channels go by it.
        let old = world.posts.get(&post.id).map_or(0, |entry| entry.post.update_at);
        post.update_at = now.max(old + 1);
        validate::post(&post)?;
        attach_files(&mut world, &mut post);
        if !post.root_id.is_empty() {
            touch_root(&mut world, &post.root_id, post.update_at);
        }
        if let Some(entry) = world.channels.get_mut(&post.channel_id) {
            entry.channel.last_post_at = entry.channel.last_post_at.max(post.update_at);
        }
        post.reply_count = world.reply_count(&post);
        let entry = world.posts.get_mut(&post.id).ok_or_else(|| errors::no_post("UpdatePost", &post.id))?;
        entry.post = Arc::new(post.clone());
        Ok(post)
    }

    /// Deletes a post, and the thread of a root. `deleted_by` is a user or, for the API, the plugin.
    pub(crate) async fn delete_post(&self, caller: &Caller, post_id: &str, deleted_by: &str) -> Result<()> {
        let place = "DeletePost";
        let post = {
            let now = self.now();
            let mut world = self.world();
            let found = world.post(place, post_id).map(|entry| entry.post.clone());
            let post = found.map_err(|error| errors::with_status(error, BAD_REQUEST))?;
            if world.channel("GetChannel", &post.channel_id)?.channel.delete_at != 0 {
                let id = "api.post.delete_post.can_not_delete_post_in_deleted.error";
                return Err(errors::app(place, id, BAD_REQUEST, "The channel is archived."));
            }
            let replies = world.replies.get(post_id).cloned().unwrap_or_default();
            for id in std::iter::once(post_id.to_owned()).chain(replies) {
                mark_deleted(&mut world, &id, deleted_by, now);
            }
            post
        };
        let data = [("post", values::post(&post)), ("delete_by", values::string(deleted_by))];
        self.publish("post_deleted", data, Audience::channel(&post.channel_id), Subject::Post(post.clone()));
        let request = v1::MessageHasBeenDeletedRequest { context: caller.context(), post: Some(for_plugin(&post)) };
        notify!(self, "MessageHasBeenDeleted", message_has_been_deleted, request);
        self.sync_soon(&post.channel_id);
        Ok(())
    }
}

/// Ephemeral posts: shown to one user, stored nowhere.
impl Server {
    pub(crate) fn send_ephemeral(&self, user_id: &str, mut post: v1::Post) -> v1::Post {
        post_types::EPHEMERAL.clone_into(&mut post.r#type);
        if post.id.is_empty() {
            post.id = self.new_id();
        }
        if post.create_at == 0 {
            post.create_at = self.now();
        }
        self.publish_ephemeral("ephemeral_message", user_id, &post);
        post
    }

    pub(crate) fn update_ephemeral(&self, user_id: &str, mut post: v1::Post) -> v1::Post {
        post_types::EPHEMERAL.clone_into(&mut post.r#type);
        post.update_at = self.now();
        self.publish_ephemeral("post_edited", user_id, &post);
        post
    }

    pub(crate) fn delete_ephemeral(&self, user_id: &str, post_id: &str) {
        let now = self.now();
        let post = v1::Post {
            id: post_id.to_owned(),
            user_id: user_id.to_owned(),
            r#type: post_types::EPHEMERAL.to_owned(),
            delete_at: now,
            update_at: now,
            ..Default::default()
        };
        self.publish_ephemeral("post_deleted", user_id, &post);
    }

    fn publish_ephemeral(&self, event: &str, user_id: &str, post: &v1::Post) {
        let data = [("post", values::post(post))];
        self.publish(event, data, Audience::user(user_id), Subject::Post(post.clone().into()));
    }
}
