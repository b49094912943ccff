//! Shared channels with a plugin on the other side: what it is sent, and when.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::{PLUGIN, anna, api};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi, PluginHooks};
use mm_sim::{PluginRegistration, Server};

/// The other side.
#[derive(Default)]
struct Remote {
    seen: Mutex<Vec<String>>,
    ill: AtomicBool,
    failing: AtomicBool,
}

impl Remote {
    fn note(&self, text: String) {
        self.seen.lock().unwrap().push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl PluginHooks for Remote {
    async fn on_shared_channels_ping(
        &self,
        _: v1::OnSharedChannelsPingRequest,
    ) -> Result<v1::OnSharedChannelsPingResponse, ApiError> {
        self.note("ping".into());
        Ok(v1::OnSharedChannelsPingResponse { result: !self.ill.load(Ordering::SeqCst) })
    }

    async fn on_shared_channels_sync_msg(
        &self,
        r: v1::OnSharedChannelsSyncMsgRequest,
    ) -> Result<v1::OnSharedChannelsSyncMsgResponse, ApiError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(ApiError::plain("not now"));
        }
        let message = r.msg.unwrap();
        for user in message.users.values() {
            self.note(format!("user {}", user.username));
        }
        for post in &message.posts {
            self.note(format!("{} {}", if post.delete_at > 0 { "deleted" } else { "post" }, post.message));
        }
        for it in &message.reactions {
            self.note(format!("{} {}", if it.delete_at > 0 { "unreact" } else { "react" }, it.emoji_name));
        }
        Ok(v1::OnSharedChannelsSyncMsgResponse { sync_response: None })
    }

    async fn on_shared_channels_attachment_sync_msg(
        &self,
        r: v1::OnSharedChannelsAttachmentSyncMsgRequest,
    ) -> Result<v1::OnSharedChannelsAttachmentSyncMsgResponse, ApiError> {
        self.note(format!("file {} of {}", r.file_info.unwrap().name, r.post.unwrap().message));
        Ok(v1::OnSharedChannelsAttachmentSyncMsgResponse {})
    }

    async fn on_shared_channels_profile_image_sync_msg(
        &self,
        r: v1::OnSharedChannelsProfileImageSyncMsgRequest,
    ) -> Result<v1::OnSharedChannelsProfileImageSyncMsgResponse, ApiError> {
        self.note(format!("image {}", r.user.unwrap().username));
        Ok(v1::OnSharedChannelsProfileImageSyncMsgResponse {})
    }
}

struct Story {
    server: Server,
    api: Arc<dyn PluginApi>,
    remote: Arc<Remote>,
    remote_id: String,
    channel: v1::Channel,
}

const HOOKS: [&str; 4] = [
    "OnSharedChannelsPing",
    "OnSharedChannelsSyncMsg",
    "OnSharedChannelsAttachmentSyncMsg",
    "OnSharedChannelsProfileImageSyncMsg",
];

/// A server with a registered plugin.
async fn registered(options: v1::RegisterPluginOpts) -> Story {
    let server = Server::demo();
    let remote = Arc::new(Remote::default());
    let manifest = v1::Manifest { id: PLUGIN.into(), ..Default::default() };
    server.activate(PluginRegistration::new(manifest, remote.clone(), HOOKS)).await.unwrap();
    let options = v1::RegisterPluginOpts {
        displayname: "Other Chat".into(),
        plugin_id: PLUGIN.into(),
        creator_id: server.user("admin").unwrap().id,
        ..options
    };
    let request = v1::RegisterPluginForSharedChannelsRequest { options: Some(options) };
    let api = api(&server);
    let remote_id = api.register_plugin_for_shared_channels(request.clone()).await.unwrap().result;
    assert_eq!(api.register_plugin_for_shared_channels(request).await.unwrap().result, remote_id, "the same again");
    let channel = anna(&server).channel("town-square").unwrap();
    let story = Story { server, api, remote, remote_id, channel };
    assert!(story.happened().await.contains(&"ping".to_owned()));
    story
}

/// As [`registered`], with the plugin invited to a channel.
async fn invited() -> Story {
    let story = registered(v1::RegisterPluginOpts::default()).await;
    story.invite(true).await.unwrap();
    assert!(story.happened().await.is_empty());
    story
}

impl Story {
    async fn invite(&self, share_if_not_shared: bool) -> Result<(), ApiError> {
        let request = v1::InviteRemoteToChannelRequest {
            channel_id: self.channel.id.clone(),
            remote_id: self.remote_id.clone(),
            user_id: self.server.user("admin").unwrap().id,
            share_if_not_shared,
        };
        self.api.invite_remote_to_channel(request).await.map(drop)
    }

    async fn happened(&self) -> Vec<String> {
        self.server.settle().await;
        self.remote.take()
    }

    async fn sync(&self) {
        let request = v1::SyncSharedChannelRequest { channel_id: self.channel.id.clone() };
        self.api.sync_shared_channel(request).await.unwrap();
    }
}

#[tokio::test]
async fn what_changes_is_sent_in_the_servers_order() {
    let story = invited().await;
    let anna = anna(&story.server);
    let file = anna.upload(&story.channel.id, "plan.txt", b"a plan".to_vec()).await.unwrap();
    let post = anna
        .create_post(v1::Post {
            channel_id: story.channel.id.clone(),
            message: "look".into(),
            file_ids: vec![file.id],
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(story.happened().await, ["user anna", "file plan.txt of look", "post look", "image anna"]);
    anna.react(&post.id, "wave").await.unwrap();
    assert_eq!(story.happened().await, ["post look", "react wave"], "users and files are sent once");
    anna.unreact(&post.id, "wave").await.unwrap();
    assert_eq!(story.happened().await, ["post look", "unreact wave"]);
    anna.edit(&post.id, "look here").await.unwrap();
    assert_eq!(story.happened().await, ["post look here"]);
    anna.delete(&post.id).await.unwrap();
    assert_eq!(story.happened().await, ["deleted look here"]);
    story.sync().await;
    assert_eq!(story.happened().await, Vec::<String>::new(), "nothing twice");
}

#[tokio::test]
async fn what_comes_from_the_other_side_is_not_sent_back() {
    let story = invited().await;
    let post = v1::Post {
        channel_id: story.channel.id.clone(),
        user_id: anna(&story.server).user_id().into(),
        message: "from there".into(),
        remote_id: Some(story.remote_id.clone()),
        ..Default::default()
    };
    story.api.create_post(v1::CreatePostRequest { post: Some(post) }).await.unwrap();
    assert_eq!(story.happened().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_fails_is_sent_again_with_the_next() {
    let story = invited().await;
    let anna = anna(&story.server);
    story.remote.failing.store(true, Ordering::SeqCst);
    anna.post(&story.channel.id, "first").await.unwrap();
    assert_eq!(story.happened().await, ["image anna"]);
    story.remote.failing.store(false, Ordering::SeqCst);
    anna.post(&story.channel.id, "second").await.unwrap();
    assert_eq!(story.happened().await, ["user anna", "post first", "post second", "image anna"]);
}

#[tokio::test]
async fn a_remote_that_is_not_well_gets_nothing_until_it_is() {
    let story = invited().await;
    story.remote.ill.store(true, Ordering::SeqCst);
    story.server.advance(6 * 60_000);
    anna(&story.server).post(&story.channel.id, "missed").await.unwrap();
    assert_eq!(story.happened().await, ["ping"]);
    assert_eq!(story.server.ping_remotes().await, [("Other Chat".to_owned(), false)]);
    story.remote.ill.store(false, Ordering::SeqCst);
    story.sync().await;
    assert_eq!(story.happened().await, ["ping", "ping", "user anna", "post missed", "image anna"]);
}

#[tokio::test]
async fn the_cursor_brings_back_what_was_before_the_invitation() {
    let story = registered(v1::RegisterPluginOpts::default()).await;
    let ben = story.server.act_as("ben").unwrap();
    for number in 0..60 {
        ben.post(&story.channel.id, &format!("{number}")).await.unwrap();
    }
    story.invite(true).await.unwrap();
    assert_eq!(story.happened().await, Vec::<String>::new());
    let request = v1::UpdateSharedChannelCursorRequest {
        channel_id: story.channel.id.clone(),
        remote_id: story.remote_id.clone(),
        cursor: Some(v1::GetPostsSinceForSyncCursor::default()),
    };
    story.api.update_shared_channel_cursor(request).await.unwrap();
    assert_eq!(story.happened().await, Vec::<String>::new(), "by itself it sends nothing");
    story.sync().await;
    let posts: Vec<_> = story.happened().await.into_iter().filter(|it| it.starts_with("post")).collect();
    assert_eq!(posts, (0..60).map(|number| format!("post {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn sharing_and_what_it_needs() {
    let story = registered(v1::RegisterPluginOpts::default()).await;
    let error = story.invite(false).await.unwrap_err().to_string();
    assert!(error.contains("is not shared"), "{error}");
    let shared = v1::SharedChannel {
        channel_id: story.channel.id.clone(),
        creator_id: story.server.user("admin").unwrap().id,
        home: true,
        ..Default::default()
    };
    let share = v1::ShareChannelRequest { shared_channel: Some(shared) };
    let saved = story.api.share_channel(share.clone()).await.unwrap().shared_channel.unwrap();
    assert_eq!((&*saved.share_name, &saved.team_id), ("town-square", &story.channel.team_id));
    assert_eq!(story.api.share_channel(share).await.unwrap_err().to_string(), "channel is already shared");
    assert_eq!(story.server.channel(&story.channel.id).unwrap().shared, Some(true));
    let renamed = v1::SharedChannel { share_display_name: "Square".into(), ..saved };
    let update = v1::UpdateSharedChannelRequest { shared_channel: Some(renamed) };
    assert_eq!(
        story.api.update_shared_channel(update).await.unwrap().shared_channel.unwrap().share_display_name,
        "Square"
    );

    story.invite(false).await.unwrap();
    let uninvite = v1::UninviteRemoteFromChannelRequest {
        channel_id: story.channel.id.clone(),
        remote_id: story.remote_id.clone(),
    };
    story.api.uninvite_remote_from_channel(uninvite.clone()).await.unwrap();
    anna(&story.server).post(&story.channel.id, "among us").await.unwrap();
    assert_eq!(story.happened().await, Vec::<String>::new());
    let error = story.api.uninvite_remote_from_channel(uninvite).await.unwrap_err().to_string();
    assert!(error.contains("is not invited"), "{error}");

    let unshare = v1::UnshareChannelRequest { channel_id: story.channel.id.clone() };
    assert!(story.api.unshare_channel(unshare.clone()).await.unwrap().result);
    assert!(!story.api.unshare_channel(unshare).await.unwrap().result);
    assert_eq!(story.server.channel(&story.channel.id).unwrap().shared, Some(false));
    let leave = v1::UnregisterPluginForSharedChannelsRequest { plugin_id: PLUGIN.into() };
    story.api.unregister_plugin_for_shared_channels(leave.clone()).await.unwrap();
    assert!(story.server.remotes().is_empty());
    assert!(story.api.unregister_plugin_for_shared_channels(leave).await.is_err());
    assert!(story.invite(true).await.unwrap_err().to_string().contains("there is no remote"));
}

#[tokio::test]
async fn a_remote_can_be_in_every_shared_channel_and_in_every_talk() {
    let options = v1::RegisterPluginOpts { auto_share_dms: true, auto_invited: true, ..Default::default() };
    let story = registered(options).await;
    let anna = anna(&story.server);
    let talk = anna.direct(&story.server.user("ben").unwrap().id).await.unwrap();
    anna.post(&talk.id, "psst").await.unwrap();
    assert_eq!(story.happened().await, ["user anna", "post psst", "image anna"]);
    let shared = v1::SharedChannel {
        channel_id: story.channel.id.clone(),
        creator_id: story.server.user("admin").unwrap().id,
        home: true,
        ..Default::default()
    };
    story.api.share_channel(v1::ShareChannelRequest { shared_channel: Some(shared) }).await.unwrap();
    anna.post(&story.channel.id, "aloud").await.unwrap();
    assert_eq!(story.happened().await, ["user anna", "post aloud", "image anna"]);
}
