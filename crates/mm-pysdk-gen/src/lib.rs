//! IR to the Python SDK's generated part and the reference pages.
//!
//! ```text
//! mm_codegen::ir::Ir ── lower ──► nodes (the Python IR) ── templates/python ──► python/src/mattermost_plugin/_generated
//!                    └─ docs ───► pages               ── templates/docs   ──► docs/reference
//! ```
//!
//! Everything that has to be decided (annotations, defaults, imports, line breaks) is decided in Rust and is text in the
//! nodes; templates lay out. The files come out formatted as `ruff format` would, so that formatting changes nothing.
//!
//! This crate never touches the disk, the clock or the network, and reads nothing but the IR.

mod codec;
mod context;
mod docs;
mod docstring;
mod error;
mod imports;
mod layout;
mod lower;
mod names;
mod nodes;
mod python;
mod render;
mod types;

pub use docs::{Coverage, generate_docs};
pub use error::Error;
pub use python::generate_python;
