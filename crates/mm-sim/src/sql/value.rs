//! Values and types between SQLite and PostgreSQL.

use mm_proto::plugin::v1::value::Kind;
use mm_sql::{SqlFailure, Value};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};

/// PostgreSQL's name of a type that a table was declared with; "" for one that is not known.
pub(super) fn type_name(declared: &str) -> String {
    let declared = declared.to_uppercase();
    let base: String = declared.split('(').next().unwrap_or_default().trim().to_owned();
    let with_zone = declared.contains("WITH TIME ZONE");
    let name = match base.split_whitespace().next().unwrap_or_default() {
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "INT2" | "INT4" | "INT8" => "INT8",
        "TEXT" => "TEXT",
        "VARCHAR" | "CHARACTER" => "VARCHAR",
        "CHAR" | "BPCHAR" => "BPCHAR",
        "BOOL" | "BOOLEAN" => "BOOL",
        "TIMESTAMPTZ" => "TIMESTAMPTZ",
        "TIMESTAMP" if with_zone => "TIMESTAMPTZ",
        "TIMESTAMP" => "TIMESTAMP",
        "DATE" => "DATE",
        "TIMETZ" => "TIMETZ",
        "TIME" if with_zone => "TIMETZ",
        "TIME" => "TIME",
        "NUMERIC" | "DECIMAL" => "NUMERIC",
        "REAL" | "FLOAT" | "DOUBLE" | "FLOAT4" | "FLOAT8" => "FLOAT8",
        "BYTEA" | "BLOB" => "BYTEA",
        "UUID" => "UUID",
        "JSON" => "JSON",
        "JSONB" => "JSONB",
        _ => "",
    };
    name.to_owned()
}

/// A stored value, and about how many bytes it takes.
pub(super) fn read(stored: ValueRef<'_>, type_name: &str) -> (Value, usize) {
    let (kind, size) = match stored {
        ValueRef::Null => (None, 0),
        ValueRef::Integer(number) if type_name == "BOOL" => (Some(Kind::BoolValue(number != 0)), 0),
        ValueRef::Integer(number) => (Some(Kind::IntValue(number)), 8),
        ValueRef::Real(number) => (Some(Kind::DoubleValue(number)), 8),
        ValueRef::Text(text) => (Some(Kind::StringValue(String::from_utf8_lossy(text).into_owned())), text.len()),
        ValueRef::Blob(bytes) => (Some(Kind::BytesValue(bytes.to_vec().into())), bytes.len()),
    };
    (Value { kind }, size + 4)
}

/// An argument.
pub(super) fn write(value: &Value) -> Result<ToSqlOutput<'_>, SqlFailure> {
    let borrowed = match &value.kind {
        None | Some(Kind::NullValue(_)) => return Ok(ToSqlOutput::Owned(Stored::Null)),
        Some(Kind::BoolValue(value)) => ValueRef::Integer((*value).into()),
        Some(Kind::IntValue(number)) => ValueRef::Integer(*number),
        Some(Kind::DoubleValue(number)) => ValueRef::Real(*number),
        Some(Kind::StringValue(text)) => ValueRef::Text(text.as_bytes()),
        Some(Kind::BytesValue(bytes)) => ValueRef::Blob(bytes),
        Some(_) => return Err(SqlFailure::misuse("an argument is a number, a text, bytes, a boolean or null")),
    };
    Ok(ToSqlOutput::Borrowed(borrowed))
}
