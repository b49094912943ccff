//! The types of one outgoing stream: which there are, under which ids, and which the receiver has been told.

use std::collections::HashMap;
use std::sync::Arc;

use crate::structure::GobStruct;
use crate::types::{Marshaler, TypeId, WireField, WireType};
use crate::wire;

/// The types of an [`Encoder`](crate::Encoder): codecs register here what their values are made of.
#[derive(Debug)]
pub struct TypeTable {
    first: i32,
    /// The definition of `first + index`. `None` only while a struct's own fields are being registered.
    definitions: Vec<Option<WireType>>,
    /// How many of them the receiver has.
    sent: usize,
    structs: HashMap<std::any::TypeId, TypeId>,
    /// Definitions other than of structs, each once.
    interned: HashMap<WireType, TypeId>,
    /// Types of dynamic values: (which set, id there) → id here.
    imported: HashMap<(u64, TypeId), TypeId>,
}

impl TypeTable {
    pub(crate) fn new(first: TypeId) -> Self {
        Self {
            first: first.0.max(TypeId::FIRST_USER.0),
            definitions: Vec::new(),
            sent: 0,
            structs: HashMap::new(),
            interned: HashMap::new(),
            imported: HashMap::new(),
        }
    }

    /// The type `[length]elem`.
    pub fn array_of(&mut self, elem: TypeId, length: usize) -> TypeId {
        let name = format!("[{length}]{}", self.name_of(elem)).into();
        self.intern(WireType::Array { name, elem, length: length as u64 })
    }

    /// The type `[]elem`. For `[]byte` that is [`TypeId::BYTES`] instead.
    pub fn slice_of(&mut self, elem: TypeId) -> TypeId {
        let name = format!("[]{}", self.name_of(elem)).into();
        self.intern(WireType::Slice { name, elem })
    }

    /// The type `map[key]elem`.
    pub fn map_of(&mut self, key: TypeId, elem: TypeId) -> TypeId {
        let name = format!("map[{}]{}", self.name_of(key), self.name_of(elem)).into();
        self.intern(WireType::Map { name, key, elem })
    }

    /// A type called `name` that makes its own bytes.
    pub fn marshaled(&mut self, name: &str, by: Marshaler) -> TypeId {
        self.intern(WireType::Marshaled { name: name.into(), by })
    }

    /// The struct that `S` describes.
    pub fn struct_of<S: GobStruct<T>, T: 'static>(&mut self) -> TypeId {
        let key = std::any::TypeId::of::<(S, T)>();
        if let Some(&id) = self.structs.get(&key) {
            return id;
        }
        // Reserved first: a field may be of this type again.
        let id = self.reserve();
        self.structs.insert(key, id);
        let fields =
            S::FIELDS.iter().map(|field| WireField { name: field.name.into(), id: (field.wire_type)(self) }).collect();
        self.define(id, WireType::Struct { name: S::NAME.into(), fields });
        id
    }

    pub(crate) fn reserve(&mut self) -> TypeId {
        let id = i32::try_from(self.definitions.len())
            .ok()
            .and_then(|length| self.first.checked_add(length))
            .expect("a stream has fewer than 2^31 types");
        self.definitions.push(None);
        TypeId(id)
    }

    pub(crate) fn define(&mut self, id: TypeId, definition: WireType) {
        let index = (id.0 - self.first) as usize;
        self.definitions[index] = Some(definition);
    }

    fn intern(&mut self, definition: WireType) -> TypeId {
        if let Some(&id) = self.interned.get(&definition) {
            return id;
        }
        let id = self.reserve();
        self.interned.insert(definition.clone(), id);
        self.define(id, definition);
        id
    }

    pub(crate) fn imported(&mut self) -> &mut HashMap<(u64, TypeId), TypeId> {
        &mut self.imported
    }

    /// The definition of `id`, if it is one of this table's.
    pub fn definition(&self, id: TypeId) -> Option<&WireType> {
        let index = usize::try_from(id.0.checked_sub(self.first)?).ok()?;
        self.definitions.get(index)?.as_ref()
    }

    pub(crate) fn is_struct(&self, id: TypeId) -> bool {
        matches!(self.definition(id), Some(WireType::Struct { .. }))
    }

    fn name_of(&self, id: TypeId) -> Arc<str> {
        if let Some(name) = id.basic_name() {
            return name.into();
        }
        self.definition(id).map_or_else(|| "".into(), |definition| definition.name().clone())
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent
    }

    pub(crate) fn set_sent(&mut self, sent: usize) {
        self.sent = sent;
    }

    pub(crate) fn has_unsent(&self) -> bool {
        self.sent < self.definitions.len()
    }

    /// The definition messages that the receiver lacks; from here on they count as sent.
    pub(crate) fn take_unsent(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut message = Vec::new();
        for (index, definition) in self.definitions.iter().enumerate().skip(self.sent) {
            let definition = definition.as_ref().expect("no type is half defined between values");
            message.clear();
            let id = TypeId(self.first + index as i32);
            wire::put_int(&mut message, -i64::from(id.0));
            put_definition(&mut message, id, definition);
            wire::put_uint(&mut out, message.len() as u64);
            out.extend_from_slice(&message);
        }
        self.sent = self.definitions.len();
        out
    }
}

/// Writes a `wireType` value. Field numbers are those of Go's struct; see `types::predefined`.
fn put_definition(out: &mut Vec<u8>, id: TypeId, definition: &WireType) {
    let which = match definition {
        WireType::Array { .. } => 1,
        WireType::Slice { .. } => 2,
        WireType::Struct { .. } => 3,
        WireType::Map { .. } => 4,
        WireType::Marshaled { by: Marshaler::Gob, .. } => 5,
        WireType::Marshaled { by: Marshaler::Binary, .. } => 6,
        WireType::Marshaled { by: Marshaler::Text, .. } => 7,
    };
    out.extend_from_slice(&[which, 1]);
    put_name_and_id(out, definition.name(), id);
    match definition {
        WireType::Array { elem, length, .. } => {
            put_field_int(out, i64::from(elem.0));
            if *length != 0 {
                put_field_int(out, *length as i64);
            }
        }
        WireType::Slice { elem, .. } => put_field_int(out, i64::from(elem.0)),
        WireType::Struct { fields, .. } => {
            if !fields.is_empty() {
                out.push(1);
                wire::put_uint(out, fields.len() as u64);
                for field in fields {
                    put_name_and_id(out, &field.name, field.id);
                }
            }
        }
        WireType::Map { key, elem, .. } => {
            put_field_int(out, i64::from(key.0));
            put_field_int(out, i64::from(elem.0));
        }
        WireType::Marshaled { .. } => {}
    }
    out.extend_from_slice(&[0, 0]);
}

/// `CommonType` and `fieldType` look the same: a name, left out when empty, and an id.
fn put_name_and_id(out: &mut Vec<u8>, name: &str, id: TypeId) {
    if name.is_empty() {
        out.push(2);
    } else {
        out.push(1);
        wire::put_uint(out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
        out.push(1);
    }
    wire::put_int(out, i64::from(id.0));
    out.push(0);
}

fn put_field_int(out: &mut Vec<u8>, value: i64) {
    out.push(1);
    wire::put_int(out, value);
}
