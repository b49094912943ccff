//! What a name in a file refers to: a type of the same package, of another package of the module, of another module.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::external::External;
use crate::packages::{Package, Packages};
use crate::syntax::ast::{Import, TypeDecl};

/// Where a name is looked up: a file, which has its own imports, of a package.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) package: Rc<Package>,
    pub(crate) file: usize,
}

/// What a name of a type refers to.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// Declared in the module.
    Declared {
        scope: Scope,
        name: String,
    },
    /// Of another module: its import path, the name of its package, its own name.
    Foreign {
        import: String,
        package: String,
        name: String,
    },
    /// Of Go itself.
    Basic(String),
    Unknown,
}

impl Named {
    pub(crate) fn decl(&self) -> Option<(&Scope, &TypeDecl)> {
        match self {
            Named::Declared { scope, name } => scope.package.type_decl(name).map(|(_, decl)| (scope, decl)),
            _ => None,
        }
    }
}

const BASIC: &[&str] = &[
    "bool",
    "byte",
    "comparable",
    "complex128",
    "complex64",
    "error",
    "float32",
    "float64",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "rune",
    "string",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "uintptr",
];

/// Whether Go itself has a type of this name.
pub(crate) fn is_basic(name: &str) -> bool {
    BASIC.contains(&name)
}

/// Looks names up.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    pub(crate) packages: Packages<'a>,
    /// Declared types of other modules by import path and name → the key they are declared under.
    foreign: BTreeMap<(&'a str, &'a str), &'a str>,
    /// Import path → package name, for other modules, as the declarations say it.
    foreign_packages: BTreeMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(packages: Packages<'a>, externals: &BTreeMap<&'a str, &'a External>) -> Self {
        let mut names = Names { packages, foreign: BTreeMap::new(), foreign_packages: BTreeMap::new() };
        for (key, external) in externals {
            let (package, name) = key.split_once('.').unwrap_or(("", key));
            names.foreign.insert((&external.import, name), key);
            names.foreign_packages.insert(&external.import, package);
        }
        names
    }

    /// The key in `[external]` of a type of another module.
    pub(crate) fn foreign_key(&self, import: &str, name: &str) -> Option<&'a str> {
        self.foreign.get(&(import, name)).copied()
    }

    /// Looks up the name of a type.
    pub(crate) fn look_up(&mut self, scope: &Scope, package: Option<&str>, name: &str) -> Named {
        match package {
            None => Self::look_up_local(scope, name),
            Some(package) => match self.import(scope, package) {
                Some(import) => self.look_up_in(&import, package, name),
                None => Named::Unknown,
            },
        }
    }

    fn look_up_local(scope: &Scope, name: &str) -> Named {
        match scope.package.type_decl(name) {
            Some((file, _)) => {
                let scope = Scope { package: Rc::clone(&scope.package), file };
                Named::Declared { scope, name: name.to_owned() }
            }
            None if is_basic(name) => Named::Basic(name.to_owned()),
            None => Named::Unknown,
        }
    }

    fn look_up_in(&mut self, import: &str, written: &str, name: &str) -> Named {
        if let Some(package) = self.packages.get(import) {
            return match package.type_decl(name) {
                Some((file, _)) => {
                    Named::Declared { scope: Scope { package: Rc::clone(&package), file }, name: name.to_owned() }
                }
                None => Named::Unknown,
            };
        }
        let package = self.foreign_packages.get(import).copied().unwrap_or(written);
        Named::Foreign { import: import.to_owned(), package: package.to_owned(), name: name.to_owned() }
    }

    /// The import path that a package's name stands for in a file.
    pub(crate) fn import(&mut self, scope: &Scope, name: &str) -> Option<String> {
        let package = Rc::clone(&scope.package);
        let imports = &package.files[scope.file].imports;
        if let Some(import) = imports.iter().find(|it| it.alias.as_deref() == Some(name)) {
            return Some(import.path.clone());
        }
        let unnamed = || imports.iter().filter(|it| it.alias.is_none());
        let likely = unnamed().find(|it| guess(&it.path) == name && self.is_called(it, name));
        // A package may be called other than its folder.
        likely
            .or_else(|| unnamed().find(|it| guess(&it.path) != name && self.is_called(it, name)))
            .map(|it| it.path.clone())
    }

    fn is_called(&mut self, import: &Import, name: &str) -> bool {
        if let Some(package) = self.packages.get(&import.path) {
            return package.name == name;
        }
        self.foreign_packages.get(import.path.as_str()).copied().unwrap_or_else(|| guess(&import.path)) == name
    }
}

/// What a package is most likely called: the last part of its path, without a version (`logr/v2`) or `go-`.
fn guess(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let mut last = parts.next().unwrap_or(path);
    let is_version =
        |it: &str| it.strip_prefix('v').is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    if is_version(last) {
        last = parts.next().unwrap_or(last);
    }
    if let Some((name, version)) = last.rsplit_once('.')
        && is_version(version)
    {
        last = name;
    }
    last.strip_prefix("go-").unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn packages_are_guessed_from_paths() {
        for (path, name) in [
            ("net/http", "http"),
            ("github.com/mattermost/logr/v2", "logr"),
            ("github.com/hashicorp/go-plugin", "plugin"),
            ("gopkg.in/yaml.v3", "yaml"),
            ("github.com/lib/pq", "pq"),
        ] {
            assert_eq!(guess(path), name);
        }
    }
}
