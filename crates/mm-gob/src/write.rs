//! Writing values: [`ValueWriter`] for one value, [`StructWriter`] for the fields of a struct, [`Zeros`] for what happens
//! to zero values.

use std::collections::BTreeMap;

use crate::codec::{Codec, Presence};
use crate::error::{EncodeError, EncodeErrorKind};
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::wire;

/// Deepest nesting that is written. Go reads 10 000 levels; a value so deep is a mistake, and the stack is finite.
const MAX_DEPTH: u32 = 1000;

/// What happens to struct fields that hold a zero value.
#[derive(Clone, Debug, Default)]
pub enum Zeros {
    /// They are left out, as Go's encoder does. A receiver that decodes over an existing value keeps its old content.
    #[default]
    Omit,
    /// Every one is written, at every depth, where the format can: a nil pointer cannot be written. A receiver stores
    /// what it gets, so this clears fields of an existing value, and makes pointers non-nil. A nil interface is written
    /// too; Go cannot pass over one if it does not know the field.
    Explicit,
    /// The chosen ones are written, the others left out.
    Fields(FieldSet),
}

/// A choice of struct fields, by path from the top-level value: Go field names joined by dots, as in `A.Message`. Lists,
/// maps and pointers on the way are passed through: `A.Files.Name` means that field in each of the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSet {
    chosen: bool,
    everything: bool,
    inner: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// The set of all `paths`. A path that ends in `.*` chooses everything below.
    pub fn from_paths<I: IntoIterator<Item = P>, P: AsRef<str>>(paths: I) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(path.as_ref());
        }
        set
    }

    /// Adds one path.
    pub fn insert(&mut self, path: &str) {
        let mut at = self;
        for step in path.split('.') {
            if step == "*" {
                at.everything = true;
                return;
            }
            at = at.inner.entry(step.to_owned()).or_default();
        }
        at.chosen = true;
    }
}

/// [`Zeros`], at one place of a value.
#[derive(Clone, Copy, Debug)]
enum ZerosHere<'a> {
    Omit,
    Explicit,
    Fields(&'a FieldSet),
}

/// Writes one value; given to [`Codec::encode`].
#[derive(Debug)]
pub struct ValueWriter<'a> {
    out: &'a mut Vec<u8>,
    types: &'a mut TypeTable,
    zeros: ZerosHere<'a>,
    depth: u32,
}

impl<'a> ValueWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, types: &'a mut TypeTable, zeros: &'a Zeros) -> Self {
        let zeros = match zeros {
            Zeros::Omit => ZerosHere::Omit,
            Zeros::Explicit => ZerosHere::Explicit,
            Zeros::Fields(set) => ZerosHere::Fields(set),
        };
        Self { out, types, zeros, depth: 0 }
    }

    /// Writes an unsigned number; also what bools, lengths and counts are.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        wire::put_uint(self.out, value);
    }

    /// Writes a signed number.
    #[inline]
    pub fn int(&mut self, value: i64) {
        wire::put_int(self.out, value);
    }

    /// Writes a float.
    #[inline]
    pub fn float(&mut self, value: f64) {
        wire::put_float(self.out, value);
    }

    /// Writes bytes after their length: a string, a `[]byte`, the bytes of a marshaled value.
    #[inline]
    pub fn bytes(&mut self, value: &[u8]) {
        wire::put_uint(self.out, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// Writes what `write` writes, after its length. For marshaled values that append to a buffer.
    pub fn sized(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        self.out.push(0);
        write(self.out);
        put_length(self.out, start);
    }

    /// The fields of a struct, in the order of its definition; ends with [`StructWriter::finish`].
    #[inline]
    pub fn structure<'w>(&'w mut self, name: &'static str) -> Result<StructWriter<'w, 'a>, EncodeError> {
        self.enter()?;
        Ok(StructWriter { out: self, name, next: 0, last: -1 })
    }

    /// A nil interface.
    pub fn nil_interface(&mut self) -> Result<(), EncodeError> {
        self.uint(0);
        Ok(())
    }

    /// An interface holding `value`, whose concrete Go type is registered in the receiver under `name`.
    pub fn interface<C: Codec<T>, T>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        let id = C::wire_type(self.types);
        self.interface_with(name, id, |out| C::encode(value, out))
    }

    pub(crate) fn interface_with(
        &mut self,
        name: &str,
        id: TypeId,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if name.is_empty() || name.len() > 1024 {
            return Err(EncodeError::new(EncodeErrorKind::InterfaceName(name.len())));
        }
        self.enter()?;
        self.bytes(name.as_bytes());
        self.int(i64::from(id.0));
        let start = self.out.len();
        self.out.push(0);
        if !self.types.is_struct(id) {
            self.out.push(0);
        }
        write(self)?;
        put_length(self.out, start);
        self.leave();
        Ok(())
    }

    pub(crate) fn types(&mut self) -> &mut TypeTable {
        self.types
    }

    #[inline]
    pub(crate) fn enter(&mut self) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(EncodeError::new(EncodeErrorKind::TooDeep(MAX_DEPTH)));
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// Puts the length of everything after `start` there, where one byte was kept free for it.
pub(crate) fn put_length(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start - 1;
    let extra = wire::uint_len(length as u64) - 1;
    if extra == 0 {
        out[start] = length as u8;
        return;
    }
    out.resize(out.len() + extra, 0);
    out.copy_within(start + 1..start + 1 + length, start + 1 + extra);
    let mut prefix = Vec::with_capacity(9);
    wire::put_uint(&mut prefix, length as u64);
    out[start..=start + extra].copy_from_slice(&prefix);
}

/// Writes the fields of one struct.
#[derive(Debug)]
pub struct StructWriter<'w, 'a> {
    out: &'w mut ValueWriter<'a>,
    name: &'static str,
    next: i32,
    last: i32,
}

impl StructWriter<'_, '_> {
    /// The next field of the definition. Every field is passed, in order; whether it is written depends on its value.
    #[inline]
    pub fn field<C: Codec<T>, T>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        let index = self.next;
        self.next += 1;
        if !matches!(self.out.zeros, ZerosHere::Omit) {
            return self.field_with_zeros::<C, T>(index, name, value);
        }
        if !matches!(C::presence(value), Presence::Present) {
            return Ok(());
        }
        self.put_number(index);
        C::encode(value, self.out).map_err(|error| error.in_field(self.name, name))
    }

    fn field_with_zeros<C: Codec<T>, T>(
        &mut self,
        index: i32,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let outer = self.out.zeros;
        let (explicit, inner) = match outer {
            ZerosHere::Omit => (false, ZerosHere::Omit),
            ZerosHere::Explicit => (true, ZerosHere::Explicit),
            ZerosHere::Fields(set) => match set.inner.get(name) {
                _ if set.everything => (true, ZerosHere::Explicit),
                None => (false, ZerosHere::Omit),
                Some(below) if below.everything => (below.chosen, ZerosHere::Explicit),
                Some(below) => (below.chosen, ZerosHere::Fields(below)),
            },
        };
        match C::presence(value) {
            Presence::Absent => return Ok(()),
            Presence::Zero if !explicit => return Ok(()),
            Presence::Zero | Presence::Present => {}
        }
        self.put_number(index);
        self.out.zeros = inner;
        let result = C::encode(value, self.out);
        self.out.zeros = outer;
        result.map_err(|error| error.in_field(self.name, name))
    }

    #[inline]
    fn put_number(&mut self, index: i32) {
        self.out.uint((index - self.last) as u64);
        self.last = index;
    }

    /// Ends the struct.
    #[inline]
    pub fn finish(self) {
        self.out.uint(0);
        self.out.leave();
    }
}
