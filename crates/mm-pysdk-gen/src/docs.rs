//! The reference pages: API by group, hooks, types with their four forms, parity with Go, what the simulator has.
//!
//! Pages are made of the same nodes and annotations as the Python package, so they cannot tell another story.

mod api;
mod coverage;
mod hooks;
mod mapping;
mod nodes;
mod parity;
mod permissions;
mod text;
mod types;

pub use coverage::Coverage;

use mm_codegen::ir::Ir;
use mm_codegen::{Files, markdown_header};

use crate::context::Context;
use crate::error::Error;
use crate::render::Renderer;

const ROOT: &str = "docs/reference";

/// The reference pages, below `docs/reference`.
///
/// # Errors
/// As `generate_python`, and when `coverage` names methods or hooks that there are not.
pub fn generate_docs(ir: &Ir, coverage: &Coverage) -> Result<Files, Error> {
    let context = Context::new(ir)?;
    coverage.check(ir)?;
    let renderer = Renderer::new()?;
    let header = markdown_header(&ir.upstream_version);
    let mut files = Files::new();
    let mut add = |path: &str, text: String| files.insert(format!("{ROOT}/{path}"), text);

    add("README.md", renderer.render("docs/readme.md.j2", &parity::readme(&context, coverage, &header))?);
    add("api/index.md", renderer.render("docs/api_index.md.j2", &api::index(&context, &header))?);
    for page in api::pages(&context, &header) {
        add(&format!("api/{}.md", page.slug), renderer.render("docs/api.md.j2", &page)?);
    }
    add("hooks/index.md", renderer.render("docs/hooks.md.j2", &hooks::page(&context, &header))?);
    add("types/index.md", renderer.render("docs/types_index.md.j2", &types::index(&context, &header))?);
    for page in types::pages(&context, &header)? {
        add(&format!("types/{}.md", page.slug), renderer.render("docs/types.md.j2", &page)?);
    }
    add("parity.md", renderer.render("docs/parity.md.j2", &parity::page(&context, coverage, &header))?);
    add("permissions.md", renderer.render("docs/permissions.md.j2", &permissions::page(&context, &header))?);
    if coverage.is_known() {
        add("simulator.md", renderer.render("docs/simulator.md.j2", &parity::simulator(&context, coverage, &header))?);
    }
    Ok(files)
}
