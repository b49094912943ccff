//! How connections end, and what goes wrong on them.

use std::io;
use std::sync::Arc;

use super::frame::BadHeader;

/// Why a connection is over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// This side closed it.
    #[error("the yamux connection was closed on this side")]
    Closed,
    /// The other side closed it, or its process is gone.
    #[error("the other side closed the yamux connection")]
    PeerClosed,
    /// The other side said that it ends the connection because of an error.
    #[error("the other side ended the yamux connection with error code {0}")]
    PeerError(u32),
    /// What came is no yamux.
    #[error("the other side broke the yamux protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// Reading or writing failed.
    #[error("the yamux connection failed: {0}")]
    Io(Arc<io::Error>),
    /// A ping was not answered in time.
    #[error("the other side did not answer a ping in time")]
    KeepAliveTimeout,
    /// The other side asks and asks and does not read the answers
    /// ([`Limits::max_write_backlog`](super::Limits::max_write_backlog)).
    #[error("the other side does not read what it asks for")]
    WriteBacklog,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl End {
    /// The error of a stream whose connection is over.
    pub(crate) fn to_io(&self) -> io::Error {
        let kind = match self {
            Self::Closed => io::ErrorKind::NotConnected,
            Self::PeerClosed | Self::PeerError(_) | Self::WriteBacklog => io::ErrorKind::ConnectionAborted,
            Self::Protocol(_) => io::ErrorKind::InvalidData,
            Self::Io(error) => error.kind(),
            Self::KeepAliveTimeout => io::ErrorKind::TimedOut,
        };
        io::Error::new(kind, self.clone())
    }
}

/// What the other side did against the protocol. Each of these ends the connection, as it does in HashiCorp's yamux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first byte of a frame is not 0.
    #[error("frame of version {0}")]
    Version(u8),
    /// The second byte of a frame is not a known type.
    #[error("frame of type {0}")]
    FrameType(u8),
    /// A stream was opened that exists.
    #[error("stream {0} opened twice")]
    DuplicateStream(u32),
    /// A stream was opened with an id that belongs to this side, or with 0.
    #[error("stream {0} opened with an id that is not the opener's")]
    WrongParity(u32),
    /// More data was sent than was granted.
    #[error("stream {stream} got {bytes} bytes where {granted} were granted")]
    WindowExceeded {
        /// The stream's id.
        stream: u32,
        /// Length of the frame.
        bytes: u32,
        /// Bytes that were still allowed.
        granted: u32,
    },
    /// The window granted to us does not fit 32 bits.
    #[error("stream {0} was granted a window of more than 32 bits")]
    WindowOverflow(u32),
    /// A stream was closed twice.
    #[error("stream {0} closed twice")]
    SecondFin(u32),
    /// Data came on a stream that the other side had closed.
    #[error("data on stream {0} after its end")]
    DataAfterFin(u32),
}

impl From<BadHeader> for ProtocolError {
    fn from(bad: BadHeader) -> Self {
        match bad {
            BadHeader::Version(version) => Self::Version(version),
            BadHeader::Kind(kind) => Self::FrameType(kind),
        }
    }
}

/// Why no stream could be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connection is over.
    #[error(transparent)]
    Ended(#[from] End),
    /// The other side accepts no new streams (GoAway).
    #[error("the other side accepts no new streams")]
    GoingAway,
    /// [`Limits::max_streams`](super::Limits::max_streams) is reached, or all ids are used up.
    #[error("too many streams")]
    TooManyStreams,
}
