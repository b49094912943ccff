//! Reading dynamic values.

use super::Value;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::read::ValueReader;
use crate::types::{Kind, TypeId, WireType};

/// Reads a value of the sender's type `id`.
pub(crate) fn read(from: &mut ValueReader<'_>, id: TypeId) -> Result<Value, DecodeError> {
    match id.basic_kind() {
        Some(kind) => read_basic(from, kind),
        None => read_defined(from, id),
    }
}

fn read_basic(from: &mut ValueReader<'_>, kind: Kind) -> Result<Value, DecodeError> {
    Ok(match kind {
        Kind::Bool => Value::Bool(from.uint()? != 0),
        Kind::Int => Value::Int(from.int()?),
        Kind::Uint => Value::Uint(from.uint()?),
        Kind::Float => Value::Float(from.float()?),
        Kind::Complex => Value::Complex(from.float()?, from.float()?),
        Kind::Bytes => Value::Bytes(from.bytes()?.to_vec()),
        Kind::String => match String::from_utf8(from.bytes()?.to_vec()) {
            Ok(text) => Value::String(text),
            Err(error) => Value::RawString(error.into_bytes()),
        },
        _ => {
            from.enter()?;
            let content = match from.interface()? {
                Some(content) => Some(Box::new(content.dynamic()?)),
                None => None,
            };
            from.leave();
            Value::Interface(content)
        }
    })
}

fn read_defined(from: &mut ValueReader<'_>, id: TypeId) -> Result<Value, DecodeError> {
    let Some(definition) = from.session().definition(id).cloned() else {
        return Err(DecodeError::new(DecodeErrorKind::UndefinedType(id)));
    };
    from.enter()?;
    let value = match &*definition {
        WireType::Array { elem, length, .. } => read_list(from, *elem, Some(*length))?,
        WireType::Slice { elem, .. } => read_list(from, *elem, None)?,
        WireType::Map { key, elem, .. } => {
            let (count, room) = from.count(size_of::<(Value, Value)>())?;
            let mut pairs = Vec::with_capacity(room);
            for _ in 0..count {
                from.element()?;
                pairs.push((read(from, *key)?, read(from, *elem)?));
            }
            Value::Map(pairs)
        }
        WireType::Struct { fields, .. } => {
            let mut values = Vec::new();
            let mut last = 0;
            while let Some(number) = from.next_field(&mut last, fields.len())? {
                let field = &fields[number];
                values.push((field.name.clone(), read(from, field.id)?));
            }
            Value::Struct(values)
        }
        WireType::Marshaled { .. } => Value::Marshaled(from.bytes()?.to_vec()),
    };
    from.leave();
    Ok(value)
}

fn read_list(from: &mut ValueReader<'_>, elem: TypeId, length: Option<u64>) -> Result<Value, DecodeError> {
    let (count, room) = from.count(size_of::<Value>())?;
    if length.is_some_and(|length| length != count as u64) {
        return Err(DecodeError::corrupt("an array has not the length of its type"));
    }
    let mut values = Vec::with_capacity(room);
    for _ in 0..count {
        from.element()?;
        values.push(read(from, elem)?);
    }
    Ok(Value::List(values))
}
