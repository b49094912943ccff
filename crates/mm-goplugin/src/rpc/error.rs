//! How calls and connections fail.

use std::io;
use std::sync::Arc;

use mm_gob::{DecodeError, EncodeError};

/// Why a connection is over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// The other side will send nothing more.
    #[error("the other side closed the connection")]
    Eof,
    /// This side let go of it.
    #[error("the connection was closed on this side")]
    Dropped,
    /// Reading or writing failed.
    #[error("the connection failed: {0}")]
    Io(Arc<io::Error>),
    /// What came cannot be read, and where the next message begins is unknown.
    #[error("the connection is lost, what came on it is no net/rpc: {0}")]
    Gob(#[from] DecodeError),
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The other side answered with this text. Nothing but text travels.
    #[error("{0}")]
    Remote(String),
    /// The connection is over. Whether the call was made on the other side is unknown if it was under way.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The argument has no form in gob; nothing was sent.
    #[error("the argument cannot be sent: {0}")]
    Encode(#[from] EncodeError),
    /// The result is of another kind than asked for. The connection lives.
    #[error("the result cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// [`Limits::max_pending_calls`](super::Limits::max_pending_calls) is reached.
    #[error("too many calls wait for their reply")]
    TooManyCalls,
}

/// What Go's server answers when it knows the service and not the method, up to the method's name.
pub(super) const NO_METHOD: &str = "rpc: can't find method ";
/// What it answers when it does not know the service.
pub(super) const NO_SERVICE: &str = "rpc: can't find service ";

impl CallError {
    /// Whether the other side does not have the method (or not even the service): it is older than the caller thinks.
    pub fn is_method_missing(&self) -> bool {
        matches!(self, Self::Remote(text) if text.starts_with(NO_METHOD) || text.starts_with(NO_SERVICE))
    }
}
