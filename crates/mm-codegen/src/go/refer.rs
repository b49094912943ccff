//! How a type is written in a Go file, and what the file must import for it.

use std::collections::BTreeSet;

use mm_surface::{GoType, Surface, Type};

use super::IMPORT;

/// Writes types for one file of one package, and notes what they need.
pub(super) struct Writer<'a> {
    surface: &'a Surface,
    package: &'a str,
    imports: BTreeSet<String>,
}

/// The imports of a file, in the two groups that Go people are used to.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(super) struct Imports {
    pub(super) standard: Vec<String>,
    pub(super) ours: Vec<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(surface: &'a Surface, package: &'a str) -> Self {
        Writer { surface, package, imports: BTreeSet::new() }
    }

    pub(super) fn imports(self) -> Imports {
        let (ours, standard) = self.imports.into_iter().partition(|it| it.starts_with(IMPORT));
        Imports { standard, ours }
    }

    /// The type in Go, from the text in `surface.json`.
    pub(super) fn write(&mut self, ty: &str) -> Result<String, String> {
        self.print(&parse(ty)?)
    }

    fn print(&mut self, ty: &GoType) -> Result<String, String> {
        Ok(match ty {
            GoType::Named { package: None, name, .. } => name.clone(),
            GoType::Named { package: Some(package), .. } => {
                let name = identifier(&ty.to_string());
                if package == self.package {
                    return Ok(name);
                }
                let entry = find(self.surface, ty)?;
                self.imports.insert(import(entry, package));
                format!("{package}.{name}")
            }
            GoType::Pointer(inner) => format!("*{}", self.print(inner)?),
            GoType::Slice(inner) => format!("[]{}", self.print(inner)?),
            GoType::Array(length, inner) => format!("[{length}]{}", self.print(inner)?),
            GoType::Map(key, value) => format!("map[{}]{}", self.print(key)?, self.print(value)?),
            GoType::Any | GoType::EmptyStruct | GoType::Chan(..) | GoType::Func { .. } => ty.to_string(),
        })
    }
}

/// Whether gob sends fields of this type: neither functions nor channels, whatever they are called.
pub(super) fn travels(surface: &Surface, ty: &str) -> Result<bool, String> {
    let ty = parse(ty)?;
    let under = match &ty {
        GoType::Named { package: Some(_), .. } => match &find(surface, &ty)?.ty {
            Some(under) => parse(under)?,
            None => return Ok(true),
        },
        _ => ty,
    };
    Ok(!matches!(under, GoType::Func { .. } | GoType::Chan(..)))
}

/// `ChannelType` of `model.ChannelType`; what Go does not allow in an identifier becomes `_`.
pub(super) fn identifier(qualified: &str) -> String {
    let name = qualified.split_once('.').map_or(qualified, |(_, name)| name);
    let words = name.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|it| !it.is_empty()).collect::<Vec<_>>().join("_")
}

/// Whether the type is one of Go's standard library, which needs no description.
pub(super) fn is_standard(ty: &Type) -> bool {
    let first = |path: &str| path.split('/').next().is_some_and(|it| !it.contains('.'));
    ty.import.as_deref().is_some_and(first)
}

fn import(ty: &Type, package: &str) -> String {
    match &ty.import {
        Some(path) if is_standard(ty) => path.clone(),
        _ => format!("{IMPORT}/{package}"),
    }
}

fn find<'a>(surface: &'a Surface, ty: &GoType) -> Result<&'a Type, String> {
    surface.find_type(&ty.to_string()).ok_or_else(|| format!("surface.json mentions {ty} but does not describe it"))
}

fn parse(ty: &str) -> Result<GoType, String> {
    GoType::parse(ty).map_err(|error| error.to_string())
}
