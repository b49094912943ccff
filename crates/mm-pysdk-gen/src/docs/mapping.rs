//! Types in proto and Rust, for the pages, and the table of all four languages.

use mm_codegen::ir::{EnumKind, Field, Name, Presence, Ty};
use mm_codegen::proto::field_type;

use super::nodes::MappingRow;
use super::text::code;
use crate::context::Context;
use crate::types::{Position, annotation};

/// The proto type of a field.
pub(super) fn proto(field: &Field) -> String {
    let optional = field.presence == Presence::Optional && field.ty.is_scalar();
    format!("{}{}", if optional { "optional " } else { "" }, field_type(&field.ty))
}

/// The Rust type of a field.
pub(super) fn rust(field: &Field) -> String {
    let inner = rust_type(&field.ty);
    let optional = match &field.ty {
        Ty::Timestamp | Ty::Value | Ty::Error | Ty::Message(_) | Ty::Wrapped(_) => true,
        _ => field.presence == Presence::Optional && field.ty.is_scalar(),
    };
    if optional { format!("Option<{inner}>") } else { inner }
}

fn rust_type(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "bool".into(),
        Ty::Int32 => "i32".into(),
        Ty::Int64 | Ty::IntEnum(_) => "i64".into(),
        Ty::UInt32 => "u32".into(),
        Ty::UInt64 => "u64".into(),
        Ty::Float => "f32".into(),
        Ty::Double => "f64".into(),
        Ty::String | Ty::StringEnum(_) => "String".into(),
        Ty::Bytes | Ty::Json => "Bytes".into(),
        Ty::Timestamp => "Timestamp".into(),
        Ty::Value => "Value".into(),
        Ty::Error => "ErrorValue".into(),
        Ty::Message(name) | Ty::Wrapped(name) => name.clone(),
        Ty::List(item) => format!("Vec<{}>", rust_type(item)),
        Ty::Map(key, value) => format!("BTreeMap<{}, {}>", rust_type(key), rust_type(value)),
    }
}

/// How Go's types look elsewhere: an example of each, mapped by the same functions as every field.
pub(super) fn table(context: &Context<'_>) -> Vec<MappingRow> {
    use Presence::{Always, Implicit, Optional};
    let list = |item| Ty::List(Box::new(item));
    let map = |value| Ty::Map(Box::new(Ty::String), Box::new(value));
    let channel_type = Ty::StringEnum("ChannelType".into());
    let post = Ty::Message("Post".into());
    let strings = Ty::Wrapped("StringList".into());
    let named_int = context.ir.enums.values().find(|it| it.kind == EnumKind::Int && !it.members.is_empty());
    let mut rows = vec![
        row(context, "bool", Ty::Bool, Implicit, ""),
        row(context, "int, int64", Ty::Int64, Implicit, "Fields called `…At` are milliseconds since the Unix epoch."),
        row(context, "int32", Ty::Int32, Implicit, ""),
        row(context, "uint64", Ty::UInt64, Implicit, ""),
        row(context, "float64", Ty::Double, Implicit, ""),
        row(context, "string", Ty::String, Implicit, ""),
        row(context, "*string", Ty::String, Optional, "`None` differs from the zero value."),
        row(context, "[]byte", Ty::Bytes, Implicit, ""),
        row(context, "json.RawMessage", Ty::Json, Implicit, "JSON, as Go has it."),
        row(context, "time.Duration", Ty::Int64, Implicit, "Nanoseconds."),
        row(context, "time.Time", Ty::Timestamp, Implicit, "Aware, in UTC; `None` is Go's zero time."),
        row(context, "model.ChannelType", channel_type, Implicit, "A value that the SDK does not know stays a `str`."),
        row(context, "model.Post", post.clone(), Always, "By value: always there."),
        row(
            context,
            "*model.Post",
            post.clone(),
            Optional,
            "As a parameter or a result it is there, unless the reference says otherwise.",
        ),
        row(context, "[]*model.Post", list(post), Implicit, "Parameters take any `Sequence`."),
        row(context, "map[string]string", map(Ty::String), Implicit, "Parameters take any `Mapping`."),
        row(
            context,
            "map[string][]string",
            map(strings),
            Implicit,
            "Proto cannot nest them: a message wraps the inner one.",
        ),
        row(
            context,
            "any",
            Ty::Value,
            Implicit,
            "`None`, `bool`, `int`, `float`, `str`, `bytes`, lists and dicts of them, and the models that Go puts there.",
        ),
        row(context, "error", Ty::Error, Implicit, "In data. An error that a call returns is raised."),
    ];
    if let Some(it) = named_int {
        let ty = Ty::IntEnum(it.name.camel.clone());
        rows.insert(12, row(context, &it.go_type, ty, Implicit, "A value that the SDK does not know stays an `int`."));
    }
    rows
}

fn row(context: &Context<'_>, go: &str, ty: Ty, presence: Presence, note: &'static str) -> MappingRow {
    let name = Name {
        go: String::new(),
        snake: String::new(),
        camel: String::new(),
        python: String::new(),
        rust: String::new(),
    };
    let go_type = go.into();
    let field = Field { name, number: 0, ty, presence, nullable: false, go_type, json: None, doc: String::new() };
    MappingRow {
        go: code(go),
        proto: code(&proto(&field)),
        rust: code(&rust(&field)),
        python: code(&annotation(context, &field, Position::Attribute).text),
        note,
    }
}
