//! What older servers have and the newest lacks: their fields are added to the newest's structs, so that one schema, by name, is
//! theirs as well, and nothing of what such a server sends is unknown here.
//!
//! Fields only: a method that is gone is gone, and a field that changed its type has the newest's.

use mm_surface::{GoType, Surface, Type};

use crate::{Diagnostic, Inputs, lower};

/// The surface that everything but the tests' servers is made of: the newest's, with the fields of the older ones.
///
/// # Errors
/// A text that is no surface.
pub fn union(inputs: &Inputs) -> Result<Surface, Diagnostic> {
    let read = |text: &str| {
        serde_json::from_str::<Surface>(text).map_err(|error| {
            Diagnostic::new(lower::FILE, "", error.to_string(), "write it again with `cargo xtask surface`")
        })
    };
    let mut surface = read(&inputs.surface)?;
    for text in &inputs.older {
        join(&mut surface, &read(text)?);
    }
    Ok(surface)
}

/// Adds the exported fields that only `older` has, each after the others of its struct, and the types that they bring along.
fn join(surface: &mut Surface, older: &Surface) {
    let mut wanted = Vec::new();
    for index in 0..surface.types.len() {
        let Some(before) = counterpart(surface, &surface.types[index], older) else { continue };
        let ty = &mut surface.types[index];
        for field in before.fields.iter().filter(|it| it.exported) {
            if !ty.fields.iter().any(|it| it.name == field.name) {
                wanted.extend(named(&field.ty));
                ty.fields.push(field.clone());
            }
        }
    }
    while let Some(name) = wanted.pop() {
        let Some(ty) = older.find_type(&name).filter(|_| surface.find_type(&name).is_none()) else { continue };
        wanted.extend(ty.fields.iter().filter(|it| it.exported).flat_map(|it| named(&it.ty)));
        wanted.extend(ty.ty.iter().flat_map(|it| named(it)));
        let place = surface.types.partition_point(|it| it.name < name);
        surface.types.insert(place, ty.clone());
    }
}

/// The same struct in an older surface, also where its name of then is an alias now.
fn counterpart<'a>(surface: &Surface, ty: &Type, older: &'a Surface) -> Option<&'a Type> {
    let aliases = surface.types.iter().filter(|it| it.kind == "alias" && it.ty.as_deref() == Some(&ty.name));
    let names = std::iter::once(&ty.name).chain(aliases.map(|it| &it.name));
    let is_struct = |it: &&Type| it.kind == "struct";
    Some(ty).filter(is_struct)?;
    names.filter_map(|it| older.find_type(it)).find(is_struct)
}

/// The types that the text of a type names, without Go's own.
fn named(ty: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(ty) = GoType::parse(ty) {
        collect(&ty, &mut names);
    }
    names
}

fn collect(ty: &GoType, names: &mut Vec<String>) {
    match ty {
        GoType::Named { package, args, .. } => {
            if package.is_some() {
                names.push(ty.to_string());
            }
            args.iter().for_each(|it| collect(it, names));
        }
        GoType::Pointer(inner) | GoType::Slice(inner) | GoType::Array(_, inner) => collect(inner, names),
        GoType::Map(key, value) => [key, value].into_iter().for_each(|it| collect(it, names)),
        GoType::Any | GoType::EmptyStruct | GoType::Chan(..) | GoType::Func { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(types: &str) -> String {
        format!(
            r#"{{"upstream": {{"module": "m", "version": "1.0.0"}}, "api": [], "hooks": [], "types": [{types}],
                "gob_registered": [], "rpc": [], "rpc_methods": []}}"#
        )
    }

    fn structure(name: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, ty)| {
                let exported = name.starts_with(char::is_uppercase);
                format!(
                    r#"{{"name": "{name}", "type": "{ty}", "json": "", "omitempty": false, "embedded": false, "exported": {exported}}}"#
                )
            })
            .collect();
        format!(r#"{{"name": "{name}", "kind": "struct", "fields": [{}]}}"#, fields.join(", "))
    }

    fn fields_of(surface: &Surface, name: &str) -> Vec<(String, String)> {
        let ty = surface.find_type(name).unwrap();
        ty.fields.iter().map(|it| (it.name.clone(), it.ty.clone())).collect()
    }

    #[test]
    fn fields_that_are_gone_come_last_with_their_types() {
        let new = surface(&structure("m.Config", &[("B", "string"), ("A", "*bool")]));
        let old = [
            structure("m.Config", &[("A", "bool"), ("Old", "map[string]*m.Old"), ("hidden", "int"), ("B", "string")]),
            structure("m.Gone", &[("A", "bool")]),
            structure("m.Inner", &[("A", "bool")]),
            structure("m.Old", &[("Inner", "[]m.Inner")]),
        ];
        let joined =
            union(&Inputs { surface: new, older: vec![surface(&old.join(", "))], ..Inputs::default() }).unwrap();
        let expected = [("B", "string"), ("A", "*bool"), ("Old", "map[string]*m.Old")];
        assert_eq!(fields_of(&joined, "m.Config"), expected.map(|(name, ty)| (name.to_owned(), ty.to_owned())));
        let names: Vec<&str> = joined.types.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["m.Config", "m.Inner", "m.Old"]);
    }

    #[test]
    fn a_struct_may_have_had_another_name() {
        let alias = r#"{"name": "m.Before", "kind": "alias", "type": "m.Now"}"#;
        let new = surface(&[alias.to_owned(), structure("m.Now", &[("A", "bool")])].join(", "));
        let old = surface(&structure("m.Before", &[("A", "bool"), ("Z", "int")]));
        let joined = union(&Inputs { surface: new, older: vec![old], ..Inputs::default() }).unwrap();
        assert_eq!(fields_of(&joined, "m.Now").len(), 2);
    }

    #[test]
    fn without_older_surfaces_it_is_the_newest() {
        let new = surface(&structure("m.Config", &[("A", "*bool")]));
        let joined = union(&Inputs { surface: new.clone(), ..Inputs::default() }).unwrap();
        assert_eq!(joined, serde_json::from_str(&new).unwrap());
    }
}
