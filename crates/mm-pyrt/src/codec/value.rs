//! `Value`, the message behind Go's `any` ↔ plain Python values.
//!
//! Which members the oneof has, and so which model classes it can carry, is said by its table. On the way in the type on the wire
//! decides; on the way out the Python type does: `int` is int64 and beyond that uint64, lists and dicts may hold anything, a list
//! whose elements are all of one registered class travels as that class's list.

use std::borrow::Cow;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple};

use super::Shared;
use super::decode::{Decoder, expect};
use super::encode::{Encoder, Items, integer, mapping, too_deep};
use super::error::{Fail, Kind, Outcome, type_name};
use super::py::{self, DictWalk, Int};
use super::table::{Collection, Shape, Table, TableId, Ty};
use super::time;
use super::wire::{LENGTH, MAX_DEPTH, Reader, VARINT};

/// The members of the oneof.
pub(super) struct ValueTable {
    members: Vec<Member>,
}

struct Member {
    number: u32,
    role: Role,
}

enum Role {
    Null,
    Scalar(Ty),
    List(Ty),
    Map(Ty),
    Time,
    Error,
    Model(TableId),
    Models(TableId, Ty),
    /// Lists and maps of scalars; decoded, never chosen for encoding, because a plain list says the same.
    Other(Ty),
}

/// The table, kept in [`Shared`] once it is known.
pub(super) type Cell = PyOnceLock<ValueTable>;

impl ValueTable {
    fn get<'c>(py: Python<'_>, shared: &'c Shared) -> Outcome<&'c Self> {
        if let Some(known) = shared.value.get(py) {
            return Ok(known);
        }
        let members = Self::read(py, shared)?;
        Ok(shared.value.get_or_init(py, || Self { members }))
    }

    fn read(py: Python<'_>, shared: &Shared) -> Outcome<Vec<Member>> {
        // The members' types move out of a table of their own; the kept one stays for those who ask for `Value` by name.
        let table: Table = shared.tables.load_again(py, "Value")?;
        table
            .fields
            .into_vec()
            .into_iter()
            .map(|field| {
                let (Shape::One(ty) | Shape::Optional(ty)) = field.shape else {
                    let text = format!("table of Value: member {} is repeated", field.name);
                    return Err(Fail::data(Kind::Type, text));
                };
                let null = field.name.starts_with("null");
                Ok(Member { number: field.number, role: if null { Role::Null } else { Role::of(ty, shared) } })
            })
            .collect()
    }

    fn number(&self, wanted: impl Fn(&Role) -> bool) -> Option<u32> {
        self.members.iter().find(|it| wanted(&it.role)).map(|it| it.number)
    }
}

impl Role {
    fn of(ty: Ty, shared: &Shared) -> Self {
        let list = || Ty::Wrapped(Box::new(Collection::List(Ty::Value)));
        let map = || Ty::Wrapped(Box::new(Collection::Map { key: Ty::String, value: Ty::Value }));
        match ty {
            Ty::Message(id) => match shared.tables.name(id) {
                "ValueList" => Self::List(list()),
                "ValueMap" => Self::Map(map()),
                _ => Self::Model(id),
            },
            Ty::Wrapped(ref collection) => match **collection {
                Collection::List(Ty::Value) => Self::List(ty),
                Collection::Map { key: Ty::String, value: Ty::Value } => Self::Map(ty),
                Collection::List(Ty::Message(id)) => Self::Models(id, ty),
                _ => Self::Other(ty),
            },
            Ty::Timestamp => Self::Time,
            Ty::Error => Self::Error,
            Ty::Value => Self::Other(ty),
            _ => Self::Scalar(ty),
        }
    }

    fn is_scalar(&self, wanted: fn(&Ty) -> bool) -> bool {
        matches!(self, Self::Scalar(ty) if wanted(ty))
    }
}

impl<'c, 'py, 'a> Decoder<'c, 'py, 'a> {
    /// The content of a `Value`; no member at all is `None`.
    pub(super) fn value(&mut self, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        let table = ValueTable::get(self.py, self.shared)?;
        let mut reader = Reader::new(data);
        let mut result = self.none();
        // A message member that comes again adds to what was there; anything else replaces it.
        let mut open: Option<(usize, Cow<'a, [u8]>)> = None;
        while !reader.is_empty() {
            let (number, wire_type) = reader.tag().map_err(Fail::value)?;
            let Some(position) = table.members.iter().position(|it| it.number == number) else {
                reader.skip(number, wire_type).map_err(Fail::value)?;
                continue;
            };
            match &table.members[position].role {
                Role::Null => {
                    expect(wire_type, VARINT)?;
                    reader.varint().map_err(Fail::value)?;
                    (result, open) = (self.none(), None);
                }
                Role::Scalar(ty) => (result, open) = (self.scalar(ty, wire_type, &mut reader)?, None),
                _ => {
                    expect(wire_type, LENGTH)?;
                    let more = reader.bytes().map_err(Fail::value)?;
                    open = Some(match open.take() {
                        Some((before, data)) if before == position => (position, Cow::Owned([&*data, more].concat())),
                        _ => (position, Cow::Borrowed(more)),
                    });
                }
            }
        }
        match open {
            None => Ok(result),
            Some((position, Cow::Borrowed(data))) => self.member(&table.members[position].role, data, depth + 1),
            Some((position, Cow::Owned(data))) => {
                Decoder::new(self.py, self.shared).member(&table.members[position].role, &data, depth + 1)
            }
        }
    }

    fn member(&mut self, role: &Role, data: &'a [u8], depth: u32) -> Outcome<Bound<'py, PyAny>> {
        match role {
            Role::List(ty) | Role::Map(ty) | Role::Models(_, ty) | Role::Other(ty) => self.nested(ty, data, depth),
            Role::Model(id) => self.nested(&Ty::Message(*id), data, depth),
            Role::Time => self.nested(&Ty::Timestamp, data, depth),
            Role::Error => self.nested(&Ty::Error, data, depth),
            Role::Null | Role::Scalar(_) => Ok(self.none()),
        }
    }
}

impl<'c, 'py> Encoder<'c, 'py> {
    /// The one member that a Python value becomes.
    pub(super) fn value(&mut self, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        let table = ValueTable::get(self.py, self.shared)?;
        if value.is_none() {
            let number = table.number(|it| matches!(it, Role::Null)).ok_or_else(|| cannot(value))?;
            self.out.tag(number, VARINT);
            self.out.varint(0);
            return Ok(());
        }
        if value.is_instance_of::<PyString>() {
            return self.value_scalar(table, |it| matches!(it, Ty::String), value);
        }
        if py::is_bool(value) {
            return self.value_scalar(table, |it| matches!(it, Ty::Bool), value);
        }
        if value.is_instance_of::<PyInt>() {
            return match integer(value)? {
                Int::Signed(_) => self.value_scalar(table, |it| matches!(it, Ty::Int64), value),
                _ => self.value_scalar(table, |it| matches!(it, Ty::UInt64), value),
            };
        }
        if value.is_instance_of::<PyFloat>() {
            return self.value_scalar(table, |it| matches!(it, Ty::Double), value);
        }
        if value.is_instance_of::<PyBytes>()
            || value.is_instance_of::<PyByteArray>()
            || value.is_instance_of::<PyMemoryView>()
        {
            return self.value_scalar(table, |it| matches!(it, Ty::Bytes), value);
        }
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            return self.value_list(table, value, depth);
        }
        if value.is_instance_of::<PyDict>() {
            return self.value_map(table, value, depth);
        }
        self.value_object(table, value, depth)
    }

    fn value_scalar(&mut self, table: &ValueTable, wanted: fn(&Ty) -> bool, value: &Bound<'py, PyAny>) -> Outcome<()> {
        let member = table.members.iter().find(|it| it.role.is_scalar(wanted)).ok_or_else(|| cannot(value))?;
        let Role::Scalar(ty) = &member.role else { return Err(cannot(value)) };
        self.out.tag(member.number, ty.wire_type());
        self.scalar(ty, value).map(drop)
    }

    fn value_list(&mut self, table: &ValueTable, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        let items = match value.cast::<PyList>() {
            Ok(list) => Items::List(list.clone()),
            Err(_) => Items::Tuple(value.cast::<PyTuple>().map_err(|_| cannot(value))?.clone()),
        };
        for member in &table.members {
            if let Role::Models(id, ty) = &member.role
                && self.all_are(*id, &items)?
            {
                return self.value_nested(member.number, ty, value, depth);
            }
        }
        let number = table.number(|it| matches!(it, Role::List(_))).ok_or_else(|| cannot(value))?;
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        let mut index = 0;
        while index < items.len() {
            let item = items.get(index)?;
            self.value_element(1, &item, depth + 2).map_err(|it| it.at_index(index))?;
            index += 1;
        }
        self.out.end(start);
        Ok(())
    }

    fn value_map(&mut self, table: &ValueTable, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        let dict = mapping(value)?;
        let number = table.number(|it| matches!(it, Role::Map(_))).ok_or_else(|| cannot(value))?;
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        let mut walk = DictWalk::new(&dict);
        while let Some((key, value)) = walk.next().map_err(Fail::value)? {
            let text = key.cast::<PyString>().map_err(|_| {
                Fail::data(Kind::Type, format!("expected str as key, got {}", type_name(&key))).at_key(&key)
            })?;
            self.out.tag(1, LENGTH);
            let entry = self.out.begin();
            self.out.tag(1, LENGTH);
            self.text(text).map_err(|it| it.at_key(&key))?;
            self.value_element(2, &value, depth + 3).map_err(|it| it.at_key(&key))?;
            self.out.end(entry);
        }
        self.out.end(start);
        Ok(())
    }

    /// One `Value` inside a list or map; `depth` is its own.
    fn value_element(&mut self, number: u32, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        self.value(value, depth)?;
        self.out.end(start);
        Ok(())
    }

    fn value_nested(&mut self, number: u32, ty: &Ty, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        self.nested(ty, value, depth + 1)?;
        self.out.end(start);
        Ok(())
    }

    /// Anything that is no plain value: a time, an exception, a registered model, another mapping.
    fn value_object(&mut self, table: &ValueTable, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        for member in &table.members {
            match &member.role {
                Role::Model(id) if self.is_a(*id, value)? => {
                    return self.value_nested(member.number, &Ty::Message(*id), value, depth);
                }
                Role::Time if time::is_datetime(self.shared, value)? => {
                    return self.value_nested(member.number, &Ty::Timestamp, value, depth);
                }
                Role::Error if value.is_instance_of::<PyBaseException>() => {
                    return self.value_nested(member.number, &Ty::Error, value, depth);
                }
                _ => {}
            }
        }
        if value.get_type().hasattr("keys")? && value.get_type().hasattr("__getitem__")? {
            return self.value_map(table, value, depth);
        }
        Err(cannot(value))
    }

    fn is_a(&self, id: TableId, value: &Bound<'py, PyAny>) -> Outcome<bool> {
        let table = self.shared.tables.get(self.py, id)?;
        Ok(match &table.maker {
            Some(maker) => maker.is_exact(value) || value.is_instance(maker.class(self.py))?,
            None => false,
        })
    }

    /// Whether a list is not empty and holds instances of one class only.
    fn all_are(&self, id: TableId, items: &Items<'py>) -> Outcome<bool> {
        let mut index = 0;
        while index < items.len() {
            let item = items.get(index)?;
            if is_plain(&item) || !self.is_a(id, &item)? {
                return Ok(false);
            }
            index += 1;
        }
        Ok(index > 0)
    }
}

/// Quickly rules out what is no model, so that model modules are not imported for plain lists.
fn is_plain(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyTuple>()
}

fn cannot(value: &Bound<'_, PyAny>) -> Box<Fail> {
    let text = format!(
        "cannot send {} here; give None, bool, int, float, str, bytes, a list or dict of these, an exception, or a \
         model that Mattermost registers for such fields",
        type_name(value)
    );
    Fail::data(Kind::Type, text)
}
