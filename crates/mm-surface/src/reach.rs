//! From type expressions to qualified types, and from each named type to those it is made of.
//!
//! Takes what `names` finds, keeps a queue of the types still to be described (`shapes` describes them). Holds afterwards:
//! every type that a description mentions where gob or JSON would carry it has a description of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use crate::GoType;
use crate::consts::{Consts, Value};
use crate::diagnostic::{Diagnostic, Pos};
use crate::external::{External, Externals, Fit};
use crate::names::{Named, Names, Scope};
use crate::packages::Packages;
use crate::surface::Type;
use crate::syntax::ast::{Expr, TypeExpr};

/// How deep aliases and embedded types may be nested before they must be circular.
const MAX_DEPTH: usize = 64;

/// Where an expression stands.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) scope: Scope,
    /// What the type parameters of the declaration stand for.
    pub(crate) args: BTreeMap<String, GoType>,
    /// What an anonymous struct found here is named after: `Packet.License`.
    pub(crate) holder: String,
    /// The line of the holder, for what has none of its own.
    pub(crate) line: u32,
    pub(crate) depth: usize,
}

impl Context {
    pub(crate) fn new(scope: Scope, holder: impl Into<String>, line: u32) -> Self {
        Context { scope, args: BTreeMap::new(), holder: holder.into(), line, depth: 0 }
    }

    /// The same place, one step into the holder.
    pub(crate) fn inside(&self, part: &str, line: u32) -> Self {
        Context { holder: format!("{}.{part}", self.holder), line, ..self.clone() }
    }

    pub(crate) fn pos(&self, line: u32) -> Pos {
        self.scope.package.pos(self.scope.file, line)
    }
}

/// What is to be done with the types that an expression names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are part of the surface: each must be found and described.
    Reach,
    /// Neither gob nor JSON carries them: writing their name is enough.
    Mention,
}

/// A type that waits for its description.
#[derive(Debug)]
pub(crate) enum Wanted {
    Declared {
        name: String,
        scope: Scope,
        decl: String,
        args: Vec<GoType>,
    },
    Anonymous {
        name: String,
        context: Context,
        ty: TypeExpr,
    },
    Foreign {
        name: String,
        key: String,
    },
    /// Of another module, and not declared.
    Undeclared {
        name: String,
        import: String,
    },
}

/// The walk over all types.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    pub(crate) names: Names<'a>,
    pub(crate) consts: Consts,
    /// Those of the version being read.
    pub(crate) externals: BTreeMap<&'a str, &'a External>,
    pub(crate) all_externals: &'a Externals,
    /// Keys of `externals` that something uses.
    pub(crate) used: BTreeSet<String>,
    pub(crate) types: BTreeMap<String, Type>,
    /// Import path and name of declared types → their name in the surface.
    pub(crate) declared: BTreeMap<(String, String), String>,
    pub(crate) queue: VecDeque<Wanted>,
    pub(crate) seen: BTreeSet<String>,
    /// Names that are described elsewhere (the RPC structs).
    pub(crate) elsewhere: BTreeSet<String>,
    /// Types of other modules that were complained about; once is enough.
    undeclared: BTreeSet<(String, String)>,
    /// Package name → import path.
    packages: BTreeMap<String, String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(packages: Packages<'a>, all_externals: &'a Externals, version: &str) -> Self {
        let externals = all_externals.for_version(version);
        Reach {
            names: Names::new(packages, &externals),
            all_externals,
            undeclared: BTreeSet::new(),
            consts: Consts::default(),
            externals,
            used: BTreeSet::new(),
            types: BTreeMap::new(),
            declared: BTreeMap::new(),
            queue: VecDeque::new(),
            seen: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            packages: BTreeMap::new(),
            diagnostics: Vec::new(),
        }
    }

    /// The import path behind the name of a package in the surface.
    pub(crate) fn package_path(&self, package: &str) -> Option<&str> {
        self.packages.get(package).map(String::as_str)
    }

    pub(crate) fn report(&mut self, at: &Pos, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(at, message, help));
    }

    /// The type that an expression stands for.
    pub(crate) fn resolve(&mut self, context: &Context, ty: &TypeExpr, mode: Mode) -> GoType {
        let mut boxed = |inner: &TypeExpr| Box::new(self.resolve(context, inner, mode));
        match ty {
            TypeExpr::Pointer(inner) => GoType::Pointer(boxed(inner)),
            TypeExpr::Slice(inner) => GoType::Slice(boxed(inner)),
            TypeExpr::Map(key, value) => GoType::Map(boxed(key), boxed(value)),
            TypeExpr::Array(length, inner) => {
                let inner = boxed(inner);
                GoType::Array(self.array_length(context, length, mode), inner)
            }
            TypeExpr::Chan(direction, inner) => {
                GoType::Chan(*direction, Box::new(self.resolve(context, inner, Mode::Mention)))
            }
            TypeExpr::Func { params, variadic, results } => GoType::Func {
                params: self.resolve_all(context, params, Mode::Mention),
                variadic: *variadic,
                results: self.resolve_all(context, results, Mode::Mention),
            },
            TypeExpr::Struct(fields) if fields.is_empty() => GoType::EmptyStruct,
            TypeExpr::Interface { methods, embedded } if methods.is_empty() && embedded.is_empty() => GoType::Any,
            TypeExpr::Constraint => GoType::Any,
            TypeExpr::Struct(_) | TypeExpr::Interface { .. } => self.anonymous(context, ty, mode),
            TypeExpr::Name { package, name, args, line } => {
                self.named(context, (package.as_deref(), name, args), *line, mode)
            }
        }
    }

    pub(crate) fn resolve_all(&mut self, context: &Context, types: &[TypeExpr], mode: Mode) -> Vec<GoType> {
        types.iter().map(|it| self.resolve(context, it, mode)).collect()
    }

    fn array_length(&mut self, context: &Context, length: &Expr, mode: Mode) -> u64 {
        let constant = self.consts.evaluate(&mut self.names, &context.scope, length, 0);
        let length = match constant.value {
            Ok(Value::Int(it)) => u64::try_from(it).ok(),
            _ => None,
        };
        if length.is_none() && mode == Mode::Reach {
            let message = format!("cannot compute the length of the array in `{}`", context.holder);
            self.report(&context.pos(context.line), message, "teach the expression to crates/mm-surface/src/consts.rs");
        }
        length.unwrap_or(0)
    }

    /// An anonymous struct or interface gets the name of what holds it.
    fn anonymous(&mut self, context: &Context, ty: &TypeExpr, mode: Mode) -> GoType {
        let package = context.scope.package.name.clone();
        let ty_name = GoType::Named { package: Some(package), name: context.holder.clone(), args: Vec::new() };
        if mode == Mode::Reach {
            let name = ty_name.to_string();
            self.want(&name, |name| Wanted::Anonymous { name, context: context.clone(), ty: ty.clone() });
        }
        ty_name
    }

    fn named(
        &mut self,
        context: &Context,
        written: (Option<&str>, &str, &[TypeExpr]),
        line: u32,
        mode: Mode,
    ) -> GoType {
        let (package, name, args) = written;
        if package.is_none() {
            if let Some(argument) = context.args.get(name) {
                return argument.clone();
            }
            if name == "any" && context.scope.package.type_decl(name).is_none() {
                return GoType::Any;
            }
        }
        let args = self.resolve_all(context, args, mode);
        match self.names.look_up(&context.scope, package, name) {
            Named::Basic(name) => GoType::basic(&name),
            Named::Declared { scope, name } => self.declared(context, scope, &name, args, line, mode),
            Named::Foreign { import, package, name } => {
                self.foreign(context, &import, (package, name, args), line, mode)
            }
            Named::Unknown => {
                if mode == Mode::Reach {
                    self.unknown(context, package, name, line);
                }
                GoType::Named { package: package.map(str::to_owned), name: name.to_owned(), args }
            }
        }
    }

    fn declared(
        &mut self,
        from: &Context,
        scope: Scope,
        name: &str,
        args: Vec<GoType>,
        line: u32,
        mode: Mode,
    ) -> GoType {
        let package = Rc::clone(&scope.package);
        let (_, decl) = package.type_decl(name).expect("found by look_up");
        if decl.params.len() != args.len() {
            let message = format!("`{name}` takes {} type arguments, not {}", decl.params.len(), args.len());
            self.report(&from.pos(line), message, "check that the tree compiles");
        }
        if decl.alias && from.depth < MAX_DEPTH {
            let mut inner = Context::new(scope, name, decl.line);
            inner.args = decl.params.iter().cloned().zip(args).collect();
            inner.depth = from.depth + 1;
            return self.resolve(&inner, &decl.ty, mode);
        }
        let ty = GoType::Named { package: Some(package.name.clone()), name: name.to_owned(), args: args.clone() };
        if mode == Mode::Reach {
            let at = from.pos(line);
            self.claim_package(&package.name, &package.path, &at);
            self.declared.insert((package.path.clone(), name.to_owned()), ty.to_string());
            let decl = name.to_owned();
            self.want(&ty.to_string(), |name| Wanted::Declared { name, scope, decl, args });
        }
        ty
    }

    fn foreign(
        &mut self,
        from: &Context,
        import: &str,
        named: (String, String, Vec<GoType>),
        line: u32,
        mode: Mode,
    ) -> GoType {
        let (package, name, args) = named;
        if mode == Mode::Reach {
            let at = from.pos(line);
            match self.names.foreign_key(import, &name) {
                Some(key) => {
                    self.claim_package(&package, import, &at);
                    self.want_foreign(key);
                }
                None if self.all_externals.fit() == Fit::Unprepared => {
                    self.claim_package(&package, import, &at);
                    let import = import.to_owned();
                    self.want(&format!("{package}.{name}"), |name| Wanted::Undeclared { name, import });
                }
                None => self.undeclared(&at, import, &package, &name),
            }
        }
        GoType::Named { package: Some(package), name, args }
    }

    pub(crate) fn want_foreign(&mut self, key: &str) {
        self.used.insert(key.to_owned());
        let wanted = key.to_owned();
        self.want(key, |name| Wanted::Foreign { name, key: wanted });
    }

    fn want(&mut self, name: &str, wanted: impl FnOnce(String) -> Wanted) {
        if self.elsewhere.contains(name) || !self.seen.insert(name.to_owned()) {
            return;
        }
        self.queue.push_back(wanted(name.to_owned()));
    }

    /// In the surface the name of a package must mean one package.
    fn claim_package(&mut self, package: &str, path: &str, at: &Pos) {
        let first = self.packages.entry(package.to_owned()).or_insert_with(|| path.to_owned());
        if first != path {
            let message = format!("two packages named `{package}` are part of the surface: {first} and {path}");
            self.report(
                at,
                message,
                "the surface names types by their package: extend its naming in crates/mm-surface/src/reach.rs",
            );
        }
    }

    fn unknown(&mut self, context: &Context, package: Option<&str>, name: &str, line: u32) {
        let import = package.and_then(|it| self.names.import(&context.scope, it));
        let (what, help) = match (package, import) {
            (None, _) => {
                let package = &context.scope.package.path;
                (
                    name.to_owned(),
                    format!(
                        "check that the tree is complete (all of server/public): nothing in {package} declares it for the default build"
                    ),
                )
            }
            (Some(package), Some(import)) => {
                let help = format!(
                    "check that the tree is complete (all of server/public): nothing in {import} declares it for the default build"
                );
                (format!("{package}.{name}"), help)
            }
            (Some(package), None) => (
                format!("{package}.{name}"),
                format!("check that the tree compiles: this file imports nothing called `{package}`"),
            ),
        };
        self.report(&context.pos(line), format!("cannot find the type `{what}`"), help);
    }

    fn undeclared(&mut self, at: &Pos, import: &str, package: &str, name: &str) {
        if !self.undeclared.insert((import.to_owned(), name.to_owned())) {
            return;
        }
        self.report(
            at,
            format!("`{package}.{name}` is a type of another module ({import}) and not declared"),
            format!(
                "add to surface/overrides.toml, with `builtin` or with `kind` and `fields`:\n[external.\"{package}.{name}\"]\nimport = \"{import}\"\nwhy = \"…\""
            ),
        );
    }
}
