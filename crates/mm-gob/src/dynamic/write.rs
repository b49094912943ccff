//! Writing dynamic values, under the types they came with.

use super::{Interface, Type, Value};
use crate::error::{EncodeError, EncodeErrorKind};
use crate::table::TypeTable;
use crate::types::{Kind, TypeId, WireField, WireType};
use crate::write::ValueWriter;

/// Registers a type, and all that it is made of, on an outgoing stream.
pub(crate) fn import(table: &mut TypeTable, ty: &Type) -> Result<TypeId, EncodeError> {
    if let Some(id) = known(table, ty, ty.id()) {
        return Ok(id);
    }
    // Everything is looked up before anything is registered, and without recursion: types may form long chains.
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut open = vec![ty.id()];
    while let Some(id) = open.pop() {
        if known(table, ty, id).is_some() || !seen.insert(id) {
            continue;
        }
        let definition = ty
            .types()
            .definition(id)
            .ok_or_else(|| mismatch(format!("a dynamic value's type {} is not in its set of types", id.0)))?;
        match &*definition {
            WireType::Array { elem, .. } | WireType::Slice { elem, .. } => open.push(*elem),
            WireType::Map { key, elem, .. } => open.extend([*elem, *key]),
            WireType::Struct { fields, .. } => open.extend(fields.iter().rev().map(|field| field.id)),
            WireType::Marshaled { .. } => {}
        }
        found.push((id, definition));
    }
    let reserved: Vec<TypeId> = found.iter().map(|_| table.reserve()).collect();
    for ((theirs, _), ours) in found.iter().zip(&reserved) {
        table.imported().insert(ty.key(*theirs), *ours);
    }
    for ((_, definition), ours) in found.iter().zip(&reserved) {
        let mut map = |id: TypeId| known(table, ty, id).unwrap_or(id);
        let translated = match (**definition).clone() {
            WireType::Array { name, elem, length } => WireType::Array { name, elem: map(elem), length },
            WireType::Slice { name, elem } => WireType::Slice { name, elem: map(elem) },
            WireType::Map { name, key, elem } => WireType::Map { name, key: map(key), elem: map(elem) },
            WireType::Struct { name, fields } => {
                let fields = fields.into_iter().map(|WireField { name, id }| WireField { name, id: map(id) });
                WireType::Struct { name, fields: fields.collect() }
            }
            marshaled @ WireType::Marshaled { .. } => marshaled,
        };
        table.define(*ours, translated);
    }
    Ok(known(table, ty, ty.id()).unwrap_or(ty.id()))
}

/// The id of a type on the outgoing stream, if it has one.
fn known(table: &mut TypeTable, ty: &Type, id: TypeId) -> Option<TypeId> {
    if id.basic_kind().is_some() { Some(id) } else { table.imported().get(&ty.key(id)).copied() }
}

#[cold]
fn mismatch(what: String) -> EncodeError {
    EncodeError::new(EncodeErrorKind::DynamicMismatch(what))
}

impl ValueWriter<'_> {
    /// An interface holding a dynamic value.
    pub fn dynamic(&mut self, value: &Interface) -> Result<(), EncodeError> {
        let id = import(self.types(), &value.ty)?;
        self.interface_with(&value.name, id, |out| write(out, &value.ty, &value.value))
    }
}

/// Writes a value of the type `ty`, which is registered.
pub(crate) fn write(out: &mut ValueWriter<'_>, ty: &Type, value: &Value) -> Result<(), EncodeError> {
    write_as(out, ty, ty.id(), value)
}

fn write_as(out: &mut ValueWriter<'_>, ty: &Type, id: TypeId, value: &Value) -> Result<(), EncodeError> {
    if let Some(kind) = id.basic_kind() {
        return write_basic(out, kind, value);
    }
    let Some(definition) = ty.types().definition(id) else {
        return Err(mismatch(format!("a dynamic value's type {} is not in its set of types", id.0)));
    };
    out.enter()?;
    match (&*definition, value) {
        (WireType::Array { elem, length, .. }, Value::List(values)) => {
            if values.len() as u64 != *length {
                let want = *length as usize;
                return Err(EncodeError::new(EncodeErrorKind::ArrayLength { want, have: values.len() }));
            }
            write_list(out, ty, *elem, values)?;
        }
        (WireType::Slice { elem, .. }, Value::List(values)) => write_list(out, ty, *elem, values)?,
        (WireType::Map { key, elem, .. }, Value::Map(pairs)) => {
            out.uint(pairs.len() as u64);
            for (name, value) in pairs {
                write_as(out, ty, *key, name)?;
                write_as(out, ty, *elem, value)?;
            }
        }
        (WireType::Struct { fields, .. }, Value::Struct(values)) => write_struct(out, ty, fields, values)?,
        (WireType::Marshaled { .. }, Value::Marshaled(bytes)) => out.bytes(bytes),
        (definition, value) => {
            return Err(mismatch(format!("{value:?} is no value of the type {definition:?}")));
        }
    }
    out.leave();
    Ok(())
}

fn write_list(out: &mut ValueWriter<'_>, ty: &Type, elem: TypeId, values: &[Value]) -> Result<(), EncodeError> {
    out.uint(values.len() as u64);
    values.iter().try_for_each(|value| write_as(out, ty, elem, value))
}

fn write_struct(
    out: &mut ValueWriter<'_>,
    ty: &Type,
    fields: &[WireField],
    values: &[(std::sync::Arc<str>, Value)],
) -> Result<(), EncodeError> {
    // Numbers count from 1 here: the format's own count starts one before the first field.
    let mut last = 0;
    for (name, value) in values {
        let Some(offset) = fields[last..].iter().position(|field| field.name == *name) else {
            return Err(mismatch(format!("the struct has no field {name} at this place")));
        };
        out.uint(offset as u64 + 1);
        last += offset + 1;
        write_as(out, ty, fields[last - 1].id, value)?;
    }
    out.uint(0);
    Ok(())
}

fn write_basic(out: &mut ValueWriter<'_>, kind: Kind, value: &Value) -> Result<(), EncodeError> {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => out.uint(u64::from(*value)),
        (Kind::Int, Value::Int(value)) => out.int(*value),
        (Kind::Uint, Value::Uint(value)) => out.uint(*value),
        (Kind::Float, Value::Float(value)) => out.float(*value),
        (Kind::Complex, Value::Complex(real, imaginary)) => {
            out.float(*real);
            out.float(*imaginary);
        }
        (Kind::Bytes, Value::Bytes(bytes)) | (Kind::String, Value::RawString(bytes)) => out.bytes(bytes),
        (Kind::String, Value::String(text)) => out.bytes(text.as_bytes()),
        (Kind::Interface, Value::Interface(None)) => return out.nil_interface(),
        (Kind::Interface, Value::Interface(Some(content))) => return out.dynamic(content),
        (kind, value) => return Err(mismatch(format!("{value:?} is no value of the kind {kind:?}"))),
    }
    Ok(())
}
