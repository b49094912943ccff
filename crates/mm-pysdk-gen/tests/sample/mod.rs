//! A small IR made by hand: one of each shape that the generators meet.

use std::collections::BTreeMap;

use mm_codegen::ir::{
    EnumKind, EnumMember, EnumValue, Field, Ir, Message, Method, MethodDoc, Name, OpenEnum, Outcome, Presence, Stream,
    Ty, Wrapper,
};

/// `userId` → `user_id`, enough for the names below.
fn name(go: &str) -> Name {
    let mut snake = String::new();
    for (index, character) in go.char_indices() {
        let after_lower = go[..index].ends_with(|it: char| it.is_lowercase());
        if character.is_uppercase() && index > 0 && after_lower {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    let reserved = ["from", "class", "import"].contains(&snake.as_str());
    let python = if reserved { format!("{snake}_") } else { snake.clone() };
    Name { go: go.into(), rust: snake.clone(), camel: go.into(), python, snake }
}

fn field(go: &str, number: u32, ty: Ty) -> Field {
    let (presence, go_type) = match &ty {
        Ty::Message(it) => (Presence::Optional, format!("*model.{it}")),
        _ => (Presence::Implicit, "…".to_owned()),
    };
    Field { name: name(go), number, ty, presence, nullable: false, go_type, json: None, doc: String::new() }
}

fn documented(doc: &str, field: Field) -> Field {
    Field { doc: doc.into(), ..field }
}

fn with(presence: Presence, field: Field) -> Field {
    Field { presence, ..field }
}

fn message(go: &str, group: &str, doc: &str, fields: Vec<Field>) -> (String, Message) {
    let message = Message {
        name: name(go),
        go_type: format!("model.{go}"),
        group: group.into(),
        fields,
        doc: doc.into(),
        recursive: false,
        never_nil: false,
    };
    (go.into(), message)
}

fn to(name: &str) -> Ty {
    Ty::Message(name.into())
}

fn list(item: Ty) -> Ty {
    Ty::List(Box::new(item))
}

fn map(value: Ty) -> Ty {
    Ty::Map(Box::new(Ty::String), Box::new(value))
}

fn method(go: &str, group: &str, params: Vec<Field>, results: Vec<Field>, outcome: Outcome) -> Method {
    let returns = if results.is_empty() { "" } else { "what was asked for" };
    Method {
        name: name(go),
        tags: vec![],
        group: group.into(),
        since: "5.2".into(),
        stream_params: vec![],
        access: None,
        hook_id: None,
        dismissible: false,
        allow_returns: None,
        text_result: None,
        replaces: None,
        refuses: false,
        request: format!("{go}Request"),
        response: format!("{go}Response"),
        params,
        results,
        variadic: false,
        outcome,
        stream: Stream::None,
        doc: MethodDoc {
            summary: format!("Does what {go} does. It may take a while."),
            returns: returns.into(),
            raises: vec![],
        },
    }
}

/// Models: reserved words, optional scalars, enums, nested containers, recursion, embedding, values, models by value.
fn messages() -> BTreeMap<String, Message> {
    BTreeMap::from([
        message(
            "Post",
            "post",
            "A message in a channel.",
            vec![
                field("id", 1, Ty::String),
                documented("When it was made, in milliseconds since the Unix epoch.", field("createAt", 2, Ty::Int64)),
                field("type", 3, Ty::StringEnum("PostKind".into())),
                field("props", 4, map(Ty::Value)),
                field("fileIds", 5, list(Ty::String)),
                with(Presence::Optional, field("remoteId", 6, Ty::String)),
                field("metadata", 7, to("PostMetadata")),
                field("replyTo", 8, to("Post")),
                field("message", 9, Ty::String),
                with(Presence::Always, field("author", 10, to("User"))),
            ],
        ),
        message(
            "PostMetadata",
            "post",
            "What belongs to a post.",
            vec![
                field("matches", 1, Ty::Map(Box::new(Ty::String), Box::new(Ty::Wrapped("StringList".into())))),
                field("seenAt", 2, Ty::Timestamp),
                field("posts", 3, list(to("Post"))),
                field("from", 4, Ty::String),
            ],
        ),
        message(
            "PostSearchResults",
            "post",
            "Posts that were found.",
            vec![
                with(Presence::Embedded, field("PostMetadata", 1, to("PostMetadata"))),
                field("score", 2, Ty::Double),
                field("level", 3, Ty::IntEnum("Level".into())),
                field("list", 4, list(Ty::String)),
            ],
        ),
        message(
            "User",
            "user",
            "A person or a bot.",
            vec![field("id", 1, Ty::String), field("username", 2, Ty::String)],
        ),
        message("Context", "context", "Who and from where.", vec![field("sessionId", 1, Ty::String)]),
        message("Empty", "context", "Nothing.", vec![]),
        message("FileInfo", "file_info", "A file's metadata.", vec![field("name", 1, Ty::String)]),
    ])
}

fn enums() -> BTreeMap<String, OpenEnum> {
    let kind = OpenEnum {
        name: name("PostKind"),
        go_type: "model.PostKind".into(),
        group: "post".into(),
        kind: EnumKind::String,
        members: vec![
            EnumMember {
                go: "PostKindDefault".into(),
                name: "DEFAULT".into(),
                value: EnumValue::String(String::new()),
            },
            EnumMember { go: "PostKindJoin".into(), name: "JOIN".into(), value: EnumValue::String("join".into()) },
        ],
        doc: "What kind of post it is.".into(),
    };
    let level = OpenEnum {
        name: name("Level"),
        go_type: "model.Level".into(),
        group: "user".into(),
        kind: EnumKind::Int,
        members: vec![EnumMember { go: "LevelLow".into(), name: "LOW".into(), value: EnumValue::Int(-1) }],
        doc: "How much.".into(),
    };
    BTreeMap::from([("PostKind".into(), kind), ("Level".into(), level)])
}

fn api() -> Vec<Method> {
    use Outcome::{Value, ValueOrAppError, ValueOrError};
    let user_id = || documented("Id of the user.", field("userId", 1, Ty::String));
    let replace = documented("Whether to replace it.", field("replace", 1, Ty::Bool));
    let fields = vec![field("msg", 1, Ty::String), field("keyValuePairs", 2, list(Ty::Value))];
    let mut methods = vec![
        method(
            "CreatePost",
            "post",
            vec![field("post", 1, to("Post"))],
            vec![field("post", 1, to("Post"))],
            ValueOrAppError,
        ),
        method(
            "GetEmojiImage",
            "emoji",
            vec![field("emojiId", 1, Ty::String)],
            vec![field("result", 1, Ty::Bytes), field("format", 2, Ty::String)],
            ValueOrAppError,
        ),
        Method { stream: Stream::Upload, ..method("InstallPlugin", "plugin", vec![replace], vec![], ValueOrAppError) },
        Method { variadic: true, ..method("LogInfo", "logging", fields, vec![], Value) },
        Method { stream: Stream::HttpCall, ..method("PluginHTTP", "plugin", vec![], vec![], Value) },
        method(
            "SetKinds",
            "post",
            vec![
                user_id(),
                field("kinds", 2, list(Ty::StringEnum("PostKind".into()))),
                field("payload", 3, map(Ty::Value)),
                field("aRatherLongParameterThatMakesTheSignatureLong", 4, list(map(Ty::String))),
            ],
            vec![field("result", 1, map(list(Ty::Int64)))],
            ValueOrError,
        ),
    ];
    let mut get_user = method("GetUser", "user", vec![user_id()], vec![field("user", 1, to("User"))], ValueOrAppError);
    get_user.doc.raises = vec![("NotFoundError".into(), "no user has this id".into())];
    methods.push(get_user);
    methods.sort_by(|a, b| a.name.go.cmp(&b.name.go));
    methods
}

fn hooks() -> Vec<Method> {
    use Outcome::{Rejection, Value, ValueOrError, Verdict};
    let context = || field("c", 1, to("Context"));
    let info = || field("info", 2, to("FileInfo"));
    let reason = || field("reason", 2, Ty::String);
    let actor = Field { nullable: true, ..field("actor", 2, to("User")) };
    let post = |number| field("post", number, to("Post"));
    vec![
        Method {
            stream: Stream::FileExchange,
            ..method("FileWillBeUploaded", "hooks", vec![context(), info()], vec![info(), reason()], Verdict)
        },
        method("MessageHasBeenPosted", "hooks", vec![context(), post(2)], vec![], Value),
        Method {
            dismissible: true,
            ..method("MessageWillBePosted", "hooks", vec![context(), post(2)], vec![post(1), reason()], Verdict)
        },
        method(
            "MessagesWillBeConsumed",
            "hooks",
            vec![field("posts", 1, list(to("Post")))],
            vec![field("posts", 1, list(to("Post")))],
            Value,
        ),
        method("OnActivate", "hooks", vec![], vec![], ValueOrError),
        Method { stream: Stream::HttpExchange, ..method("ServeHTTP", "hooks", vec![context()], vec![], Value) },
        method("UserHasJoinedChannel", "hooks", vec![context(), actor], vec![], Value),
        method("UserWillLogIn", "hooks", vec![context(), field("user", 2, to("User"))], vec![reason()], Rejection),
    ]
}

/// The IR.
pub(crate) fn sample() -> Ir {
    let strings = Wrapper { name: "StringList".into(), inner: list(Ty::String), group: "value".into() };
    Ir {
        upstream_version: "1.0.0".into(),
        api: api(),
        hooks: hooks(),
        messages: messages(),
        enums: enums(),
        wrappers: BTreeMap::from([("StringList".into(), strings)]),
        ..Ir::default()
    }
}
