//! The description itself: plain structs that mirror `surface.json` one to one. Facts of Go, no opinions.

use serde::{Deserialize, Serialize};

/// Everything `surface.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    pub upstream: Upstream,
    /// Methods of `plugin.API`, sorted by name.
    pub api: Vec<Method>,
    /// Methods of `plugin.Hooks`, sorted by id; first those without one (`Implemented`).
    pub hooks: Vec<Method>,
    /// Every named type reachable from methods, gob registrations and RPC structs, sorted by name.
    pub types: Vec<Type>,
    /// Types that may stand in an interface value on the wire, sorted by wire name; without those that gob itself knows.
    pub gob_registered: Vec<GobType>,
    /// The argument and result structs of upstream's net/rpc services, sorted by name.
    pub rpc: Vec<Struct>,
    /// Which of them (or which other type) each net/rpc method takes and fills, sorted by service and name.
    pub rpc_methods: Vec<RpcMethod>,
    /// Methods and hooks whose net/rpc code upstream writes by hand, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hand_written: Vec<String>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The Go module, `github.com/mattermost/mattermost/server/public`.
    pub module: String,
    /// The server's version, `11.6.0`.
    pub version: String,
}

/// A method of `plugin.API` or `plugin.Hooks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    pub name: String,
    /// Upstream's number of a hook; absent for API methods and for `Implemented`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    pub params: Vec<Param>,
    /// Whether the last parameter is `...T`; its type is then written `[]T`.
    pub variadic: bool,
    /// Types of the results.
    pub results: Vec<String>,
    /// First server version that has it, such as `5.2`.
    pub since: String,
    /// Values of `@tag`, sorted.
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// As Go names it; `_` or empty where it does not.
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
}

/// A named type.
///
/// `kind` says what it is underneath: `struct`, `interface`, `slice`, `array`, `map`, `pointer`, `func`, `chan`, one of Go's
/// basic types (`string`, `int64`, …), `alias` (another name for `type`), `builtin` (a type of another module
/// that `overrides.toml` gives a meaning), or `undeclared` (a type of another module of which it says nothing; only in what
/// is read with [`Fit::Unprepared`](crate::Fit::Unprepared)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Type {
    /// With its package: `model.Post`; an anonymous struct is named after what holds it (`model.Packet.License`).
    pub name: String,
    pub kind: String,
    /// The file that declares it (`model/post.go`); for types of other modules absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The import path of a type of another module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
    /// What stands behind the name, as Go writes it, where `kind` does not say it all (`[]*model.Post`).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// Whether Go gives it no name of its own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub anonymous: bool,
    /// Which methods of its own replace Go's usual encoding: `MarshalJSON`, `GobEncode`, …; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marshalers: Vec<String>,
    /// Methods that an interface asks for, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Fields of a struct in Go's order: that order is wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Constants of this type: numbers by value, then all by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consts: Vec<Const>,
}

/// A struct of an RPC service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Go's name; of an embedded field that of its type.
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    /// The key `encoding/json` uses; `-` if it skips the field, empty for an embedded struct whose fields it lifts.
    pub json: String,
    /// `omitempty` or `omitzero`.
    pub omitempty: bool,
    pub embedded: bool,
    /// Whether other packages see it: only then gob sends it.
    pub exported: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Const {
    pub name: String,
    pub value: ConstValue,
}

/// The value of a constant after Go's arithmetic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConstValue {
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    UInt(u64),
    Float(f64),
    String(String),
}

/// An entry of gob's registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GobType {
    /// Exactly as on the wire: `[]interface {}`, `*model.AppError`.
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
}

/// A method that a net/rpc server of upstream offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcMethod {
    /// The Go type that serves it: `plugin.apiRPCServer`.
    pub service: String,
    pub name: String,
    /// Type of the argument: mostly a struct of `rpc`, sometimes a plain type.
    pub args: String,
    /// Type that the reply fills.
    pub reply: String,
}

/// What `overrides.toml` says a type of another module means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// A point in time (`time.Time`).
    Timestamp,
    /// A URL in its text form (`url.URL`).
    Url,
    /// Bytes that are JSON (`json.RawMessage`).
    Json,
    /// Text.
    String,
    /// A Go error.
    Error,
    /// Bytes to read (`io.Reader`).
    Reader,
    /// Bytes to write (`io.Writer`).
    Writer,
    /// `http.ResponseWriter`.
    HttpResponseWriter,
    /// `http.Request`.
    HttpRequest,
    /// `http.Response`.
    HttpResponse,
    /// Carried by neither gob nor JSON (`sync.Mutex`).
    Opaque,
}

impl ConstValue {
    /// Numbers come by value; texts and truth values leave the order to the name.
    pub(crate) fn order(&self) -> i128 {
        match self {
            ConstValue::Int(it) => i128::from(*it),
            ConstValue::UInt(it) => i128::from(*it),
            ConstValue::Bool(_) | ConstValue::Float(_) | ConstValue::String(_) => 0,
        }
    }
}

impl Type {
    /// A type of which nothing is known yet but its name.
    pub(crate) fn named(name: String) -> Self {
        Type {
            name,
            kind: String::new(),
            file: None,
            import: None,
            ty: None,
            builtin: None,
            anonymous: false,
            marshalers: Vec::new(),
            methods: Vec::new(),
            fields: Vec::new(),
            consts: Vec::new(),
        }
    }

    /// The kind of a type of another module of which `overrides.toml` says nothing.
    pub const UNDECLARED: &str = "undeclared";

    pub(crate) fn undeclared(name: String, import: String) -> Self {
        Type { kind: Type::UNDECLARED.to_owned(), import: Some(import), ..Type::named(name) }
    }

    /// Another name for `target`.
    pub(crate) fn alias(name: String, file: Option<String>, target: String) -> Self {
        Type { kind: "alias".to_owned(), file, ty: Some(target), ..Type::named(name) }
    }
}

impl Surface {
    /// The type of this name (`model.Post`), if it is reachable.
    pub fn find_type(&self, name: &str) -> Option<&Type> {
        self.types.binary_search_by(|it| it.name.as_str().cmp(name)).ok().map(|index| &self.types[index])
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}
