//! Reading posts: one, threads, pages of a channel, searches; and the hook that may change what readers get.

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, Result};
use crate::hooks::call_hook;
use crate::posts::for_plugin;
use crate::server::Server;
use crate::world::World;

/// How many posts a page may hold at most.
const MAX_PAGE: i64 = 1000;

impl Server {
    /// `GetPost`.
    pub(crate) async fn post(&self, post_id: &str) -> Result<v1::Post> {
        let post = {
            let world = self.world();
            let entry = world.post("GetSinglePost", post_id)?;
            world.post_out(&entry.post)
        };
        Ok(self.consumed(post).await)
    }

    /// A thread, given by any of its posts, which comes first.
    pub(crate) async fn post_thread(&self, post_id: &str) -> Result<v1::PostList> {
        let list = {
            let world = self.world();
            let post = &world.post("GetPostThread", post_id)?.post;
            let root = if post.root_id.is_empty() { post_id } else { &post.root_id };
            let rest = std::iter::once(root).chain(replies(&world, root)).filter(|id| *id != post_id);
            let order: Vec<_> = std::iter::once(post_id).chain(rest).collect();
            list_of(&world, order, &[])
        };
        Ok(self.consumed_list(list).await)
    }

    /// One page of a channel's posts, newest first.
    pub(crate) async fn posts_page(&self, channel_id: &str, page: i64, per_page: i64) -> Result<v1::PostList> {
        if per_page > MAX_PAGE {
            let message = format!("A page has at most {MAX_PAGE} posts.");
            return Err(errors::app("GetPostsPage", "app.post.get_posts.app_error", BAD_REQUEST, message));
        }
        let list = {
            let world = self.world();
            let mut newest = alive(&world, channel_id);
            newest.reverse();
            let order: Vec<_> = crate::users::paged(&newest, page, per_page).to_vec();
            let parents = threads_of(&world, &order);
            list_of(&world, order, &parents)
        };
        Ok(self.consumed_list(list).await)
    }

    /// The posts of a channel changed after a time, deleted ones included, newest first.
    pub(crate) async fn posts_since(&self, channel_id: &str, time: i64) -> v1::PostList {
        let list = {
            let world = self.world();
            let all = world.channels.get(channel_id).map_or_else(Vec::new, |entry| entry.posts.clone());
            let changed = |id: &&String| world.posts.get(*id).is_some_and(|entry| entry.post.update_at > time);
            let order: Vec<_> = all.iter().rev().filter(changed).map(String::as_str).collect();
            let roots: Vec<_> = order
                .iter()
                .filter_map(|id| world.posts.get(*id))
                .map(|entry| entry.post.root_id.clone())
                .filter(|root| !root.is_empty())
                .collect();
            list_of(&world, order, &roots)
        };
        self.consumed_list(list).await
    }

    /// One page of the posts before or after a post, newest first. An unknown post has none.
    pub(crate) async fn posts_around(
        &self,
        channel_id: &str,
        post_id: &str,
        before: bool,
        page: i64,
        per_page: i64,
    ) -> Result<v1::PostList> {
        if page < 0 || per_page < 0 {
            let place = if before { "GetPostsBeforePost" } else { "GetPostsAfterPost" };
            let message = "Page and page size cannot be negative.";
            return Err(errors::app(place, "app.post.get_posts_around.get.app_error", BAD_REQUEST, message));
        }
        let list = {
            let world = self.world();
            let mut found = Vec::new();
            if let Some(pivot) = world.posts.get(post_id) {
                let at = pivot.post.create_at;
                let beyond = |id: &str| {
                    let created = world.posts.get(id).map_or(0, |entry| entry.post.create_at);
                    if before { created < at } else { created > at }
                };
                found = alive(&world, channel_id).into_iter().filter(|id| beyond(id)).collect();
            }
            // Pages count from the given post on; each page is newest first.
            if before {
                found.reverse();
            }
            let mut order = crate::users::paged(&found, page, per_page).to_vec();
            if !before {
                order.reverse();
            }
            let parents = threads_of(&world, &order);
            list_of(&world, order, &parents)
        };
        Ok(self.consumed_list(list).await)
    }

    /// Posts of public channels of a team that hold all words (or any), newest first: a plain search, without stemming.
    pub(crate) fn search_posts(&self, team_id: &str, params: &[v1::SearchParams]) -> Vec<v1::Post> {
        let world = self.world();
        let mut found: Vec<_> = world
            .posts
            .values()
            .filter(|entry| entry.post.delete_at == 0 && !crate::post_types::is_system(&entry.post.r#type))
            .filter(|entry| {
                let channel = world.channels.get(&entry.post.channel_id).map(|entry| &entry.channel);
                channel.is_some_and(|channel| channel.team_id == team_id || channel.team_id.is_empty())
            })
            .filter(|entry| params.iter().any(|params| matches_search(&world, &entry.post, params)))
            .map(|entry| world.post_out(&entry.post))
            .collect();
        found.sort_by(|a, b| b.create_at.cmp(&a.create_at).then_with(|| a.id.cmp(&b.id)));
        found.truncate(100);
        found
    }

    /// What readers get instead of a post: `MessagesWillBeConsumed`.
    pub(crate) async fn consumed(&self, post: v1::Post) -> v1::Post {
        let mut post = post;
        for listener in self.listeners("MessagesWillBeConsumed") {
            let request = v1::MessagesWillBeConsumedRequest { posts: vec![for_plugin(&post)] };
            let answer = call_hook!(self, listener, "MessagesWillBeConsumed", messages_will_be_consumed, request);
            if let Some(replacement) = answer.and_then(|answer| answer.posts.into_iter().next()) {
                post = replacement;
            }
        }
        post
    }

    /// As [`consumed`](Self::consumed), for many: each returned post replaces the one with its id.
    pub(crate) async fn consumed_list(&self, mut list: v1::PostList) -> v1::PostList {
        let listeners = self.listeners("MessagesWillBeConsumed");
        if listeners.is_empty() || list.posts.is_empty() {
            return list;
        }
        let mut posts: Vec<_> = list.posts.values().map(for_plugin).collect();
        posts.sort_by(|a, b| a.create_at.cmp(&b.create_at).then_with(|| a.id.cmp(&b.id)));
        for listener in listeners {
            let request = v1::MessagesWillBeConsumedRequest { posts: posts.clone() };
            let answer = call_hook!(self, listener, "MessagesWillBeConsumed", messages_will_be_consumed, request);
            for replacement in answer.map(|answer| answer.posts).unwrap_or_default() {
                list.posts.insert(replacement.id.clone(), replacement);
            }
        }
        list
    }
}

/// The posts of a channel that are not deleted, oldest first.
pub(crate) fn alive<'a>(world: &'a World, channel_id: &str) -> Vec<&'a str> {
    let posts = world.channels.get(channel_id).map(|entry| entry.posts.as_slice()).unwrap_or_default();
    let alive = |id: &&String| world.posts.get(*id).is_some_and(|entry| entry.post.delete_at == 0);
    posts.iter().filter(alive).map(String::as_str).collect()
}

/// The answers of a thread that are not deleted, oldest first.
pub(crate) fn replies<'a>(world: &'a World, root: &str) -> Vec<&'a str> {
    let ids = world.replies.get(root).map(Vec::as_slice).unwrap_or_default();
    let alive = |id: &&String| world.posts.get(*id).is_some_and(|entry| entry.post.delete_at == 0);
    ids.iter().filter(alive).map(String::as_str).collect()
}

/// All posts of the threads that these posts belong to: they come along with a page.
fn threads_of(world: &World, ids: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for id in ids {
        let Some(post) = world.posts.get(*id).map(|entry| &entry.post) else { continue };
        if post.root_id.is_empty() {
            continue;
        }
        found.push(post.root_id.clone());
        found.extend(replies(world, &post.root_id).into_iter().map(str::to_owned));
    }
    found
}

fn list_of(world: &World, order: Vec<&str>, others: &[String]) -> v1::PostList {
    let ids = order.iter().copied().chain(others.iter().map(String::as_str));
    let posts =
        ids.filter_map(|id| world.posts.get(id).map(|entry| (id.to_owned(), world.post_out(&entry.post)))).collect();
    let order = order.into_iter().map(str::to_owned).collect();
    v1::PostList { order, posts, ..Default::default() }
}

fn matches_search(world: &World, post: &v1::Post, params: &v1::SearchParams) -> bool {
    let message = post.message.to_lowercase();
    let terms: Vec<_> = params.terms.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let hit = |term: &String| match term.strip_suffix('*') {
        Some(prefix) => message.split_whitespace().any(|word| word.starts_with(prefix)),
        None => message.contains(term.trim_matches('"')),
    };
    let found = if params.or_terms { terms.iter().any(hit) } else { terms.iter().all(hit) };
    let excluded = params.excluded_terms.to_lowercase();
    let in_channel = |wanted: &String| {
        let channel = world.channels.get(&post.channel_id).map(|entry| &entry.channel);
        channel.is_some_and(|channel| channel.id == *wanted || channel.name == *wanted)
    };
    let from_user = |wanted: &String| *wanted == post.user_id || *wanted == world.username(&post.user_id);
    found
        && !excluded.split_whitespace().any(|term| message.contains(term))
        && (params.in_channels.is_empty() || params.in_channels.iter().any(in_channel))
        && (params.from_users.is_empty() || params.from_users.iter().any(from_user))
        && (!params.is_hashtag
            || terms.iter().any(|term| post.hashtags.to_lowercase().split(' ').any(|tag| tag == term)))
}
