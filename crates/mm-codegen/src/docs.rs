//! `docs.toml`: our own words about methods, hooks, types and the fields that their names do not explain.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Diagnostic;
use crate::overrides::Kind;

pub(crate) const FILE: &str = "surface/docs.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Docs {
    /// Shared by Go parameter name.
    #[serde(default)]
    params: BTreeMap<String, String>,
    /// Shared by Go field name.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    api: BTreeMap<String, MethodEntry>,
    #[serde(default)]
    hook: BTreeMap<String, MethodEntry>,
    #[serde(default, rename = "type")]
    types: BTreeMap<String, TypeEntry>,
    #[serde(default)]
    permission: BTreeMap<String, PermissionEntry>,
    /// Entries that were asked for, as `api.GetUser`, `params.userID`, `type.model.Post.Props`.
    #[serde(skip)]
    used: RefCell<BTreeSet<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodEntry {
    pub doc: String,
    #[serde(default)]
    pub returns: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
    #[serde(default)]
    pub raises: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeEntry {
    pub doc: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionEntry {
    doc: String,
}

impl Docs {
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

    pub(crate) fn method(&self, kind: Kind, name: &str) -> Option<&MethodEntry> {
        let found = self.methods(kind).get(name);
        self.mark(found.is_some(), || format!("{}.{name}", kind.key()));
        found.filter(|it| !it.doc.trim().is_empty())
    }

    /// The method's own words about a parameter, or the shared ones.
    pub(crate) fn param(&self, kind: Kind, method: &str, param: &str) -> Option<&str> {
        let own = self.methods(kind).get(method).and_then(|it| it.params.get(param));
        self.mark(own.is_some(), || format!("{}.{method}.params.{param}", kind.key()));
        self.own_or_shared(own, "params", &self.params, param)
    }

    pub(crate) fn ty(&self, go_type: &str) -> Option<&TypeEntry> {
        let found = self.types.get(go_type);
        self.mark(found.is_some(), || format!("type.{go_type}"));
        found.filter(|it| !it.doc.trim().is_empty())
    }

    /// The type's own words about a field, or the shared ones.
    pub(crate) fn field(&self, go_type: &str, field: &str) -> Option<&str> {
        let own = self.types.get(go_type).and_then(|it| it.fields.get(field));
        self.mark(own.is_some(), || format!("type.{go_type}.fields.{field}"));
        self.own_or_shared(own, "fields", &self.fields, field)
    }

    /// What a permission lets a plugin do.
    pub(crate) fn permission(&self, name: &str) -> Option<&str> {
        let found = self.permission.get(name);
        self.mark(found.is_some(), || format!("permission.{name}"));
        found.map(|it| it.doc.trim()).filter(|it| !it.is_empty())
    }

    /// Entries that nothing asked for.
    pub(crate) fn report_stale(&self, diagnostics: &mut Vec<Diagnostic>) {
        let used = self.used.borrow();
        for key in self.keys().filter(|key| !used.contains(key)) {
            diagnostics.push(Diagnostic::new(
                FILE,
                key,
                "the entry is stale: nothing of this name is in the surface, or it has words of its own",
                "remove the entry, or correct its name",
            ));
        }
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        let shared = [("params", &self.params), ("fields", &self.fields)];
        let shared = shared.into_iter().flat_map(|(table, it)| it.keys().map(move |key| format!("{table}.{key}")));
        let methods = [("api", &self.api), ("hook", &self.hook)].into_iter().flat_map(|(table, methods)| {
            methods.iter().flat_map(move |(name, entry)| {
                let params = entry.params.keys().map(move |param| format!("{table}.{name}.params.{param}"));
                std::iter::once(format!("{table}.{name}")).chain(params)
            })
        });
        let types = self.types.iter().flat_map(|(name, entry)| {
            let fields = entry.fields.keys().map(move |field| format!("type.{name}.fields.{field}"));
            std::iter::once(format!("type.{name}")).chain(fields)
        });
        let permissions = self.permission.keys().map(|it| format!("permission.{it}"));
        shared.chain(methods).chain(types).chain(permissions)
    }

    fn methods(&self, kind: Kind) -> &BTreeMap<String, MethodEntry> {
        match kind {
            Kind::Api => &self.api,
            Kind::Hook => &self.hook,
        }
    }

    fn own_or_shared<'a>(
        &'a self,
        own: Option<&'a String>,
        table: &str,
        shared: &'a BTreeMap<String, String>,
        name: &str,
    ) -> Option<&'a str> {
        let found = own.or_else(|| {
            let found = shared.get(name);
            self.mark(found.is_some(), || format!("{table}.{name}"));
            found
        });
        found.map(|it| it.trim()).filter(|it| !it.is_empty())
    }

    fn mark(&self, found: bool, key: impl FnOnce() -> String) {
        if found {
            self.used.borrow_mut().insert(key());
        }
    }
}
