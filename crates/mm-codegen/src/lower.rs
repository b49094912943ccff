//! Surface to IR: every type that methods reach becomes a message, enum, scalar, list or map. Mechanical, but for what
//! `overrides.toml` says; numbers and docs are for the passes.

mod methods;
mod permissions;
mod streams;
mod types;
mod values;

use mm_surface::Surface;

use crate::Diagnostic;
use crate::ir::Ir;
use crate::overrides::{Kind, Overrides};
use types::Types;

pub(crate) const FILE: &str = "surface/surface.json";

/// The IR without numbers, docs and proto files.
pub(crate) fn lower(surface: &Surface, overrides: &Overrides, diagnostics: &mut Vec<Diagnostic>) -> Ir {
    let mut types = Types::new(surface, overrides, diagnostics);
    let api = methods::lower(&surface.api, Kind::Api, &mut types);
    let hooks = methods::lower(&surface.hooks, Kind::Hook, &mut types);
    let variants = values::lower(&surface.gob_registered, &mut types);
    let services = overrides.services().map(|(name, permission)| (name.to_owned(), permission.to_owned())).collect();
    let mut ir = Ir {
        upstream_version: surface.upstream.version.clone(),
        api,
        hooks,
        value_variants: variants.values,
        error_variants: variants.errors,
        services,
        ..types.finish()
    };
    streams::add(&mut ir);
    ir
}
