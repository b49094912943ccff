//! [`Encoder`]: the outgoing half of a stream.

use crate::codec::{Codec, Presence};
use crate::error::{EncodeError, EncodeErrorKind};
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::wire;
use crate::write::{ValueWriter, Zeros, put_length};

/// Writes values for one receiver. It remembers which types the receiver knows, so every stream needs its own, for as
/// long as the stream lives, and everything it writes must be sent, in order.
///
/// All definitions that a value needs, those of types inside interfaces too, are written as messages before the value;
/// the value is one message.
#[derive(Debug)]
pub struct Encoder {
    types: TypeTable,
}

/// A place in an encoder's output; see [`Encoder::checkpoint`].
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    sent: usize,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder for a new stream.
    pub fn new() -> Self {
        Self::with_first_type_id(TypeId::FIRST_USER)
    }

    /// An encoder that numbers its types from `first` on, at least 64. Receivers do not care.
    pub fn with_first_type_id(first: TypeId) -> Self {
        Self { types: TypeTable::new(first) }
    }

    /// Appends `value` to `out`: the definitions that the receiver lacks, then one message. On error `out` is as before.
    pub fn encode<C: Codec<T>, T>(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_with::<C, T>(value, &Zeros::Omit, out)
    }

    /// Like [`encode`](Self::encode), writing those zero values that `zeros` tells.
    pub fn encode_with<C: Codec<T>, T>(
        &mut self,
        value: &T,
        zeros: &Zeros,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let id = C::wire_type(&mut self.types);
        self.message(id, zeros, out, |writer| match C::presence(value) {
            Presence::Absent => Err(EncodeError::new(EncodeErrorKind::NilElement)),
            Presence::Zero | Presence::Present => C::encode(value, writer),
        })
    }

    /// Appends a dynamic value to `out`, with the definitions that the receiver lacks.
    pub fn encode_dynamic(&mut self, value: &crate::dynamic::Typed, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let id = crate::dynamic::import(&mut self.types, &value.ty)?;
        self.message(id, &Zeros::Omit, out, |writer| crate::dynamic::write(writer, &value.ty, &value.value))
    }

    fn message(
        &mut self,
        id: TypeId,
        zeros: &Zeros,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut ValueWriter<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        out.push(0);
        wire::put_int(out, i64::from(id.0));
        if !self.types.is_struct(id) {
            out.push(0);
        }
        let written = write(&mut ValueWriter::new(out, &mut self.types, zeros));
        if let Err(error) = written {
            // The types registered meanwhile stay unsent and go out with the next value: unused definitions do no harm.
            out.truncate(start);
            return Err(error);
        }
        put_length(out, start);
        if self.types.has_unsent() {
            let definitions = self.types.take_unsent();
            out.splice(start..start, definitions);
        }
        Ok(())
    }

    /// The types of this stream. Codecs get it by themselves.
    pub fn types(&mut self) -> &mut TypeTable {
        &mut self.types
    }

    /// Marks this place, for [`rollback`](Self::rollback).
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { sent: self.types.sent() }
    }

    /// Tells that nothing written since the checkpoint was or will be sent: the definitions in it will be written again.
    pub fn rollback(&mut self, to: Checkpoint) {
        self.types.set_sent(to.sent);
    }
}
