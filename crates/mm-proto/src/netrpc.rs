//! The two traits on Go's net/rpc, as a Mattermost server speaks it: [`ApiClient`] is the server's API, [`HooksService`] offers
//! a plugin's hooks to it. [`ApiService`] and [`HooksClient`] are the server's ends of the same, for tests and for programs
//! that stand in a server's place.
//!
//! One machine serves all methods; a method is one generated line that names its structs ([`crate::gob`]) and how its results
//! are meant. By hand is what upstream does by hand and carries no stream: logging, `LoadPluginConfiguration`, `Implemented`,
//! `OnActivate`, and the rules for what goes back to a server:
//!
//! * Hooks whose answer the server reads over its own object get every zero spelled out, so that a field can be cleared;
//!   and nothing at all where nothing was changed.
//! * A hook that failed without an error of its own fails as a call. The server logs that and goes on as if it had not asked.
//! * A configuration is never sent back if the server has settings that are unknown here: they would be reset.
//!
//! Methods that carry streams ask for somebody who can open them: [`ApiClient::with_streams`], [`HooksClient::with_streams`];
//! on the serving side they are left to whoever puts [`serve_hook`] or [`serve_api`] into a service of its own.

mod by_hand;
mod client;
mod error;
mod route;
mod service;
#[cfg(test)]
mod tests;
mod text;

#[rustfmt::skip]
#[path = "generated/netrpc/api_client.rs"]
mod api_client;
#[rustfmt::skip]
#[path = "generated/netrpc/api_routes.rs"]
mod api_routes;
#[rustfmt::skip]
#[path = "generated/netrpc/hooks_client.rs"]
mod hooks_client;
#[rustfmt::skip]
#[path = "generated/netrpc/hooks_routes.rs"]
mod hooks_routes;

pub use by_hand::{Activation, OnActivateArgs, OnActivateReturns};
pub use client::{ApiClient, HooksClient};
pub use error::{UNKNOWN_SETTINGS, call_of_api_failed, for_server};
pub use mm_goplugin;
pub use service::{ApiService, HooksService, serve_api, serve_hook};
