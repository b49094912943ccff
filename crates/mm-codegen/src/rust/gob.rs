//! IR and surface to gob: how every message travels as the Go struct it came from.
//!
//! The IR says where a value is in Rust, the surface what Go really has there: gob tells signed from unsigned numbers, sends
//! fields that JSON hides, and a pointer is not a value. The structs of net/rpc (`Z_GetUserArgs`) are laid over requests and
//! responses. What streams, and what `overrides.toml` gives another signature, is left to hand-written code. So that either
//! trait goes over net/rpc, there is a client and a table of routes for each: a line a method.

mod calls;
mod codec;
mod nodes;
mod settings;

use mm_surface::Surface;

use super::FOLDER;
use crate::ir::Ir;
use crate::{Files, header, render};

/// Everything that is made from the IR and the surface that it was made of.
///
/// # Errors
/// It has a type that cannot be sent: a bug here, or of another surface than the IR's.
pub fn generate(ir: &Ir, surface: &Surface) -> Result<Files, String> {
    let header = header("//", &ir.upstream_version);
    let mut files = Files::new();
    let types = nodes::types(ir, surface, &header)?;
    files.insert(format!("{FOLDER}/gob/types.rs"), render::render("rust/gob_types.rs.j2", types));
    for service in nodes::services(ir, surface, &header)? {
        let path = format!("{FOLDER}/gob/{}.rs", service.file);
        files.insert(path, render::render("rust/gob_calls.rs.j2", service));
    }
    files.insert(
        format!("{FOLDER}/gob/settings.rs"),
        render::render("rust/gob_settings.rs.j2", settings::settings(ir, &header)?),
    );
    for service in calls::services(ir, &header)? {
        let file = |what: &str| format!("{FOLDER}/netrpc/{}_{what}.rs", service.file);
        files.insert(file("client"), render::render("rust/netrpc_client.rs.j2", &service));
        files.insert(file("calls"), render::render("rust/netrpc_calls.rs.j2", &service));
        files.insert(file("routes"), render::render("rust/netrpc_routes.rs.j2", &service));
    }
    Ok(files)
}
