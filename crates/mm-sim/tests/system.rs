//! The rest of the server: users and what is theirs, bots, reactions, files, events, logs, traces.

mod common;

use common::{Answers, PLUGIN, anna, answer, api, app_error, command, register, start, text};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_sim::{Event, Options, Server, TracePhase};

#[tokio::test]
async fn users_are_found_changed_and_deactivated() {
    let (server, plugin) = start(Answers { records: vec!["UserHasBeenDeactivated"], ..Default::default() }).await;
    let api = api(&server);
    let error = api.get_user(v1::GetUserRequest { user_id: "nobody".into() }).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.user.missing_account.const", 404));
    let error = api.get_user_by_username(v1::GetUserByUsernameRequest { name: "nobody".into() }).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.user.get_by_username.app_error", 404));
    let mut user = server.user("ben").unwrap();
    user.nickname = "Benny".into();
    user.roles = "system_admin".into();
    let user = api.update_user(v1::UpdateUserRequest { user: Some(user) }).await.unwrap().user.unwrap();
    // Roles are not changed this way.
    assert_eq!((user.nickname.as_str(), user.roles.as_str()), ("Benny", "system_user"));
    let search = v1::UserSearch { term: "benn".into(), ..Default::default() };
    let found = api.search_users(v1::SearchUsersRequest { search: Some(search) }).await.unwrap().users;
    assert_eq!(found.len(), 1);
    api.delete_user(v1::DeleteUserRequest { user_id: user.id.clone() }).await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["UserHasBeenDeactivated ben"]);
    assert!(server.user("ben").unwrap().delete_at > 0);
}

#[tokio::test]
async fn new_users_need_a_free_name_and_a_password() {
    let server = Server::demo();
    let create = |username: &str, email: &str, password: &str| v1::CreateUserRequest {
        user: Some(v1::User {
            username: username.into(),
            email: email.into(),
            password: password.into(),
            ..Default::default()
        }),
    };
    let api = api(&server);
    let user = api.create_user(create("Dora", "Dora@example.com", "long enough")).await.unwrap().user.unwrap();
    assert_eq!((user.username.as_str(), user.roles.as_str(), user.password.as_str()), ("dora", "system_user", ""));
    for (request, id) in [
        (create("dora", "d2@example.com", "long enough"), "app.user.save.username_exists.app_error"),
        (create("dora2", "dora@example.com", "long enough"), "app.user.save.email_exists.app_error"),
        (create("d d", "d3@example.com", "long enough"), "model.user.is_valid.username.app_error"),
        (create("dora3", "d3@example.com", "short"), "api.user.check_user_password.invalid.app_error"),
    ] {
        assert_eq!(app_error(&api.create_user(request).await.unwrap_err()), (id, 400));
    }
}

#[tokio::test]
async fn a_bot_is_made_once() {
    let server = Server::demo();
    let ensure = |username: &str, description: &str| v1::EnsureBotUserRequest {
        bot: Some(v1::Bot { username: username.into(), description: description.into(), ..Default::default() }),
    };
    let api = api(&server);
    let id = api.ensure_bot_user(ensure("helper", "one")).await.unwrap().result;
    assert_eq!(api.ensure_bot_user(ensure("helper", "two")).await.unwrap().result, id);
    let request = v1::GetBotRequest { bot_user_id: id.clone(), include_deleted: false };
    let bot = api.get_bot(request).await.unwrap().bot.unwrap();
    assert_eq!((bot.description.as_str(), bot.owner_id.as_str()), ("two", PLUGIN));
    assert!(server.user("helper").unwrap().is_bot);
    let square = anna(&server).channel("town-square").unwrap();
    let post = v1::Post { channel_id: square.id, user_id: id, message: "beep".into(), ..Default::default() };
    let post = api.create_post(v1::CreatePostRequest { post: Some(post) }).await.unwrap().post.unwrap();
    assert_eq!(post.props.get("from_bot"), Some(&text("true")));
    let request = v1::GetBotRequest { bot_user_id: "x".into(), include_deleted: true };
    assert_eq!(app_error(&api.get_bot(request).await.unwrap_err()), ("store.sql_bot.get.missing.app_error", 404));
}

#[tokio::test]
async fn reactions_are_told_and_checked() {
    let records = vec!["ReactionHasBeenAdded", "ReactionHasBeenRemoved"];
    let (server, plugin) = start(Answers { records, ..Default::default() }).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let post = anna.post(&square.id, "x").await.unwrap();
    anna.react(&post.id, "thumbsup").await.unwrap();
    anna.react(&post.id, "thumbsup").await.unwrap();
    assert_eq!(anna.reactions(&post.id).len(), 1);
    server.settle().await;
    plugin.take();
    anna.unreact(&post.id, ":thumbsup:").await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["ReactionHasBeenRemoved thumbsup"]);
    assert!(anna.reactions(&post.id).is_empty());
    let error = anna.react(&post.id, "no_such_emoji").await.unwrap_err();
    assert_eq!(app_error(&error), ("app.emoji.get_by_name.no_result", 404));
    let png = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pixel.png")).unwrap();
    anna.create_emoji("no_such_emoji", png).await.unwrap();
    anna.react(&post.id, "no_such_emoji").await.unwrap();
}

#[tokio::test]
async fn files_are_uploaded_attached_and_read() {
    let server = Server::demo();
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let info = anna.upload(&square.id, "dir/notes.TXT", b"hello".to_vec()).await.unwrap();
    assert_eq!((info.name.as_str(), info.extension.as_str(), info.size), ("notes.TXT", "txt", 5));
    let file_ids = vec![info.id.clone(), "unknown".to_owned()];
    let post = v1::Post { channel_id: square.id, file_ids, ..Default::default() };
    let post = anna.create_post(post).await.unwrap();
    assert_eq!(post.file_ids, std::slice::from_ref(&info.id));
    let api = api(&server);
    assert_eq!(&api.get_file(v1::GetFileRequest { file_id: info.id.clone() }).await.unwrap().result[..], b"hello");
    let stored =
        api.get_file_info(v1::GetFileInfoRequest { file_id: info.id.clone() }).await.unwrap().file_info.unwrap();
    assert_eq!(stored.post_id, post.id);
    let error = api.get_file_link(v1::GetFileLinkRequest { file_id: info.id }).await.unwrap_err();
    assert_eq!(app_error(&error).0, "plugin_api.get_file_link.disabled.app_error");
    let error = api.get_file(v1::GetFileRequest { file_id: "x".into() }).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.file_info.get.app_error", 404));
}

#[tokio::test]
async fn logging_in_may_be_refused() {
    let answers = Answers {
        will_log_in: Some(Box::new(|user| if user.username == "ben" { "go home".into() } else { String::new() })),
        records: vec!["UserHasLoggedIn"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    let session = anna(&server).log_in().await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["UserHasLoggedIn anna"]);
    let request = v1::GetSessionRequest { session_id: session.id };
    assert_eq!(api(&server).get_session(request).await.unwrap().session.unwrap().user_id, session.user_id);
    let error = server.act_as("ben").unwrap().log_in().await.unwrap_err();
    assert_eq!(app_error(&error), ("Login rejected by plugin: go home", 400));
}

#[tokio::test]
async fn the_users_own_things_are_kept_and_told() {
    let records = vec![
        "PreferencesHaveChanged",
        "OnWebSocketConnect",
        "OnWebSocketDisconnect",
        "WebSocketMessageHasBeenPosted",
        "OnPluginClusterEvent",
    ];
    let (server, plugin) = start(Answers { records, ..Default::default() }).await;
    let anna = anna(&server);
    anna.set_preference("display_settings", "name_format", "full_name").await.unwrap();
    server.settle().await;
    let connection = anna.connect().await;
    server.settle().await;
    assert_eq!(anna.set_status("dnd").await.unwrap().status, "dnd");
    anna.websocket_message(&connection, "custom_x", v1::ValueMap::default()).await.unwrap();
    server.settle().await;
    anna.disconnect(&connection).await;
    server.settle().await;
    let event = Some(v1::PluginClusterEvent { id: "e".into(), ..Default::default() });
    let request = v1::PublishPluginClusterEventRequest { event, ..Default::default() };
    api(&server).publish_plugin_cluster_event(request).await.unwrap();
    server.settle().await;
    assert_eq!(
        plugin.take(),
        [
            "PreferencesHaveChanged name_format",
            "OnWebSocketConnect 26",
            "WebSocketMessageHasBeenPosted custom_x",
            "OnWebSocketDisconnect 26",
            "OnPluginClusterEvent e",
        ]
    );
    // Set by hand, so it stays.
    let request = v1::GetUserStatusRequest { user_id: anna.user_id().into() };
    assert_eq!(api(&server).get_user_status(request).await.unwrap().status.unwrap().status, "dnd");
    let error = anna.set_status("busy").await.unwrap_err();
    assert_eq!(app_error(&error), ("plugin.api.update_user_status.bad_status", 400));
}

#[tokio::test]
async fn events_of_plugins_reach_their_audience() {
    let server = Server::demo();
    let (mut for_anna, mut for_ben) = (anna(&server).subscribe(), server.act_as("ben").unwrap().subscribe());
    let broadcast = v1::WebsocketBroadcast { user_id: anna(&server).user_id().into(), ..Default::default() };
    let request = v1::PublishWebSocketEventRequest {
        event: "ping".into(),
        payload: [("n".to_owned(), text("1"))].into(),
        broadcast: Some(broadcast),
    };
    api(&server).publish_web_socket_event(request).await.unwrap();
    let Some(Event::WebSocket(event)) = for_anna.try_recv() else { panic!("anna sees nothing") };
    assert_eq!((event.name.as_str(), &event.data["n"]), ("custom_com.example.test_ping", &text("1")));
    assert!(for_ben.try_recv().is_none());
    assert_eq!(server.websocket_events().last().unwrap().seq, event.seq);
}

#[tokio::test]
async fn logs_keep_their_keys_and_values() {
    let server = Server::demo();
    let request = v1::LogInfoRequest {
        msg: "did it".into(),
        key_value_pairs: vec![text("count"), v1::Value { kind: Some(Kind::IntValue(3)) }, text("odd")],
    };
    api(&server).log_info(request).await.unwrap();
    let record = server.logs().pop().unwrap();
    assert_eq!((record.plugin_id.as_str(), record.message.as_str()), (PLUGIN, "did it"));
    assert_eq!(record.fields, [("count".into(), "3".into()), ("odd".into(), String::new())]);
}

#[tokio::test]
async fn calls_are_traced_on_demand() {
    let answers = Answers { will_post: Some(Box::new(|_| (None, "no".into()))), ..Default::default() };
    let (server, _) = start(answers).await;
    let mut feed = server.subscribe();
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    anna.post(&square.id, "unseen").await.unwrap_err();
    assert!(!feed.drain().iter().any(|event| matches!(event, Event::Trace(_))));
    server.set_tracing(true);
    anna.post(&square.id, "seen").await.unwrap_err();
    let traces: Vec<_> = feed
        .drain()
        .into_iter()
        .filter_map(|event| match event {
            Event::Trace(trace) => Some(trace),
            _ => None,
        })
        .collect();
    assert_eq!((traces.len(), traces[0].name, traces[0].id), (2, "MessageWillBePosted", traces[1].id));
    assert!(matches!(&traces[0].phase, TracePhase::Call { request } if request.contains("message=\"seen\"")));
    assert!(matches!(&traces[1].phase, TracePhase::Return { response, .. } if response == "reason=\"no\""));
}

#[tokio::test]
async fn a_seed_makes_everything_repeatable() {
    let play = || async {
        let server = Server::demo_with(Options { seed: Some(1), ..Default::default() });
        let anna = anna(&server);
        let square = anna.channel("town-square").unwrap();
        let post = anna.post(&square.id, "x").await.unwrap();
        (post.id, post.create_at)
    };
    assert_eq!(play().await, play().await);
}

#[tokio::test]
async fn dialogs_open_with_a_fresh_trigger_id() {
    let answers =
        Answers { command: Some(Box::new(|args| Ok(answer(&args.trigger_id, "ephemeral")))), ..Default::default() };
    let (server, _) = start(answers).await;
    register(&server, command("form")).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let trigger_id = anna.command(&square.id, None, "/form").await.unwrap().text;
    let open = |trigger_id: &str| v1::OpenInteractiveDialogRequest {
        dialog: Some(v1::OpenDialogRequest { trigger_id: trigger_id.into(), ..Default::default() }),
    };
    let mut feed = anna.subscribe();
    api(&server).open_interactive_dialog(open(&trigger_id)).await.unwrap();
    assert!(matches!(feed.try_recv(), Some(Event::WebSocket(event)) if event.name == "open_dialog"));
    server.advance(31_000);
    let error = api(&server).open_interactive_dialog(open(&trigger_id)).await.unwrap_err();
    assert_eq!(app_error(&error), ("interactive_message.decode_trigger_id.expired", 400));
}

#[tokio::test]
async fn mails_and_push_notifications_are_kept() {
    let server = Server::demo();
    let mail = |subject: &str| v1::SendMailRequest {
        to: "a@example.com".into(),
        subject: subject.into(),
        html_body: "<p>hi</p>".into(),
    };
    api(&server).send_mail(mail("hello")).await.unwrap();
    assert_eq!(server.mails()[0].1, "hello");
    let error = api(&server).send_mail(mail("")).await.unwrap_err();
    assert_eq!(app_error(&error), ("plugin_api.send_mail.missing_subject", 400));
    let notification = Some(v1::PushNotification { message: "ding".into(), ..Default::default() });
    let request = v1::SendPushNotificationRequest { notification, user_id: anna(&server).user_id().into() };
    api(&server).send_push_notification(request).await.unwrap();
    assert_eq!(server.push_notifications()[0].1.message, "ding");
}

#[tokio::test]
async fn do_not_disturb_ends_with_its_time() {
    let server = Server::demo();
    let user_id = anna(&server).user_id().to_owned();
    anna(&server).set_status("online").await.unwrap();
    let endtime = server.now() / 1000 + 60;
    let request = v1::SetUserStatusTimedDndRequest { user_id: user_id.clone(), endtime };
    assert_eq!(api(&server).set_user_status_timed_dnd(request).await.unwrap().status.unwrap().status, "dnd");
    server.advance(61_000);
    let request = v1::GetUserStatusRequest { user_id };
    assert_eq!(api(&server).get_user_status(request).await.unwrap().status.unwrap().status, "online");
}
