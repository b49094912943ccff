//! Go's `any` as an enum of one's own, read and written without a tree in between.

use std::collections::BTreeMap;

use mm_gob::codec::{Bool, Float, Int, Interface, Map, Slice, Str};
use mm_gob::{DecodeError, Decoder, EncodeError, Encoder, InterfaceReader, InterfaceValue, Kind, ValueWriter};

/// What JSON can say.
#[derive(Clone, Debug, Default, PartialEq)]
enum Json {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Dict(BTreeMap<String, Json>),
}

impl InterfaceValue for Json {
    fn is_nil(&self) -> bool {
        *self == Self::Null
    }

    // The names are those under which the Go program has registered the types. Go registers the basic ones itself; for
    // the last two it needs `gob.Register([]any{})` and `gob.Register(map[string]any{})`.
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Null => out.nil_interface(),
            Self::Bool(value) => out.interface::<Bool, _>("bool", value),
            Self::Int(value) => out.interface::<Int, _>("int64", value),
            Self::Float(value) => out.interface::<Float, _>("float64", value),
            Self::Text(value) => out.interface::<Str, _>("string", value),
            Self::List(values) => out.interface::<Slice<Interface>, _>("[]interface {}", values),
            Self::Dict(pairs) => out.interface::<Map<Str, Interface>, _>("map[string]interface {}", pairs),
        }
    }

    // By kind rather than by name: an `int` and an `int32` are as good as an `int64`.
    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        match content.kind()? {
            Kind::Bool => content.read::<Bool, _>().map(Self::Bool),
            Kind::Int => content.read::<Int, _>().map(Self::Int),
            Kind::Float => content.read::<Float, _>().map(Self::Float),
            Kind::String => content.read::<Str, _>().map(Self::Text),
            Kind::Slice => content.read::<Slice<Interface>, _>().map(Self::List),
            Kind::Map => content.read::<Map<Str, Interface>, _>().map(Self::Dict),
            _ => Err(DecodeError::unknown_concrete_type(content.name())),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = Json::List(vec![Json::Int(1), Json::Float(2.5), Json::Null]);
    let value = BTreeMap::from([("numbers".to_owned(), numbers), ("ok".to_owned(), Json::Bool(true))]);

    let mut bytes = Vec::new();
    Encoder::new().encode::<Map<Str, Interface>, _>(&value, &mut bytes)?;
    println!("{} bytes", bytes.len());

    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let read = decoder.decode::<Map<Str, Interface>, BTreeMap<String, Json>>()?;
    assert_eq!(read.as_ref(), Some(&value));
    println!("{read:#?}");
    Ok(())
}
