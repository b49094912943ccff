//! Strings and byte slices.

use super::scalar::basic;
use super::{Codec, Presence};
use crate::error::{DecodeError, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// Go's `string`, as text. Go does not check that its strings are UTF-8; what is not is read as U+FFFD.
#[derive(Debug)]
pub struct Str;

/// Go's `string`, byte for byte.
#[derive(Debug)]
pub struct StrBytes;

/// Go's `[]byte`.
#[derive(Debug)]
pub struct Bytes;

impl Codec<String> for Str {
    basic!(STRING);

    #[inline]
    fn presence(value: &String) -> Presence {
        Presence::of(value.is_empty())
    }

    #[inline]
    fn encode(value: &String, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.bytes(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn decode(into: &mut String, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        let bytes = from.bytes()?;
        into.clear();
        match str::from_utf8(bytes) {
            Ok(text) => into.push_str(text),
            Err(_) => into.push_str(&String::from_utf8_lossy(bytes)),
        }
        Ok(())
    }
}

impl Codec<Box<str>> for Str {
    basic!(STRING);

    #[inline]
    fn presence(value: &Box<str>) -> Presence {
        Presence::of(value.is_empty())
    }

    fn encode(value: &Box<str>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.bytes(value.as_bytes());
        Ok(())
    }

    fn decode(into: &mut Box<str>, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        *into = String::from_utf8_lossy(from.bytes()?).into();
        Ok(())
    }
}

macro_rules! raw {
    ($codec:ident, $id:ident) => {
        impl Codec<Vec<u8>> for $codec {
            basic!($id);

            #[inline]
            fn presence(value: &Vec<u8>) -> Presence {
                Presence::of(value.is_empty())
            }

            #[inline]
            fn encode(value: &Vec<u8>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                out.bytes(value);
                Ok(())
            }

            #[inline]
            fn decode(into: &mut Vec<u8>, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
                let bytes = from.bytes()?;
                into.clear();
                into.extend_from_slice(bytes);
                Ok(())
            }
        }

        /// Long ones are views of the message they came in, without a copy.
        impl Codec<::bytes::Bytes> for $codec {
            basic!($id);

            #[inline]
            fn presence(value: &::bytes::Bytes) -> Presence {
                Presence::of(value.is_empty())
            }

            #[inline]
            fn encode(value: &::bytes::Bytes, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                out.bytes(value);
                Ok(())
            }

            #[inline]
            fn decode(into: &mut ::bytes::Bytes, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
                *into = from.shared_bytes()?;
                Ok(())
            }
        }
    };
}
raw!(StrBytes, STRING);
raw!(Bytes, BYTES);
