//! The headers of net/rpc, and how messages are put together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mm_gob::codec::{Codec, Str, Struct, Uint};
use mm_gob::{EncodeError, Encoder, Zeros, gob_struct};

/// Before every argument.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// `Service.Method`.
    pub(super) service_method: String,
    pub(super) seq: u64,
}

/// Before every result.
#[derive(Debug, Default)]
pub(super) struct Response {
    pub(super) service_method: String,
    pub(super) seq: u64,
    /// Empty: the call succeeded.
    pub(super) error: String,
}

/// [`Response`] as the client reads it: it goes by the number and leaves the method's name where it is.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) seq: u64,
    pub(super) error: String,
}

/// A struct without fields: what Go programs send where there is nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Empty;

gob_struct! {
    Request as "Request" {
        "ServiceMethod" => service_method: Str,
        "Seq" => seq: Uint,
    }
}

gob_struct! {
    Response as "Response" {
        "ServiceMethod" => service_method: Str,
        "Seq" => seq: Uint,
        "Error" => error: Str,
    }
}

gob_struct! {
    Outcome as "Response" {
        "Seq" => seq: Uint,
        "Error" => error: Str,
    }
}

gob_struct! { Empty as "" {} }

/// Appends a header and a value, or nothing: when the value cannot be encoded, output and encoder are as they were.
pub(super) fn message<H, C, T>(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    header: &H,
    value: &T,
    zeros: &Zeros,
) -> Result<(), EncodeError>
where
    H: mm_gob::GobStruct,
    C: Codec<T>,
{
    atomically(encoder, out, header, &mut |encoder, out| encoder.encode_with::<C, T>(value, zeros, out))
}

/// Appends to a buffer with an encoder.
type Append<'a> = &'a mut dyn FnMut(&mut Encoder, &mut Vec<u8>) -> Result<(), EncodeError>;

/// Once for each header instead of once for each type of value.
fn atomically<H: mm_gob::GobStruct>(
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    header: &H,
    append: Append<'_>,
) -> Result<(), EncodeError> {
    let (start, mark) = (out.len(), encoder.checkpoint());
    // A codec is foreign code; a panic in it must not leave half a message behind either.
    let result = catch_unwind(AssertUnwindSafe(|| {
        encoder.encode::<Struct<H>, H>(header, out)?;
        append(encoder, out)
    }))
    .unwrap_or_else(|_| Err(EncodeError::marshal("the codec panicked")));
    if result.is_err() {
        out.truncate(start);
        encoder.rollback(mark);
    }
    result
}
