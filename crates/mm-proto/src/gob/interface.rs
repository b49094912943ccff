//! What Go has in `any` and in `error`: [`Value`] and [`ErrorValue`] as the types that the server has registered.

use std::collections::BTreeMap;

use mm_gob::codec::{Bool, Bytes, Float, Int, Interface, Map, Slice, Str, Uint};
use mm_gob::dynamic;
use mm_gob::{DecodeError, EncodeError, InterfaceReader, InterfaceValue, ValueWriter};
use prost::bytes::Bytes as Buffer;

use super::types;
use crate::plugin::v1::value::Kind;
use crate::plugin::v1::{ErrorValue, Value, ValueList, ValueMap};

/// Go's `plugin.ErrorString`: an error without a type of its own.
#[derive(Default)]
struct ErrorString {
    code: i64,
    text: String,
}

mm_gob::gob_struct! {
    ErrorString as "ErrorString" {
        "Code" => code: Int,
        "Err" => text: Str,
    }
}

const ERROR_STRING: &str = "*plugin.ErrorString";

impl InterfaceValue for Value {
    fn is_nil(&self) -> bool {
        matches!(self.kind, None | Some(Kind::NullValue(_)))
    }

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match &self.kind {
            None | Some(Kind::NullValue(_)) => out.nil_interface(),
            Some(Kind::BoolValue(value)) => out.interface::<Bool, _>("bool", value),
            Some(Kind::IntValue(value)) => out.interface::<Int, _>("int64", value),
            Some(Kind::UintValue(value)) => out.interface::<Uint, _>("uint64", value),
            Some(Kind::DoubleValue(value)) => out.interface::<Float, _>("float64", value),
            Some(Kind::StringValue(value)) => out.interface::<Str, _>("string", value),
            Some(Kind::BytesValue(value)) => out.interface::<Bytes, _>("[]uint8", value),
            Some(Kind::ListValue(list)) => out.interface::<Slice<Interface>, _>("[]interface {}", &list.values),
            Some(Kind::MapValue(map)) => {
                out.interface::<Map<Str, Interface>, _>("map[string]interface {}", &map.values)
            }
            Some(Kind::ErrorValue(error)) => InterfaceValue::encode(&**error, out),
            Some(model) => types::encode_value(model, out).unwrap_or_else(|| out.nil_interface()),
        }
    }

    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        let kind = match content.name() {
            "[]interface {}" => {
                content.read::<Slice<Interface>, _>().map(|values| Kind::ListValue(ValueList { values }))
            }
            "map[string]interface {}" => {
                content.read::<Map<Str, Interface>, _>().map(|values| Kind::MapValue(ValueMap { values }))
            }
            ERROR_STRING => ErrorValue::decode(content).map(|error| Kind::ErrorValue(Box::new(error))),
            _ => match types::decode_value(content) {
                Ok(kind) => kind,
                Err(content) => match types::decode_error(content) {
                    Ok(error) => error.map(|error| Kind::ErrorValue(Box::new(with_message(error)))),
                    Err(content) => return Ok(plain(content.dynamic()?.value)),
                },
            },
        };
        Ok(Self { kind: Some(kind?) })
    }
}

impl InterfaceValue for ErrorValue {
    /// An error without a text is an error still.
    fn is_nil(&self) -> bool {
        false
    }

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        if let Some(done) = types::encode_error(self, out) {
            return done;
        }
        let error = ErrorString { code: self.code, text: self.message.clone() };
        out.interface::<mm_gob::codec::Struct<ErrorString>, _>(ERROR_STRING, &error)
    }

    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        if content.name() == ERROR_STRING {
            let ErrorString { code, text } = content.read::<mm_gob::codec::Struct<ErrorString>, _>()?;
            return Ok(Self { code, message: text, ..Self::default() });
        }
        match types::decode_error(content) {
            Ok(error) => error.map(with_message),
            Err(content) => Ok(foreign(content.name().to_owned(), content.dynamic()?.value)),
        }
    }
}

/// The text of an error that is a struct, for those who look at the text only.
fn with_message(mut error: ErrorValue) -> ErrorValue {
    if let Some(app) = &error.app_error {
        error.message.clone_from(&app.message);
    } else if let Some(postgres) = &error.postgres_error {
        // As the driver itself words it.
        error.message = format!("pq: {}", postgres.message);
    }
    error
}

/// The text of an error that only some servers have, such as `*mysql.MySQLError`.
fn foreign(name: String, value: dynamic::Value) -> ErrorValue {
    let mut message = name;
    if let dynamic::Value::Struct(fields) = value {
        for (field, value) in fields {
            if let ("Message" | "Err" | "Msg", dynamic::Value::String(text)) = (&*field, value) {
                message = text;
            }
        }
    }
    ErrorValue { message, ..ErrorValue::default() }
}

/// What a value of any other type comes to: gob tells all there is to know of it, but for its name.
fn plain(value: dynamic::Value) -> Value {
    use dynamic::Value as Go;
    let list = |values: Vec<Value>| Kind::ListValue(ValueList { values });
    let map = |values: BTreeMap<String, Value>| Kind::MapValue(ValueMap { values });
    let kind = match value {
        Go::Bool(value) => Kind::BoolValue(value),
        Go::Int(value) => Kind::IntValue(value),
        Go::Uint(value) => i64::try_from(value).map_or(Kind::UintValue(value), Kind::IntValue),
        Go::Float(value) => Kind::DoubleValue(value),
        Go::Complex(real, imaginary) => list([real, imaginary].map(|it| plain(Go::Float(it))).into()),
        Go::Bytes(bytes) | Go::RawString(bytes) | Go::Marshaled(bytes) => Kind::BytesValue(Buffer::from(bytes)),
        Go::String(text) => Kind::StringValue(text),
        Go::List(values) => list(values.into_iter().map(plain).collect()),
        Go::Map(pairs) => map(pairs.into_iter().map(|(key, value)| (key_text(key), plain(value))).collect()),
        Go::Struct(fields) => map(fields.into_iter().map(|(name, value)| (name.to_string(), plain(value))).collect()),
        Go::Interface(None) => return Value::default(),
        Go::Interface(Some(content)) => return plain(content.value),
    };
    Value { kind: Some(kind) }
}

fn key_text(key: dynamic::Value) -> String {
    match key {
        dynamic::Value::String(text) => text,
        dynamic::Value::Bool(value) => value.to_string(),
        dynamic::Value::Int(value) => value.to_string(),
        dynamic::Value::Uint(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}
