//! Reading type definitions: values of Go's `wireType`, whose own layout both sides know.

use std::sync::Arc;

use crate::error::{DecodeError, DecodeErrorKind};
use crate::read::ValueReader;
use crate::types::{Marshaler, TypeId, WireField, WireType};

/// Reads one definition. Fields may be left out, as in every struct.
pub(crate) fn read(from: &mut ValueReader<'_>) -> Result<WireType, DecodeError> {
    let mut definition = None;
    each_field(from, 7, |from, number| {
        let read = match number {
            0 => {
                let (name, numbers) = read_type(from)?;
                let length =
                    u64::try_from(numbers[1]).map_err(|_| DecodeError::corrupt("an array's length is negative"))?;
                WireType::Array { name, elem: type_id(numbers[0])?, length }
            }
            1 => {
                let (name, numbers) = read_type(from)?;
                WireType::Slice { name, elem: type_id(numbers[0])? }
            }
            2 => read_struct(from)?,
            3 => {
                let (name, numbers) = read_type(from)?;
                WireType::Map { name, key: type_id(numbers[0])?, elem: type_id(numbers[1])? }
            }
            number => {
                let (name, _) = read_type(from)?;
                let by = [Marshaler::Gob, Marshaler::Binary, Marshaler::Text][number - 4];
                WireType::Marshaled { name, by }
            }
        };
        definition = Some(read);
        Ok(())
    })?;
    definition.ok_or_else(|| DecodeError::corrupt("a type definition says nothing"))
}

/// Calls `read` with the number of each field that is there.
fn each_field<'a>(
    from: &mut ValueReader<'a>,
    fields: usize,
    mut read: impl FnMut(&mut ValueReader<'a>, usize) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut last = 0;
    while let Some(number) = from.next_field(&mut last, fields)? {
        read(from, number)?;
    }
    Ok(())
}

/// All but structs look alike: `CommonType`, then up to two numbers.
fn read_type(from: &mut ValueReader<'_>) -> Result<(Arc<str>, [i64; 2]), DecodeError> {
    let mut name = Arc::from("");
    let mut numbers = [0; 2];
    each_field(from, 3, |from, number| {
        match number {
            0 => name = read_name_and_id(from)?.0,
            number => numbers[number - 1] = from.int()?,
        }
        Ok(())
    })?;
    Ok((name, numbers))
}

fn read_struct(from: &mut ValueReader<'_>) -> Result<WireType, DecodeError> {
    let mut name = Arc::from("");
    let mut fields = Vec::new();
    let max = from.session().limits.max_fields;
    each_field(from, 2, |from, number| {
        if number == 0 {
            name = read_name_and_id(from)?.0;
            return Ok(());
        }
        let (count, room) = from.count(size_of::<WireField>())?;
        if count > max {
            return Err(DecodeError::new(DecodeErrorKind::Limit("max_fields", max)));
        }
        fields.reserve(room);
        for _ in 0..count {
            from.element()?;
            let (name, id) = read_name_and_id(from)?;
            fields.push(WireField { name, id: type_id(id)? });
        }
        Ok(())
    })?;
    Ok(WireType::Struct { name, fields })
}

/// `CommonType` and `fieldType` look the same.
fn read_name_and_id(from: &mut ValueReader<'_>) -> Result<(Arc<str>, i64), DecodeError> {
    let mut name = Arc::from("");
    let mut id = 0;
    each_field(from, 2, |from, number| {
        match number {
            0 => name = String::from_utf8_lossy(from.bytes()?).into(),
            _ => id = from.int()?,
        }
        Ok(())
    })?;
    Ok((name, id))
}

fn type_id(id: i64) -> Result<TypeId, DecodeError> {
    match i32::try_from(id) {
        Ok(id) if id > 0 => Ok(TypeId(id)),
        _ => Err(DecodeError::corrupt("a type id is out of range")),
    }
}
