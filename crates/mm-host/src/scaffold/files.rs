//! The files of a new plugin, from `templates/new`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::names::{Id, Name};
use super::parts::{self, Part};

/// A file of the plugin: its path there, its template, and the part it belongs to.
struct File {
    path: &'static str,
    template: &'static str,
    part: Option<Part>,
}

macro_rules! file {
    ($path:literal, $template:literal) => {
        file!($path, $template, None)
    };
    ($path:literal, $template:literal, $part:expr) => {
        File { path: $path, template: include_str!(concat!("../../../../templates/new/", $template)), part: $part }
    };
}

/// All of them.
const FILES: &[File] = &[
    file!("plugin.json", "plugin.json.j2"),
    file!("plugin.py", "plugin.py.j2"),
    file!("webapp/main.js", "webapp/main.js.j2", Some(Part::Webapp)),
    file!("tests/test_sessions.py", "tests/test_sessions.py.j2"),
    file!("tests/command.txt", "tests/command.txt.j2", Some(Part::Command)),
    file!("tests/http.txt", "tests/http.txt.j2", Some(Part::Http)),
    file!("tests/jobs.txt", "tests/jobs.txt.j2", Some(Part::Jobs)),
    file!("requirements.txt", "requirements.txt.j2"),
    file!("requirements-dev.txt", "requirements-dev.txt.j2"),
    file!("pyproject.toml", "pyproject.toml.j2"),
    file!("README.md", "README.md.j2"),
    file!(".gitignore", "gitignore.j2"),
    file!(".mmignore", "mmignore.j2"),
    file!(".github/workflows/ci.yml", "ci.yml.j2"),
];

/// The tools of this repository, each in one version; new plugins begin with the same.
const TOOLS: &str = include_str!("../../../../python/requirements-dev.in");

/// Those that a plugin's developers need.
const WANTED: [&str; 3] = ["mypy", "pytest", "ruff"];

/// What the templates ask for.
#[derive(Serialize)]
struct Context {
    name: String,
    title: String,
    class_name: String,
    id: String,
    /// What the plugin has, as a sentence.
    summary: String,
    /// The SDK's version, which is this program's.
    version: &'static str,
    command: bool,
    http: bool,
    jobs: bool,
    webapp: bool,
    /// The test that is there whatever else is.
    first: &'static str,
    /// Names that the module imports, in the order of ruff.
    imports: Vec<&'static str>,
    models: Vec<&'static str>,
    permissions: Vec<String>,
    reasons: Vec<Reason>,
    tools: Vec<&'static str>,
}

#[derive(Serialize)]
struct Reason {
    permission: &'static str,
    why: &'static str,
}

/// The files of a plugin: path in its folder, and text.
pub(super) fn render(name: &Name, id: &Id, parts: &BTreeSet<Part>) -> Vec<(&'static str, String)> {
    let context = context(name, id, parts);
    let wanted = FILES.iter().filter(|it| it.part.is_none_or(|part| parts.contains(&part)));
    wanted.map(|it| (it.path, fill(it.path, &context))).collect()
}

fn context(name: &Name, id: &Id, parts: &BTreeSet<Part>) -> Context {
    let has = |part| parts.contains(&part);
    let (command, http, jobs) = (has(Part::Command), has(Part::Http), has(Part::Jobs));
    let chosen = |names: &[(bool, &'static str)]| names.iter().filter(|it| it.0).map(|it| it.1).collect();
    let hooks = command || jobs;
    let words = parts::words(parts);
    Context {
        name: name.to_string(),
        title: name.title(),
        class_name: name.class(),
        id: id.to_string(),
        summary: format!("{}{}.", words[..1].to_uppercase(), &words[1..]),
        version: env!("CARGO_PKG_VERSION"),
        command,
        http,
        jobs,
        webapp: has(Part::Webapp),
        first: match parts::first(parts) {
            Part::Command => "command",
            Part::Http | Part::Webapp => "http",
            Part::Jobs => "jobs",
        },
        imports: chosen(&[(hooks, "HookName"), (true, "Plugin"), (hooks, "hook"), (http, "route")]),
        models: chosen(&[
            (command, "Command"),
            (command, "CommandArgs"),
            (command, "CommandResponse"),
            (command, "Context"),
            (jobs, "PluginKVSetOptions"),
            (http, "User"),
        ]),
        permissions: parts::permissions(parts).into_iter().map(|it| format!("{it:?}")).collect(),
        reasons: parts::reasons(parts)
            .into_iter()
            .map(|it| Reason { permission: it.permission, why: it.why })
            .collect(),
        tools: tools(),
    }
}

/// The lines of [`WANTED`] in the repository's list.
fn tools() -> Vec<&'static str> {
    let is_wanted = |line: &&str| line.split_once("==").is_some_and(|(name, _)| WANTED.contains(&name));
    TOOLS.lines().filter(is_wanted).collect()
}

/// Fills the template of a file. Templates and context are ours, and tests fill all of them, so they fit.
fn fill(path: &str, context: &Context) -> String {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);
    let filled = ENVIRONMENT.get_template(path).and_then(|it| it.render(Serde(context)));
    filled.unwrap_or_else(|error| panic!("the template of {path}: {error:#}"))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().expect("only whitespace differs from the default"));
    for file in FILES {
        let added = environment.add_template(file.path, file.template);
        added.unwrap_or_else(|error| panic!("the template of {}: {error:#}", file.path));
    }
    environment
}

#[cfg(test)]
mod tests;
