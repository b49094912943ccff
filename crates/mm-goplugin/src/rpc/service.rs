//! What a [`Server`](super::Server) offers.

use std::future::Future;
use std::pin::Pin;

use mm_gob::codec::{Codec, Struct};
use mm_gob::{DecodeError, Decoder, EncodeError, Encoder, Zeros};

use super::error::Closed;
use super::wire::{self, Empty, Response};

/// A call under way: the reply, or a text that tells the caller what went wrong.
pub type Running = Pin<Box<dyn Future<Output = Result<Reply, String>> + Send>>;

/// The methods registered under one name. Many connections may share it.
pub trait Service: Send + Sync + 'static {
    /// Begins a call of `method` (the part after the service's name and the dot).
    ///
    /// It reads the argument and returns what is left to do, all before the next request is looked at, so it must not take long
    /// and must have no effect before [`Args::read`] has succeeded: if the argument has not arrived completely the read fails and
    /// the same call is made again later. The returned future runs concurrently with the other calls of its connection, in the
    /// connection's task; long computations belong into a task of their own.
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal>;

    /// The connection is over.
    fn closed(&self, reason: &Closed) {
        let _ = reason;
    }
}

/// Why a call does not begin.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The service has no such method; the caller gets Go's words for it.
    #[error("no such method")]
    NoSuchMethod,
    /// The argument could not be read.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// Anything else, as the caller shall read it.
    #[error("{0}")]
    Other(String),
}

/// Why there is no argument.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ArgsError {
    /// It has not arrived completely. Return it: the call is made again.
    #[error("the argument has not arrived completely")]
    Incomplete,
    /// It is not what the method takes.
    #[error("the argument cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// It was read before.
    #[error("the argument was read before")]
    AlreadyRead,
}

/// The argument of a call, not decoded yet. What a service does not read is passed over.
#[derive(Debug)]
pub struct Args<'a> {
    decoder: &'a mut Decoder,
    state: State,
}

#[derive(Debug)]
enum State {
    Unread,
    Read,
    Incomplete,
    Lost(DecodeError),
}

impl<'a> Args<'a> {
    pub(super) fn new(decoder: &'a mut Decoder) -> Self {
        Self { decoder, state: State::Unread }
    }

    /// The argument, read by codec `C`.
    pub fn read<C: Codec<T>, T: Default>(&mut self) -> Result<T, ArgsError> {
        self.with(Decoder::decode::<C, T>)
    }

    /// The argument, whatever it is.
    pub fn read_dynamic(&mut self) -> Result<mm_gob::dynamic::Typed, ArgsError> {
        self.with(Decoder::decode_dynamic)
    }

    fn with<T>(&mut self, read: impl FnOnce(&mut Decoder) -> Result<Option<T>, DecodeError>) -> Result<T, ArgsError> {
        if !matches!(self.state, State::Unread) {
            return Err(ArgsError::AlreadyRead);
        }
        match read(self.decoder) {
            Ok(Some(value)) => {
                self.state = State::Read;
                Ok(value)
            }
            Ok(None) => {
                self.state = State::Incomplete;
                Err(ArgsError::Incomplete)
            }
            Err(error) => {
                self.state = if error.is_fatal() { State::Lost(error.clone()) } else { State::Read };
                Err(ArgsError::Decode(error))
            }
        }
    }

    /// Passes over what was not read. Whether the argument is behind us; an error if the stream is lost.
    pub(super) fn finish(self) -> Result<bool, DecodeError> {
        match self.state {
            State::Unread => self.decoder.skip().map(|done| done.is_some()),
            State::Read => Ok(true),
            State::Incomplete => Ok(false),
            State::Lost(error) => Err(error),
        }
    }
}

/// The result of a call, encoded when it is sent.
pub struct Reply {
    value: Box<dyn Encode>,
    sent: Option<Box<dyn FnOnce() + Send>>,
}

trait Encode: Send {
    /// Appends the header and the value, or nothing.
    fn encode(&self, encoder: &mut Encoder, out: &mut Vec<u8>, header: &Response) -> Result<(), EncodeError>;
}

struct Typed<C, T> {
    value: T,
    zeros: Zeros,
    codec: std::marker::PhantomData<fn() -> C>,
}

impl<C: Codec<T>, T: Send> Encode for Typed<C, T> {
    fn encode(&self, encoder: &mut Encoder, out: &mut Vec<u8>, header: &Response) -> Result<(), EncodeError> {
        wire::message::<Response, C, T>(encoder, out, header, &self.value, &self.zeros)
    }
}

impl Reply {
    /// A value, written by codec `C`.
    pub fn new<C: Codec<T>, T: Send + 'static>(value: T) -> Self {
        Self::with_zeros::<C, T>(value, Zeros::Omit)
    }

    /// A value, with those of its zeros written that `zeros` tells.
    pub fn with_zeros<C: Codec<T>, T: Send + 'static>(value: T, zeros: Zeros) -> Self {
        Self { value: Box::new(Typed::<C, T> { value, zeros, codec: std::marker::PhantomData }), sent: None }
    }

    /// Calls `then` when the stream has taken the reply. It is not called if the connection ends before.
    #[must_use]
    pub fn once_sent(mut self, then: impl FnOnce() + Send + 'static) -> Self {
        self.sent = Some(Box::new(then));
        self
    }

    pub(super) fn take_once_sent(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.sent.take()
    }

    /// A struct without fields.
    pub fn empty() -> Self {
        Self::new::<Struct<Empty>, Empty>(Empty)
    }

    pub(super) fn encode(
        &self,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
        header: &Response,
    ) -> Result<(), EncodeError> {
        self.value.encode(encoder, out, header)
    }
}
