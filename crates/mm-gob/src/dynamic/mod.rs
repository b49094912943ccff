//! Values whose type is known only when they arrive: anything a definition can tell, read without knowing it beforehand,
//! and written again.

mod read;
mod types;
mod write;

use std::sync::Arc;

pub(crate) use self::read::read;
pub use self::types::{Type, Types};
pub(crate) use self::write::{import, write};
use crate::codec::InterfaceValue;
use crate::error::{DecodeError, EncodeError};
use crate::read::InterfaceReader;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// A value with its type.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What it is.
    pub ty: Type,
    /// Its content.
    pub value: Value,
}

/// The content of a value. What it means in Go (how wide a number is, what a struct is called) is in its [`Type`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating point number.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// `[]byte`
    Bytes(Vec<u8>),
    /// A string.
    String(String),
    /// A string that is not UTF-8.
    RawString(Vec<u8>),
    /// A slice or an array.
    List(Vec<Value>),
    /// A map, in the order of the wire.
    Map(Vec<(Value, Value)>),
    /// A struct: the fields that are on the wire, by name, in the order of the definition.
    Struct(Vec<(Arc<str>, Value)>),
    /// The bytes of a type that makes its own.
    Marshaled(Vec<u8>),
    /// An interface; `None` is nil.
    Interface(Option<Box<Interface>>),
}

/// What an interface holds. As a field, by the codec [`Interface`](crate::codec::Interface), it is `Option<Interface>`.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The name under which the concrete type is registered, such as `string` or `*model.AppError`.
    pub name: String,
    /// The concrete type.
    pub ty: Type,
    /// The value.
    pub value: Value,
}

/// Types are compared by name, not by definition.
impl PartialEq for Interface {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl Interface {
    /// A value of a type that gob itself defines, registered under `name`.
    fn basic(name: &str, id: TypeId, value: Value) -> Self {
        Self { name: name.to_owned(), ty: Type::basic(id), value }
    }
}

macro_rules! from {
    ($($rust:ty => $name:literal, $id:ident, $make:expr;)*) => {$(
        #[doc = concat!("As Go's `", $name, "`.")]
        impl From<$rust> for Interface {
            fn from(value: $rust) -> Self {
                Self::basic($name, TypeId::$id, $make(value))
            }
        }
    )*};
}
from! {
    bool => "bool", BOOL, Value::Bool;
    i64 => "int64", INT, Value::Int;
    u64 => "uint64", UINT, Value::Uint;
    f64 => "float64", FLOAT, Value::Float;
    String => "string", STRING, Value::String;
    &str => "string", STRING, |text: &str| Value::String(text.to_owned());
    Vec<u8> => "[]uint8", BYTES, Value::Bytes;
}

/// As Go's `[]interface {}`; Go knows it only if the program has registered it.
impl From<Vec<Option<Interface>>> for Interface {
    fn from(values: Vec<Option<Interface>>) -> Self {
        let value = Value::List(values.into_iter().map(|value| Value::Interface(value.map(Box::new))).collect());
        Self { name: "[]interface {}".to_owned(), ty: types::list_of_any(), value }
    }
}

/// As Go's `map[string]interface {}`; Go knows it only if the program has registered it.
impl FromIterator<(String, Option<Interface>)> for Interface {
    fn from_iter<I: IntoIterator<Item = (String, Option<Interface>)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(key, value)| (Value::String(key), Value::Interface(value.map(Box::new))));
        Self { name: "map[string]interface {}".to_owned(), ty: types::map_of_any(), value: Value::Map(pairs.collect()) }
    }
}

/// Without a name: Go's nil.
impl Default for Interface {
    fn default() -> Self {
        Self::basic("", TypeId::BOOL, Value::Bool(false))
    }
}

impl InterfaceValue for Interface {
    fn is_nil(&self) -> bool {
        self.name.is_empty()
    }

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.dynamic(self)
    }

    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        content.dynamic()
    }
}
