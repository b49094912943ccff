//! What a type is made of: describes the types that wait in the queue of `reach`, fields, tags and all.

use std::collections::{BTreeMap, BTreeSet};

use crate::GoType;
use crate::names::{Named, Scope};
use crate::reach::{Context, Mode, Reach, Wanted};
use crate::surface::{Field, Type};
use crate::syntax::ast::{FieldExpr, Signature, TypeExpr};

/// Methods by which a type replaces its usual encoding.
const MARSHALERS: &[&str] = &[
    "GobDecode",
    "GobEncode",
    "MarshalBinary",
    "MarshalJSON",
    "MarshalText",
    "UnmarshalBinary",
    "UnmarshalJSON",
    "UnmarshalText",
];

/// Deeper chains of embedded or derived types than this are circular.
const MAX_DEPTH: usize = 64;

impl Reach<'_> {
    /// Describes what is wanted until nothing is.
    pub(crate) fn describe_all(&mut self) {
        while let Some(wanted) = self.queue.pop_front() {
            let ty = match wanted {
                Wanted::Declared { name, scope, decl, args } => self.describe_declared(name, scope, &decl, args),
                Wanted::Anonymous { name, context, ty } => {
                    let mut described = Type { anonymous: true, ..Type::named(name) };
                    described.file = Some(context.scope.package.files[context.scope.file].path.clone());
                    self.shape(&context, &ty, &mut described);
                    described
                }
                Wanted::Foreign { name, key } => self.describe_foreign(name, &key),
                Wanted::Undeclared { name, import } => Type::undeclared(name, import),
            };
            self.types.insert(ty.name.clone(), ty);
        }
        self.name_embedded();
    }

    fn describe_declared(&mut self, name: String, scope: Scope, decl: &str, args: Vec<GoType>) -> Type {
        let package = scope.package.clone();
        let (file, decl) = package.type_decl(decl).expect("only what was found is wanted");
        let mut context = Context::new(scope, &decl.name, decl.line);
        context.args = decl.params.iter().cloned().zip(args).collect();
        let mut described = Type { file: Some(package.files[file].path.clone()), ..Type::named(name) };
        let own: BTreeSet<&str> = package
            .methods()
            .filter(|(_, it)| it.receiver == decl.name)
            .map(|(_, it)| it.signature.name.as_str())
            .collect();
        described.marshalers = MARSHALERS.iter().filter(|it| own.contains(*it)).map(|it| (*it).to_owned()).collect();
        self.shape(&context, &decl.ty, &mut described);
        described
    }

    /// Fills in what stands behind the name.
    fn shape(&mut self, context: &Context, ty: &TypeExpr, into: &mut Type) {
        let kind = match ty {
            TypeExpr::Struct(fields) => {
                into.fields = self.fields(context, fields);
                "struct"
            }
            TypeExpr::Interface { .. } => {
                let methods = self.interface_methods(context, ty);
                into.methods =
                    methods.into_iter().map(|(_, it)| it.name).collect::<BTreeSet<_>>().into_iter().collect();
                "interface"
            }
            TypeExpr::Name { package, name, .. } => {
                return self.shape_of_named(context, package.as_deref(), name, ty, into);
            }
            TypeExpr::Pointer(_) => "pointer",
            TypeExpr::Slice(_) => "slice",
            TypeExpr::Array(..) => "array",
            TypeExpr::Map(..) => "map",
            TypeExpr::Chan(..) => "chan",
            TypeExpr::Func { .. } => "func",
            TypeExpr::Constraint => "interface",
        };
        into.kind = kind.to_owned();
        if !matches!(kind, "struct" | "interface") {
            into.ty = Some(self.resolve(context, ty, Mode::Reach).to_string());
        }
    }

    /// `type A B`: A has the structure of B.
    fn shape_of_named(&mut self, context: &Context, package: Option<&str>, name: &str, ty: &TypeExpr, into: &mut Type) {
        let named = self.names.look_up(&context.scope, package, name);
        if let Some((scope, decl)) = named.decl()
            && context.depth < MAX_DEPTH
        {
            let args = match ty {
                TypeExpr::Name { args, .. } => self.resolve_all(context, args, Mode::Reach),
                _ => Vec::new(),
            };
            let mut inner = Context::new(scope.clone(), &decl.name, decl.line);
            inner.args = decl.params.iter().cloned().zip(args).collect();
            inner.depth = context.depth + 1;
            return self.shape(&inner, &decl.ty, into);
        }
        match named {
            Named::Basic(name) => into.kind = name,
            Named::Foreign { import, name, .. } if self.names.foreign_key(&import, &name).is_some() => {
                let key = self.names.foreign_key(&import, &name).expect("just found");
                self.used.insert(key.to_owned());
                let foreign = self.describe_foreign(into.name.clone(), key);
                *into = Type { import: None, file: into.file.take(), ..foreign };
            }
            // Says what is wrong.
            _ if name == "any" => into.kind = "interface".to_owned(),
            _ => {
                self.resolve(context, ty, Mode::Reach);
                into.kind = Type::UNDECLARED.to_owned();
            }
        }
    }

    pub(crate) fn fields(&mut self, context: &Context, fields: &[FieldExpr]) -> Vec<Field> {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        let mut all = Vec::new();
        for field in fields {
            if let Some(first) = seen.insert(&field.name, field.line).filter(|_| field.name != "_") {
                let message =
                    format!("two fields of `{}` are named `{}`: here and in line {first}", context.holder, field.name);
                self.report(&context.pos(field.line), message, "check that the tree compiles");
            }
            all.push(self.field(context, field));
        }
        all
    }

    fn field(&mut self, context: &Context, field: &FieldExpr) -> Field {
        let exported = is_exported(&field.name);
        // What is embedded lifts its exported fields even if its own name is not exported.
        let mode = if exported || field.embedded { Mode::Reach } else { Mode::Mention };
        let ty = self.resolve(&context.inside(&field.name, field.line), &field.ty, mode);
        let tag = json_tag(&field.tag);
        let json = match tag.name {
            Some(name) => name.to_owned(),
            None if field.embedded => String::new(),
            None if exported => field.name.clone(),
            None => "-".to_owned(),
        };
        let json = if exported || field.embedded { json } else { "-".to_owned() };
        Field {
            name: field.name.clone(),
            ty: ty.to_string(),
            json,
            omitempty: tag.omitempty,
            embedded: field.embedded,
            exported,
        }
    }

    /// Only the fields of an embedded struct are lifted: anything else that is embedded is a field with its name.
    fn name_embedded(&mut self) {
        let structs: BTreeSet<String> =
            self.types.values().filter(|it| it.kind == "struct").map(|it| it.name.clone()).collect();
        for ty in self.types.values_mut() {
            for field in ty.fields.iter_mut().filter(|it| it.embedded && it.json.is_empty()) {
                if !structs.contains(field.ty.trim_start_matches('*')) {
                    field.json = if field.exported { field.name.clone() } else { "-".to_owned() };
                }
            }
        }
    }

    fn describe_foreign(&mut self, name: String, key: &str) -> Type {
        let external = self.externals[key];
        for text in external.parts() {
            self.want_parts(key, text);
        }
        Type {
            kind: external.kind.clone().unwrap_or_else(|| "builtin".to_owned()),
            import: Some(external.import.clone()),
            builtin: external.builtin,
            ty: external.ty.clone(),
            fields: external.surface_fields(),
            ..Type::named(name)
        }
    }

    /// The types that the description of a foreign type mentions: they are declared beside it.
    fn want_parts(&mut self, key: &str, text: &str) {
        let mut parts = Vec::new();
        GoType::parse(text).expect("checked when read").walk(&mut |it| parts.extend(it.qualified_name()));
        for part in parts {
            if self.externals.contains_key(part.as_str()) {
                self.want_foreign(&part);
            } else {
                let message = format!("external.\"{key}\" mentions `{part}`, which is not declared");
                let at = self.all_externals.pos(key);
                self.report(&at, message, format!("add a table [external.\"{part}\"]"));
            }
        }
    }

    /// All methods of an interface, those of embedded interfaces included, each with the place it is declared in.
    pub(crate) fn interface_methods(&mut self, context: &Context, ty: &TypeExpr) -> Vec<(Context, Signature)> {
        let TypeExpr::Interface { methods, embedded } = ty else { return Vec::new() };
        let mut all: Vec<(Context, Signature)> = methods.iter().map(|it| (context.clone(), it.clone())).collect();
        for inner in embedded {
            let TypeExpr::Name { package, name, line, .. } = inner else { continue };
            let named = self.names.look_up(&context.scope, package.as_deref(), name);
            if let Some((scope, decl)) = named.decl().filter(|_| context.depth < MAX_DEPTH) {
                let mut next = Context::new(scope.clone(), &decl.name, decl.line);
                next.depth = context.depth + 1;
                all.extend(self.interface_methods(&next, &decl.ty));
            } else if matches!(named, Named::Unknown) {
                let message = format!("cannot find the embedded interface `{name}`");
                self.report(&context.pos(*line), message, "check that the tree is complete (all of server/public)");
            }
        }
        all
    }
}

pub(crate) fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

#[derive(Debug, PartialEq, Eq)]
struct JsonTag<'a> {
    /// `None` if the tag leaves it to the field's name.
    name: Option<&'a str>,
    omitempty: bool,
}

/// The `json` part of a struct tag, as `reflect.StructTag` and `encoding/json` read it.
fn json_tag(tag: &str) -> JsonTag<'_> {
    let mut rest = tag;
    while let Some((key, after)) = rest.trim_start().split_once(":\"") {
        let Some(end) = closing_quote(after) else { break };
        if key == "json" {
            let mut parts = after[..end].split(',');
            let name = parts.next().filter(|it| !it.is_empty());
            return JsonTag { name, omitempty: parts.any(|it| it == "omitempty" || it == "omitzero") };
        }
        rest = &after[end + 1..];
    }
    JsonTag { name: None, omitempty: false }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_encoding_json_reads_them() {
        for (tag, name, omitempty) in [
            (r#"json:"id""#, Some("id"), false),
            (r#"json:"id,omitempty""#, Some("id"), true),
            (r#"json:",omitempty""#, None, true),
            (r#"db:"x" json:"-" yaml:"y""#, Some("-"), false),
            (r#"access:"a,b" json:"c,string,omitzero""#, Some("c"), true),
            (r#"yaml:"a\"json:\"b""#, None, false),
            ("", None, false),
        ] {
            assert_eq!(json_tag(tag), JsonTag { name, omitempty }, "{tag}");
        }
    }
}
