//! Posts: hooks and their verdicts, threads, edits, deletes, ephemeral posts, reading.

mod common;

use common::{Answers, anna, api, app_error, install, start};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_sim::{Event, Server, Subject};

fn text(value: &str) -> v1::Value {
    v1::Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

#[tokio::test]
async fn a_post_passes_the_hooks_and_is_stored() {
    let answers = Answers {
        will_post: Some(Box::new(|_| (None, String::new()))),
        records: vec!["MessageHasBeenPosted"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    let square = anna(&server).channel("town-square").unwrap();
    let post = anna(&server).post(&square.id, "hello #world").await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["MessageWillBePosted hello #world", "MessageHasBeenPosted hello #world"]);
    assert_eq!((post.hashtags.as_str(), post.id.len()), ("#world", 26));
    let stored = api(&server).get_post(v1::GetPostRequest { post_id: post.id }).await.unwrap();
    assert_eq!(stored.post.unwrap().message, "hello #world");
}

#[tokio::test]
async fn a_replacement_is_merged_over_the_original() {
    let answers = Answers {
        will_post: Some(Box::new(|mut post| {
            post.message = post.message.replace("bad", "***");
            post.props.remove("kept");
            post.hashtags.clear();
            (Some(post), String::new())
        })),
        ..Default::default()
    };
    let (server, _) = start(answers).await;
    let channel_id = anna(&server).channel("town-square").unwrap().id;
    let props = [("kept".to_owned(), text("yes"))].into();
    let post = v1::Post { channel_id, message: "bad #tag".into(), props, ..Default::default() };
    let post = anna(&server).create_post(post).await.unwrap();
    assert_eq!(post.message, "*** #tag");
    // An explicit zero counts, a removed prop does not.
    assert_eq!(post.hashtags, "");
    assert_eq!(post.props.get("kept"), Some(&text("yes")));
}

#[tokio::test]
async fn a_rejected_post_is_not_stored_and_the_reason_is_in_the_id() {
    let answers = Answers { will_post: Some(Box::new(|_| (None, "too loud".into()))), ..Default::default() };
    let (server, _) = start(answers).await;
    let square = anna(&server).channel("town-square").unwrap();
    let before = anna(&server).read(&square.id, 100).await.unwrap().len();
    let error = anna(&server).post(&square.id, "HELLO").await.unwrap_err();
    assert_eq!(app_error(&error), ("Post rejected by plugin. too loud", 400));
    assert_eq!(anna(&server).read(&square.id, 100).await.unwrap().len(), before);
}

#[tokio::test]
async fn a_dismissed_post_has_an_id_of_its_own() {
    let dismiss = "plugin.message_will_be_posted.dismiss_post";
    let answers = Answers { will_post: Some(Box::new(move |_| (None, dismiss.into()))), ..Default::default() };
    let (server, _) = start(answers).await;
    let square = anna(&server).channel("town-square").unwrap();
    let error = anna(&server).post(&square.id, "x").await.unwrap_err();
    assert_eq!(app_error(&error), (dismiss, 400));
}

#[tokio::test]
async fn plugins_see_the_post_as_those_before_them_left_it() {
    let append = |mark: &'static str| Answers {
        will_post: Some(Box::new(move |mut post| {
            post.message += mark;
            (Some(post), String::new())
        })),
        ..Default::default()
    };
    let (server, _) = start(append("1")).await;
    install(&server, "com.example.second", append("2")).await.unwrap();
    let square = anna(&server).channel("town-square").unwrap();
    assert_eq!(anna(&server).post(&square.id, "0").await.unwrap().message, "012");
}

#[tokio::test]
async fn posts_of_plugins_pass_the_hooks_too() {
    let answers = Answers {
        will_post: Some(Box::new(|_| (None, String::new()))),
        records: vec!["MessageHasBeenPosted"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    let square = anna(&server).channel("town-square").unwrap();
    let post = v1::Post {
        channel_id: square.id,
        user_id: anna(&server).user_id().into(),
        message: "from the plugin".into(),
        ..Default::default()
    };
    let post = api(&server).create_post(v1::CreatePostRequest { post: Some(post) }).await.unwrap().post.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["MessageWillBePosted from the plugin", "MessageHasBeenPosted from the plugin"]);
    assert_eq!(post.props.get("from_plugin"), Some(&text("true")));
}

#[tokio::test]
async fn edits_can_be_changed_and_refused() {
    let answers = Answers {
        will_update: Some(Box::new(|mut post| {
            if post.message == "no" {
                return (None, "not that".into());
            }
            post.message += "!";
            (Some(post), String::new())
        })),
        records: vec!["MessageHasBeenUpdated"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let post = anna.post(&square.id, "old").await.unwrap();
    let edited = anna.edit(&post.id, "new").await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["MessageWillBeUpdated old -> new", "MessageHasBeenUpdated old -> new!"]);
    assert!(edited.edit_at > 0 && edited.update_at >= edited.edit_at);
    let error = anna.edit(&post.id, "no").await.unwrap_err();
    assert_eq!(app_error(&error), ("Post rejected by plugin. not that", 400));
}

#[tokio::test]
async fn threads_count_their_answers() {
    let server = Server::demo();
    let anna = anna(&server);
    let ben = server.act_as("@ben").unwrap();
    let square = anna.channel("town-square").unwrap();
    let root = anna.post(&square.id, "question").await.unwrap();
    let first = ben.reply(&root.id, "answer").await.unwrap();
    // An answer to an answer belongs to the same thread.
    let second = anna.reply(&first.id, "thanks").await.unwrap();
    assert_eq!((first.root_id.as_str(), second.root_id.as_str()), (root.id.as_str(), root.id.as_str()));
    let thread = anna.read_thread(&second.id).await.unwrap();
    assert_eq!(thread.iter().map(|post| post.message.as_str()).collect::<Vec<_>>(), ["question", "answer", "thanks"]);
    assert_eq!(thread[0].reply_count, 2);
    anna.delete(&root.id).await.unwrap();
    assert!(anna.read_thread(&first.id).await.is_err());
}

#[tokio::test]
async fn a_thread_cannot_begin_at_an_answer_or_leave_its_channel() {
    let server = Server::demo();
    let anna = anna(&server);
    let (square, topic) = (anna.channel("town-square").unwrap(), anna.channel("off-topic").unwrap());
    let root = anna.post(&square.id, "root").await.unwrap();
    let answer = anna.reply(&root.id, "answer").await.unwrap();
    let post = |channel: &v1::Channel, root: &v1::Post| v1::Post {
        channel_id: channel.id.clone(),
        root_id: root.id.clone(),
        message: "x".into(),
        ..Default::default()
    };
    let error = anna.create_post(post(&square, &answer)).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.post.create_post.root_id.app_error", 400));
    let error = anna.create_post(post(&topic, &root)).await.unwrap_err();
    assert_eq!(app_error(&error).0, "api.post.create_post.channel_root_id.app_error");
}

#[tokio::test]
async fn deleting_tells_plugins_and_hides_the_post() {
    let (server, plugin) = start(Answers { records: vec!["MessageHasBeenDeleted"], ..Default::default() }).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let post = anna.post(&square.id, "oops").await.unwrap();
    anna.delete(&post.id).await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["MessageHasBeenDeleted oops"]);
    let error = api(&server).get_post(v1::GetPostRequest { post_id: post.id }).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.post.get.app_error", 404));
}

#[tokio::test]
async fn only_the_author_and_administrators_delete() {
    let server = Server::demo();
    let square = anna(&server).channel("town-square").unwrap();
    let post = anna(&server).post(&square.id, "mine").await.unwrap();
    let error = server.act_as("ben").unwrap().delete(&post.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.context.permissions.app_error", 403));
    server.act_as("admin").unwrap().delete(&post.id).await.unwrap();
}

#[tokio::test]
async fn ephemeral_posts_reach_one_user_and_are_not_stored() {
    let server = Server::demo();
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let (mut for_anna, mut for_ben) = (anna.subscribe(), ben.subscribe());
    let square = anna.channel("town-square").unwrap();
    let post = v1::Post { channel_id: square.id, message: "psst".into(), ..Default::default() };
    let request = v1::SendEphemeralPostRequest { user_id: anna.user_id().into(), post: Some(post) };
    let post = api(&server).send_ephemeral_post(request).await.unwrap().post.unwrap();
    assert_eq!((post.r#type.as_str(), post.id.len()), ("system_ephemeral", 26));
    let Some(Event::WebSocket(event)) = for_anna.try_recv() else { panic!("anna sees nothing") };
    assert!(matches!(&event.subject, Subject::Post(post) if post.message == "psst"));
    assert!(for_ben.try_recv().is_none());
    assert!(api(&server).get_post(v1::GetPostRequest { post_id: post.id }).await.is_err());
}

#[tokio::test]
async fn readers_get_what_the_plugin_shows_them() {
    let answers = Answers {
        will_read: Some(Box::new(|posts| {
            let secret = posts.into_iter().filter(|post| post.message.contains("secret"));
            secret.map(|post| v1::Post { message: "(hidden)".into(), ..post }).collect()
        })),
        ..Default::default()
    };
    let (server, _) = start(answers).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    anna.post(&square.id, "plain").await.unwrap();
    anna.post(&square.id, "my secret").await.unwrap();
    let shown: Vec<_> = anna.read(&square.id, 2).await.unwrap().into_iter().map(|post| post.message).collect();
    assert_eq!(shown, ["plain", "(hidden)"]);
}

#[tokio::test]
async fn pages_go_from_new_to_old() {
    let server = Server::demo();
    let anna = anna(&server);
    let channel = anna.create_channel(&server.team("dev").unwrap().id, "pages", "Pages", false).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(anna.post(&channel.id, &number.to_string()).await.unwrap().id);
    }
    let api = api(&server);
    let page = |page| v1::GetPostsForChannelRequest { channel_id: channel.id.clone(), page, per_page: 2 };
    let list = api.get_posts_for_channel(page(0)).await.unwrap().post_list.unwrap();
    assert_eq!(list.order, [ids[4].clone(), ids[3].clone()]);
    let around =
        v1::GetPostsBeforeRequest { channel_id: channel.id.clone(), post_id: ids[2].clone(), page: 0, per_page: 1 };
    assert_eq!(api.get_posts_before(around).await.unwrap().post_list.unwrap().order, [ids[1].clone()]);
    let around =
        v1::GetPostsAfterRequest { channel_id: channel.id.clone(), post_id: ids[2].clone(), page: 0, per_page: 5 };
    let list = api.get_posts_after(around).await.unwrap().post_list.unwrap();
    assert_eq!(list.order, [ids[4].clone(), ids[3].clone()]);
    let many = v1::GetPostsForChannelRequest { channel_id: channel.id, page: 0, per_page: 1001 };
    let error = api.get_posts_for_channel(many).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.post.get_posts.app_error", 400));
}

#[tokio::test]
async fn a_repeated_request_makes_one_post() {
    let server = Server::demo();
    let anna = anna(&server);
    let channel_id = anna.channel("town-square").unwrap().id;
    let post = v1::Post { channel_id, message: "once".into(), pending_post_id: "p1".into(), ..Default::default() };
    let first = anna.create_post(post.clone()).await.unwrap();
    assert_eq!(anna.create_post(post.clone()).await.unwrap().id, first.id);
    server.advance(60_000);
    assert_ne!(anna.create_post(post).await.unwrap().id, first.id);
}

#[tokio::test]
async fn limits_and_unknown_things_have_mattermosts_errors() {
    let server = Server::demo();
    let anna = anna(&server);
    let api = api(&server);
    let channel_id = anna.channel("town-square").unwrap().id;
    let error = anna.post(&channel_id, &"x".repeat(16_384)).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.post.is_valid.message_length.app_error", 400));
    let post = |channel_id: &str, user_id: &str, kind: &str| v1::CreatePostRequest {
        post: Some(v1::Post {
            channel_id: channel_id.into(),
            user_id: user_id.into(),
            r#type: kind.into(),
            ..Default::default()
        }),
    };
    let error = api.create_post(post("nowhere", anna.user_id(), "")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.channel.get.existing.app_error", 404));
    let error = api.create_post(post(&channel_id, "nobody", "")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.user.missing_account.const", 404));
    let error = api.create_post(post(&channel_id, anna.user_id(), "odd")).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.post.is_valid.type.app_error", 400));
    assert!(api.create_post(post(&channel_id, anna.user_id(), "custom_odd")).await.is_ok());
}

#[tokio::test]
async fn mentions_are_counted_until_read() {
    let server = Server::demo();
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let square = anna.channel("town-square").unwrap();
    ben.read(&square.id, 10).await.unwrap();
    anna.post(&square.id, "hello @ben, and @channel").await.unwrap();
    let view = |actor: &mm_sim::Actor| actor.channels().into_iter().find(|view| view.channel.id == square.id).unwrap();
    assert_eq!((view(&ben).unread, view(&ben).mentions), (1, 1));
    assert_eq!((view(&anna).unread, view(&anna).mentions), (0, 0));
    ben.read(&square.id, 10).await.unwrap();
    assert_eq!((view(&ben).unread, view(&ben).mentions), (0, 0));
}

#[tokio::test]
async fn public_channels_that_are_named_become_a_prop() {
    let server = Server::demo();
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let post = anna.post(&square.id, "see ~off-topic and ~nowhere").await.unwrap();
    let Some(Kind::MapValue(map)) = &post.props["channel_mentions"].kind else { panic!("no map") };
    assert_eq!(map.values.keys().collect::<Vec<_>>(), ["off-topic"]);
}

#[tokio::test]
async fn pins_and_typed_attachments_survive() {
    let server = Server::demo();
    let anna = anna(&server);
    let channel_id = anna.channel("town-square").unwrap().id;
    let attachment = v1::MessageAttachment { title: "T".into(), ..Default::default() };
    let list = v1::MessageAttachmentList { values: vec![attachment] };
    let value = v1::Value { kind: Some(Kind::MessageAttachments(list)) };
    let props = [("attachments".to_owned(), value)].into();
    let post = anna.create_post(v1::Post { channel_id, props, ..Default::default() }).await.unwrap();
    // Stored as lists and maps, as the real server does.
    let Some(Kind::ListValue(list)) = &post.props["attachments"].kind else { panic!("no list") };
    let Some(Kind::MapValue(map)) = &list.values[0].kind else { panic!("no map") };
    assert_eq!(map.values["title"], text("T"));
    let pinned = anna.pin(&post.id, true).await.unwrap();
    assert!(pinned.is_pinned && pinned.edit_at == 0);
}
