//! IR to Rust: prost types, the two traits, their adapters to gRPC and tables of all methods.
//!
//! The types come from the protos, through protox and prost-build, in memory: no `protoc`, no build script. The adapters
//! are thin: one line a method that names it to the hand-written support module of mm-proto. tonic's own stubs are made
//! for the host's few methods only; for the hundreds here they would repeat the same 80 lines each, and cost a minute of
//! compiling.

pub mod gob;
mod nodes;
pub(crate) mod protobuf;

use crate::ir::Ir;
use crate::{Files, header, proto, render};

/// The folder of generated Rust, below the repository's root.
const FOLDER: &str = "crates/mm-proto/src/generated";

/// Everything that is made from the IR.
///
/// # Errors
/// What protox says about the generated protos: a bug of this crate.
pub fn generate(ir: &Ir) -> Result<Files, String> {
    let header = header("//", &ir.upstream_version);
    let mut files = Files::new();
    let protos = proto::generate(ir);
    let mut names = Vec::new();
    for (name, code) in protobuf::messages(&protos, &nodes::boxed(ir))? {
        files.insert(format!("{FOLDER}/plugin_v1/{name}.rs"), format!("{header}\n{code}"));
        names.push(name);
    }
    let package = render::render("rust/package.rs.j2", nodes::package(&header, &names));
    files.insert(format!("{FOLDER}/plugin_v1.rs"), package);
    for service in nodes::services(ir, &header) {
        let file = |what: &str| format!("{FOLDER}/{}_{what}.rs", service.file);
        files.insert(file("trait"), render::render("rust/trait.rs.j2", &service));
        files.insert(file("calls"), render::render("rust/calls.rs.j2", &service));
        files.insert(file("client"), render::render("rust/client.rs.j2", &service));
        files.insert(file("routes"), render::render("rust/routes.rs.j2", &service));
    }
    files.insert(format!("{FOLDER}/tables.rs"), render::render("rust/tables.rs.j2", nodes::tables(ir, &header)));
    files.insert(
        format!("{FOLDER}/constants.rs"),
        render::render("rust/constants.rs.j2", nodes::constants(ir, &header)),
    );
    Ok(files)
}

/// The types and tonic stubs of the hand-written protos, given with their paths; they may use the generated ones.
///
/// # Errors
/// What protox says about them.
pub fn generate_host(by_hand: &Files, ir: &Ir) -> Result<Files, String> {
    let mut protos = proto::generate(ir);
    protos.extend(by_hand.clone());
    let code = protobuf::with_services(&protos, "mattermost/host/", proto::PACKAGE, "crate::plugin::v1")?;
    let mut files = Files::new();
    files.insert(format!("{FOLDER}/host_v1.rs"), format!("{}\n{code}", header("//", &ir.upstream_version)));
    Ok(files)
}
