//! The template environment: strict about undefined values, and nothing that decides.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::error::Error;

/// Every template by its path below `templates/`.
const TEMPLATES: [(&str, &str); 20] = [
    ("docs/api.md.j2", include_str!("../../../templates/docs/api.md.j2")),
    ("docs/api_index.md.j2", include_str!("../../../templates/docs/api_index.md.j2")),
    ("docs/hooks.md.j2", include_str!("../../../templates/docs/hooks.md.j2")),
    ("docs/parity.md.j2", include_str!("../../../templates/docs/parity.md.j2")),
    ("docs/permissions.md.j2", include_str!("../../../templates/docs/permissions.md.j2")),
    ("docs/readme.md.j2", include_str!("../../../templates/docs/readme.md.j2")),
    ("docs/simulator.md.j2", include_str!("../../../templates/docs/simulator.md.j2")),
    ("docs/types.md.j2", include_str!("../../../templates/docs/types.md.j2")),
    ("docs/types_index.md.j2", include_str!("../../../templates/docs/types_index.md.j2")),
    ("python/api.py.j2", include_str!("../../../templates/python/api.py.j2")),
    ("python/api_package.py.j2", include_str!("../../../templates/python/api_package.py.j2")),
    ("python/since.py.j2", include_str!("../../../templates/python/since.py.j2")),
    ("python/codec.py.j2", include_str!("../../../templates/python/codec.py.j2")),
    ("python/hook_typing.py.j2", include_str!("../../../templates/python/hook_typing.py.j2")),
    ("python/hooks.py.j2", include_str!("../../../templates/python/hooks.py.j2")),
    ("python/index.py.j2", include_str!("../../../templates/python/index.py.j2")),
    ("python/keywords.py.j2", include_str!("../../../templates/python/keywords.py.j2")),
    ("python/models.py.j2", include_str!("../../../templates/python/models.py.j2")),
    ("python/models_package.py.j2", include_str!("../../../templates/python/models_package.py.j2")),
    ("python/package.py.j2", include_str!("../../../templates/python/package.py.j2")),
];

/// Renders nodes with templates.
pub(crate) struct Renderer(Environment<'static>);

impl Renderer {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
        );
        for (name, text) in TEMPLATES {
            environment.add_template(name, text)?;
        }
        Ok(Self(environment))
    }

    pub(crate) fn render(&self, template: &str, node: &impl Serialize) -> Result<String, Error> {
        Ok(self.0.get_template(template)?.render(Serde(node))?)
    }
}
