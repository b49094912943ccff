//! Go's [net/rpc](https://pkg.go.dev/net/rpc) with gob: a [`Client`] and a [`Server`] on any pair of byte streams.
//!
//! A connection carries requests one way and replies the other, each direction one gob stream for as long as the connection lives.
//! Every request is a header (`Request`) and a value, every reply a header (`Response`) and a value; the header's number says which
//! request a reply answers, so that replies come in any order. Three things follow, and this module exists for them:
//!
//! * What a message defines in its gob stream counts for all that follow, so a message is encoded and queued under one lock and
//!   never cancelled half-way. A value that cannot be encoded leaves no trace in the stream.
//! * Values are decoded by the task that reads, in the order they come, also those that nobody wants any more.
//! * Go's client, when it cannot encode an argument, has already queued the header; it goes out with the next request. The server
//!   here recognises such a stale header by the type of the value after it and drops it, where Go's server ends the connection.
//!
//! ```
//! use std::sync::Arc;
//! use mm_goplugin::rpc::{Args, Client, Limits, Refusal, Reply, Running, Server, Service};
//! use mm_gob::codec::Str;
//!
//! struct Greeter;
//!
//! impl Service for Greeter {
//!     fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
//!         match method {
//!             "Greet" => {
//!                 let name = args.read::<Str, String>()?;
//!                 Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(format!("Hello, {name}!"))) }))
//!             }
//!             _ => Err(Refusal::NoSuchMethod),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (ours, theirs) = tokio::io::duplex(4096);
//! let (read, write) = tokio::io::split(theirs);
//! tokio::spawn(Server::new().register("Plugin", Arc::new(Greeter)).serve(read, write));
//!
//! let (read, write) = tokio::io::split(ours);
//! let client = Client::new(read, write, Limits::default());
//! let greeting: String = client.call::<Str, _, Str, _>("Plugin.Greet", &"Anna".to_owned()).await.unwrap();
//! assert_eq!(greeting, "Hello, Anna!");
//! # }
//! ```

mod client;
mod error;
mod server;
mod service;
#[cfg(test)]
mod tests;
mod wire;

pub use client::Client;
pub use error::{CallError, Closed};
pub use server::Server;
pub use service::{Args, ArgsError, Refusal, Reply, Running, Service};
pub use wire::Empty;

/// Bounds of one connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// What the gob decoder accepts, the size of a message above all.
    pub gob: mm_gob::Limits,
    /// Calls that a [`Server`] runs at a time; one more is answered with an error. It is not kept waiting: what holds the others
    /// up may be an answer that only comes when the next call was made. Default 4096.
    pub max_running_calls: usize,
    /// Calls of a [`Client`] that wait for their reply, those included whose caller has given up; one more fails. Default 65536.
    pub max_pending_calls: usize,
    /// Bytes that wait for the stream before the next message has to wait. Default 256 KiB.
    pub write_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            gob: mm_gob::Limits::default(),
            max_running_calls: 4096,
            max_pending_calls: 65_536,
            write_buffer: 256 * 1024,
        }
    }
}
