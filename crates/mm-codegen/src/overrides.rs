//! `overrides.toml`: what we decide about the surface, each decision with its reason.
//!
//! Unknown keys and missing reasons are refused when it is read; an entry that names nothing in the surface is refused by
//! [`Overrides::report_stale`] once lowering has asked for all it needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Diagnostic;
use crate::ir::{Outcome, Replacement, Stream, TextResult};

/// How diagnostics call the file.
pub(crate) const FILE: &str = "surface/overrides.toml";

/// The whole file. `external` belongs to the reader of Go and is ignored here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    #[serde(default, rename = "external")]
    _external: toml::Table,
    #[serde(default)]
    api: BTreeMap<String, MethodOverride>,
    #[serde(default)]
    hook: BTreeMap<String, MethodOverride>,
    #[serde(default, rename = "type")]
    types: BTreeMap<String, TypeOverride>,
    #[serde(default)]
    param: BTreeMap<String, ParamOverride>,
    #[serde(default)]
    value: BTreeMap<String, ValueOverride>,
    #[serde(default)]
    group: BTreeMap<String, GroupOverride>,
    #[serde(default)]
    area: BTreeMap<String, GroupOverride>,
    #[serde(default)]
    permission: BTreeMap<String, PermissionOverride>,
    #[serde(default)]
    service: BTreeMap<String, ServiceOverride>,
    /// Entries that were asked for, as `api.GetUser`.
    #[serde(skip)]
    used: RefCell<BTreeSet<String>>,
}

/// About one API method or hook.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodOverride {
    #[serde(rename = "why")]
    _why: Why,
    /// The method is left out of every target.
    #[serde(default)]
    pub exclude: bool,
    /// The page and Python mixin that holds it.
    pub group: Option<String>,
    /// Names of the results, in Go's order, without the error.
    pub results: Option<Vec<String>>,
    /// Replaces the signature where Go's cannot cross a wire.
    pub signature: Option<Signature>,
    pub outcome: Option<Outcome>,
    pub stream: Option<Stream>,
    /// Parameters, by Go name, and results, by ours, that may be nil though nothing failed.
    #[serde(default)]
    pub nullable: Vec<String>,
    /// A handler of the hook may also answer `Dismiss`.
    #[serde(default)]
    pub dismissible: bool,
    /// The first server version that has it, where upstream's comment says another.
    pub since: Option<String>,
    /// The parameter, by Go name, that a handler's "allow" gives back.
    pub allow_returns: Option<String>,
    /// What a plain text from a handler of the hook stands for.
    pub text_result: Option<TextResult>,
    /// What the first result of the hook replaces.
    pub replaces: Option<ReplacesOverride>,
    /// An error of the hook refuses what was asked.
    #[serde(default)]
    pub refuses: bool,
}

/// The parameter that a hook's first result replaces, by Go name, and what the server makes of the result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplacesOverride {
    pub param: String,
    pub with: Replacement,
}

/// Go types in place of those that upstream declares.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    pub params: Vec<mm_surface::Param>,
    pub results: Vec<String>,
}

/// About one model type, keyed by its Go name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeOverride {
    #[serde(rename = "why")]
    _why: Why,
    /// Proto name.
    pub name: Option<String>,
    /// Python module, and proto file where no circle decides it.
    pub group: Option<String>,
    /// Fields that are left out of every target, by Go name.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Other spellings of fields, by Go name.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Other spellings of enum members, by Go constant.
    #[serde(default)]
    pub members: BTreeMap<String, String>,
    /// Pointers to scalars in it, and in what it holds, are never nil at the server.
    #[serde(default)]
    pub never_nil: bool,
}

impl TypeOverride {
    /// The keys of what is inside, as they are marked when used.
    fn parts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let fields = self.fields.keys().map(move |it| format!("type.{name}.fields.{it}"));
        let excluded = self.exclude.iter().map(move |it| format!("type.{name}.exclude.{it}"));
        let members = self.members.keys().map(move |it| format!("type.{name}.members.{it}"));
        fields.chain(excluded).chain(members)
    }
}

/// Another spelling of a parameter, wherever Go uses the name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParamOverride {
    #[serde(rename = "why")]
    _why: Why,
    pub name: String,
}

/// About an entry of gob's registry, keyed by its name on the wire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueOverride {
    #[serde(rename = "why")]
    _why: Why,
    /// The name of its member of `Value.kind`.
    pub name: Option<String>,
    /// It needs no member: `Value` has one that says the same.
    #[serde(default)]
    pub exclude: bool,
    /// It is an error: `ErrorValue` holds it, and `Value` holds that.
    #[serde(default)]
    pub error: bool,
}

/// Another group for all model types of a Go file, or for all methods of a tag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupOverride {
    #[serde(rename = "why")]
    _why: Why,
    pub name: String,
}

/// What an API method needs, keyed by its Go name, where its group and its name do not say it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermissionOverride {
    pub why: Why,
    /// The permission.
    pub name: Option<String>,
    /// No manifest can forbid it.
    #[serde(default)]
    pub always: bool,
}

/// About a service of the host besides the API, keyed by its name on the wire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceOverride {
    #[serde(rename = "why")]
    _why: Why,
    pub permission: String,
}

/// A reason; an empty one is refused.
#[derive(Debug, Default)]
pub(crate) struct Why(String);

impl Why {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Why {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(serde::de::Error::custom("`why` is empty: say why this entry is needed"));
        }
        Ok(Why(text.trim().to_owned()))
    }
}

/// Which of the two method tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Api,
    Hook,
}

impl Kind {
    /// The table's name in `overrides.toml` and `docs.toml`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Kind::Api => "api",
            Kind::Hook => "hook",
        }
    }
}

impl Overrides {
    /// Reads the file.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic> {
        toml::from_str(text).map_err(|error| {
            Diagnostic::new(
                FILE,
                "",
                error.to_string().trim_end().to_owned(),
                "see surface/README.md for what an entry may say",
            )
        })
    }

    pub(crate) fn method(&self, kind: Kind, name: &str) -> Option<&MethodOverride> {
        let table = match kind {
            Kind::Api => &self.api,
            Kind::Hook => &self.hook,
        };
        self.mark(kind.key(), name, table.get(name))
    }

    pub(crate) fn ty(&self, go_type: &str) -> Option<&TypeOverride> {
        self.mark("type", go_type, self.types.get(go_type))
    }

    /// The spelling to use for a field of a type.
    pub(crate) fn field<'a>(&'a self, go_type: &str, go: &'a str) -> &'a str {
        let found = self.types.get(go_type).and_then(|it| it.fields.get(go));
        self.mark(&format!("type.{go_type}.fields"), go, found).map_or(go, String::as_str)
    }

    /// Whether a field of a type is left out.
    pub(crate) fn excludes(&self, go_type: &str, go: &str) -> bool {
        let found = self.types.get(go_type).and_then(|it| it.exclude.iter().find(|it| *it == go));
        self.mark(&format!("type.{go_type}.exclude"), go, found).is_some()
    }

    /// The spelling of an enum member, where it is not the usual one.
    pub(crate) fn member(&self, go_type: &str, constant: &str) -> Option<&str> {
        let found = self.types.get(go_type).and_then(|it| it.members.get(constant));
        self.mark(&format!("type.{go_type}.members"), constant, found).map(String::as_str)
    }

    /// The spelling to use for a parameter.
    pub(crate) fn param<'a>(&'a self, go: &'a str) -> &'a str {
        self.mark("param", go, self.param.get(go)).map_or(go, |it| it.name.as_str())
    }

    pub(crate) fn value(&self, wire_name: &str) -> Option<&ValueOverride> {
        self.mark("value", wire_name, self.value.get(wire_name))
    }

    /// The group to use in place of the one that Go's file or tag gives.
    pub(crate) fn group(&self, group: &str) -> Option<&str> {
        self.mark("group", group, self.group.get(group)).map(|it| it.name.as_str())
    }

    /// The area of permissions in place of the plural of a group.
    pub(crate) fn area(&self, group: &str) -> Option<&str> {
        self.mark("area", group, self.area.get(group)).map(|it| it.name.as_str())
    }

    /// What an API method needs, where that was decided.
    pub(crate) fn permission(&self, method: &str) -> Option<&PermissionOverride> {
        self.mark("permission", method, self.permission.get(method))
    }

    /// Services of the host and the permission that each needs.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, &str)> {
        self.service.iter().map(|(name, it)| (name.as_str(), it.permission.as_str()))
    }

    /// Entries that nothing asked for.
    pub(crate) fn report_stale(&self, diagnostics: &mut Vec<Diagnostic>) {
        let used = self.used.borrow();
        let all = keys("api", &self.api)
            .chain(keys("hook", &self.hook))
            .chain(keys("type", &self.types))
            .chain(self.types.iter().flat_map(|(name, it)| it.parts(name)))
            .chain(keys("param", &self.param))
            .chain(keys("value", &self.value))
            .chain(keys("group", &self.group))
            .chain(keys("area", &self.area))
            .chain(keys("permission", &self.permission));
        for key in all.filter(|key| !used.contains(key)) {
            diagnostics.push(Diagnostic::new(
                FILE,
                key,
                "the entry is stale: nothing of this name is in the surface, or nothing reaches it",
                "remove the entry, or correct its name",
            ));
        }
    }

    fn mark<'a, T>(&self, table: &str, name: &str, found: Option<&'a T>) -> Option<&'a T> {
        if found.is_some() {
            self.used.borrow_mut().insert(format!("{table}.{name}"));
        }
        found
    }
}

fn keys<'a, T>(table: &'a str, entries: &'a BTreeMap<String, T>) -> impl Iterator<Item = String> + 'a {
    entries.keys().map(move |name| format!("{table}.{name}"))
}
