//! All files of the generated Python package.

use mm_codegen::Files;
use mm_codegen::ir::Ir;

use crate::context::Context;
use crate::error::Error;
use crate::lower::api::Flavor;
use crate::lower::{self, ROOT, api, codec, hook_typing, hooks, keywords, models};
use crate::render::Renderer;

/// The Python SDK's generated part, below `python/src/mattermost_plugin/_generated`.
///
/// # Errors
/// Names that collide in Python, and mistakes in templates.
pub fn generate_python(ir: &Ir) -> Result<Files, Error> {
    let context = Context::new(ir)?;
    let renderer = Renderer::new()?;
    let mut files = Files::new();
    let mut add = |path: &str, text: String| files.insert(format!("{ROOT}/{path}"), text);

    add("__init__.py", renderer.render("python/package.py.j2", &models::root(&context))?);
    add("index.py", renderer.render("python/index.py.j2", &models::index(&context, &lower::codec::VALUE_TABLES))?);
    add("models/__init__.py", renderer.render("python/models_package.py.j2", &models::package(&context))?);
    for module in context.modules() {
        let node = models::module(&context, module)?;
        add(&format!("models/{module}.py"), renderer.render("python/models.py.j2", &node)?);
    }
    let value = codec::value_module(&context);
    add(&format!("models/{}.py", codec::VALUE_MODULE), renderer.render("python/models.py.j2", &value)?);
    add("keywords.py", renderer.render("python/keywords.py.j2", &keywords::module(&context)?)?);
    for flavor in [Flavor::Sync, Flavor::Async] {
        let folder = flavor.folder();
        add(
            &format!("{folder}/__init__.py"),
            renderer.render("python/api_package.py.j2", &api::package(&context, flavor))?,
        );
        for (group, methods) in api::groups(&context) {
            let node = api::module(&context, flavor, &group, &methods)?;
            add(&format!("{folder}/{group}.py"), renderer.render("python/api.py.j2", &node)?);
        }
    }
    for (path, node) in codec::modules(&context) {
        add(path, renderer.render("python/codec.py.j2", &node)?);
    }
    add("since.py", renderer.render("python/since.py.j2", &api::since(&context))?);
    add("hooks.py", renderer.render("python/hooks.py.j2", &hooks::module(&context))?);
    add("hook_typing.py", renderer.render("python/hook_typing.py.j2", &hook_typing::module(&context))?);
    Ok(files)
}
