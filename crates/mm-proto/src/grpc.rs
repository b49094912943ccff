//! The two traits on gRPC, both ways: [`ApiService`] and [`HooksService`] serve an implementation, [`ApiClient`] and
//! [`HooksClient`] are one.
//!
//! One machine serves all methods: a message is decoded and encoded through a pointer kept in a table of routes, so a
//! method costs one generated line and no instance of tonic's server. Messages are prost's, straight through.

mod client;
mod codec;
mod route;
mod service;
#[cfg(test)]
mod tests;
mod whole;

#[cfg(test)]
#[rustfmt::skip]
#[path = "generated/api_calls.rs"]
mod api_calls;
#[rustfmt::skip]
#[path = "generated/api_client.rs"]
mod api_client;
#[rustfmt::skip]
#[path = "generated/api_routes.rs"]
mod api_routes;
#[cfg(test)]
#[rustfmt::skip]
#[path = "generated/hooks_calls.rs"]
mod hooks_calls;
#[rustfmt::skip]
#[path = "generated/hooks_client.rs"]
mod hooks_client;
#[rustfmt::skip]
#[path = "generated/hooks_routes.rs"]
mod hooks_routes;

use futures::stream::BoxStream;

use crate::ApiError;

pub use client::{ApiClient, HooksClient};
pub use service::{ApiService, HooksService};

/// The parts of a streaming method's request or response, in order. An error ends the stream and the call.
pub type Parts<T> = BoxStream<'static, Result<T, ApiError>>;

/// The largest message that either side takes, in bytes: files travel whole in some methods.
pub const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// How large a piece of a stream should be, in bytes: large enough to be cheap, small enough to wait its turn.
pub const STREAM_PIECE_BYTES: usize = 64 * 1024;

/// Calls every method with an empty request; gives what each failed with, by Go name.
#[cfg(test)]
pub(crate) async fn call_every_api_method(api: &dyn crate::PluginApi) -> Vec<(&'static str, Option<ApiError>)> {
    api_calls::call_every_method(api).await
}

/// Calls every hook with an empty request; gives what each failed with, by Go name.
#[cfg(test)]
pub(crate) async fn call_every_hook(hooks: &dyn crate::PluginHooks) -> Vec<(&'static str, Option<ApiError>)> {
    hooks_calls::call_every_method(hooks).await
}
