//! Towards Python: the gRPC services that the process calls, and the way to its hooks.
//!
//! Every call in both directions carries the token in the metadata key [`TOKEN_KEY`]; connections are taken only from, and made only
//! to, the process that this host started.

mod channel;
mod deadlines;
mod late;
mod link;
mod patience;
mod peer;
mod refusals;
mod server;

pub(crate) use self::channel::{Absent, Connection, HookChannel, NoWorker, WorkerId, WorkerLost};
pub use self::deadlines::Deadlines;
pub use self::late::LateApi;
pub(crate) use self::patience::Patience;
#[cfg(any(test, fuzzing))]
pub(crate) use self::server::log_record;
pub(crate) use self::server::{ApiServer, HelloCall, ServerParts};

/// Metadata key of the token.
pub(crate) const TOKEN_KEY: &str = "x-mm-token";

/// Bytes in flight on one stream: large enough that a big message does not wait for window updates.
const STREAM_WINDOW: u32 = 1 << 20;

/// As large as HTTP/2 has it. What travels ahead of a slow reader is bounded by its own stream's window; a bound for all of them together
/// would let a few bodies that nobody reads stop every other call.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Bytes that may wait for the socket.
const SEND_BUFFER: usize = 4 << 20;
