//! Many things at once: nothing blocks, nothing is lost, hooks call the API.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use common::{PLUGIN, anna};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi, PluginHooks};
use mm_sim::{PluginRegistration, Server};

/// Answers every post of a person with a post of its own, from within the hook.
struct Echo {
    api: Arc<dyn PluginApi>,
    seen: AtomicUsize,
}

#[async_trait]
impl PluginHooks for Echo {
    async fn message_will_be_posted(
        &self,
        r: v1::MessageWillBePostedRequest,
    ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
        let post = r.post.unwrap_or_default();
        self.seen.fetch_add(1, Ordering::Relaxed);
        if !post.message.starts_with("echo") && post.r#type.is_empty() {
            let message = format!("echo {}", post.message);
            let echo = v1::Post { channel_id: post.channel_id, user_id: post.user_id, message, ..Default::default() };
            self.api.create_post(v1::CreatePostRequest { post: Some(echo) }).await?;
        }
        Ok(v1::MessageWillBePostedResponse::default())
    }

    async fn message_has_been_posted(
        &self,
        r: v1::MessageHasBeenPostedRequest,
    ) -> Result<v1::MessageHasBeenPostedResponse, ApiError> {
        let post = r.post.unwrap_or_default();
        self.api.get_channel(v1::GetChannelRequest { channel_id: post.channel_id }).await?;
        Ok(v1::MessageHasBeenPostedResponse::default())
    }
}

async fn do_everything(server: Server, name: &'static str, channel_id: String) {
    let actor = server.act_as(name).unwrap();
    let other = server.user(if name == "anna" { "ben" } else { "anna" }).unwrap().id;
    let team_id = server.team("dev").unwrap().id;
    for round in 0..20 {
        let post = actor.post(&channel_id, &format!("{name} {round} @channel")).await.unwrap();
        actor.react(&post.id, "smile").await.unwrap();
        actor.reply(&post.id, "more").await.unwrap();
        actor.edit(&post.id, "changed").await.unwrap();
        let own = actor.create_channel(&team_id, &format!("{name}-{round}"), "", round % 2 == 0).await.unwrap();
        actor.invite(&own.id, &other).await.unwrap();
        actor.remove(&own.id, &other).await.unwrap();
        actor.set_header(&own.id, "header").await.unwrap();
        actor.archive(&own.id).await.unwrap();
        actor.set_status(if round % 2 == 0 { "away" } else { "online" }).await.unwrap();
        actor.set_preference("category", "name", "value").await.unwrap();
        actor.command(&channel_id, None, "/help").await.unwrap();
        let connection = actor.connect().await;
        actor.disconnect(&connection).await;
        actor.read(&channel_id, 30).await.unwrap();
        actor.delete(&post.id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_and_a_plugin_work_at_the_same_time_while_all_is_watched() {
    let server = Server::demo();
    let echo = Arc::new(Echo { api: server.api(PLUGIN), seen: AtomicUsize::new(0) });
    let manifest = v1::Manifest { id: PLUGIN.into(), ..Default::default() };
    let implemented = ["MessageWillBePosted", "MessageHasBeenPosted"];
    server.activate(PluginRegistration::new(manifest, echo.clone(), implemented)).await.unwrap();
    server.set_tracing(true);
    let mut feed = server.subscribe();
    let _feeds: Vec<_> = ["anna", "ben", "carol"].map(|name| server.act_as(name).unwrap().subscribe()).into();
    let channel_id = anna(&server).channel("off-topic").unwrap().id;
    let all = ["anna", "ben", "carol", "admin"]
        .map(|name| tokio::spawn(do_everything(server.clone(), name, channel_id.clone())));
    let work = async {
        for task in all {
            task.await.unwrap();
        }
        server.settle().await;
    };
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("something blocks");
    assert!(echo.seen.load(Ordering::Relaxed) >= 4 * 20 * 4);
    assert!(feed.drain().len() > 1000);
    // All of an author's posts are there, and the times of a channel's posts are all different.
    let request = v1::GetPostsForChannelRequest { channel_id, page: 0, per_page: 1000 };
    let list = server.api(PLUGIN).get_posts_for_channel(request).await.unwrap().post_list.unwrap();
    let mut times: Vec<_> = list.order.iter().map(|id| list.posts[id].create_at).collect();
    assert!(times.is_sorted_by(|a, b| a > b), "newest first");
    times.dedup();
    assert_eq!(times.len(), list.order.len());
}
