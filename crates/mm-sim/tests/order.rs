//! What a plugin is told of, people have seen before: in a transcript a plugin's words about something come after it, every time.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use common::{PLUGIN, anna};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi, PluginHooks};
use mm_sim::{Event, Feed, PluginRegistration, Server};

/// Logs the hooks that tell it something. The hooks that decide take their time, so that what runs beside them could overtake.
struct Slow {
    api: Arc<dyn PluginApi>,
}

async fn a_while() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

macro_rules! told {
    ($($method:ident $request:ident $response:ident $go:literal;)*) => {
        const TOLD: &[&str] = &[$($go),*];

        #[async_trait]
        impl PluginHooks for Slow {
            $(
                async fn $method(&self, _: v1::$request) -> Result<v1::$response, ApiError> {
                    self.api.log_info(v1::LogInfoRequest { msg: $go.to_owned(), key_value_pairs: vec![] }).await?;
                    Ok(v1::$response::default())
                }
            )*

            async fn message_will_be_posted(
                &self,
                _: v1::MessageWillBePostedRequest,
            ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
                a_while().await;
                Ok(v1::MessageWillBePostedResponse::default())
            }

            async fn messages_will_be_consumed(
                &self,
                r: v1::MessagesWillBeConsumedRequest,
            ) -> Result<v1::MessagesWillBeConsumedResponse, ApiError> {
                a_while().await;
                Ok(v1::MessagesWillBeConsumedResponse { posts: r.posts })
            }
        }
    };
}

told! {
    channel_has_been_created ChannelHasBeenCreatedRequest ChannelHasBeenCreatedResponse "ChannelHasBeenCreated";
    user_has_joined_channel UserHasJoinedChannelRequest UserHasJoinedChannelResponse "UserHasJoinedChannel";
    user_has_left_channel UserHasLeftChannelRequest UserHasLeftChannelResponse "UserHasLeftChannel";
    user_has_joined_team UserHasJoinedTeamRequest UserHasJoinedTeamResponse "UserHasJoinedTeam";
    message_has_been_posted MessageHasBeenPostedRequest MessageHasBeenPostedResponse "MessageHasBeenPosted";
    message_has_been_updated MessageHasBeenUpdatedRequest MessageHasBeenUpdatedResponse "MessageHasBeenUpdated";
    message_has_been_deleted MessageHasBeenDeletedRequest MessageHasBeenDeletedResponse "MessageHasBeenDeleted";
    reaction_has_been_added ReactionHasBeenAddedRequest ReactionHasBeenAddedResponse "ReactionHasBeenAdded";
    reaction_has_been_removed ReactionHasBeenRemovedRequest ReactionHasBeenRemovedResponse "ReactionHasBeenRemoved";
}

/// A demo server with a plugin that is told of `hooks`.
async fn start(hooks: impl Iterator<Item = &'static str>) -> (Server, Feed) {
    let server = Server::demo();
    let feed = server.subscribe();
    let implemented = hooks.chain(["MessageWillBePosted", "MessagesWillBeConsumed"]);
    let manifest = v1::Manifest { id: PLUGIN.to_owned(), ..Default::default() };
    let plugin = Arc::new(Slow { api: server.api(PLUGIN) });
    server.activate(PluginRegistration::new(manifest, plugin, implemented)).await.unwrap();
    (server, feed)
}

/// What happened since the last time: names of web socket events and of hooks, but not what each client keeps for itself.
async fn happened(server: &Server, feed: &mut Feed) -> Vec<String> {
    server.settle().await;
    let names = feed.drain().into_iter().filter_map(|event| match event {
        Event::WebSocket(event) => Some(event.name.clone()),
        Event::Log(record) if record.plugin_id == PLUGIN => Some(record.message.clone()),
        _ => None,
    });
    let shown = |name: &String| TOLD.contains(&name.as_str()) || SHOWN.contains(&name.as_str());
    names.filter(shown).collect()
}

/// The events that are looked at.
const SHOWN: &[&str] = &[
    "posted",
    "post_edited",
    "post_deleted",
    "reaction_added",
    "reaction_removed",
    "channel_created",
    "direct_added",
    "group_added",
    "user_added",
    "user_removed",
    "added_to_team",
];

#[tokio::test]
async fn plugins_hear_of_channels_and_members_after_people() {
    // Without the hook that every announcement fires too.
    let (server, mut feed) = start(TOLD.iter().copied().filter(|it| *it != "MessageHasBeenPosted")).await;
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let team = server.team("dev").unwrap().id;
    happened(&server, &mut feed).await;

    let tea = anna.create_channel(&team, "tea", "Tea", false).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["posted", "channel_created", "ChannelHasBeenCreated"]);
    ben.join(&tea.id).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["user_added", "posted", "UserHasJoinedChannel"]);
    ben.leave(&tea.id).await.unwrap();
    let left = ["user_removed", "user_removed", "posted", "UserHasLeftChannel"];
    assert_eq!(happened(&server, &mut feed).await, left);
    anna.invite(&tea.id, ben.user_id()).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["user_added", "posted", "UserHasJoinedChannel"]);
    anna.remove(&tea.id, ben.user_id()).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, left);
    let carol = server.user("carol").unwrap().id;
    anna.group(&[anna.user_id().to_owned(), ben.user_id().to_owned(), carol]).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["group_added", "ChannelHasBeenCreated"]);
    let dora = server.create_user("dora").await.unwrap().id;
    anna.direct(&dora).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["direct_added", "ChannelHasBeenCreated"]);
    server.add_to_team(&team, &dora).await.unwrap();
    let joined = happened(&server, &mut feed).await;
    assert_eq!(joined.iter().rev().take(2).collect::<Vec<_>>(), ["UserHasJoinedTeam", "added_to_team"], "{joined:?}");
}

#[tokio::test]
async fn plugins_hear_of_posts_and_reactions_after_people() {
    let (server, mut feed) = start(TOLD.iter().copied()).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap().id;
    happened(&server, &mut feed).await;

    let post = anna.post(&square, "hello").await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["posted", "MessageHasBeenPosted"]);
    anna.edit(&post.id, "hello!").await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["post_edited", "MessageHasBeenUpdated"]);
    anna.react(&post.id, "smile").await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["reaction_added", "ReactionHasBeenAdded"]);
    anna.unreact(&post.id, "smile").await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["reaction_removed", "ReactionHasBeenRemoved"]);
    anna.delete(&post.id).await.unwrap();
    assert_eq!(happened(&server, &mut feed).await, ["post_deleted", "MessageHasBeenDeleted"]);
}
