//! Reads Mattermost's Go source and describes its plugin surface as data.
//!
//! ```text
//! path → text ─ syntax ─► declarations ─ packages ─► scopes ─ reach ─► Surface ─ json ─► surface.json
//!                (tree-sitter)          (one thing a name)  (types, constants)
//! ```
//!
//! [`Drift::between`] compares two descriptions and says what each difference means.
//!
//! A library without I/O: it is given a map of paths to source text and gives back plain structs or diagnostics, each
//! with a file, a line and a remedy. What Go says is described; what it should become elsewhere is not its business.
//! `surface/README.md` documents the description, `surface/surface.schema.json` is its JSON Schema.

mod consts;
mod diagnostic;
mod diff;
mod external;
mod go_type;
mod gob;
mod hand_written;
mod json;
mod names;
mod packages;
mod reach;
mod read;
mod rpc;
mod shapes;
mod surface;
mod syntax;

pub use diagnostic::Diagnostic;
pub use diff::{Change, Drift, Entry, Meaning, What};
pub use external::{Externals, Fit};
pub use go_type::{ChanDir, GoType, TypeSyntaxError};
pub use read::read;
pub use surface::{
    Builtin, Const, ConstValue, Field, GobType, Method, Param, RpcMethod, Struct, Surface, Type, Upstream,
};
