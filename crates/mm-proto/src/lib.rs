//! The Mattermost plugin API as Rust types: protobuf messages, the traits [`PluginApi`] and [`PluginHooks`], and gRPC
//! adapters that put either trait on either end of a wire.
//!
//! What knows a method by name is generated (`src/generated`, by `cargo xtask regenerate`); what is written by hand is
//! the error ([`ApiError`]), the machinery of the adapters ([`grpc`], and with the feature of that name `netrpc`), how Go reads
//! HTTP's headers ([`header`]) and this list. There is no logic of Mattermost here.
//!
//! A server of the API implements [`PluginApi`] and wraps itself in [`grpc::ApiService`]; a caller holds a
//! [`grpc::ApiClient`], which is a [`PluginApi`] too. The same goes for [`PluginHooks`].

mod error;
#[cfg(any(feature = "gob", test))]
pub mod gob;
pub mod grpc;
pub mod header;
mod methods;
#[cfg(any(feature = "netrpc", test))]
pub mod netrpc;

pub use error::{ApiError, NOT_SUPPORTED};
pub use methods::{
    API_METHODS, HOOKS, HookInfo, HookKind, HookName, MethodInfo, PERMISSIONS, PermissionInfo, Refusal,
    SERVICE_PERMISSIONS, SURFACE_VERSION, Shape,
};

// What the generated traits find in the module above them.
use grpc::Parts;
use plugin::v1;

#[rustfmt::skip]
#[path = "generated/api_trait.rs"]
mod api_trait;
#[rustfmt::skip]
#[path = "generated/hooks_trait.rs"]
mod hooks_trait;

/// The known values of Go's named strings and numbers, a module a type. The fields that hold them are plain strings and
/// numbers: a server may send others.
#[rustfmt::skip]
#[path = "generated/constants.rs"]
pub mod constants;

pub use api_trait::PluginApi;
pub use hooks_trait::PluginHooks;

/// The wire contract between host and plugin process. A host refuses a process of another version.
pub const PROTOCOL_VERSION: u32 = 1;

/// Package `mattermost.plugin`: the plugin API.
pub mod plugin {
    /// Package `mattermost.plugin.v1`. Fields are as prost names them.
    #[allow(clippy::all, clippy::pedantic, rustdoc::all)]
    pub mod v1 {
        include!("generated/plugin_v1.rs");
    }
}

/// Package `mattermost.host`: what host and plugin process say to each other besides.
pub mod host {
    /// Package `mattermost.host.v1`, with tonic's stubs.
    #[allow(clippy::all, clippy::pedantic, rustdoc::all)]
    pub mod v1 {
        include!("generated/host_v1.rs");
    }
}
