//! Codec tables: how the native module turns a message into a Python object and back.
//!
//! A table is `(class name or None, ((number, "attribute", kind, ref), …))`. What the numbers mean is written at the
//! top of the generated `index.py`, which is where Python readers look.

use mm_codegen::ir::{Field, Presence, Ty};

use crate::context::Context;
use crate::layout::Expr;

const BOOL: u8 = 1;
const INT32: u8 = 2;
const INT64: u8 = 3;
const UINT32: u8 = 4;
const UINT64: u8 = 5;
const FLOAT: u8 = 6;
const DOUBLE: u8 = 7;
const STRING: u8 = 8;
const BYTES: u8 = 9;
const MESSAGE: u8 = 10;
const VALUE: u8 = 11;
const TIMESTAMP: u8 = 12;
const STRING_ENUM: u8 = 13;
const INT_ENUM: u8 = 14;
const ERROR: u8 = 15;
const MAP: u8 = 16;
const WRAPPED: u8 = 17;

const OPTIONAL: u8 = 0x20;
const REPEATED: u8 = 0x40;
const EMBED: u8 = 0x80;

/// The plain kinds of `Value` as `value.proto` numbers them: name, number, kind, message.
const VALUE_KINDS: [(&str, u32, u8, Option<&str>); 10] = [
    ("null_value", 1, INT64, None),
    ("bool_value", 2, BOOL, None),
    ("int_value", 3, INT64, None),
    ("uint_value", 4, UINT64, None),
    ("double_value", 5, DOUBLE, None),
    ("string_value", 6, STRING, None),
    ("bytes_value", 7, BYTES, None),
    ("list_value", 8, MESSAGE, Some("ValueList")),
    ("map_value", 9, MESSAGE, Some("ValueMap")),
    ("error_value", 10, ERROR, None),
];

/// The table of `Value`: its plain kinds, then the model types that Go puts into `any`.
pub(crate) fn value_table(context: &Context<'_>) -> Expr {
    let plain = VALUE_KINDS.iter().map(|(name, at, kind, message)| {
        let reference = message.map_or_else(|| Expr::atom("None"), Expr::string);
        Expr::Tuple(vec![Expr::atom(at.to_string()), Expr::string(name), number(*kind), reference])
    });
    let models = context.ir.value_variants.iter().map(|it| entry(context, it));
    Expr::Tuple(vec![Expr::atom("None"), Expr::Tuple(plain.chain(models).collect())])
}

/// The table of a message: `class` is `None` for requests and responses, which are tuples in Python.
pub(crate) fn table(context: &Context<'_>, class: Option<&str>, fields: &[Field]) -> Expr {
    let class = class.map_or_else(|| Expr::atom("None"), Expr::string);
    Expr::Tuple(vec![class, Expr::Tuple(fields.iter().map(|it| entry(context, it)).collect())])
}

fn entry(context: &Context<'_>, field: &Field) -> Expr {
    let (kind, reference) = kind_of_field(context, field);
    Expr::Tuple(vec![Expr::atom(field.number.to_string()), Expr::string(&field.name.python), number(kind), reference])
}

fn kind_of_field(context: &Context<'_>, field: &Field) -> (u8, Expr) {
    let (kind, reference) = kind(context, &field.ty);
    let flag = match field.presence {
        Presence::Embedded => EMBED,
        // A list or a map is never absent on the wire, only empty.
        Presence::Optional if kind & REPEATED == 0 && kind != MAP => OPTIONAL,
        Presence::Optional | Presence::Implicit | Presence::Always => 0,
    };
    (kind | flag, reference)
}

/// The kind of a type and what it refers to.
fn kind(context: &Context<'_>, ty: &Ty) -> (u8, Expr) {
    let none = || Expr::atom("None");
    match ty {
        Ty::Bool => (BOOL, none()),
        Ty::Int32 => (INT32, none()),
        Ty::Int64 => (INT64, none()),
        Ty::UInt32 => (UINT32, none()),
        Ty::UInt64 => (UINT64, none()),
        Ty::Float => (FLOAT, none()),
        Ty::Double => (DOUBLE, none()),
        Ty::String => (STRING, none()),
        Ty::Bytes | Ty::Json => (BYTES, none()),
        Ty::Timestamp => (TIMESTAMP, none()),
        Ty::Value => (VALUE, none()),
        Ty::Error => (ERROR, none()),
        Ty::StringEnum(name) if context.open_enum(name).is_some() => (STRING_ENUM, Expr::string(name)),
        Ty::StringEnum(_) => (STRING, none()),
        Ty::IntEnum(name) if context.open_enum(name).is_some() => (INT_ENUM, Expr::string(name)),
        Ty::IntEnum(_) => (INT64, none()),
        Ty::Message(name) => (MESSAGE, Expr::string(name)),
        Ty::List(item) => {
            let (kind, reference) = kind(context, item);
            (kind | REPEATED, reference)
        }
        Ty::Map(key, value) => {
            let key = match kind(context, key).0 {
                // A table has no room for the enum of keys.
                STRING_ENUM => STRING,
                INT_ENUM => INT64,
                key => key,
            };
            let (value, reference) = kind(context, value);
            (MAP, Expr::Tuple(vec![number(key), number(value), reference]))
        }
        Ty::Wrapped(name) => {
            let inner = context.ir.wrappers.get(name).map(|it| kind(context, &it.inner));
            let (kind, reference) = inner.unwrap_or((VALUE, none()));
            (WRAPPED, Expr::Tuple(vec![number(kind), reference]))
        }
    }
}

fn number(kind: u8) -> Expr {
    Expr::atom(if kind < OPTIONAL { kind.to_string() } else { format!("0x{kind:02X}") })
}
