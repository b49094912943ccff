//! The server's response writer, called over a connection of its own.
//!
//! The server runs the calls of a connection side by side, so each waits for the reply of the one before it. Only reading from a connection
//! that was taken over goes on beside the others.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use mm_gob::codec;
use mm_gob::codec::{Codec, Int, Struct};
use mm_goplugin::rpc::{CallError, Client, Closed, Empty, Limits};
use mm_goplugin::{Broker, BrokerError};
use mm_proto::gob::GoTime;
use mm_proto::header::Header;
use mm_socket::Attention;
use prost_types::Timestamp;

use super::wire::HeaderCodec;

/// How long the server may take to accept the connection. It gives up after 5 s itself.
const ACCEPT_LIMIT: Duration = Duration::from_secs(15);

/// What Go's net/http says of a body where there is none: with 204, 304 and the like.
const NO_BODY: &str = "does not allow body";

/// What it says of more than `Content-Length` allows.
const TOO_LONG: &str = "more than the declared Content-Length";

/// How soon the server answers, in all exchanges.
static ATTENTION: Attention = Attention::new();

/// Calls `Plugin.…` of one response.
#[derive(Clone)]
pub(super) struct ResponseWriter {
    client: Client,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The status says that there is no body.
    NoBody,
    /// The body is longer than its header says.
    TooLong,
    /// The server does not have the method.
    Missing,
    /// The server says otherwise that it cannot; for writing that means that the client is gone.
    Refused(String),
    /// There is no way to the server any more.
    Lost(String),
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoBody => f.write_str("this status has no body"),
            Self::TooLong => f.write_str("the body is longer than its Content-Length"),
            Self::Missing => f.write_str("this version of the server cannot do it"),
            Self::Refused(text) | Self::Lost(text) => f.write_str(text),
        }
    }
}

impl From<CallError> for WriteError {
    fn from(error: CallError) -> Self {
        if error.is_method_missing() {
            return Self::Missing;
        }
        match error {
            CallError::Remote(text) if text.contains(NO_BODY) => Self::NoBody,
            CallError::Remote(text) if text.contains(TOO_LONG) => Self::TooLong,
            CallError::Remote(text) => Self::Refused(text),
            other => Self::Lost(other.to_string()),
        }
    }
}

/// Which deadlines of a connection are set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deadline {
    Read,
    Write,
    Both,
}

impl ResponseWriter {
    /// Dials `id`. The first call goes out with the number, and fails when nobody accepts it.
    pub(super) fn dial(broker: &Broker, id: u32) -> Result<Self, BrokerError> {
        let (read, write) = broker.dial_ahead(id, &[])?;
        Ok(Self { client: Client::new(read, write, Limits::default()) })
    }

    /// The header as the server has it.
    pub(super) async fn header(&self) -> Result<Header, WriteError> {
        let call = self.client.call::<Struct<Empty>, _, HeaderCodec, _>("Plugin.Header", &Empty);
        match tokio::time::timeout(ACCEPT_LIMIT, ATTENTION.wait(call)).await {
            Ok(header) => Ok(header?),
            Err(_) => Err(CallError::Closed(Closed::from(io::Error::from(io::ErrorKind::TimedOut))).into()),
        }
    }

    /// Makes the header equal to `header`.
    pub(super) async fn sync_header(&self, header: &Header) -> Result<(), WriteError> {
        self.tell::<HeaderCodec, _>("Plugin.SyncHeader", header).await
    }

    /// Sends the status and the header.
    pub(super) async fn write_header(&self, status: i32) -> Result<(), WriteError> {
        self.tell::<Int, _>("Plugin.WriteHeader", &status).await
    }

    /// Sends a piece of the body; the first sends the status 200, if none was sent.
    pub(super) async fn write(&self, piece: &Bytes) -> Result<(), WriteError> {
        self.tell::<codec::Bytes, _>("Plugin.Write", piece).await
    }

    /// Sends what the server holds back.
    pub(super) async fn flush(&self) -> Result<(), WriteError> {
        self.tell::<Struct<Empty>, _>("Plugin.Flush", &Empty).await
    }

    /// Takes the connection over.
    pub(super) async fn hijack(&self) -> Result<(), WriteError> {
        self.tell::<Struct<Empty>, _>("Plugin.HijackResponse", &Empty).await
    }

    /// Reads up to `most` bytes from a connection that was taken over. The other method for it passes over what the server has read
    /// already.
    pub(super) async fn read_connection(&self, most: usize) -> Result<Bytes, WriteError> {
        // The server looks at the length only.
        let room = Bytes::from(vec![0; most]);
        Ok(self.client.call::<codec::Bytes, _, codec::Bytes, Bytes>("Plugin.HjConnRWRead", &room).await?)
    }

    /// Writes to a connection that was taken over. The other method for it leaves the bytes in a buffer that nobody flushes.
    pub(super) async fn write_connection(&self, piece: &Bytes) -> Result<(), WriteError> {
        let written = self.client.call::<codec::Bytes, _, Int, i64>("Plugin.HjConnWrite", piece).await?;
        if usize::try_from(written).is_ok_and(|it| it == piece.len()) {
            return Ok(());
        }
        Err(WriteError::Refused(format!("{written} of {} bytes were written", piece.len())))
    }

    /// Says when reading or writing shall fail; `None`: never.
    pub(super) async fn set_deadline(&self, which: Deadline, at: Option<Timestamp>) -> Result<(), WriteError> {
        let method = match which {
            Deadline::Read => "Plugin.HjConnSetReadDeadline",
            Deadline::Write => "Plugin.HjConnSetWriteDeadline",
            Deadline::Both => "Plugin.HjConnSetDeadline",
        };
        self.tell::<GoTime, _>(method, &at).await
    }

    /// Closes a connection that was taken over. The server never does.
    pub(super) async fn close_connection(&self) -> Result<(), WriteError> {
        self.tell::<Struct<Empty>, _>("Plugin.HjConnClose", &Empty).await
    }

    async fn tell<C: Codec<T>, T: Sync>(&self, method: &str, value: &T) -> Result<(), WriteError> {
        ATTENTION.wait(self.client.call::<C, T, Struct<Empty>, Empty>(method, value)).await?;
        Ok(())
    }
}
