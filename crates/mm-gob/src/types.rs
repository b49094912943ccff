//! Type ids and type definitions, as they travel.

use std::sync::Arc;

/// The number of a type on one stream. Ids below 64 belong to gob and mean the same everywhere; the others are chosen by
/// the sender and mean something only on its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub i32);

impl TypeId {
    /// `bool`.
    pub const BOOL: Self = Self(1);
    /// Every signed integer type.
    pub const INT: Self = Self(2);
    /// Every unsigned integer type.
    pub const UINT: Self = Self(3);
    /// `float32` and `float64`.
    pub const FLOAT: Self = Self(4);
    /// `[]byte`.
    pub const BYTES: Self = Self(5);
    /// `string`.
    pub const STRING: Self = Self(6);
    /// `complex64` and `complex128`.
    pub const COMPLEX: Self = Self(7);
    /// Every interface type.
    pub const INTERFACE: Self = Self(8);
    /// The first id that a sender may choose.
    pub const FIRST_USER: Self = Self(64);
}

/// One field of a struct, as its sender defined it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WireField {
    /// The field's Go name.
    pub name: Arc<str>,
    /// Its type.
    pub id: TypeId,
}

/// A type definition. `name` is informative and may be empty; nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WireType {
    /// `[length]elem`
    Array {
        /// Go name, may be empty.
        name: Arc<str>,
        /// Type of the elements.
        elem: TypeId,
        /// Number of elements.
        length: u64,
    },
    /// `[]elem`
    Slice {
        /// Go name, may be empty.
        name: Arc<str>,
        /// Type of the elements.
        elem: TypeId,
    },
    /// A struct; a value names its fields by their position here.
    Struct {
        /// Go name, may be empty.
        name: Arc<str>,
        /// The exported fields in order.
        fields: Vec<WireField>,
    },
    /// `map[key]elem`
    Map {
        /// Go name, may be empty.
        name: Arc<str>,
        /// Type of the keys.
        key: TypeId,
        /// Type of the values.
        elem: TypeId,
    },
    /// A type that makes its own bytes.
    Marshaled {
        /// Go name, may be empty.
        name: Arc<str>,
        /// By which of Go's interfaces.
        by: Marshaler,
    },
}

/// The Go interface by which a type makes its own bytes. A receiver must use the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marshaler {
    /// `gob.GobEncoder`, as `time.Time` does.
    Gob,
    /// `encoding.BinaryMarshaler`, as `*url.URL` does.
    Binary,
    /// `encoding.TextMarshaler`: in the format, but Go never sends it.
    Text,
}

/// What a value is, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `bool`
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating point number.
    Float,
    /// A complex number.
    Complex,
    /// `[]byte`
    Bytes,
    /// `string`
    String,
    /// An interface.
    Interface,
    /// An array.
    Array,
    /// A slice, other than of bytes.
    Slice,
    /// A struct.
    Struct,
    /// A map.
    Map,
    /// A type that makes its own bytes.
    Marshaled(Marshaler),
}

impl TypeId {
    /// The kind of a type that gob itself defines, but for those of type definitions.
    pub(crate) fn basic_kind(self) -> Option<Kind> {
        Some(match self {
            Self::BOOL => Kind::Bool,
            Self::INT => Kind::Int,
            Self::UINT => Kind::Uint,
            Self::FLOAT => Kind::Float,
            Self::BYTES => Kind::Bytes,
            Self::STRING => Kind::String,
            Self::COMPLEX => Kind::Complex,
            Self::INTERFACE => Kind::Interface,
            _ => return None,
        })
    }

    pub(crate) fn basic_name(self) -> Option<&'static str> {
        Some(match self.basic_kind()? {
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Uint => "uint",
            Kind::Float => "float64",
            Kind::Bytes => "[]uint8",
            Kind::String => "string",
            Kind::Complex => "complex128",
            _ => "interface {}",
        })
    }
}

impl WireType {
    /// The kind of the type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Array { .. } => Kind::Array,
            Self::Slice { .. } => Kind::Slice,
            Self::Struct { .. } => Kind::Struct,
            Self::Map { .. } => Kind::Map,
            Self::Marshaled { by, .. } => Kind::Marshaled(*by),
        }
    }

    /// The Go name, which may be empty.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Array { name, .. }
            | Self::Slice { name, .. }
            | Self::Struct { name, .. }
            | Self::Map { name, .. }
            | Self::Marshaled { name, .. } => name,
        }
    }
}

/// The types that gob uses to describe types (ids 16 to 24). A sender may use them in values like any other.
pub(crate) fn predefined() -> Vec<(TypeId, WireType)> {
    fn structure(name: &str, fields: &[(&str, i32)]) -> WireType {
        WireType::Struct {
            name: name.into(),
            fields: fields.iter().map(|&(name, id)| WireField { name: name.into(), id: TypeId(id) }).collect(),
        }
    }
    vec![
        (
            TypeId(16),
            structure(
                "wireType",
                &[
                    ("ArrayT", 17),
                    ("SliceT", 19),
                    ("StructT", 20),
                    ("MapT", 23),
                    ("GobEncoderT", 24),
                    ("BinaryMarshalerT", 24),
                    ("TextMarshalerT", 24),
                ],
            ),
        ),
        (TypeId(17), structure("arrayType", &[("CommonType", 18), ("Elem", 2), ("Len", 2)])),
        (TypeId(18), structure("CommonType", &[("Name", 6), ("Id", 2)])),
        (TypeId(19), structure("sliceType", &[("CommonType", 18), ("Elem", 2)])),
        (TypeId(20), structure("structType", &[("CommonType", 18), ("Field", 22)])),
        (TypeId(21), structure("fieldType", &[("Name", 6), ("Id", 2)])),
        (TypeId(22), WireType::Slice { name: "[]fieldType".into(), elem: TypeId(21) }),
        (TypeId(23), structure("mapType", &[("CommonType", 18), ("Key", 2), ("Elem", 2)])),
        (TypeId(24), structure("gobEncoderType", &[("CommonType", 18)])),
    ]
}
