//! The template environment: strict about undefined values, with layout filters only. Templates are part of the program.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// Every template by the name it has below `templates/`.
const TEMPLATES: &[(&str, &str)] = &[
    ("proto/file.proto.j2", include_str!("../../../templates/proto/file.proto.j2")),
    ("proto/_macros.proto.j2", include_str!("../../../templates/proto/_macros.proto.j2")),
    ("rust/trait.rs.j2", include_str!("../../../templates/rust/trait.rs.j2")),
    ("rust/routes.rs.j2", include_str!("../../../templates/rust/routes.rs.j2")),
    ("rust/calls.rs.j2", include_str!("../../../templates/rust/calls.rs.j2")),
    ("rust/client.rs.j2", include_str!("../../../templates/rust/client.rs.j2")),
    ("rust/tables.rs.j2", include_str!("../../../templates/rust/tables.rs.j2")),
    ("rust/constants.rs.j2", include_str!("../../../templates/rust/constants.rs.j2")),
    ("rust/package.rs.j2", include_str!("../../../templates/rust/package.rs.j2")),
    ("rust/gob_types.rs.j2", include_str!("../../../templates/rust/gob_types.rs.j2")),
    ("rust/gob_calls.rs.j2", include_str!("../../../templates/rust/gob_calls.rs.j2")),
    ("rust/gob_settings.rs.j2", include_str!("../../../templates/rust/gob_settings.rs.j2")),
    ("rust/netrpc_client.rs.j2", include_str!("../../../templates/rust/netrpc_client.rs.j2")),
    ("rust/netrpc_calls.rs.j2", include_str!("../../../templates/rust/netrpc_calls.rs.j2")),
    ("rust/netrpc_routes.rs.j2", include_str!("../../../templates/rust/netrpc_routes.rs.j2")),
    ("go/_macros.go.j2", include_str!("../../../templates/go/_macros.go.j2")),
    ("go/types.go.j2", include_str!("../../../templates/go/types.go.j2")),
    ("go/interface.go.j2", include_str!("../../../templates/go/interface.go.j2")),
    ("go/func.go.j2", include_str!("../../../templates/go/func.go.j2")),
    ("go/client.go.j2", include_str!("../../../templates/go/client.go.j2")),
    ("go/server.go.j2", include_str!("../../../templates/go/server.go.j2")),
    ("go/go.mod.j2", include_str!("../../../templates/go/go.mod.j2")),
    ("go/http.go.j2", include_str!("../../../templates/go/http.go.j2")),
    ("go/registry.go.j2", include_str!("../../../templates/go/registry.go.j2")),
    ("go/errors.go.j2", include_str!("../../../templates/go/errors.go.j2")),
];

/// Fills a template.
///
/// # Panics
/// When the template does not fit its context: both are ours, and every run uses all of them.
pub(crate) fn render(template: &str, context: impl Serialize) -> String {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);
    let rendered = ENVIRONMENT.get_template(template).and_then(|it| it.render(Serde(&context)));
    rendered.unwrap_or_else(|error| panic!("templates/{template}: {error:#}"))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().expect("only whitespace differs from the default"));
    environment.add_filter("comment", comment);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).unwrap_or_else(|error| panic!("templates/{name}: {error:#}"));
    }
    environment
}

/// `text` as comment lines: `lead` before each, wrapped at 120 columns. Nothing for an empty text.
fn comment(text: &str, lead: &str) -> String {
    let width = 120 - lead.chars().count();
    let mut lines = String::new();
    for paragraph in text.lines() {
        for line in wrap(paragraph, width) {
            lines.push_str(format!("{lead} {line}").trim_end());
            lines.push('\n');
        }
    }
    lines
}

fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() >= width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
