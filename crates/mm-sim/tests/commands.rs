//! Slash commands: of plugins and built in, their answers, and what is suggested while one types.

mod common;

use common::{Answers, anna, answer, app_error, command, register, start};
use mm_proto::ApiError;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_sim::{Event, Sent, Server, Subject};

#[tokio::test]
async fn a_command_reaches_its_plugin_and_the_answer_is_shown() {
    let answers = Answers {
        command: Some(Box::new(|args| {
            assert_eq!(args.user_mentions.keys().collect::<Vec<_>>(), ["ben"]);
            assert_eq!(args.channel_mentions.keys().collect::<Vec<_>>(), ["off-topic"]);
            Ok(answer("done", "ephemeral"))
        })),
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    register(&server, command("Todo")).await;
    let anna = anna(&server);
    let mut feed = anna.subscribe();
    let square = anna.channel("town-square").unwrap();
    let sent = anna.send(&square.id, None, "/TODO give @ben. ~off-topic").await.unwrap();
    assert!(matches!(sent, Sent::Command(response) if response.text == "done"));
    assert_eq!(plugin.take(), ["ExecuteCommand /TODO give @ben. ~off-topic"]);
    let Some(Event::WebSocket(event)) = feed.try_recv() else { panic!("nothing shown") };
    assert_eq!(event.name, "ephemeral_message");
    assert!(matches!(&event.subject, Subject::Post(post) if post.message == "done"));
}

#[tokio::test]
async fn answers_in_the_channel_are_posts() {
    let answers = Answers { command: Some(Box::new(|_| Ok(answer("for all", "in_channel")))), ..Default::default() };
    let (server, _) = start(answers).await;
    register(&server, command("tell")).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    anna.send(&square.id, None, "/tell").await.unwrap();
    let last = anna.read(&square.id, 1).await.unwrap().remove(0);
    assert_eq!((last.message.as_str(), last.user_id.as_str()), ("for all", anna.user_id()));
}

#[tokio::test]
async fn errors_of_commands_come_through() {
    let answers = Answers {
        command: Some(Box::new(|args| match args.command.as_str() {
            "/fail app" => Err(ApiError::app("my.id", "No.", 0, "here")),
            _ => Err(ApiError::plain("broken")),
        })),
        ..Default::default()
    };
    let (server, _) = start(answers).await;
    register(&server, command("fail")).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let error = anna.send(&square.id, None, "/fail app").await.unwrap_err();
    // A status that is none becomes 500.
    assert_eq!(app_error(&error), ("my.id", 500));
    let error = anna.send(&square.id, None, "/fail").await.unwrap_err();
    assert_eq!(app_error(&error), ("model.plugin_command_crash.error.app_error", 500));
    let error = anna.send(&square.id, None, "/nothing").await.unwrap_err();
    assert_eq!(app_error(&error), ("api.command.execute_command.not_found.app_error", 404));
}

#[tokio::test]
async fn built_in_commands_work_and_help_lists_the_plugins() {
    let server = Server::demo();
    register(&server, v1::Command { auto_complete_desc: "Lists things".into(), ..command("todo") }).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let Sent::Command(help) = anna.send(&square.id, None, "/help").await.unwrap() else { panic!("posted") };
    assert!(help.text.contains("`/todo` Lists things") && help.text.contains("`/help`"), "{}", help.text);
    anna.send(&square.id, None, "/me waves").await.unwrap();
    let last = anna.read(&square.id, 1).await.unwrap().remove(0);
    assert_eq!((last.message.as_str(), last.r#type.as_str()), ("*waves*", "me"));
    anna.send(&square.id, None, "/msg @ben hi").await.unwrap();
    let direct = anna.channel("@ben").unwrap();
    assert_eq!(anna.read(&direct.id, 1).await.unwrap()[0].message, "hi");
}

#[tokio::test]
async fn suggestions_follow_the_commands_description() {
    let server = Server::demo();
    let arg = |name: &str, kind: &str, required, data| v1::AutocompleteArg {
        name: name.into(),
        r#type: kind.into(),
        required,
        data: Some(v1::Value { kind: Some(data) }),
        ..Default::default()
    };
    let items = ["low", "high"].map(|item| v1::AutocompleteListItem { item: item.into(), ..Default::default() });
    let list =
        Kind::AutocompleteStaticListArg(v1::AutocompleteStaticListArg { possible_arguments: items.into() }.into());
    let free =
        Kind::AutocompleteTextArg(v1::AutocompleteTextArg { hint: "[text]".into(), ..Default::default() }.into());
    let sub = |trigger: &str, arguments| v1::AutocompleteData {
        trigger: trigger.into(),
        role_id: "system_user".into(),
        arguments,
        ..Default::default()
    };
    let data = v1::AutocompleteData {
        sub_commands: vec![
            sub("add", vec![arg("", "TextInput", true, free), arg("priority", "StaticList", false, list)]),
            v1::AutocompleteData { role_id: "system_admin".into(), ..sub("admin", vec![]) },
        ],
        ..sub("todo", vec![])
    };
    register(&server, v1::Command { autocomplete_data: Some(data), ..command("todo") }).await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    for (typed, expected) in [
        ("/tod", vec!["todo"]),
        ("/todo ", vec!["todo add"]),
        ("/todo add ", vec!["todo add "]),
        ("/todo add milk ", vec!["todo add milk --priority "]),
        ("/todo add milk --pri", vec!["todo add milk --priority "]),
        ("/todo add milk --priority ", vec!["todo add milk --priority low", "todo add milk --priority high"]),
        ("/todo add milk --priority h", vec!["todo add milk --priority high"]),
        ("no command", vec![]),
    ] {
        let found: Vec<_> = anna.suggest(&square.id, typed).await.into_iter().map(|it| it.complete).collect();
        assert_eq!(found, expected, "{typed:?}");
    }
    let admin = server.act_as("admin").unwrap();
    assert_eq!(admin.suggest(&square.id, "/todo ").await.len(), 2);
}
