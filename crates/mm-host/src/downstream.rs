//! Towards Python: the gRPC services that the process calls, and the way to its hooks.
//!
//! Every call in both directions carries the token in the metadata key [`TOKEN_KEY`]; connections are taken only from, and made only
//! to, the process that this host started.

mod channel;
mod deadlines;
mod late;
mod link;
mod peer;
mod server;

pub(crate) use self::channel::{Connection, HookChannel};
pub use self::deadlines::Deadlines;
pub use self::late::LateApi;
pub(crate) use self::server::{ApiServer, HelloCall, ServerParts};

/// Metadata key of the token.
pub(crate) const TOKEN_KEY: &str = "x-mm-token";

/// Bytes in flight on one stream, and on a connection: large enough that a big message does not wait for window updates.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
