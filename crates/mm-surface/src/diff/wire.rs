//! What a type is to gob, and the entries of gob's registry.

use super::{Change, Diff, Entry, Meaning, What, pair};
use crate::GoType;
use crate::surface::Surface;

/// Deeper types than this are circular.
const MAX_DEPTH: usize = 16;

/// What gob makes of a type; the same text means the same bytes. A struct is its name: its fields are compared elsewhere.
pub(super) fn form(surface: &Surface, ty: &str) -> String {
    GoType::parse(ty).map_or_else(|_| ty.to_owned(), |it| form_of(surface, &it, 0))
}

fn form_of(surface: &Surface, ty: &GoType, depth: usize) -> String {
    if depth > MAX_DEPTH {
        return ty.to_string();
    }
    let inner = |it: &GoType| form_of(surface, it, depth + 1);
    match ty {
        GoType::Pointer(it) => inner(it),
        GoType::Slice(it) if inner(it) == "uint8" => "bytes".to_owned(),
        GoType::Slice(it) => format!("[]{}", inner(it)),
        GoType::Array(length, it) => format!("[{length}]{}", inner(it)),
        GoType::Map(key, value) => format!("map[{}]{}", inner(key), inner(value)),
        GoType::Any => "interface".to_owned(),
        GoType::Named { package: None, name, .. } => match name.as_str() {
            "int" | "int8" | "int16" | "int32" | "int64" | "rune" => "int".to_owned(),
            // Apart from the others, for []byte.
            "byte" | "uint8" => "uint8".to_owned(),
            "uint" | "uint16" | "uint32" | "uint64" | "uintptr" => "uint".to_owned(),
            "float32" | "float64" => "float".to_owned(),
            _ => name.clone(),
        },
        GoType::Named { .. } => named(surface, ty, depth),
        GoType::EmptyStruct | GoType::Chan(..) | GoType::Func { .. } => ty.to_string(),
    }
}

fn named(surface: &Surface, ty: &GoType, depth: usize) -> String {
    let name = ty.to_string();
    let Some(found) = surface.find_type(&name) else { return name };
    let own = found.marshalers.iter().any(|it| it == "GobEncode" || it == "MarshalBinary" || it == "MarshalText");
    if own || found.builtin.is_some() {
        return name;
    }
    match (found.kind.as_str(), &found.ty) {
        ("struct" | "undeclared", _) => name,
        ("interface", _) => "interface".to_owned(),
        (_, Some(behind)) => {
            GoType::parse(behind).map_or_else(|_| behind.clone(), |it| form_of(surface, &it, depth + 1))
        }
        (basic, None) => GoType::parse(basic).map_or(name, |it| form_of(surface, &it, depth + 1)),
    }
}

impl Diff<'_> {
    /// Whether a value of the old type, with new names, is the same bytes as one of the new.
    pub(super) fn same_bytes(&self, old: &str, new: &str) -> bool {
        self.renames.apply(&form(self.old, old)) == form(self.new, new)
    }

    /// What another type in the same place means.
    pub(super) fn type_meaning(&self, old: &str, new: &str) -> (Meaning, &'static str) {
        if self.same_bytes(old, new) {
            (Meaning::Compatible, "the bytes in gob are the same; if our type changes, it gets a number of its own")
        } else {
            let core = |it: &str| it.trim_start_matches(['*', '[', ']']).contains('.');
            if core(old)
                && core(new)
                && self.new.find_type(new.trim_start_matches(['*', '[', ']'])).is_some_and(|it| it.kind == "struct")
            {
                let note = "another struct: gob goes by the names of fields, so compare those";
                return (Meaning::BreaksWire, note);
            }
            (Meaning::BreaksWire, "gob cannot read the one as the other: older and newer servers need different code")
        }
    }

    /// The registry: what may stand in an interface.
    pub(super) fn gob_types(&mut self) {
        let (old, new) = (self.old, self.new);
        let gone: Vec<_> =
            old.gob_registered.iter().filter(|it| new.gob_registered.iter().all(|n| n.name != it.name)).collect();
        let come: Vec<_> =
            new.gob_registered.iter().filter(|it| old.gob_registered.iter().all(|o| o.name != it.name)).collect();
        let pairs = pair(&gone, &come, |a, b| u32::from(self.renames.apply(&a.ty) == b.ty));
        for (a, b) in &pairs {
            let note = "the name is what gob sends: servers of the other side do not know it";
            let names = (gone[*a].name.as_str(), come[*b].name.as_str());
            self.add(Entry::renamed(What::GobType, names, Meaning::BreaksWire, note));
        }
        for (_, it) in gone.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(a, _)| a != index)) {
            let note = "servers send it no longer; its member of `Value` stays reserved";
            self.add(Entry::new(What::GobType, &it.name, Change::Removed, Meaning::TakesAway, note));
        }
        for (_, it) in come.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(_, b)| b != index)) {
            let note = "`Value` gets a member for it; `[value]` can name it, or say that it is an error";
            self.add(Entry::new(What::GobType, &it.name, Change::Added, Meaning::Compatible, note));
        }
        for before in &old.gob_registered {
            let Some(after) = new.gob_registered.iter().find(|it| it.name == before.name) else { continue };
            if self.renames.apply(&before.ty) != after.ty {
                let note = "the same name stands for another type";
                let types = (before.ty.as_str(), after.ty.as_str());
                self.add(Entry::changed(What::GobType, &before.name, "type", types, Meaning::BreaksWire, note));
            }
        }
    }
}
