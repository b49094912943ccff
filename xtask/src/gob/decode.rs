//! Dynamic values to JSON.

use anyhow::{Context as _, Result};
use mm_gob::codec::Marshaled as _;
use mm_gob::dynamic::{Interface, Type, Typed, Value};
use mm_gob::{Marshaler, Time, TypeId, WireType};
use serde_json::{Map, Value as Json, json};

use super::text;

pub(super) fn json(typed: &Typed) -> Result<Json> {
    value(&typed.ty, typed.ty.id(), &typed.value)
}

fn value(ty: &Type, id: TypeId, it: &Value) -> Result<Json> {
    let definition = ty.types().definition(id);
    let definition = definition.as_deref();
    Ok(match it {
        Value::Bool(it) => json!(it),
        Value::Int(it) => json!(it),
        Value::Uint(it) => json!(it),
        Value::Float(it) => float(*it),
        Value::Complex(real, imaginary) => Json::Array(vec![float(*real), float(*imaginary)]),
        Value::Bytes(bytes) => json!(text::to_base64(bytes)),
        Value::String(text) => json!(text),
        Value::RawString(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::List(values) => {
            let elem = match definition {
                Some(WireType::Slice { elem, .. } | WireType::Array { elem, .. }) => *elem,
                _ => id,
            };
            Json::Array(values.iter().map(|it| value(ty, elem, it)).collect::<Result<_>>()?)
        }
        Value::Map(pairs) => {
            let Some(WireType::Map { key, elem, .. }) = definition else { return Ok(Json::Null) };
            let pair = |(name, it): &(Value, Value)| {
                let name = match value(ty, *key, name)? {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                Ok((name, value(ty, *elem, it)?))
            };
            Json::Object(pairs.iter().map(pair).collect::<Result<Map<_, _>>>()?)
        }
        Value::Struct(fields) => {
            let Some(WireType::Struct { fields: defined, .. }) = definition else { return Ok(Json::Null) };
            let field = |(name, it): &(std::sync::Arc<str>, Value)| {
                let field = defined.iter().find(|field| field.name == *name).context("a field without a definition")?;
                Ok((name.to_string(), value(ty, field.id, it)?))
            };
            Json::Object(fields.iter().map(field).collect::<Result<Map<_, _>>>()?)
        }
        Value::Marshaled(bytes) => match definition {
            Some(WireType::Marshaled { by: Marshaler::Gob, name }) if **name == *"Time" => {
                let mut time = Time::ZERO;
                time.unmarshal(bytes)?;
                json!(text::to_rfc3339(time))
            }
            Some(WireType::Marshaled { by: Marshaler::Binary, .. }) => json!(String::from_utf8_lossy(bytes)),
            _ => json!(text::to_base64(bytes)),
        },
        Value::Interface(None) => Json::Null,
        Value::Interface(Some(content)) => interface(content)?,
    })
}

fn interface(content: &Interface) -> Result<Json> {
    let value = value(&content.ty, content.ty.id(), &content.value)?;
    let bare = ["bool", "int64", "float64", "string", "[]interface {}", "map[string]interface {}"];
    if bare.contains(&content.name.as_str()) {
        return Ok(value);
    }
    Ok(json!({ "$type": content.name, "value": value }))
}

fn float(it: f64) -> Json {
    match serde_json::Number::from_f64(it) {
        Some(number) => Json::Number(number),
        None if it.is_nan() => json!("NaN"),
        None => json!(if it > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}
