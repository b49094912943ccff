//! IR to proto files.

mod nodes;
mod types;

pub use types::field_type;

use crate::ir::Ir;
use crate::{Files, render};

/// The folder of the generated protos, below the repository's root; below `proto` it is their import path.
pub(crate) const FOLDER: &str = "proto/mattermost/plugin/v1";
/// The same as protobuf's package.
pub(crate) const PACKAGE: &str = "mattermost.plugin.v1";

/// All proto files of the package.
pub fn generate(ir: &Ir) -> Files {
    let mut files = Files::new();
    for file in nodes::files(ir) {
        files.insert(format!("{FOLDER}/{}.proto", file.name), render::render("proto/file.proto.j2", &file));
    }
    files
}
