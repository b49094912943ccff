//! What a connection allows, and how long it waits.

use std::time::Duration;

/// Bytes that either side may send on a stream before the other has granted more. Fixed by the protocol.
pub const WINDOW: u32 = 256 * 1024;

/// Bounds of one [`Connection`](super::Connection). The defaults are those of HashiCorp's yamux where it has one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Streams that may exist at a time, those included that this side has let go of and the other has not closed yet. One more
    /// is answered with a reset. Each can hold [`WINDOW`] bytes that nobody has read. Default 4096.
    pub max_streams: usize,
    /// Streams opened by the other side that nobody has accepted yet; one more is answered with a reset. Default 256.
    pub accept_backlog: usize,
    /// Bytes that wait for the socket before writers of streams have to wait. Default 512 KiB.
    pub write_buffer: usize,
    /// Bytes that wait for the socket before the connection is given up: the other side makes us answer (pings, new streams)
    /// and does not read the answers. Default 8 MiB.
    pub max_write_backlog: usize,
    /// Time between two pings to the other side. Default 30 s.
    pub keep_alive_interval: Duration,
    /// Time within which a ping must be answered. Default 10 s.
    pub keep_alive_timeout: Duration,
    /// Time for which a stream that this side has let go of is kept for the other side to close. Default 5 min.
    pub stream_close_timeout: Duration,
    /// Time for the last bytes to be written when the connection is closed. Default 1 s.
    pub close_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_streams: 4096,
            accept_backlog: 256,
            write_buffer: 512 * 1024,
            max_write_backlog: 8 * 1024 * 1024,
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(10),
            stream_close_timeout: Duration::from_secs(300),
            close_timeout: Duration::from_secs(1),
        }
    }
}
