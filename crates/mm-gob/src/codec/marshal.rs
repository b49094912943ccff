//! Types that make their own bytes.

use super::{Codec, Presence};
use crate::error::{DecodeError, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::{Marshaler, TypeId};
use crate::write::ValueWriter;

/// A value that makes its own bytes, as a Go type with `GobEncode` or `MarshalBinary` does.
pub trait Marshaled: Default {
    /// The Go type's name. Informative, may be empty.
    const NAME: &'static str = "";
    /// Whether this is Go's zero value, which is left out of structs.
    fn is_zero(&self) -> bool;
    /// Appends the bytes to `out`.
    fn marshal(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
    /// Reads the bytes; refuses with [`DecodeError::marshal`].
    fn unmarshal(&mut self, bytes: &[u8]) -> Result<(), DecodeError>;
}

/// A Go type that is a `gob.GobEncoder`, such as `time.Time`.
#[derive(Debug)]
pub struct GobEncoded;

/// A Go type that is an `encoding.BinaryMarshaler` but no `gob.GobEncoder`, such as `*url.URL`.
#[derive(Debug)]
pub struct BinaryMarshaled;

macro_rules! marshaled {
    ($codec:ident, $by:ident) => {
        impl<T: Marshaled> Codec<T> for $codec {
            fn wire_type(types: &mut TypeTable) -> TypeId {
                types.marshaled(T::NAME, Marshaler::$by)
            }

            #[inline]
            fn presence(value: &T) -> Presence {
                Presence::of(value.is_zero())
            }

            #[inline]
            fn presence_of_target(_: &T) -> Presence {
                Presence::Present
            }

            fn encode(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                let mut result = Ok(());
                out.sized(|out| result = value.marshal(out));
                result
            }

            fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
                planner.expect_marshaled(sender, Marshaler::$by)
            }

            fn decode(into: &mut T, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
                into.unmarshal(from.bytes()?)
            }
        }
    };
}
marshaled!(GobEncoded, Gob);
marshaled!(BinaryMarshaled, Binary);

/// The bytes as text, such as a URL's; refuses what is not UTF-8.
impl Marshaled for String {
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn marshal(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }

    fn unmarshal(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let text = str::from_utf8(bytes).map_err(|_| DecodeError::marshal("the text is not UTF-8"))?;
        text.clone_into(self);
        Ok(())
    }
}

/// The bytes as they are.
impl Marshaled for Vec<u8> {
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn marshal(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn unmarshal(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        bytes.clone_into(self);
        Ok(())
    }
}

/// The bytes as they are.
impl Marshaled for ::bytes::Bytes {
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn marshal(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn unmarshal(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        *self = Self::copy_from_slice(bytes);
        Ok(())
    }
}
