//! Values for tests: random ones of any struct, made on the wire from the struct's own definition, every field filled or left
//! out.

use std::collections::BTreeSet;

use mm_gob::codec::Codec;
use mm_gob::{Decoder, Encoder, Marshaler, TypeId, WireType, Zeros};

/// A decoder that has seen the definitions of a type, and the type's id.
pub(crate) fn definitions<C: Codec<T>, T: Default>() -> (Decoder, TypeId) {
    let mut bytes = Vec::new();
    Encoder::new().encode_with::<C, T>(&T::default(), &Zeros::Omit, &mut bytes).unwrap();
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let id = decoder.next_value_type().unwrap().unwrap();
    decoder.skip().unwrap().unwrap();
    (decoder, id)
}

/// A value of the type that is called `go`, the same for the same seed.
pub(crate) fn filled<C: Codec<T>, T: Default>(go: &str, seed: u64) -> T {
    let (mut decoder, id) = definitions::<C, T>();
    let state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed) + go.len() as u64;
    let mut random = Random { state, definitions: &decoder, out: Vec::new() };
    random.uint(id.0 as u64 * 2);
    random.value(id, 0);
    let content = std::mem::take(&mut random.out);
    random.bytes(&content);
    let message = random.out;
    decoder.push(&message);
    decoder.decode::<C, T>().unwrap_or_else(|error| panic!("{go}: {error}")).unwrap()
}

/// Random values of the types that a decoder knows.
struct Random<'a> {
    state: u64,
    definitions: &'a Decoder,
    out: Vec<u8>,
}

impl Random<'_> {
    fn next(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % below
    }

    fn uint(&mut self, value: u64) {
        match value {
            0..128 => self.out.push(value as u8),
            _ => {
                self.out.push(0xf8);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn word(&mut self) -> String {
        format!("wört {}", self.next(1 << 20))
    }

    /// Whether a type holds another, through whatever else.
    fn reaches(&self, from: TypeId, to: TypeId, seen: &mut BTreeSet<TypeId>) -> bool {
        let inner = match self.definitions.definition(from) {
            Some(WireType::Struct { fields, .. }) => fields.iter().map(|field| field.id).collect(),
            Some(WireType::Slice { elem, .. } | WireType::Array { elem, .. } | WireType::Map { elem, .. }) => {
                vec![*elem]
            }
            Some(WireType::Marshaled { .. }) | None => Vec::new(),
        };
        inner.into_iter().any(|it| it == to || (seen.insert(it) && self.reaches(it, to, seen)))
    }

    fn value(&mut self, id: TypeId, depth: u32) {
        match id {
            TypeId::BOOL => self.uint(1),
            // Any `int32` but 0, and an unsigned number that fits a byte, since the wire does not tell widths.
            TypeId::INT => {
                let value = 1 + self.next((1 << 32) - 1);
                self.uint(value);
            }
            TypeId::UINT => {
                let value = 1 + self.next(255);
                self.uint(value);
            }
            TypeId::FLOAT => {
                let value = 1.0 + self.next(1000) as f64 / 8.0;
                self.uint(value.to_bits().swap_bytes());
            }
            TypeId::STRING | TypeId::BYTES => {
                let word = self.word();
                self.bytes(word.as_bytes());
            }
            TypeId::INTERFACE => {
                let word = self.word();
                self.bytes(b"string");
                self.out.push(12);
                self.uint(word.len() as u64 + 2);
                self.out.push(0);
                self.bytes(word.as_bytes());
            }
            _ => self.defined(id, depth),
        }
    }

    fn defined(&mut self, id: TypeId, depth: u32) {
        match self.definitions.definition(id).unwrap().clone() {
            WireType::Struct { fields, .. } => {
                let mut last = 0;
                for (number, field) in fields.iter().enumerate() {
                    // A struct by value is always sent. What leads back to its own type is a pointer, which may be nil.
                    let is_struct = matches!(self.definitions.definition(field.id), Some(WireType::Struct { .. }));
                    let may_be_absent = !is_struct || self.reaches(field.id, field.id, &mut BTreeSet::new());
                    if may_be_absent && (depth > 6 || self.next(8) == 0) {
                        continue;
                    }
                    self.uint(number as u64 + 1 - last);
                    last = number as u64 + 1;
                    self.value(field.id, depth + 1);
                }
                self.uint(0);
            }
            WireType::Slice { elem, .. } => {
                let count = 1 + self.next(2);
                self.uint(count);
                (0..count).for_each(|_| self.value(elem, depth + 1));
            }
            WireType::Array { elem, length, .. } => {
                self.uint(length);
                (0..length).for_each(|_| self.value(elem, depth + 1));
            }
            WireType::Map { key, elem, .. } => {
                self.uint(1);
                self.value(key, depth + 1);
                self.value(elem, depth + 1);
            }
            WireType::Marshaled { by: Marshaler::Gob, .. } => {
                let mut time = vec![1];
                time.extend_from_slice(&(63_000_000_000 + self.next(1 << 30)).to_be_bytes());
                time.extend_from_slice(&(self.next(1_000_000_000) as u32).to_be_bytes());
                time.extend_from_slice(&[0xff, 0xff]);
                self.bytes(&time);
            }
            WireType::Marshaled { .. } => self.bytes(b"/a?b=c"),
        }
    }
}
