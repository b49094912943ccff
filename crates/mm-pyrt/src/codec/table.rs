//! Codec tables: what Python's generated tables say, checked once and kept in a form that is quick to follow.
//!
//! The form of a table is documented in `_native.pyi`. Tables are asked for by name when first needed, because a Python
//! process should import only the models it uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::error::{Fail, Outcome};
use super::py::{Maker, Slot};
use super::wire::{FIXED32, FIXED64, LENGTH, VARINT};

const OPTIONAL: u32 = 0x20;
const REPEATED: u32 = 0x40;
const EMBED: u32 = 0x80;
const BASE: u32 = 0x1f;

/// A message.
pub(crate) struct Table {
    pub(crate) name: Box<str>,
    /// `None`: a tuple of the fields.
    pub(crate) maker: Option<Maker>,
    pub(crate) fields: Box<[Field]>,
    numbers: Numbers,
}

/// A field of a message.
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) name: Box<str>,
    pub(crate) attr: Py<PyString>,
    pub(crate) shape: Shape,
    /// The quick way to the attribute, when the class has slots.
    pub(crate) slot: Option<Slot>,
}

/// How often the field is there and where its value lives.
pub(crate) enum Shape {
    /// Always has a value; the type's zero when absent.
    One(Ty),
    /// `None` when absent.
    Optional(Ty),
    Many(Collection),
    /// A message whose fields are attributes of the owner; the table has the owner's slots.
    Embed(Box<Table>),
}

/// A list or a map: repeated on the wire.
pub(crate) enum Collection {
    List(Ty),
    Map { key: Ty, value: Ty },
}

/// A single value.
pub(crate) enum Ty {
    Bool,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float,
    Double,
    String,
    Bytes,
    Message(TableId),
    Value,
    Timestamp,
    StringEnum(Arc<EnumType>),
    IntEnum(Arc<EnumType>),
    Error,
    Wrapped(Box<Collection>),
}

impl Ty {
    /// The wire type of one value, not packed.
    pub(crate) fn wire_type(&self) -> u8 {
        match self {
            Self::Bool | Self::Int32 | Self::Int64 | Self::UInt32 | Self::UInt64 | Self::IntEnum(_) => VARINT,
            Self::Double => FIXED64,
            Self::Float => FIXED32,
            Self::String
            | Self::Bytes
            | Self::Message(_)
            | Self::Value
            | Self::Timestamp
            | Self::StringEnum(_)
            | Self::Error
            | Self::Wrapped(_) => LENGTH,
        }
    }

    /// Whether a second occurrence of a singular field adds to the first instead of replacing it.
    pub(crate) fn merges(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Value | Self::Timestamp | Self::Error | Self::Wrapped(_))
    }
}

/// The members of an open enum by value.
#[derive(Default)]
pub(crate) struct EnumType {
    pub(crate) strings: HashMap<Box<[u8]>, Py<PyAny>>,
    pub(crate) ints: HashMap<i64, Py<PyAny>>,
}

/// A message by position in [`Tables`]; its table may not be there yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TableId(u32);

/// Field number → position. Dense, because generated numbers are.
enum Numbers {
    Dense(Box<[u16]>),
    Sparse(HashMap<u32, u16>),
}

impl Numbers {
    fn of(fields: &[Field]) -> Self {
        let most = fields.iter().map(|it| it.number).max().unwrap_or(0) as usize;
        let entries = fields.iter().zip(1u16..).map(|(field, position)| (field.number, position));
        if most <= 4 * fields.len() + 64 {
            let mut dense = vec![0; most + 1];
            entries.for_each(|(number, position)| dense[number as usize] = position);
            Self::Dense(dense.into())
        } else {
            Self::Sparse(entries.collect())
        }
    }
}

impl Table {
    /// The position of the field with this number. `hint` is where it is when the sender keeps the order.
    #[inline]
    pub(crate) fn position(&self, number: u32, hint: usize) -> Option<usize> {
        if self.fields.get(hint).is_some_and(|it| it.number == number) {
            return Some(hint);
        }
        let position = match &self.numbers {
            Numbers::Dense(dense) => dense.get(number as usize).copied().unwrap_or(0),
            Numbers::Sparse(sparse) => sparse.get(&number).copied().unwrap_or(0),
        };
        usize::from(position).checked_sub(1)
    }
}

/// All tables of a codec, and the callables that bring them.
pub(crate) struct Tables {
    resolve: Py<PyAny>,
    resolve_enum: Option<Py<PyAny>>,
    ids: Mutex<HashMap<Box<str>, TableId>>,
    enums: Mutex<HashMap<Box<str>, Arc<EnumType>>>,
    /// Grows by whole chunks and never moves, so that tables can be borrowed while others are added.
    chunks: Box<[OnceLock<Box<[Entry]>>]>,
}

#[derive(Default)]
struct Entry {
    name: OnceLock<Box<str>>,
    table: OnceLock<Table>,
}

const CHUNK: usize = 64;
const CHUNKS: usize = 256;

impl Tables {
    pub(crate) fn new(resolve: Py<PyAny>, resolve_enum: Option<Py<PyAny>>) -> Self {
        let chunks = (0..CHUNKS).map(|_| OnceLock::new()).collect();
        Self { resolve, resolve_enum, ids: Mutex::default(), enums: Mutex::default(), chunks }
    }

    /// The id of a message name; does not ask for the table.
    pub(crate) fn id(&self, name: &str) -> PyResult<TableId> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = ids.get(name) {
            return Ok(id);
        }
        let next = ids.len();
        let chunk =
            self.chunks.get(next / CHUNK).ok_or_else(|| PyValueError::new_err("too many messages in one codec"))?;
        let entries = chunk.get_or_init(|| (0..CHUNK).map(|_| Entry::default()).collect());
        entries[next % CHUNK].name.get_or_init(|| name.into());
        ids.insert(name.into(), TableId(next as u32));
        Ok(TableId(next as u32))
    }

    /// The table of a message; the first time Python is asked for it.
    #[inline]
    pub(crate) fn get(&self, py: Python<'_>, id: TableId) -> Outcome<&Table> {
        let entry = self.entry(id).ok_or_else(|| Fail::value("unknown table"))?;
        match entry.table.get() {
            Some(table) => Ok(table),
            None => {
                let name = entry.name.get().map_or("", |it| it);
                // No lock is held while Python runs. Should two threads come at once, both ask and the first one stays.
                let table = self.load(py, name, None)?;
                Ok(entry.table.get_or_init(|| table))
            }
        }
    }

    /// The table of a message by name.
    pub(crate) fn by_name(&self, py: Python<'_>, name: &str) -> Outcome<&Table> {
        self.get(py, self.id(name)?)
    }

    /// A table of its own, for a caller that takes it apart.
    pub(crate) fn load_again(&self, py: Python<'_>, name: &str) -> Outcome<Table> {
        Ok(self.load(py, name, None)?)
    }

    pub(crate) fn name(&self, id: TableId) -> &str {
        self.entry(id).and_then(|it| it.name.get()).map_or("", |it| it)
    }

    fn entry(&self, id: TableId) -> Option<&Entry> {
        let position = id.0 as usize;
        self.chunks.get(position / CHUNK)?.get()?.get(position % CHUNK)
    }

    /// Asks Python for a table. `owner` is the class that carries the fields, when the message is embedded in another.
    fn load(&self, py: Python<'_>, name: &str, owner: Option<&Bound<'_, PyType>>) -> PyResult<Table> {
        let answer = self.resolve.bind(py).call1((name,))?;
        let malformed = |what: &str| PyTypeError::new_err(format!("table of {name}: {what}"));
        let (class, rows): (Bound<'_, PyAny>, Bound<'_, PyTuple>) =
            answer.extract().map_err(|_| malformed("expected (class or None, tuple of fields)"))?;
        let class = match owner {
            Some(owner) => Some(owner.clone()),
            None if class.is_none() => None,
            None => Some(class.cast_into::<PyType>().map_err(|_| malformed("the first item must be a class or None"))?),
        };
        let fields = rows
            .iter()
            .map(|row| self.field(&row, class.as_ref()).map_err(|error| in_table(py, name, error)))
            .collect::<PyResult<Box<[Field]>>>()?;
        if fields.len() >= usize::from(u16::MAX) {
            return Err(malformed("too many fields"));
        }
        let maker = class.map(|it| Maker::of(&it)).transpose()?;
        Ok(Table { name: name.into(), maker, numbers: Numbers::of(&fields), fields })
    }

    fn field(&self, row: &Bound<'_, PyAny>, class: Option<&Bound<'_, PyType>>) -> PyResult<Field> {
        let (number, attr, kind, reference): (u32, Bound<'_, PyString>, u32, Bound<'_, PyAny>) = row
            .extract()
            .map_err(|_| PyTypeError::new_err(format!("expected (number, attr, kind, ref), got {row}")))?;
        if number == 0 || number > 0x1fff_ffff {
            return Err(PyTypeError::new_err(format!("{number} is no field number")));
        }
        let attr = PyString::intern(row.py(), attr.to_str()?);
        let shape = if kind & EMBED != 0 {
            let owner = class.ok_or_else(|| PyTypeError::new_err("a tuple message cannot embed another"))?;
            Shape::Embed(Box::new(self.load(row.py(), &name_ref(&reference)?, Some(owner))?))
        } else {
            self.shape(kind, &reference)?
        };
        let slot = class.and_then(|class| Slot::of(class, &attr));
        Ok(Field { number, name: attr.to_str()?.into(), attr: attr.unbind(), shape, slot })
    }

    fn shape(&self, kind: u32, reference: &Bound<'_, PyAny>) -> PyResult<Shape> {
        if kind & !(BASE | OPTIONAL | REPEATED) != 0 {
            return Err(PyTypeError::new_err(format!("unknown flags in kind {kind:#x}")));
        }
        if kind & BASE == 16 || kind & REPEATED != 0 {
            return self.collection(kind, reference).map(Shape::Many);
        }
        let ty = self.ty(kind & BASE, reference)?;
        Ok(if kind & OPTIONAL != 0 { Shape::Optional(ty) } else { Shape::One(ty) })
    }

    fn collection(&self, kind: u32, reference: &Bound<'_, PyAny>) -> PyResult<Collection> {
        if kind & BASE != 16 {
            return self.ty(kind & BASE, reference).map(Collection::List);
        }
        let (key, value, value_ref): (u32, u32, Bound<'_, PyAny>) = reference.extract().map_err(|_| {
            PyTypeError::new_err(format!("expected (key_kind, value_kind, value_ref), got {reference}"))
        })?;
        let key = match key {
            13 => Ty::String,
            14 => Ty::Int64,
            1..=5 | 8 => self.ty(key, reference)?,
            _ => return Err(PyTypeError::new_err(format!("kind {key} cannot be a map key"))),
        };
        Ok(Collection::Map { key, value: self.ty(value, &value_ref)? })
    }

    fn ty(&self, base: u32, reference: &Bound<'_, PyAny>) -> PyResult<Ty> {
        Ok(match base {
            1 => Ty::Bool,
            2 => Ty::Int32,
            3 => Ty::Int64,
            4 => Ty::UInt32,
            5 => Ty::UInt64,
            6 => Ty::Float,
            7 => Ty::Double,
            8 => Ty::String,
            9 => Ty::Bytes,
            10 => Ty::Message(self.id(&name_ref(reference)?)?),
            11 => Ty::Value,
            12 => Ty::Timestamp,
            13 => Ty::StringEnum(self.enum_type(reference)?),
            14 => Ty::IntEnum(self.enum_type(reference)?),
            15 => Ty::Error,
            17 => {
                let (kind, inner): (u32, Bound<'_, PyAny>) = reference
                    .extract()
                    .map_err(|_| PyTypeError::new_err(format!("expected (kind, ref), got {reference}")))?;
                match self.shape(kind, &inner)? {
                    Shape::Many(collection) => Ty::Wrapped(Box::new(collection)),
                    _ => return Err(PyTypeError::new_err("a wrapper holds a list or a map")),
                }
            }
            _ => return Err(PyTypeError::new_err(format!("kind {base} is unknown"))),
        })
    }

    fn enum_type(&self, reference: &Bound<'_, PyAny>) -> PyResult<Arc<EnumType>> {
        let Some(resolve) = &self.resolve_enum else { return Ok(Arc::default()) };
        let name = name_ref(reference)?;
        if let Some(known) = self.enums.lock().unwrap_or_else(PoisonError::into_inner).get(&*name) {
            return Ok(Arc::clone(known));
        }
        let class = resolve.bind(reference.py()).call1((&name,))?;
        let mut found = EnumType::default();
        let by_value = class.getattr("_value2member_map_")?.cast_into::<PyDict>()?;
        for (value, member) in by_value {
            if let Ok(text) = value.cast::<PyString>() {
                found.strings.insert(text.to_str()?.as_bytes().into(), member.unbind());
            } else {
                found.ints.insert(value.extract()?, member.unbind());
            }
        }
        let found = Arc::new(found);
        self.enums.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), Arc::clone(&found));
        Ok(found)
    }
}

fn name_ref(reference: &Bound<'_, PyAny>) -> PyResult<String> {
    reference.extract().map_err(|_| PyTypeError::new_err(format!("expected a name as ref, got {reference}")))
}

/// Names the table in errors about its form; others (an import that failed) stay as they are.
fn in_table(py: Python<'_>, name: &str, error: PyErr) -> PyErr {
    if error.get_type(py).is(py.get_type::<PyTypeError>()) {
        return PyTypeError::new_err(format!("table of {name}: {}", error.value(py)));
    }
    error
}
