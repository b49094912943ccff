//! The packages of the module, read when something first asks for them, and what their names mean.
//!
//! Holds afterwards: within a package one name means one thing. Refuses a package that says something twice.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Pos};
use crate::syntax::ast::{ConstDecl, File, MethodDecl, TypeDecl};
use crate::syntax::{self, build_tags};

/// A package of the module.
#[derive(Debug)]
pub(crate) struct Package {
    /// Import path.
    pub(crate) path: String,
    /// The name in its package clauses.
    pub(crate) name: String,
    pub(crate) files: Vec<File>,
    /// Name → file and place in that file.
    types: BTreeMap<String, (usize, usize)>,
    consts: BTreeMap<String, (usize, usize)>,
}

impl Package {
    pub(crate) fn type_decl(&self, name: &str) -> Option<(usize, &TypeDecl)> {
        self.types.get(name).map(|&(file, index)| (file, &self.files[file].types[index]))
    }

    pub(crate) fn const_decl(&self, name: &str) -> Option<(usize, &ConstDecl)> {
        self.consts.get(name).map(|&(file, index)| (file, &self.files[file].consts[index]))
    }

    /// Names of all constants, sorted.
    pub(crate) fn const_names(&self) -> impl Iterator<Item = &str> {
        self.consts.keys().map(String::as_str)
    }

    /// All type declarations with their file, sorted by name.
    pub(crate) fn type_decls(&self) -> impl Iterator<Item = (usize, &TypeDecl)> {
        self.types.values().map(|&(file, index)| (file, &self.files[file].types[index]))
    }

    /// All methods of types with their file, in the order of the files.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (usize, &MethodDecl)> {
        self.files.iter().enumerate().flat_map(|(index, file)| file.methods.iter().map(move |it| (index, it)))
    }

    pub(crate) fn pos(&self, file: usize, line: u32) -> Pos {
        Pos::new(&self.files[file].path, line)
    }
}

/// All packages of the module under `source`.
#[derive(Debug)]
pub(crate) struct Packages<'a> {
    module: String,
    source: &'a BTreeMap<String, String>,
    loaded: BTreeMap<String, Option<Rc<Package>>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Packages<'a> {
    pub(crate) fn new(module: String, source: &'a BTreeMap<String, String>) -> Self {
        Packages { module, source, loaded: BTreeMap::new(), diagnostics: Vec::new() }
    }

    /// The import path of a folder of the module.
    pub(crate) fn import_path(&self, folder: &str) -> String {
        format!("{}/{folder}", self.module)
    }

    /// The package with this import path; `None` for those of other modules.
    pub(crate) fn get(&mut self, path: &str) -> Option<Rc<Package>> {
        if let Some(known) = self.loaded.get(path) {
            return known.clone();
        }
        let package =
            path.strip_prefix(&self.module).and_then(|it| it.strip_prefix('/')).and_then(|it| self.load(path, it));
        let package = package.map(Rc::new);
        self.loaded.insert(path.to_owned(), package.clone());
        package
    }

    /// Every package that was asked for, sorted by import path.
    pub(crate) fn loaded(&self) -> Vec<Rc<Package>> {
        self.loaded.values().flatten().cloned().collect()
    }

    fn load(&mut self, path: &str, folder: &str) -> Option<Package> {
        let files: Vec<(&str, &str)> = self
            .source
            .iter()
            .filter(|(file, _)| file.rsplit_once('/').is_some_and(|(dir, name)| dir == folder && name.ends_with(".go")))
            .filter(|(file, text)| build_tags::in_default_build(file, text))
            .map(|(file, text)| (file.as_str(), text.as_str()))
            .collect();
        let mut read = Vec::new();
        for result in read_all(&files) {
            match result {
                Ok(file) => read.push(file),
                Err(error) => self.diagnostics.push(error),
            }
        }
        let name = read.first()?.package.clone();
        let mut package =
            Package { path: path.to_owned(), name, files: read, types: BTreeMap::new(), consts: BTreeMap::new() };
        self.index(&mut package);
        Some(package)
    }

    fn index(&mut self, package: &mut Package) {
        let mut names: BTreeMap<&str, Pos> = BTreeMap::new();
        for (file_index, file) in package.files.iter().enumerate() {
            if file.package != package.name {
                self.diagnostics.push(two_packages(&package.files[0], file));
            }
            let types = file.types.iter().enumerate().map(|(index, it)| (index, it.name.as_str(), it.line, true));
            let consts = file.consts.iter().enumerate().map(|(index, it)| (index, it.name.as_str(), it.line, false));
            for (index, name, line, is_type) in types.chain(consts).filter(|(_, name, ..)| *name != "_") {
                let pos = Pos::new(&file.path, line);
                if let Some(first) = names.insert(name, pos.clone()) {
                    self.diagnostics.push(said_twice(name, &first, &pos));
                }
                let table = if is_type { &mut package.types } else { &mut package.consts };
                table.insert(name.to_owned(), (file_index, index));
            }
        }
    }
}

fn two_packages(first: &File, other: &File) -> Diagnostic {
    Diagnostic::new(
        &Pos::new(&other.path, 1),
        format!("two packages in one folder: `{}` here, `{}` in {}", other.package, first.package, first.path),
        "a folder of Go files is one package: remove the file that does not belong here",
    )
}

fn said_twice(name: &str, first: &Pos, second: &Pos) -> Diagnostic {
    Diagnostic::new(
        second,
        format!("two things are named `{name}`: here and in {}:{}", first.file, first.line),
        "the tree is a mixture of two versions, or the two files are meant for different builds: check it out anew, or give them build tags",
    )
}

/// Reads the files on all cores; the results are in the order of the files.
fn read_all(files: &[(&str, &str)]) -> Vec<Result<File, Diagnostic>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = files.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let chunks: Vec<_> = files
            .chunks(chunk)
            .map(|chunk| scope.spawn(|| chunk.iter().map(|(path, text)| syntax::read(path, text)).collect::<Vec<_>>()))
            .collect();
        chunks.into_iter().flat_map(|it| it.join().expect("reading does not panic")).collect()
    })
}
