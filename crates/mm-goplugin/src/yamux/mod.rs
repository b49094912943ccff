//! [yamux](https://github.com/hashicorp/yamux/blob/master/spec.md): many streams on one connection, as go-plugin uses it.
//!
//! Why not the `yamux` crate: it acknowledges an incoming stream with the first frame that this side *sends* on it. On go-plugin's
//! stdout and stderr streams a quiet plugin never sends anything, and HashiCorp's library closes the whole session when a stream
//! is not acknowledged within 75 s. It also caps the number of streams low and announces its end with a GoAway, which go-plugin's
//! hosts do not expect.
//!
//! A [`Connection`] owns two tasks. One reads frames and never waits for anything but the socket: it answers pings, acknowledges
//! streams at once, and puts payload into the buffer of its stream, where the window bounds it. The other writes what the first
//! attempt could not (see `outbox.rs`) and keeps time. Whoever writes into a [`Stream`] writes into the socket itself as long as
//! the socket takes it; on a runtime of one thread it leaves that to the second task, which writes once for all that the tasks of
//! a turn have to say. So neither an application that does not read nor one that writes without end can hold the connection up. A
//! runtime whose every thread is blocked by the application can; a session then has another thread read (see `guardian.rs`).

mod cell;
mod connection;
mod driver;
mod end;
mod frame;
mod intake;
mod limits;
mod reader;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use connection::Pulse;
pub use connection::{Connection, Role};
pub use end::{End, OpenError, ProtocolError};
pub use limits::{Limits, WINDOW};
pub use stream::{ReadHalf, Stream, WriteHalf};
