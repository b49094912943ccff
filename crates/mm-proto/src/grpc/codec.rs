//! A tonic codec that does not know its message types: it is told how to decode, and messages know how to encode.

use std::any::Any;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// A message on its way out.
pub(super) type Outgoing = Box<dyn Encodable>;
/// A message that came in; of the type that its [`Decode`] makes.
pub(super) type Incoming = Box<dyn Any + Send + Sync>;
/// Reads a message of one type.
pub(super) type Decode = fn(&mut DecodeBuf<'_>) -> Result<Incoming, Status>;

/// Any prost message.
pub(super) trait Encodable: Send + Sync + 'static {
    /// Writes the message; the buffer has grown to hold it.
    fn encode_to(&self, buffer: &mut EncodeBuf<'_>);
}

impl<M: Message + 'static> Encodable for M {
    fn encode_to(&self, buffer: &mut EncodeBuf<'_>) {
        buffer.reserve(self.encoded_len());
        self.encode_raw(buffer);
    }
}

/// The [`Decode`] of a message type.
pub(super) fn decode<M: Message + Default + 'static>(buffer: &mut DecodeBuf<'_>) -> Result<Incoming, Status> {
    match M::decode(buffer) {
        Ok(message) => Ok(Box::new(message)),
        Err(error) => Err(Status::internal(format!("the message cannot be decoded: {error}"))),
    }
}

/// What [`decode`] made.
///
/// # Panics
/// When it was made by the [`decode`] of another type, which the callers of this module rule out.
pub(super) fn typed<M: 'static>(message: Incoming) -> M {
    *message.downcast().expect("a message is decoded as the type its method takes")
}

#[derive(Clone, Copy)]
pub(super) struct AnyCodec {
    pub decode: Decode,
}

impl Codec for AnyCodec {
    type Encode = Outgoing;
    type Decode = Incoming;
    type Encoder = AnyEncoder;
    type Decoder = AnyDecoder;

    fn encoder(&mut self) -> AnyEncoder {
        AnyEncoder
    }

    fn decoder(&mut self) -> AnyDecoder {
        AnyDecoder { decode: self.decode }
    }
}

pub(super) struct AnyEncoder;

impl Encoder for AnyEncoder {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, message: Outgoing, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode_to(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

pub(super) struct AnyDecoder {
    decode: Decode,
}

impl Decoder for AnyDecoder {
    type Item = Incoming;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Incoming>, Status> {
        (self.decode)(buffer).map(Some)
    }
}
