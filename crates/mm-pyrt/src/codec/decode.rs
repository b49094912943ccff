//! Protobuf bytes → Python objects.
//!
//! A message is read in two steps: its fields are collected in table order (nested messages as bytes, so that a field that
//! occurs twice can be merged by joining them), then each gets its value or its default and goes into the new object.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyTuple};

use super::error::{Fail, Outcome};
use super::py;
use super::table::{Collection, Field, Shape, Table, Ty};
use super::wire::{LENGTH, MAX_DEPTH, Reader};
use super::{Shared, time};

/// What was found of a field so far.
enum Part<'a, 'py> {
    Absent,
    Ready(Bound<'py, PyAny>),
    /// A message, not decoded yet.
    Bytes(&'a [u8]),
    /// Several occurrences of a message, joined.
    Joined(Vec<u8>),
}

/// The models that an `ErrorValue` can hold, by field number.
pub(super) const ERROR_DETAILS: [(u32, &str); 2] = [(3, "AppError"), (4, "PostgresError")];

/// Decodes one top-level message.
pub(super) struct Decoder<'c, 'py, 'a> {
    pub(super) py: Python<'py>,
    pub(super) shared: &'c Shared,
    /// The parts of all messages that are open, innermost last; one buffer instead of one per message.
    parts: Vec<Part<'a, 'py>>,
}

impl<'c, 'py, 'a> Decoder<'c, 'py, 'a> {
    pub(super) fn new(py: Python<'py>, shared: &'c Shared) -> Self {
        Self { py, shared, parts: Vec::new() }
    }

    /// A whole message as a new object. `depth` counts the messages around it.
    pub(super) fn message(&mut self, table: &Table, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        if depth > MAX_DEPTH {
            return Err(Fail::value(format!("nested deeper than {MAX_DEPTH} messages")).in_message(&table.name));
        }
        match &table.maker {
            Some(maker) => {
                let object = maker.make(self.py)?;
                self.fill(table, data, &object, depth)?;
                Ok(object)
            }
            None => Ok(self.tuple(table, data, depth)?.into_any()),
        }
    }

    /// A message without a class.
    pub(super) fn tuple(&mut self, table: &Table, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyTuple>> {
        let base = self.collect(table, data, depth)?;
        let mut values = Vec::with_capacity(table.fields.len());
        for (position, field) in table.fields.iter().enumerate() {
            let part = std::mem::replace(&mut self.parts[base + position], Part::Absent);
            values.push(self.finish(field, part, depth).map_err(|it| it.in_field(&table.name, &field.name))?);
        }
        self.parts.truncate(base);
        Ok(PyTuple::new(self.py, values)?)
    }

    /// Sets all fields of a message on an object that has none yet.
    fn fill(&mut self, table: &Table, data: &'a [u8], object: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        let base = self.collect(table, data, depth)?;
        for (position, field) in table.fields.iter().enumerate() {
            let part = std::mem::replace(&mut self.parts[base + position], Part::Absent);
            if let Shape::Embed(embedded) = &field.shape {
                self.embed(embedded, part, object, depth)?;
                continue;
            }
            let value = self.finish(field, part, depth).map_err(|it| it.in_field(&table.name, &field.name))?;
            match &field.slot {
                Some(slot) => slot.set(object, &value)?,
                None => object.setattr(&field.attr, value)?,
            }
        }
        self.parts.truncate(base);
        Ok(())
    }

    fn embed(&mut self, table: &Table, part: Part<'a, 'py>, owner: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        match part {
            Part::Bytes(data) => self.fill(table, data, owner, depth + 1),
            Part::Joined(data) => Decoder::new(self.py, self.shared).fill(table, &data, owner, depth + 1),
            Part::Absent | Part::Ready(_) => self.fill(table, &[], owner, depth + 1),
        }
    }

    /// Reads all fields of a message into `parts`; returns where they begin.
    fn collect(&mut self, table: &Table, data: &'a [u8], depth: u32) -> Outcome<usize> {
        let base = self.parts.len();
        self.parts.extend((0..table.fields.len()).map(|_| Part::Absent));
        let mut reader = Reader::new(data);
        let mut hint = 0;
        while !reader.is_empty() {
            let (number, wire_type) = reader.tag().map_err(|it| Fail::value(it).in_message(&table.name))?;
            let Some(position) = table.position(number, hint) else {
                reader.skip(number, wire_type).map_err(|it| Fail::value(it).in_message(&table.name))?;
                continue;
            };
            let field = &table.fields[position];
            self.occurrence(field, base + position, wire_type, &mut reader, depth)
                .map_err(|it| it.in_field(&table.name, &field.name))?;
            // A list comes again with the same number, everything else with the next.
            hint = if matches!(field.shape, Shape::Many(_)) { position } else { position + 1 };
        }
        Ok(base)
    }

    /// One occurrence of a known field.
    fn occurrence(
        &mut self,
        field: &Field,
        at: usize,
        wire_type: u8,
        reader: &mut Reader<'a>,
        depth: u32,
    ) -> Outcome<()> {
        match &field.shape {
            Shape::Many(collection) => {
                let gathered = match &self.parts[at] {
                    Part::Ready(gathered) => gathered.clone(),
                    _ => {
                        let gathered = self.empty(collection);
                        self.parts[at] = Part::Ready(gathered.clone());
                        gathered
                    }
                };
                self.add(collection, &gathered, wire_type, reader, depth)
            }
            Shape::One(ty) | Shape::Optional(ty) if !ty.merges() => {
                self.parts[at] = Part::Ready(self.scalar(ty, wire_type, reader)?);
                Ok(())
            }
            Shape::One(_) | Shape::Optional(_) | Shape::Embed(_) => {
                expect(wire_type, LENGTH)?;
                let data = reader.bytes().map_err(Fail::value)?;
                match &mut self.parts[at] {
                    Part::Joined(joined) => joined.extend_from_slice(data),
                    part @ (Part::Absent | Part::Ready(_)) => *part = Part::Bytes(data),
                    part @ Part::Bytes(_) => {
                        let Part::Bytes(first) = *part else { return Ok(()) };
                        *part = Part::Joined([first, data].concat());
                    }
                }
                Ok(())
            }
        }
    }

    /// The value of a field, from what was found of it.
    fn finish(&mut self, field: &Field, part: Part<'a, 'py>, depth: u32) -> Outcome<Bound<'py, PyAny>> {
        match (part, &field.shape) {
            (Part::Ready(value), _) => Ok(value),
            (Part::Bytes(data), Shape::One(ty) | Shape::Optional(ty)) => self.nested(ty, data, depth + 1),
            (Part::Joined(data), Shape::One(ty) | Shape::Optional(ty)) => {
                Decoder::new(self.py, self.shared).nested(ty, &data, depth + 1)
            }
            (_, Shape::Many(collection)) => Ok(self.empty(collection)),
            (_, Shape::One(ty)) => self.zero(ty, depth),
            (_, Shape::Optional(_) | Shape::Embed(_)) => Ok(self.none()),
        }
    }

    /// Adds one occurrence of a repeated field to its list or dict.
    fn add(
        &mut self,
        collection: &Collection,
        gathered: &Bound<'py, PyAny>,
        wire_type: u8,
        reader: &mut Reader<'a>,
        depth: u32,
    ) -> Outcome<()> {
        match collection {
            Collection::List(ty) => {
                // SAFETY: `empty` made a list for this collection.
                let list = unsafe { gathered.cast_unchecked::<PyList>() };
                if wire_type == LENGTH && ty.wire_type() != LENGTH {
                    let mut packed = Reader::new(reader.bytes().map_err(Fail::value)?);
                    while !packed.is_empty() {
                        let value =
                            self.scalar(ty, ty.wire_type(), &mut packed).map_err(|it| it.at_index(list.len()))?;
                        list.append(value)?;
                    }
                    return Ok(());
                }
                let value = self.single(ty, wire_type, reader, depth).map_err(|it| it.at_index(list.len()))?;
                Ok(list.append(value)?)
            }
            Collection::Map { key, value } => {
                expect(wire_type, LENGTH)?;
                let data = reader.bytes().map_err(Fail::value)?;
                let (key, value) = self.entry(key, value, data, depth + 1)?;
                // SAFETY: `empty` made a dict for this collection.
                let dict = unsafe { gathered.cast_unchecked::<PyDict>() };
                Ok(dict.set_item(key, value)?)
            }
        }
    }

    /// Key and value of a map entry; either may be absent.
    fn entry(&mut self, key_ty: &Ty, value_ty: &Ty, data: &'a [u8], depth: u32) -> Outcome<py::Item<'py>> {
        if depth > MAX_DEPTH {
            return Err(Fail::value(format!("nested deeper than {MAX_DEPTH} messages")));
        }
        let (mut key, mut value) = (None, None);
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            match reader.tag().map_err(Fail::value)? {
                (1, wire_type) => key = Some(self.scalar(key_ty, wire_type, &mut reader)?),
                (2, wire_type) => {
                    let read = self.single(value_ty, wire_type, &mut reader, depth);
                    value = Some(read.map_err(|it| match &key {
                        Some(key) => it.at_key(key),
                        None => it,
                    })?);
                }
                (number, wire_type) => reader.skip(number, wire_type).map_err(Fail::value)?,
            }
        }
        let key = key.map_or_else(|| self.zero(key_ty, depth), Ok)?;
        let value = value.map_or_else(|| self.zero(value_ty, depth), Ok)?;
        Ok((key, value))
    }

    /// A value of any type where it stands.
    fn single(&mut self, ty: &Ty, wire_type: u8, reader: &mut Reader<'a>, depth: u32) -> Outcome<Bound<'py, PyAny>> {
        if !ty.merges() {
            return self.scalar(ty, wire_type, reader);
        }
        expect(wire_type, LENGTH)?;
        let data = reader.bytes().map_err(Fail::value)?;
        self.nested(ty, data, depth + 1)
    }

    /// A value that is a message on the wire; `depth` is its own.
    pub(super) fn nested(&mut self, ty: &Ty, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        if depth > MAX_DEPTH {
            return Err(Fail::value(format!("nested deeper than {MAX_DEPTH} messages")));
        }
        match ty {
            Ty::Message(id) => {
                let table = self.shared.tables.get(self.py, *id)?;
                self.message(table, data, depth)
            }
            Ty::Value => self.value(data, depth),
            Ty::Timestamp => time::decode(self.py, self.shared, data),
            Ty::Error => self.error(data, depth),
            Ty::Wrapped(collection) => self.wrapped(collection, data, depth),
            _ => Err(Fail::value("not a message")),
        }
    }

    /// The list or dict that is field 1 of a wrapper message.
    fn wrapped(&mut self, collection: &Collection, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        let gathered = self.empty(collection);
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            match reader.tag().map_err(Fail::value)? {
                (1, wire_type) => self.add(collection, &gathered, wire_type, &mut reader, depth)?,
                (number, wire_type) => reader.skip(number, wire_type).map_err(Fail::value)?,
            }
        }
        Ok(gathered)
    }

    /// An `ErrorValue` as an exception object. Its fields are fixed: code, message, and a model that has more to say.
    pub(super) fn error(&mut self, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        let (mut code, mut message, mut detail) = (0, None, self.none());
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            let (number, wire_type) = reader.tag().map_err(Fail::value)?;
            if number == 1 {
                expect(wire_type, Ty::Int64.wire_type())?;
                code = reader.varint().map_err(Fail::value)? as i64;
            } else if number == 2 {
                message = Some(self.scalar(&Ty::String, wire_type, &mut reader)?);
            } else if let Some((_, name)) = ERROR_DETAILS.iter().find(|it| it.0 == number) {
                expect(wire_type, LENGTH)?;
                let data = reader.bytes().map_err(Fail::value)?;
                let table = self.shared.tables.by_name(self.py, name)?;
                detail = self.message(table, data, depth + 1)?;
            } else {
                reader.skip(number, wire_type).map_err(Fail::value)?;
            }
        }
        let message = message.map_or_else(|| self.zero(&Ty::String, depth), Ok)?;
        self.shared.make_error(self.py, code, message, detail).map_err(Into::into)
    }

    /// A value that is no message on the wire.
    pub(super) fn scalar(&self, ty: &Ty, wire_type: u8, reader: &mut Reader<'a>) -> Outcome<Bound<'py, PyAny>> {
        expect(wire_type, ty.wire_type())?;
        let py = self.py;
        let read = match ty {
            Ty::String => return text(py, reader.bytes().map_err(Fail::value)?),
            Ty::StringEnum(members) => {
                let data = reader.bytes().map_err(Fail::value)?;
                return match members.strings.get(data) {
                    Some(member) => Ok(member.bind(py).clone()),
                    None => text(py, data),
                };
            }
            Ty::Bytes => return Ok(PyBytes::new(py, reader.bytes().map_err(Fail::value)?).into_any()),
            Ty::Float => {
                let bits = reader.fixed32().map_err(Fail::value)?;
                return Ok(PyFloat::new(py, f64::from(f32::from_bits(bits))).into_any());
            }
            Ty::Double => {
                let bits = reader.fixed64().map_err(Fail::value)?;
                return Ok(PyFloat::new(py, f64::from_bits(bits)).into_any());
            }
            _ => reader.varint().map_err(Fail::value)?,
        };
        Ok(match ty {
            Ty::Bool => PyBool::new(py, read != 0).to_owned().into_any(),
            Ty::Int32 => py::new_int(py, i64::from(read as i32))?,
            Ty::UInt32 => py::new_int(py, i64::from(read as u32))?,
            Ty::UInt64 => py::new_uint(py, read)?,
            Ty::IntEnum(members) => match members.ints.get(&(read as i64)) {
                Some(member) => member.bind(py).clone(),
                None => py::new_int(py, read as i64)?,
            },
            _ => py::new_int(py, read as i64)?,
        })
    }

    /// What a field without presence has when it is absent.
    fn zero(&mut self, ty: &Ty, depth: u32) -> Outcome<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match ty {
            Ty::Bool => PyBool::new(py, false).to_owned().into_any(),
            Ty::Int32 | Ty::Int64 | Ty::UInt32 | Ty::UInt64 => py::new_int(py, 0)?,
            Ty::Float | Ty::Double => PyFloat::new(py, 0.0).into_any(),
            Ty::String => py::new_str(py, b"")?,
            Ty::Bytes => PyBytes::new(py, b"").into_any(),
            Ty::Value | Ty::Timestamp | Ty::Error => self.none(),
            Ty::StringEnum(members) => match members.strings.get(&b""[..]) {
                Some(member) => member.bind(py).clone(),
                None => py::new_str(py, b"")?,
            },
            Ty::IntEnum(members) => match members.ints.get(&0) {
                Some(member) => member.bind(py).clone(),
                None => py::new_int(py, 0)?,
            },
            Ty::Message(_) => self.nested(ty, &[], depth + 1)?,
            Ty::Wrapped(collection) => self.empty(collection),
        })
    }

    fn empty(&self, collection: &Collection) -> Bound<'py, PyAny> {
        match collection {
            Collection::List(_) => PyList::empty(self.py).into_any(),
            Collection::Map { .. } => PyDict::new(self.py).into_any(),
        }
    }

    pub(super) fn none(&self) -> Bound<'py, PyAny> {
        self.py.None().into_bound(self.py)
    }
}

fn text<'py>(py: Python<'py>, data: &[u8]) -> Outcome<Bound<'py, PyAny>> {
    py::new_str(py, data).map_err(|_| Fail::value("the text is not valid UTF-8"))
}

/// Refuses a field whose wire type does not fit its kind: the two sides then have different ideas of the message.
#[inline]
pub(super) fn expect(found: u8, wanted: u8) -> Outcome<()> {
    if found == wanted { Ok(()) } else { Err(Fail::value(format!("has wire type {found}, expected {wanted}"))) }
}
