//! [`Decoder`]: the incoming half of a stream, fed with bytes; [`Reader`]: the same on top of `std::io::Read`.

use std::io;

use bytes::{Buf, Bytes, BytesMut};

use crate::codec::Codec;
use crate::definition;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::limits::Limits;
use crate::plan::Session;
use crate::read::ValueReader;
use crate::types::{TypeId, WireType};
use crate::wire;

/// Reads the values of one sender. It remembers the types that the sender has defined, so every stream needs its own, for
/// as long as the stream lives, and must be given all of its bytes.
///
/// It does no input itself: [`push`](Self::push) bytes as they come, in pieces of any size, and ask for values. Every
/// question is answered `Ok(None)` while bytes are missing.
///
/// An error with [`DecodeError::is_fatal`] is the end of the stream. Any other concerns one value, which is consumed.
#[derive(Debug)]
pub struct Decoder {
    session: Session,
    /// Bytes as they came; what has not been moved to `ready`.
    incoming: BytesMut,
    /// Whole messages, with their lengths.
    ready: Bytes,
    /// The next value's type, once its message's head was read; then `ready` begins with its content.
    next: Option<Next>,
    /// A value failed and the rest of it must be passed over before the error can be told.
    failed: Option<DecodeError>,
    dead: Option<DecodeError>,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    id: TypeId,
    /// How many bytes of `ready` are the message's content after the type id.
    length: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder for a new stream, with the default limits.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// A decoder for a new stream.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            session: Session::new(limits),
            incoming: BytesMut::new(),
            ready: Bytes::new(),
            next: None,
            failed: None,
            dead: None,
        }
    }

    /// Adds bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
    }

    /// Where bytes of the stream can be added without a copy, as `tokio`'s `read_buf` does. Only ever append.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// How many bytes are here that belong to no value read so far.
    pub fn buffered(&self) -> usize {
        self.incoming.len() + self.ready.len()
    }

    /// Whether the stream may end here: no value has begun.
    pub fn is_idle(&self) -> bool {
        self.buffered() == 0 && self.next.is_none()
    }

    /// The type of the next value. Takes in the definitions before it; the value itself stays.
    pub fn next_value_type(&mut self) -> Result<Option<TypeId>, DecodeError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        let result = self.find_next();
        if let Err(error) = &result {
            self.dead = Some(error.clone());
        }
        result
    }

    /// The sender's definition of a type, unless gob itself defines it.
    pub fn definition(&self, id: TypeId) -> Option<&WireType> {
        self.session.definition(id).map(|definition| &**definition)
    }

    /// Reads the next value.
    pub fn decode<C: Codec<T>, T: Default>(&mut self) -> Result<Option<T>, DecodeError> {
        let mut value = T::default();
        Ok(self.decode_into::<C, T>(&mut value)?.map(|()| value))
    }

    /// Reads the next value over an existing one, as Go does: fields that the sender left out keep their content, map
    /// keys are added or replaced, elements of lists are reused.
    ///
    /// After `Ok(None)` or an error `into` may hold a part of the new value. After `Ok(None)` call it again with the same.
    pub fn decode_into<C: Codec<T>, T>(&mut self, into: &mut T) -> Result<Option<()>, DecodeError> {
        self.value(|reader, id| {
            let plan = reader.session().plan::<C, T>(id)?;
            reader.begin(id)?;
            C::decode(into, reader, plan)
        })
    }

    /// Reads the next value as what it is.
    pub fn decode_dynamic(&mut self) -> Result<Option<crate::dynamic::Typed>, DecodeError> {
        let mut read = None;
        let done = self.value(|reader, id| {
            reader.begin(id)?;
            let value = crate::dynamic::read(reader, id)?;
            read = Some(crate::dynamic::Typed { ty: reader.session().shared_types().get(id), value });
            Ok(())
        })?;
        Ok(done.and(read))
    }

    /// Passes over the next value. Definitions in it are taken in.
    pub fn skip(&mut self) -> Result<Option<()>, DecodeError> {
        self.value(|reader, id| {
            reader.begin(id)?;
            reader.skip(id)
        })
    }

    fn value(
        &mut self,
        mut read: impl FnMut(&mut ValueReader<'_>, TypeId) -> Result<(), DecodeError>,
    ) -> Result<Option<()>, DecodeError> {
        let Some(id) = self.next_value_type()? else { return Ok(None) };
        if self.failed.is_none() {
            match self.attempt(|reader| read(reader, id)) {
                Ok(done) => return Ok(done),
                Err(error) if error.is_fatal() => return Err(self.die(error)),
                Err(error) => self.failed = Some(error),
            }
        }
        // Where the failed value ends is known only by parsing it: it may go on in further messages.
        let passed = self.attempt(|reader| {
            reader.begin(id)?;
            reader.skip(id)
        });
        match passed {
            Ok(None) => Ok(None),
            Ok(Some(())) => Err(self.failed.take().unwrap_or_else(DecodeError::truncated)),
            Err(error) => Err(self.die(error)),
        }
    }

    #[cold]
    fn die(&mut self, error: DecodeError) -> DecodeError {
        self.dead = Some(error.clone());
        error
    }

    /// Reads the next value from its start. `None` if it continues in messages that are not here. Unless it succeeds,
    /// the value stays, and the definitions in it are forgotten, so that it can be read once more.
    fn attempt(
        &mut self,
        mut read: impl FnMut(&mut ValueReader<'_>) -> Result<(), DecodeError>,
    ) -> Result<Option<()>, DecodeError> {
        let Some(next) = self.next else { return Ok(None) };
        loop {
            let defined = self.session.defined();
            let (current, rest) = self.ready.split_at(next.length);
            let mut reader = ValueReader::new(current, rest, &self.ready, &mut self.session);
            let result = read(&mut reader);
            let rest = reader.rest().len();
            match result {
                Ok(()) => {
                    self.next = None;
                    self.consume(self.ready.len() - rest);
                    return Ok(Some(()));
                }
                Err(error) => {
                    self.session.forget_definitions(defined);
                    if *error.kind() != DecodeErrorKind::Incomplete {
                        return Err(error);
                    }
                    if !self.extend_ready()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn consume(&mut self, length: usize) {
        self.ready.advance(length);
        if self.ready.is_empty() {
            // Let go of the memory, so that `incoming` can use it again.
            self.ready = Bytes::new();
        }
    }

    /// Takes in definitions up to the head of the next value.
    fn find_next(&mut self) -> Result<Option<TypeId>, DecodeError> {
        loop {
            if let Some(next) = self.next {
                return Ok(Some(next.id));
            }
            if self.ready.is_empty() && !self.extend_ready()? {
                return Ok(None);
            }
            // `ready` holds whole messages only.
            let Ok(Some((length, head))) = wire::peek_uint(&self.ready) else { return Err(DecodeError::truncated()) };
            self.ready.advance(head);
            let length = length as usize;
            let (content, rest) = self.ready.split_at(length);
            let mut reader = ValueReader::new(content, rest, &self.ready, &mut self.session);
            let id = reader.int()?;
            let Ok(id) = i32::try_from(id) else { return Err(DecodeError::corrupt("a type id is out of range")) };
            if id >= 0 {
                let left = reader.remaining();
                self.ready.advance(length - left);
                self.next = Some(Next { id: TypeId(id), length: left });
                continue;
            }
            let definition = definition::read(&mut reader)?;
            if !reader.at_end() {
                return Err(DecodeError::corrupt("a message goes on after a type definition"));
            }
            let id = id.checked_neg().ok_or_else(|| DecodeError::corrupt("a type id is out of range"))?;
            self.session.define(TypeId(id), definition)?;
            self.consume(length);
        }
    }

    /// Moves the whole messages that have come to `ready`. False if there are none.
    fn extend_ready(&mut self) -> Result<bool, DecodeError> {
        let max = self.session.limits.max_message_bytes;
        let mut whole = 0;
        loop {
            let coming = &self.incoming[whole..];
            let Some((length, head)) =
                wire::peek_uint(coming).map_err(|()| DecodeError::corrupt("no number is that long"))?
            else {
                break;
            };
            if length > max as u64 {
                if whole > 0 {
                    // What comes before it can still be read.
                    break;
                }
                return Err(DecodeError::new(DecodeErrorKind::Limit("max_message_bytes", max)));
            }
            let length = length as usize + head;
            if coming.len() < length {
                break;
            }
            whole += length;
        }
        if whole == 0 {
            return Ok(false);
        }
        let messages = self.incoming.split_to(whole);
        if self.ready.is_empty() {
            self.ready = messages.freeze();
        } else {
            let mut joined = BytesMut::with_capacity(self.ready.len() + messages.len());
            joined.extend_from_slice(&self.ready);
            joined.extend_from_slice(&messages);
            self.ready = joined.freeze();
        }
        Ok(true)
    }
}

/// Why a [`Reader`] could not give a value.
#[derive(Debug)]
pub enum ReadError {
    /// The input failed, or ended inside a value.
    Io(io::Error),
    /// The bytes are not the value that was asked for.
    Decode(DecodeError),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// A [`Decoder`] that fetches its bytes itself, waiting for them. Reads ahead of the value asked for.
#[derive(Debug)]
pub struct Reader<R> {
    decoder: Decoder,
    input: R,
    chunk: Box<[u8]>,
}

impl<R: io::Read> Reader<R> {
    /// A reader of a new stream.
    pub fn new(input: R) -> Self {
        Self::with_decoder(input, Decoder::new())
    }

    /// A reader that goes on with `decoder`.
    pub fn with_decoder(input: R, decoder: Decoder) -> Self {
        Self { decoder, input, chunk: vec![0; 16 << 10].into() }
    }

    /// Reads the next value; `None` at the end of the input.
    pub fn decode<C: Codec<T>, T: Default>(&mut self) -> Result<Option<T>, ReadError> {
        self.until(|decoder| decoder.decode::<C, T>())
    }

    /// Reads the next value over an existing one; `None` at the end of the input.
    pub fn decode_into<C: Codec<T>, T>(&mut self, into: &mut T) -> Result<Option<()>, ReadError> {
        self.until(|decoder| decoder.decode_into::<C, T>(into))
    }

    /// Reads the next value as what it is; `None` at the end of the input.
    pub fn decode_dynamic(&mut self) -> Result<Option<crate::dynamic::Typed>, ReadError> {
        self.until(Decoder::decode_dynamic)
    }

    /// Passes over the next value; `None` at the end of the input.
    pub fn skip(&mut self) -> Result<Option<()>, ReadError> {
        self.until(Decoder::skip)
    }

    fn until<T>(
        &mut self,
        mut ask: impl FnMut(&mut Decoder) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, ReadError> {
        loop {
            if let Some(value) = ask(&mut self.decoder)? {
                return Ok(Some(value));
            }
            match self.input.read(&mut self.chunk) {
                Ok(0) if self.decoder.is_idle() => return Ok(None),
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(length) => self.decoder.push(&self.chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The decoder, for its questions that need no input.
    pub fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }
}
