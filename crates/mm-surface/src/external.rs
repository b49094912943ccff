//! `[external]` of `overrides.toml`: what the types of other modules are, since their source is not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::GoType;
use crate::diagnostic::{Diagnostic, Pos};
use crate::names::is_basic;
use crate::shapes::is_exported;
use crate::surface::{Builtin, Field};

/// What a type of another module can be, beside Go's basic types.
const KINDS: &[&str] = &["struct", "interface", "slice", "array", "map", "pointer", "func", "chan"];

/// How well the declarations must fit the tree that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The version that everything is made from: every type is declared, every entry is used by the versions it names.
    Exact,
    /// Any other version: an entry may be unused, and `since` and `until` do not limit it.
    AnyVersion,
    /// A version that nobody has looked at yet: besides, a type that is not declared is described as `undeclared`, and
    /// a method that does not say since when it exists has an empty `since`.
    Unprepared,
}

/// All declared types of other modules, by qualified name (`time.Time`).
#[derive(Debug)]
pub struct Externals {
    file: String,
    fit: Fit,
    entries: BTreeMap<String, (u32, External)>,
}

/// One `[external."package.Type"]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct External {
    /// Why the entry is right: where the facts are from.
    pub(crate) why: String,
    /// The import path of the package.
    pub(crate) import: String,
    /// What it means, if it is not described by its structure.
    pub(crate) builtin: Option<Builtin>,
    /// As `kind` in `surface.json`.
    pub(crate) kind: Option<String>,
    /// As `type` in `surface.json`.
    #[serde(rename = "type")]
    pub(crate) ty: Option<String>,
    #[serde(default)]
    pub(crate) fields: Vec<ExternalField>,
    /// First upstream version that uses it; before that the entry does not exist.
    pub(crate) since: Option<String>,
    /// First upstream version that no longer uses it.
    pub(crate) until: Option<String>,
}

/// A field; what is not said is as Go has it for a field without a tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalField {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    json: Option<String>,
    #[serde(default)]
    omitempty: bool,
    #[serde(default)]
    embedded: bool,
}

impl External {
    /// The fields as `surface.json` has them.
    pub(crate) fn surface_fields(&self) -> Vec<Field> {
        let json = |it: &ExternalField| match &it.json {
            Some(name) => name.clone(),
            None if it.embedded => String::new(),
            None if is_exported(&it.name) => it.name.clone(),
            None => "-".to_owned(),
        };
        let field = |it: &ExternalField| Field {
            name: it.name.clone(),
            ty: it.ty.clone(),
            json: json(it),
            omitempty: it.omitempty,
            embedded: it.embedded,
            exported: is_exported(&it.name),
        };
        self.fields.iter().map(field).collect()
    }

    /// The types it is made of, as text.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &String> {
        self.ty.iter().chain(self.fields.iter().map(|it| &it.ty))
    }
}

/// The part of `overrides.toml` that is read here; the rest belongs to mm-codegen.
#[derive(Deserialize)]
struct Overrides {
    #[serde(default)]
    external: BTreeMap<String, Spanned<External>>,
}

impl Externals {
    /// Reads the `[external]` tables from the text of `overrides.toml`; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// The text is not TOML, an entry has an unknown or missing key, or describes no type.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let line_at = |offset: usize| text[..offset.min(text.len())].lines().count().max(1) as u32;
        let overrides: Overrides = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| line_at(span.start + 1));
            vec![Diagnostic::new(
                &Pos::new(file, line),
                error.message(),
                "surface/README.md lists the keys of an entry",
            )]
        })?;
        let mut diagnostics = Vec::new();
        let mut entries = BTreeMap::new();
        for (name, entry) in overrides.external {
            let line = line_at(entry.span().start + 1);
            let entry = entry.into_inner();
            if let Err(message) = check(&name, &entry) {
                let help = "surface/README.md shows what an entry says";
                diagnostics.push(Diagnostic::new(
                    &Pos::new(file, line),
                    format!("external.\"{name}\": {message}"),
                    help,
                ));
            }
            entries.insert(name, (line, entry));
        }
        diagnostics.sort();
        if diagnostics.is_empty() {
            Ok(Externals { file: file.to_owned(), fit: Fit::Exact, entries })
        } else {
            Err(diagnostics)
        }
    }

    /// The same declarations, held against another kind of tree than the default, [`Fit::Exact`].
    #[must_use]
    pub fn fitting(self, fit: Fit) -> Self {
        Externals { fit, ..self }
    }

    pub(crate) fn fit(&self) -> Fit {
        self.fit
    }

    /// The place of an entry.
    pub(crate) fn pos(&self, name: &str) -> Pos {
        Pos::new(&self.file, self.entries.get(name).map_or(0, |(line, _)| *line))
    }

    /// Those that exist in this version of upstream.
    pub(crate) fn for_version(&self, version: &str) -> BTreeMap<&str, &External> {
        let version = numbers(version);
        let exists = |it: &External| {
            if self.fit != Fit::Exact {
                return true;
            }
            let begun = it.since.as_deref().is_none_or(|since| numbers(since) <= version);
            begun && it.until.as_deref().is_none_or(|until| version < numbers(until))
        };
        self.entries.iter().filter(|(_, (_, it))| exists(it)).map(|(name, (_, it))| (name.as_str(), it)).collect()
    }

    /// The complaint about an entry that nothing uses.
    pub(crate) fn stale(&self, name: &str, version: &str) -> Diagnostic {
        Diagnostic::new(
            &self.pos(name),
            format!("external.\"{name}\" is not used by anything in Mattermost {version}"),
            "remove the entry, or say with `since` and `until` which versions use it",
        )
    }
}

fn check(name: &str, entry: &External) -> Result<(), String> {
    let is_qualified = matches!(GoType::parse(name), Ok(GoType::Named { package: Some(_), .. }));
    if !is_qualified {
        return Err("is not named `package.Type`".to_owned());
    }
    if entry.why.trim().is_empty() {
        return Err("has an empty `why`".to_owned());
    }
    if entry.builtin.is_some() == entry.kind.is_some() {
        return Err("needs either `builtin` or `kind`".to_owned());
    }
    if let Some(kind) = entry.kind.as_deref().filter(|it| !KINDS.contains(it) && !is_basic(it)) {
        return Err(format!("has the unknown kind `{kind}`"));
    }
    for ty in entry.parts() {
        GoType::parse(ty).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// `11.6.0` → 11, 6, 0.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|it| it.parse().ok()).collect()
}
