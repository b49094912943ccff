//! The reading of a whole tree: finds the version, the two interfaces, the registrations and the RPC structs, lets `reach`
//! describe all they are made of, and puts the surface together.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::GoType;
use crate::consts::Value;
use crate::diagnostic::{Diagnostic, Pos};
use crate::external::{Externals, Fit};
use crate::names::Scope;
use crate::packages::{Package, Packages};
use crate::reach::{Context, Mode, Reach};
use crate::shapes::is_exported;
use crate::surface::{Const, Method, Param, Struct, Surface, Type, Upstream};
use crate::syntax::ast::{Signature, TypeDecl, TypeExpr};
use crate::{gob, hand_written, rpc};

/// The one hook without an id: the server asks it once which hooks there are.
const IMPLEMENTED: &str = "Implemented";

/// Describes the plugin surface of Mattermost's `server/public`.
///
/// `source` maps paths relative to that folder (`model/post.go`, `go.mod`) to their text; files that are no part of the
/// default build and packages that nothing refers to are skipped.
///
/// # Errors
/// All that was found wrong with the source or with the declared types, sorted by place.
pub fn read(source: &BTreeMap<String, String>, externals: &Externals) -> Result<Surface, Vec<Diagnostic>> {
    let module = module(source).map_err(|it| vec![it])?;
    let mut packages = Packages::new(module.clone(), source);
    let plugin = packages.get(&packages.import_path("plugin"));
    let model = packages.get(&packages.import_path("model"));
    let (Some(plugin), Some(model)) = (plugin, model) else {
        // What cannot be read is the better explanation of a package that is not there.
        let complaints = std::mem::take(&mut packages.diagnostics);
        return Err(if complaints.is_empty() {
            vec![not_mattermost("it has no packages `plugin` and `model`")]
        } else {
            complaints
        });
    };
    let version = version(&model, source).map_err(|it| vec![it])?;
    let hand_written = hand_written::read(source).map_err(|it| vec![it])?;
    let mut reach = Reach::new(packages, externals, &version);
    let upstream = Upstream { module, version: version.clone() };
    let surface = Reader { reach: &mut reach, plugin }.surface(upstream, hand_written);
    if externals.fit() == Fit::Exact {
        for key in reach.externals.keys().filter(|it| !reach.used.contains(**it)) {
            reach.diagnostics.push(externals.stale(key, &version));
        }
    }
    // What cannot be read, or says one thing twice, explains most of what is then not found.
    let unread = std::mem::take(&mut reach.names.packages.diagnostics);
    let mut diagnostics = if unread.is_empty() { reach.diagnostics } else { unread };
    diagnostics.sort();
    diagnostics.dedup();
    if diagnostics.is_empty() { Ok(surface) } else { Err(diagnostics) }
}

fn not_mattermost(what: &str) -> Diagnostic {
    Diagnostic::new(
        &Pos::new("", 0),
        format!("this is not the source of Mattermost's plugin interface: {what}"),
        "give the folder `server/public` of a Mattermost checkout",
    )
}

fn module(source: &BTreeMap<String, String>) -> Result<String, Diagnostic> {
    let go_mod = source.get("go.mod").ok_or_else(|| not_mattermost("it has no go.mod"))?;
    let module = go_mod.lines().find_map(|it| it.trim().strip_prefix("module "));
    let module = module.ok_or_else(|| not_mattermost("its go.mod names no module"))?;
    Ok(module.split("//").next().unwrap_or(module).trim().trim_matches('"').to_owned())
}

fn version(model: &Package, source: &BTreeMap<String, String>) -> Result<String, Diagnostic> {
    let found = model.files.iter().find_map(|it| it.lists.get("versions")?.first().cloned());
    found.ok_or_else(|| {
        let file = "model/version.go";
        let declared =
            source.get(file).and_then(|it| it.lines().position(|line| line.trim().starts_with("var versions")));
        let line = declared.map_or(0, |it| u32::try_from(it + 1).unwrap_or(0));
        let help = "Mattermost lists its versions there, `var versions = []string{\"11.6.0\", …}`, the newest first: check that the \
                    tree is complete;\nif upstream now says it in another way, teach that to crates/mm-surface/src/syntax/decls.rs";
        Diagnostic::new(&Pos::new(file, line), "cannot find the server's version", help)
    })
}

/// The reading while it goes on.
pub(crate) struct Reader<'r, 'a> {
    pub(crate) reach: &'r mut Reach<'a>,
    pub(crate) plugin: Rc<Package>,
}

impl Reader<'_, '_> {
    fn surface(mut self, upstream: Upstream, hand_written: Vec<String>) -> Surface {
        let rpc_decls = rpc::structs(&self.plugin);
        self.reach.elsewhere = rpc_decls.iter().map(|it| format!("{}.{it}", self.plugin.name)).collect();
        let mut api = self.interface("API", false);
        let mut hooks = self.interface("Hooks", true);
        api.sort_by(|a, b| a.name.cmp(&b.name));
        hooks.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
        self.check_ids(&hooks);
        let gob_registered = gob::registered(&mut self);
        let rpc: Vec<Struct> = rpc_decls.iter().map(|it| rpc::describe(&mut self, it)).collect();
        let rpc_methods = rpc::methods(&mut self);
        self.reach.describe_all();
        self.add_consts();
        self.add_aliases();
        let types = std::mem::take(&mut self.reach.types).into_values().collect();
        Surface { upstream, api, hooks, types, gob_registered, rpc, rpc_methods, hand_written }
    }

    fn interface(&mut self, name: &str, has_ids: bool) -> Vec<Method> {
        let plugin = Rc::clone(&self.plugin);
        let decl = plugin.type_decl(name).filter(|(_, it)| matches!(it.ty, TypeExpr::Interface { .. }));
        let Some((file, decl)) = decl else {
            self.reach.diagnostics.push(not_mattermost(&format!("its package `plugin` has no interface `{name}`")));
            return Vec::new();
        };
        let scope = Scope { package: Rc::clone(&plugin), file };
        let methods = self.reach.interface_methods(&Context::new(scope, name, decl.line), &decl.ty);
        let mut seen: BTreeMap<&str, Pos> = BTreeMap::new();
        let mut all = Vec::new();
        for (context, signature) in &methods {
            let pos = context.pos(signature.line);
            if let Some(first) = seen.insert(&signature.name, pos.clone()) {
                let message = format!(
                    "two methods of `{name}` are named `{}`: here and in {}:{}",
                    signature.name, first.file, first.line
                );
                self.reach.report(&pos, message, "check that the tree compiles");
            }
            all.push(self.method(context, signature, has_ids));
        }
        all
    }

    fn method(&mut self, context: &Context, signature: &Signature, has_id: bool) -> Method {
        let pos = context.pos(signature.line);
        let context = context.inside(&signature.name, signature.line);
        let last = signature.params.len().wrapping_sub(1);
        let params = signature.params.iter().enumerate().map(|(index, param)| {
            let ty = self.reach.resolve(&context.inside(&param.name, signature.line), &param.ty, Mode::Reach);
            let ty = if signature.variadic && index == last { GoType::Slice(Box::new(ty)) } else { ty };
            Param { name: param.name.clone(), ty: ty.to_string() }
        });
        let params = params.collect();
        let results = self.reach.resolve_all(&context, &signature.results, Mode::Reach);
        if signature.since.is_none() && self.reach.all_externals.fit() != Fit::Unprepared {
            let message = format!("`{}` does not say since when it exists", signature.name);
            self.reach.report(
                &pos,
                message,
                "add the line `Minimum server version: X.Y` to its comment, as upstream's own check asks",
            );
        }
        Method {
            name: signature.name.clone(),
            id: if has_id { self.hook_id(&signature.name, &pos) } else { None },
            params,
            variadic: signature.variadic,
            results: results.iter().map(GoType::to_string).collect(),
            since: signature.since.clone().unwrap_or_default(),
            tags: signature.tags.clone(),
        }
    }

    /// The constant `<Hook>ID`.
    fn hook_id(&mut self, hook: &str, pos: &Pos) -> Option<u32> {
        if hook == IMPLEMENTED {
            return None;
        }
        let scope = Scope { package: Rc::clone(&self.plugin), file: 0 };
        let constant = self.reach.consts.named(&mut self.reach.names, &scope, &format!("{hook}ID"));
        match constant.value {
            Ok(Value::Int(id)) if u32::try_from(id).is_ok() => u32::try_from(id).ok(),
            Ok(_) => {
                self.reach.report(
                    pos,
                    format!("the id of the hook `{hook}` is no small number"),
                    format!("see `{hook}ID`"),
                );
                None
            }
            Err(why) => {
                let message = format!("the hook `{hook}` has no id: {why}");
                self.reach.report(pos, message, format!("declare the constant `{hook}ID` in plugin/hooks.go"));
                None
            }
        }
    }

    fn check_ids(&mut self, hooks: &[Method]) {
        for pair in hooks.windows(2).filter(|it| it[0].id.is_some() && it[0].id == it[1].id) {
            let id = pair[0].id.unwrap_or_default();
            // Found above, or the hook had no id.
            let place = |hook: &str| {
                let (file, decl) = self.plugin.const_decl(&format!("{hook}ID")).expect("the hook has an id");
                self.plugin.pos(file, decl.line)
            };
            let (first, second) = (place(&pair[0].name), place(&pair[1].name));
            let message = format!(
                "two hooks have the id {id}: `{}` and `{}` ({}:{})",
                pair[1].name, pair[0].name, first.file, first.line
            );
            let help = format!(
                "an id is wire and belongs to one hook for ever: give `{}ID` the next number that no hook has",
                pair[1].name
            );
            self.reach.report(&second, message, help);
        }
    }

    /// Attaches constants to the types they are of.
    fn add_consts(&mut self) {
        let mut consts: BTreeMap<String, Vec<Const>> = BTreeMap::new();
        for package in self.reach.names.packages.loaded() {
            for name in package.const_names().filter(|it| is_exported(it)) {
                let scope = Scope { package: Rc::clone(&package), file: 0 };
                let constant = self.reach.consts.named(&mut self.reach.names, &scope, name);
                let Some(ty) = constant.ty.and_then(|it| self.reach.declared.get(&it).cloned()) else { continue };
                match constant.value.and_then(|it| it.to_const()) {
                    Ok(value) => consts.entry(ty).or_default().push(Const { name: name.to_owned(), value }),
                    Err(why) => {
                        let (file, decl) = package.const_decl(name).expect("listed");
                        let message = format!("cannot compute the constant `{name}` of type `{ty}`: {why}");
                        self.reach.report(
                            &package.pos(file, decl.line),
                            message,
                            "teach the expression to crates/mm-surface/src/consts.rs",
                        );
                    }
                }
            }
        }
        for (ty, mut all) in consts {
            all.sort_by(|a, b| a.value.order().cmp(&b.value.order()).then_with(|| a.name.cmp(&b.name)));
            if let Some(ty) = self.reach.types.get_mut(&ty) {
                ty.consts = all;
            }
        }
    }

    /// Other names of what is reachable.
    fn add_aliases(&mut self) {
        let mut known: BTreeSet<String> = self.reach.types.keys().cloned().collect();
        for package in self.reach.names.packages.loaded() {
            for (file, decl) in
                package.type_decls().filter(|(_, it)| it.alias && it.params.is_empty() && is_exported(&it.name))
            {
                self.add_alias(&package, file, decl, &mut known);
            }
        }
    }

    fn add_alias(&mut self, package: &Rc<Package>, file: usize, decl: &TypeDecl, known: &mut BTreeSet<String>) {
        let context = Context::new(Scope { package: Rc::clone(package), file }, &decl.name, decl.line);
        let target = self.reach.resolve(&context, &decl.ty, Mode::Mention).to_string();
        let name = format!("{}.{}", package.name, decl.name);
        if known.contains(&target) && known.insert(name.clone()) {
            let file = Some(package.files[file].path.clone());
            self.reach.types.insert(name.clone(), Type::alias(name, file, target));
        }
    }
}
