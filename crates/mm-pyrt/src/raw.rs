//! The gRPC codec of bytes that are encoded already: Python threads do the protobuf part, under the GIL.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Largest message in either direction. Files travel whole in some calls.
pub(crate) const MAX_MESSAGE: usize = 1 << 30;

/// HTTP/2 settings of both ends: headers carry error details, and windows must not throttle a local socket.
pub(crate) const MAX_HEADERS: u32 = 16 << 20;
pub(crate) const STREAM_WINDOW: u32 = 1 << 20;
/// As large as HTTP/2 has it. What travels ahead of a slow reader is bounded by its own stream's window; a bound for all of them together
/// would let a few bodies that nobody reads stop every other call.
pub(crate) const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Passes bytes through.
#[derive(Clone, Copy, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
