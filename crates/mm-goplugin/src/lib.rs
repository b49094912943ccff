#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod broker;
mod control;
mod guardian;
mod handshake;
pub mod io_stream;
#[cfg(test)]
mod noise;
mod outbox;
pub mod rpc;
mod session;
pub mod testing;
pub mod yamux;

pub use broker::{Broker, BrokerError};
pub use handshake::{Cookie, StartError, started_by_host};
pub use session::{Announced, Plugins, ServeConfig, ServeError, Session, SessionEnd, announce, serve};
pub use yamux::Stream;
