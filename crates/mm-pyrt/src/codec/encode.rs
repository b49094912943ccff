//! Python objects → protobuf bytes.
//!
//! Strict about types, because a wrong value is best found where it is given: `bool` is no `int`, `int` is a `float`, sequences
//! other than `list` are accepted but text is no sequence, and `None` stands only for what may be absent.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple};

use super::decode::ERROR_DETAILS;
use super::error::{Fail, Outcome, class_name};
use super::py::{self, DictWalk, Int};
use super::table::{Collection, Field, Shape, Table, Ty};
use super::wire::{LENGTH, MAX_DEPTH, VARINT, Writer};
use super::{Shared, time};

/// Encodes one top-level message.
pub(super) struct Encoder<'c, 'py> {
    pub(super) py: Python<'py>,
    pub(super) shared: &'c Shared,
    pub(super) out: Writer,
}

/// Whether a field's zero value travels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    Omitted,
    Written,
}

impl<'c, 'py> Encoder<'c, 'py> {
    pub(super) fn new(py: Python<'py>, shared: &'c Shared) -> Self {
        Self { py, shared, out: Writer::with_capacity(512) }
    }

    /// The fields of a message, without length. `depth` counts the messages around it.
    pub(super) fn message(&mut self, table: &Table, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep().in_message(&table.name));
        }
        let Some(maker) = &table.maker else {
            let values = value.cast::<PyTuple>().map_err(|_| Fail::expected("tuple", value).in_message(&table.name))?;
            return self.tuple(table, values, depth);
        };
        let exact = maker.is_exact(value);
        if !exact && !value.is_instance(maker.class(self.py))? {
            return Err(Fail::expected(&class_name(maker.class(self.py)), value));
        }
        self.object(table, value, exact, depth)
    }

    /// A message without a class.
    pub(super) fn tuple(&mut self, table: &Table, values: &Bound<'py, PyTuple>, depth: u32) -> Outcome<()> {
        let (wanted, given) = (table.fields.len(), values.len());
        if wanted != given {
            let text = format!("expected {wanted} value{}, got {given}", if wanted == 1 { "" } else { "s" });
            return Err(Fail::data(super::error::Kind::Type, text).in_message(&table.name));
        }
        for (position, field) in table.fields.iter().enumerate() {
            let value = values.get_item(position)?;
            self.field(field, &value, depth).map_err(|it| it.in_field(&table.name, &field.name))?;
        }
        Ok(())
    }

    /// `quick`: the object is of exactly the class that the table's slots belong to.
    fn object(&mut self, table: &Table, object: &Bound<'py, PyAny>, quick: bool, depth: u32) -> Outcome<()> {
        for field in &table.fields {
            if let Shape::Embed(embedded) = &field.shape {
                self.out.tag(field.number, LENGTH);
                let start = self.out.begin();
                self.object(embedded, object, quick, depth + 1)?;
                self.out.end(start);
                continue;
            }
            let value = match &field.slot {
                Some(slot) if quick => slot.get(object)?,
                _ => object.getattr(&field.attr)?,
            };
            self.field(field, &value, depth).map_err(|it| it.in_field(&table.name, &field.name))?;
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        match &field.shape {
            Shape::One(ty) => {
                if value.is_none() && matches!(ty, Ty::Value | Ty::Timestamp | Ty::Error) {
                    return Ok(());
                }
                self.single(field.number, ty, value, Zero::Omitted, depth)
            }
            Shape::Optional(_) if value.is_none() => Ok(()),
            Shape::Optional(ty) => self.single(field.number, ty, value, Zero::Written, depth),
            Shape::Many(collection) => self.collection(field.number, collection, value, depth),
            Shape::Embed(_) => Ok(()),
        }
    }

    /// Tag and value of a singular field or of one element.
    fn single(&mut self, number: u32, ty: &Ty, value: &Bound<'py, PyAny>, zero: Zero, depth: u32) -> Outcome<()> {
        if !ty.merges() {
            let before = self.out.len();
            self.out.tag(number, ty.wire_type());
            let is_zero = self.scalar(ty, value)?;
            if is_zero && zero == Zero::Omitted {
                self.out.truncate(before);
            }
            return Ok(());
        }
        let before = self.out.len();
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        self.nested(ty, value, depth + 1)?;
        if zero == Zero::Omitted && matches!(ty, Ty::Wrapped(_)) && self.out.len() == start {
            self.out.truncate(before);
        } else {
            self.out.end(start);
        }
        Ok(())
    }

    /// A value that is a message on the wire, without length; `depth` is its own.
    pub(super) fn nested(&mut self, ty: &Ty, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match ty {
            Ty::Message(id) => {
                let table = self.shared.tables.get(self.py, *id)?;
                self.message(table, value, depth)
            }
            Ty::Value => self.value(value, depth),
            Ty::Timestamp => time::encode(self.shared, value, &mut self.out),
            Ty::Error => self.error(value, depth),
            Ty::Wrapped(collection) => self.collection(1, collection, value, depth),
            _ => Err(Fail::value("not a message")),
        }
    }

    /// All elements of a list or map under one field number.
    pub(super) fn collection(
        &mut self,
        number: u32,
        collection: &Collection,
        value: &Bound<'py, PyAny>,
        depth: u32,
    ) -> Outcome<()> {
        match collection {
            Collection::List(ty) => {
                let items = sequence(value)?;
                if ty.wire_type() != LENGTH {
                    return self.packed(number, ty, &items);
                }
                // The list may change while Python code runs for its elements, so its length is asked every time.
                let mut index = 0;
                while index < items.len() {
                    let item = items.get(index)?;
                    self.single(number, ty, &item, Zero::Written, depth).map_err(|it| it.at_index(index))?;
                    index += 1;
                }
                Ok(())
            }
            Collection::Map { key: key_ty, value: value_ty } => {
                let dict = mapping(value)?;
                let mut walk = DictWalk::new(&dict);
                while let Some((key, value)) = walk.next().map_err(Fail::value)? {
                    self.out.tag(number, LENGTH);
                    let start = self.out.begin();
                    self.entry(key_ty, &key, value_ty, &value, depth + 1)?;
                    self.out.end(start);
                }
                Ok(())
            }
        }
    }

    fn packed(&mut self, number: u32, ty: &Ty, items: &Items<'py>) -> Outcome<()> {
        if items.len() == 0 {
            return Ok(());
        }
        self.out.tag(number, LENGTH);
        let start = self.out.begin();
        let mut index = 0;
        while index < items.len() {
            let item = items.get(index)?;
            self.scalar(ty, &item).map_err(|it| it.at_index(index))?;
            index += 1;
        }
        self.out.end(start);
        Ok(())
    }

    fn entry(
        &mut self,
        key_ty: &Ty,
        key: &Bound<'py, PyAny>,
        value_ty: &Ty,
        value: &Bound<'py, PyAny>,
        depth: u32,
    ) -> Outcome<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let wrong_key = |it: Box<Fail>| it.at_key(key);
        self.single(1, key_ty, key, Zero::Written, depth).map_err(wrong_key)?;
        self.single(2, value_ty, value, Zero::Written, depth).map_err(|it| it.at_key(key))
    }

    /// An exception, or a text, as `ErrorValue`.
    pub(super) fn error(&mut self, value: &Bound<'py, PyAny>, depth: u32) -> Outcome<()> {
        let (code, message, detail) = if value.is_instance_of::<PyString>() {
            (0, value.clone(), None)
        } else if value.is_instance_of::<pyo3::exceptions::PyBaseException>() {
            self.shared.split_error(value)?
        } else {
            return Err(Fail::expected("an exception or str", value));
        };
        if code != 0 {
            self.out.tag(1, VARINT);
            self.out.varint(code as u64);
        }
        self.single(2, &Ty::String, &message, Zero::Omitted, depth)?;
        let Some(detail) = detail else { return Ok(()) };
        for (number, name) in ERROR_DETAILS {
            let table = self.shared.tables.by_name(self.py, name)?;
            if let Some(maker) = &table.maker
                && (maker.is_exact(&detail) || detail.is_instance(maker.class(self.py))?)
            {
                self.out.tag(number, LENGTH);
                let start = self.out.begin();
                self.message(table, &detail, depth + 1)?;
                self.out.end(start);
                return Ok(());
            }
        }
        Err(Fail::expected("AppError, PostgresError or None as the error's detail", &detail))
    }

    /// A value that is no message, without tag; tells whether it is the type's zero.
    pub(super) fn scalar(&mut self, ty: &Ty, value: &Bound<'py, PyAny>) -> Outcome<bool> {
        match ty {
            Ty::String | Ty::StringEnum(_) => {
                let text = value.cast::<PyString>().map_err(|_| Fail::expected("str", value))?;
                self.text(text)
            }
            Ty::Bool => {
                if !py::is_bool(value) {
                    return Err(Fail::expected("bool", value));
                }
                let value = value.is_truthy()?;
                self.out.varint(u64::from(value));
                Ok(!value)
            }
            Ty::Int32 => self.signed(value, "int32", i64::from(i32::MIN)..=i64::from(i32::MAX)),
            Ty::UInt32 => self.signed(value, "uint32", 0..=i64::from(u32::MAX)),
            Ty::UInt64 => match integer(value)? {
                Int::Signed(number) if number >= 0 => self.varint(number as u64),
                Int::Unsigned(number) => self.varint(number),
                Int::Signed(_) | Int::Huge => Err(out_of_range(value, "uint64")),
            },
            Ty::Float => {
                let wide = float(value)?;
                let narrow = wide as f32;
                if narrow.is_infinite() && wide.is_finite() {
                    return Err(out_of_range(value, "float"));
                }
                self.out.fixed32(narrow.to_bits());
                Ok(narrow.to_bits() == 0)
            }
            Ty::Double => {
                let number = float(value)?;
                self.out.fixed64(number.to_bits());
                Ok(number.to_bits() == 0)
            }
            Ty::Bytes => self.bytes(value),
            // What is left is an int64 on the wire; the rest never comes here (`Ty::merges`).
            Ty::Int64 | Ty::IntEnum(_) | Ty::Message(_) | Ty::Value | Ty::Timestamp | Ty::Error | Ty::Wrapped(_) => {
                self.signed(value, "int64", i64::MIN..=i64::MAX)
            }
        }
    }

    pub(super) fn text(&mut self, text: &Bound<'py, PyString>) -> Outcome<bool> {
        let Some(utf8) = py::utf8(text) else {
            return Err(Fail::value("the text has a lone surrogate, which is no Unicode character"));
        };
        self.out.bytes(utf8);
        Ok(utf8.is_empty())
    }

    pub(super) fn bytes(&mut self, value: &Bound<'py, PyAny>) -> Outcome<bool> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            self.out.bytes(bytes.as_bytes());
            return Ok(bytes.as_bytes().is_empty());
        }
        if let Ok(bytes) = value.cast::<PyByteArray>() {
            let content = py::bytearray_content(bytes);
            self.out.bytes(&content);
            return Ok(content.is_empty());
        }
        if value.is_instance_of::<PyMemoryView>() {
            return self.bytes(&py::bytes_of(value)?);
        }
        let hint = if value.is_instance_of::<PyString>() { "bytes (use .encode())" } else { "bytes" };
        Err(Fail::expected(hint, value))
    }

    fn signed(&mut self, value: &Bound<'py, PyAny>, kind: &str, range: std::ops::RangeInclusive<i64>) -> Outcome<bool> {
        match integer(value)? {
            Int::Signed(number) if range.contains(&number) => self.varint(number as u64),
            _ => Err(out_of_range(value, kind)),
        }
    }

    fn varint(&mut self, number: u64) -> Outcome<bool> {
        self.out.varint(number);
        Ok(number == 0)
    }
}

/// An `int`, or what says by `__index__` that it is one, but no `bool`.
pub(super) fn integer(value: &Bound<'_, PyAny>) -> Outcome<Int> {
    if value.is_instance_of::<PyInt>() {
        if py::is_bool(value) {
            return Err(Fail::expected("int", value));
        }
        return Ok(py::int_value(value)?);
    }
    match value.lookup_special_index()? {
        Some(index) => Ok(py::int_value(&index)?),
        None => Err(Fail::expected("int", value)),
    }
}

fn float(value: &Bound<'_, PyAny>) -> Outcome<f64> {
    if let Ok(float) = value.cast::<PyFloat>() {
        return Ok(float.value());
    }
    if value.is_instance_of::<PyInt>() && !py::is_bool(value) {
        return value.extract().map_err(|_| out_of_range(value, "float"));
    }
    Err(Fail::expected("float", value))
}

fn out_of_range(value: &Bound<'_, PyAny>, kind: &str) -> Box<Fail> {
    // A very long int refuses to become text; its size is then what matters anyway.
    let shown = match value.str() {
        Ok(text) if text.len().is_ok_and(|it| it <= 40) => text.to_string(),
        _ => "the number".to_owned(),
    };
    Fail::value(format!("{shown} is out of range for {kind}"))
}

pub(super) fn too_deep() -> Box<Fail> {
    Fail::value(format!("nested deeper than {MAX_DEPTH} messages (does it contain itself?)"))
}

trait LookupIndex<'py> {
    /// `operator.index(value)`, or `None` when its type has no `__index__`.
    fn lookup_special_index(&self) -> PyResult<Option<Bound<'py, PyAny>>>;
}

impl<'py> LookupIndex<'py> for Bound<'py, PyAny> {
    fn lookup_special_index(&self) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !self.get_type().hasattr("__index__")? {
            return Ok(None);
        }
        self.py().import("operator")?.getattr("index")?.call1((self,)).map(Some)
    }
}

/// A list or tuple, each read by position.
pub(super) enum Items<'py> {
    List(Bound<'py, PyList>),
    Tuple(Bound<'py, PyTuple>),
}

impl<'py> Items<'py> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Tuple(tuple) => tuple.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::List(list) => list.get_item(index),
            Self::Tuple(tuple) => tuple.get_item(index),
        }
    }
}

/// What a repeated field may be given: any iterable but text, bytes and mappings, which are so by mistake.
fn sequence<'py>(value: &Bound<'py, PyAny>) -> Outcome<Items<'py>> {
    if let Ok(list) = value.cast::<PyList>() {
        return Ok(Items::List(list.clone()));
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return Ok(Items::Tuple(tuple.clone()));
    }
    let mistaken = value.is_none()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyDict>();
    if mistaken || !value.get_type().hasattr("__iter__")? {
        return Err(Fail::expected("list", value));
    }
    let list = PyList::empty(value.py());
    for item in value.try_iter()? {
        list.append(item?)?;
    }
    Ok(Items::List(list))
}

/// What a map field may be given: a `dict` or another mapping.
pub(super) fn mapping<'py>(value: &Bound<'py, PyAny>) -> Outcome<Bound<'py, PyDict>> {
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(dict.clone());
    }
    if value.is_none() || !value.get_type().hasattr("keys")? {
        return Err(Fail::expected("dict", value));
    }
    let dict = PyDict::new(value.py());
    dict.as_any().call_method1("update", (value,))?;
    Ok(dict)
}
