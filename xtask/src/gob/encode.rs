//! JSON to dynamic values.

use anyhow::{Context as _, Result, bail};
use mm_gob::codec::Marshaled as _;
use mm_gob::dynamic::{Interface, Typed, Value};
use mm_gob::{Marshaler, TypeId, WireType};
use serde_json::Value as Json;

use super::schema::Schema;
use super::text;

pub(super) fn typed(schema: &Schema<'_>, name: &str, json: &Json) -> Result<Typed> {
    let id = schema.find(name)?;
    let value = value(schema, id, json).with_context(|| name.to_owned())?;
    Ok(Typed { ty: schema.types.get(id), value })
}

fn value(schema: &Schema<'_>, id: TypeId, json: &Json) -> Result<Value> {
    let wrong = |wanted: &str| anyhow::anyhow!("{json} stands where {wanted} belongs");
    Ok(match id {
        TypeId::BOOL => Value::Bool(json.as_bool().ok_or_else(|| wrong("true or false"))?),
        TypeId::INT => Value::Int(json.as_i64().ok_or_else(|| wrong("a whole number"))?),
        TypeId::UINT => Value::Uint(json.as_u64().ok_or_else(|| wrong("a whole number, not below 0,"))?),
        TypeId::FLOAT => Value::Float(float(json).ok_or_else(|| wrong("a number"))?),
        TypeId::COMPLEX => {
            let parts = json.as_array().filter(|it| it.len() == 2).ok_or_else(|| wrong("a pair of numbers"))?;
            let part = |at: usize| float(&parts[at]).ok_or_else(|| wrong("a pair of numbers"));
            Value::Complex(part(0)?, part(1)?)
        }
        TypeId::STRING => Value::String(json.as_str().ok_or_else(|| wrong("a string"))?.to_owned()),
        TypeId::BYTES => Value::Bytes(text::from_base64(json.as_str().ok_or_else(|| wrong("base64"))?)?),
        TypeId::INTERFACE => Value::Interface(interface(schema, json)?.map(Box::new)),
        _ => defined(schema, id, json)?,
    })
}

fn defined(schema: &Schema<'_>, id: TypeId, json: &Json) -> Result<Value> {
    let definition = schema.types.definition(id).context("a type without a definition")?;
    let wrong = |wanted: &str| anyhow::anyhow!("{json} stands where {wanted} belongs");
    Ok(match &*definition {
        WireType::Slice { elem, .. } | WireType::Array { elem, .. } => {
            let values = json.as_array().ok_or_else(|| wrong("a list"))?;
            Value::List(values.iter().map(|it| value(schema, *elem, it)).collect::<Result<_>>()?)
        }
        WireType::Map { key, elem, .. } => {
            let pairs = json.as_object().ok_or_else(|| wrong("an object"))?;
            let pair = |(name, it): (&String, &Json)| {
                let bare = if *key == TypeId::STRING { Json::from(name.as_str()) } else { serde_json::from_str(name)? };
                Ok((value(schema, *key, &bare)?, value(schema, *elem, it).with_context(|| name.clone())?))
            };
            Value::Map(pairs.iter().map(pair).collect::<Result<_>>()?)
        }
        WireType::Struct { fields, name } => {
            let given = json.as_object().ok_or_else(|| wrong("an object"))?;
            if let Some(unknown) = given.keys().find(|key| fields.iter().all(|it| *it.name != ***key)) {
                bail!("{name} has no field {unknown}");
            }
            let mut values = Vec::new();
            for field in fields {
                // Go's nil is a field that is not there, but for an interface, which can hold nil.
                match given.get(&*field.name) {
                    None => {}
                    Some(Json::Null) if field.id != TypeId::INTERFACE => {}
                    Some(it) => {
                        let value = value(schema, field.id, it).with_context(|| format!("{name}.{}", field.name))?;
                        values.push((field.name.clone(), value));
                    }
                }
            }
            Value::Struct(values)
        }
        WireType::Marshaled { by: Marshaler::Gob, .. } => {
            let mut bytes = Vec::new();
            text::from_rfc3339(json.as_str().ok_or_else(|| wrong("a time"))?)?.marshal(&mut bytes)?;
            Value::Marshaled(bytes)
        }
        WireType::Marshaled { .. } => {
            Value::Marshaled(json.as_str().ok_or_else(|| wrong("a string"))?.as_bytes().to_vec())
        }
    })
}

fn interface(schema: &Schema<'_>, json: &Json) -> Result<Option<Interface>> {
    let list = |values: &Vec<Json>| values.iter().map(|it| interface(schema, it)).collect::<Result<Vec<_>>>();
    Ok(Some(match json {
        Json::Null => return Ok(None),
        Json::Bool(it) => (*it).into(),
        Json::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(int), _, _) => int.into(),
            (None, Some(uint), _) => uint.into(),
            (None, None, float) => float.context("a number out of range")?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => list(values)?.into(),
        Json::Object(pairs) => match (pairs.get("$type").and_then(Json::as_str), pairs.get("value")) {
            (Some(name), Some(content)) if pairs.len() == 2 => {
                let id = schema.registered(name)?;
                let value = value(schema, id, content).with_context(|| name.to_owned())?;
                Interface { name: name.to_owned(), ty: schema.types.get(id), value }
            }
            _ => {
                let pair = |(name, it): (&String, &Json)| Ok((name.clone(), interface(schema, it)?));
                pairs.iter().map(pair).collect::<Result<Vec<_>>>()?.into_iter().collect()
            }
        },
    }))
}

fn float(json: &Json) -> Option<f64> {
    match json.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => json.as_f64(),
    }
}
