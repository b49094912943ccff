//! The intermediate representation: what every target is made from.
//!
//! Made by `lower` from the surface, completed by the passes in `pass`, then read-only. Backends (`proto`, `rust`, the
//! Python generator, the reference pages) read nothing else. All collections are ordered, so output is deterministic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything a backend may know.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ir {
    /// Mattermost's version, such as `11.6.0`.
    pub upstream_version: String,
    /// API methods, sorted by Go name.
    pub api: Vec<Method>,
    /// Hooks, sorted by Go name.
    pub hooks: Vec<Method>,
    /// Model messages by proto name (`Post`), never requests or responses.
    pub messages: BTreeMap<String, Message>,
    /// Named strings and integers with their constants, by Python and Rust name (`ChannelType`).
    pub enums: BTreeMap<String, OpenEnum>,
    /// Messages that only exist because proto cannot nest lists and maps, by proto name (`StringList`).
    pub wrappers: BTreeMap<String, Wrapper>,
    /// Messages of our own for the streams, by proto name: parts of requests and responses (`ServeHTTPRequest`) and what
    /// they hold (`HttpRequestHead`). They are among neither `messages` nor `wrappers`.
    pub stream_messages: BTreeMap<String, StreamMessage>,
    /// The model types that Go really puts into `any`: the typed members of `Value.kind`, as `Ty::Message` or `Ty::Wrapped`.
    pub value_variants: Vec<Field>,
    /// The structs that travel as Go errors: the typed members of `ErrorValue`, besides its `code` and `message`.
    pub error_variants: Vec<Field>,
    /// The proto file (without `.proto`) of every message that is neither request nor response. Differs from `group`
    /// where Go files refer to each other in a circle, which proto forbids.
    pub proto_files: BTreeMap<String, String>,
    /// What a manifest may ask for, by name (`posts.read`), with what it lets a plugin do; made by the pass `permit`.
    pub permissions: BTreeMap<String, String>,
    /// The permission that a service of the host needs besides the API, by the service's name on the wire.
    pub services: BTreeMap<String, String>,
    /// Fields that are gone, by proto message: their names and numbers are never used again.
    pub reserved: BTreeMap<String, Vec<Reserved>>,
}

/// A field that `wire.lock` remembers and the surface no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reserved {
    pub name: String,
    pub number: u32,
}

/// A message of a stream. With a `oneof`, exactly one field is set in every message and all are in that `oneof`.
#[derive(Debug, Clone, Serialize)]
pub struct StreamMessage {
    /// `go_type` is ""; `group` is `http` for what methods share, else `api` or `hooks`.
    pub message: Message,
    /// `part`, or `None` for an ordinary message.
    pub oneof: Option<String>,
}

/// A Go identifier split into words, and its spelling per language. Computed once, by `names`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// As Go spells it: `GetLDAPUserAttributes`.
    pub go: String,
    /// `get_ldap_user_attributes`; proto fields, Rust and Python functions and fields, before reserved words are avoided.
    pub snake: String,
    /// `GetLdapUserAttributes`; of messages and enums their proto name, whose Rust form `names::rust_type` knows. The proto
    /// name of a method is its Go name.
    pub camel: String,
    /// `snake`, with `_` appended where Python reserves the word (PEP 8).
    pub python: String,
    /// `snake`, as prost spells the field (`r#type`), for use in Rust code.
    pub rust: String,
}

/// One API method or hook.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    pub name: Name,
    /// Upstream's `@tag`s, sorted; empty for hooks.
    pub tags: Vec<String>,
    /// The group whose page and Python mixin holds the method: the first tag, or what `overrides.toml` says; snake_case.
    pub group: String,
    /// What a plugin needs to call it; `None` for hooks.
    pub access: Option<Access>,
    /// First server version that has it, such as `5.2`.
    pub since: String,
    /// Upstream's number of the hook; `None` for API methods.
    pub hook_id: Option<u32>,
    /// Proto message of the arguments (`GetUserRequest`) and of the results (`GetUserResponse`).
    pub request: String,
    pub response: String,
    /// Arguments in Go's order. Streams (`io.Reader`, `http.ResponseWriter`) are not among them: see `stream`.
    pub params: Vec<Field>,
    /// Results in Go's order, without a trailing error.
    pub results: Vec<Field>,
    /// The parameters that `stream` carries instead of the request message, in Go's order.
    pub stream_params: Vec<StreamParam>,
    /// Whether the last Go parameter is variadic; it is then the last of `params`, as a list.
    pub variadic: bool,
    pub outcome: Outcome,
    /// A handler may also answer `Dismiss`: the server knows a reason that means it. Only where `outcome` is a verdict.
    pub dismissible: bool,
    /// The parameter that a handler's "allow" gives back, because the server takes nothing for a refusal. Only where `outcome`
    /// is a verdict.
    pub allow_returns: Option<Name>,
    /// What a plain text from a handler stands for.
    pub text_result: Option<TextResult>,
    /// What the first result of a hook stands in for where none keeps the original, and what the server makes of it.
    pub replaces: Option<Replaces>,
    /// An error of the hook refuses what was asked, so a call that failed for another reason must not look like one.
    pub refuses: bool,
    pub stream: Stream,
    pub doc: MethodDoc,
}

/// What a plugin needs to call an API method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A permission of this name.
    Needs(String),
    /// Nothing, for this reason.
    Always(String),
    /// One of this area; its name does not say which. Nowhere after the pass `permit`.
    Undecided(String),
}

/// How a handler may answer with a text in place of the model that is the hook's only result. Nothing stands for an empty model
/// then, never for Go's nil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextResult {
    /// The model's field that holds the text, as the proto has it.
    pub field: String,
    /// Other fields of the model, with their values.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}

/// The original that a hook's first result replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaces {
    /// The parameter, as in `Name::rust`.
    pub param: String,
    pub with: Replacement,
}

/// What the server makes of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It is read over the original, which keeps what is left out.
    Merged,
    /// It is taken as it comes.
    Whole,
}

/// A parameter of Go's that is a stream of bytes or an HTTP message (`io.Reader`, `*http.Request`).
#[derive(Debug, Clone, Serialize)]
pub struct StreamParam {
    pub name: Name,
    /// Go's type as the surface writes it, `io.Reader`.
    pub go_type: String,
    /// Its place among all of Go's parameters, from 0.
    pub position: usize,
    pub doc: String,
}

/// What the results mean. A shape that none fits is a diagnostic, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Results only (possibly none); the call itself cannot fail in Go.
    Value,
    /// Last Go result is `*model.AppError`.
    ValueOrAppError,
    /// Last Go result is `error`.
    ValueOrError,
    /// A hook that answers (replacement, rejection reason): results are `[value, reason]`.
    Verdict,
    /// A hook that answers only a rejection reason (`UserWillLogIn`): results are `[reason]`.
    Rejection,
}

/// How the bytes travel that are no message. The proto shape is final; `http.proto`-like chunk messages are described
/// by the backend that writes the protos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// One message in, one message out.
    None,
    /// `ServeHTTP`, `ServeMetrics`: request head and body in, response head and body out; bidirectional.
    HttpExchange,
    /// `FileWillBeUploaded`: arguments and the file in; result and the replacement out; bidirectional.
    FileExchange,
    /// `PluginHTTP`: request head and body in, response head and body out; bidirectional.
    HttpCall,
    /// `InstallPlugin`, `UploadData`: arguments and bytes in, one message out; client streaming.
    Upload,
}

/// A model struct.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub name: Name,
    /// `model.Post`.
    pub go_type: String,
    /// The proto file and Python module that holds it, such as `post`.
    pub group: String,
    /// In Go's order: that is the order of gob.
    pub fields: Vec<Field>,
    pub doc: String,
    /// Whether the message can (through other messages) contain itself.
    pub recursive: bool,
    /// No pointer to a scalar in it, or in what it holds, is ever nil at the server: what arrives as nil was zero.
    pub never_nil: bool,
}

/// A field of a message, a parameter or a result.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    pub name: Name,
    /// From `wire.lock`; stable for ever.
    pub number: u32,
    pub ty: Ty,
    pub presence: Presence,
    /// A pointer to a message that may be nil though all went well, as `overrides.toml` says: of parameters and results only.
    /// Go's types do not tell such a pointer from one that is always there.
    pub nullable: bool,
    /// Go's type as the surface writes it, `*model.User`.
    pub go_type: String,
    /// JSON key, `None` for `json:"-"`, for parameters and for results.
    pub json: Option<String>,
    pub doc: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Presence {
    /// Scalars, lists and maps: absent means the zero value.
    Implicit,
    /// A pointer in Go: `None` differs from the zero value.
    Optional,
    /// A struct by value in Go: always there, possibly empty.
    Always,
    /// An embedded struct: one nested message on the wire, its fields flat in Python and JSON.
    Embedded,
}

/// Types as the targets see them. One exhaustive `match` per target maps them, with no `_ =>` arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Ty {
    Bool,
    Int32,
    /// Go's `int`, `int64`, `int16`, `time.Duration` (nanoseconds; the doc says so).
    Int64,
    UInt32,
    UInt64,
    Float,
    Double,
    String,
    Bytes,
    /// `json.RawMessage`: bytes that are JSON. Python: `bytes`.
    Json,
    /// `time.Time`: `google.protobuf.Timestamp`; Go's zero time is the absent message. Python: aware `datetime | None`.
    Timestamp,
    /// `any`: message `Value`. Python: plain values (`None`, `bool`, `int`, `float`, `str`, `bytes`, `list`, `dict`, models).
    Value,
    /// A Go `error` inside data: message `ErrorValue`. Python: `str | None`-like exception object.
    Error,
    /// A named string with constants; the name of an `OpenEnum`. Proto `string`.
    StringEnum(String),
    /// A named integer with constants; the name of an `OpenEnum`. Proto `int64`.
    IntEnum(String),
    /// A model message by proto name.
    Message(String),
    List(Box<Ty>),
    /// Key is `String` (or a `StringEnum`) or an integer.
    Map(Box<Ty>, Box<Ty>),
    /// A list or map nested in a list or map: the wrapper message by proto name; its inner type is in `Ir::wrappers`.
    Wrapped(String),
}

impl Ty {
    /// Whether it is neither a message nor a list nor a map: in proto, absent differs from zero only with `optional`.
    pub fn is_scalar(&self) -> bool {
        match self {
            Ty::Bool
            | Ty::Int32
            | Ty::Int64
            | Ty::UInt32
            | Ty::UInt64
            | Ty::Float
            | Ty::Double
            | Ty::String
            | Ty::Bytes
            | Ty::Json
            | Ty::StringEnum(_)
            | Ty::IntEnum(_) => true,
            Ty::Timestamp | Ty::Value | Ty::Error | Ty::Message(_) | Ty::List(_) | Ty::Map(..) | Ty::Wrapped(_) => {
                false
            }
        }
    }

    /// What lists and maps hold at last; of all else the type itself.
    pub(crate) fn leaf(&self) -> &Ty {
        match self {
            Ty::List(element) | Ty::Map(_, element) => element.leaf(),
            leaf => leaf,
        }
    }
}

/// `message StringList { repeated string values = 1; }`
#[derive(Debug, Clone, Serialize)]
pub struct Wrapper {
    pub name: String,
    /// Always `List` or `Map`; field `values`, number 1.
    pub inner: Ty,
    pub group: String,
}

/// A named string or integer type. Open: values that are not listed pass through.
#[derive(Debug, Clone, Serialize)]
pub struct OpenEnum {
    pub name: Name,
    pub go_type: String,
    pub group: String,
    pub kind: EnumKind,
    /// In Go's order. Empty when Go names a type without constants; such a type is then a plain scalar everywhere.
    pub members: Vec<EnumMember>,
    pub doc: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum EnumKind {
    String,
    Int,
}

#[derive(Debug, Clone, Serialize)]
pub struct EnumMember {
    /// Go's constant, `ChannelTypeOpen`.
    pub go: String,
    /// `OPEN`: the type's name stripped, upper snake; unique in the enum.
    pub name: String,
    pub value: EnumValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum EnumValue {
    String(String),
    Int(i64),
}

/// From `docs.toml`, in our own words.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MethodDoc {
    /// What it does; one or more sentences.
    pub summary: String,
    /// What the results mean, "" when there are none.
    pub returns: String,
    /// Python exception name and when it is raised: `("NotFoundError", "no user has this id")`.
    pub raises: Vec<(String, String)>,
}

/// The message that a type names, or its elements do; `Value` and `ErrorValue` are messages too.
pub(crate) fn reference(ty: &Ty) -> Option<&str> {
    match ty.leaf() {
        Ty::Message(name) | Ty::Wrapped(name) => Some(name),
        Ty::Value => Some("Value"),
        Ty::Error => Some("ErrorValue"),
        _ => None,
    }
}
