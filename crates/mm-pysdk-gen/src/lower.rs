//! IR → Python nodes, one module per kind of generated file.

pub(crate) mod api;
pub(crate) mod codec;
pub(crate) mod hook_typing;
pub(crate) mod hooks;
pub(crate) mod keywords;
pub(crate) mod models;
pub(crate) mod streams;

use mm_codegen::ir::Method;

/// Where the generated package is, below the repository's root.
pub(crate) const ROOT: &str = "python/src/mattermost_plugin/_generated";

/// The gRPC path of a method.
pub(crate) fn path(service: &str, method: &Method) -> String {
    format!("/mattermost.plugin.v1.{service}/{}", method.name.go)
}
