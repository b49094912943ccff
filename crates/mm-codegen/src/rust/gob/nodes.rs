//! What the gob templates lay out.

use std::collections::BTreeSet;

use mm_surface::{Struct, Surface};
use serde::Serialize;

use super::codec::Codecs;
use crate::ir::{Field, Ir, Message, Method, Outcome, Stream, Ty};
use crate::names;

/// Methods that no generated code can call or offer, though they carry no stream: upstream gives them arguments and
/// results of their own (wire.md 5.3 to 5.5).
pub(super) const BY_HAND: &[&str] = &["LoadPluginConfiguration", "OnActivate"];

#[derive(Serialize)]
pub(super) struct Types<'a> {
    header: &'a str,
    imports: Imports,
    shapes: Vec<Shape>,
    wrappers: Vec<Wrapper>,
    values: Vec<Registered>,
    errors: Vec<Registered>,
}

/// The codecs that a file uses.
#[derive(Serialize)]
struct Imports {
    /// Those of mm-gob.
    gob: Vec<&'static str>,
    /// Those of mm-proto.
    ours: Vec<&'static str>,
}

/// A Go struct over a Rust struct.
#[derive(Serialize)]
struct Shape {
    /// The empty type that stands for it; "" if the Rust struct itself does.
    name: String,
    rust: String,
    go: String,
    fields: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    go: String,
    rust: String,
    codec: String,
}

#[derive(Serialize)]
struct Wrapper {
    name: String,
    inner: String,
}

/// A type that Go puts into interfaces under a name.
#[derive(Serialize)]
struct Registered {
    /// The name on the wire, as the inside of a Rust literal.
    name: String,
    /// The member of `Value.kind`, or the field of `ErrorValue`.
    member: String,
    codec: String,
    boxed: bool,
}

#[derive(Serialize)]
pub(super) struct Service<'a> {
    header: &'a str,
    imports: Imports,
    pub file: &'static str,
    shapes: Vec<Shape>,
}

pub(super) fn types<'a>(ir: &Ir, surface: &Surface, header: &'a str) -> Result<Types<'a>, String> {
    let codecs = Codecs::new(ir, surface);
    let shapes = ir.messages.values().map(|it| model(it, surface, &codecs)).collect::<Result<Vec<_>, _>>()?;
    let wrappers = ir.wrappers.values().map(|it| Wrapper { name: names::rust_type(&it.name), inner: rust(&it.inner) });
    Ok(Types {
        header,
        imports: imports(&shapes),
        shapes,
        wrappers: wrappers.collect(),
        values: registered(&ir.value_variants, surface, &codecs, camel)?,
        errors: registered(&ir.error_variants, surface, &codecs, |name| name.to_owned())?,
    })
}

fn model(message: &Message, surface: &Surface, codecs: &Codecs<'_>) -> Result<Shape, String> {
    let rust = names::rust_type(&message.name.camel);
    let found = surface.find_type(&message.go_type).ok_or_else(|| format!("{} is gone", message.go_type))?;
    let row = |field: &Field| {
        let go = found.fields.iter().find(|it| it.name == field.name.go);
        let go = go.ok_or_else(|| format!("{}.{} is gone", message.go_type, field.name.go))?;
        let codec = codecs.field(field, &go.ty).map_err(|error| format!("{}.{}: {error}", found.name, go.name))?;
        Ok(Row { go: field.name.go.clone(), rust: field.name.rust.clone(), codec })
    };
    Ok(Shape {
        name: String::new(),
        go: go_name(&message.go_type).to_owned(),
        fields: message.fields.iter().map(row).collect::<Result<_, String>>()?,
        rust: format!("v1::{rust}"),
    })
}

fn imports(shapes: &[Shape]) -> Imports {
    let codecs = shapes.iter().flat_map(|it| &it.fields);
    let used: BTreeSet<&str> = codecs.flat_map(|it| it.codec.split(|c: char| !c.is_alphanumeric())).collect();
    let of = |names: &[&'static str]| names.iter().copied().filter(|it| used.contains(it)).collect();
    Imports {
        gob: of(&[
            "Array",
            "BinaryMarshaled",
            "Bool",
            "ByValue",
            "Bytes",
            "Float",
            "Int",
            "Interface",
            "Map",
            "Nilable",
            "Slice",
            "Str",
            "Uint",
        ]),
        ours: of(&["GoTime", "InterfaceField", "Model", "UintInInt", "Wrapped"]),
    }
}

/// A type's name without package and type arguments, as definitions carry it.
fn go_name(go_type: &str) -> &str {
    let name = go_type.split_once('[').map_or(go_type, |(name, _)| name);
    name.rsplit('.').next().unwrap_or(name)
}

fn registered(
    variants: &[Field],
    surface: &Surface,
    codecs: &Codecs<'_>,
    member: fn(&str) -> String,
) -> Result<Vec<Registered>, String> {
    let registered = |field: &Field| {
        let entry = surface.gob_registered.iter().find(|it| it.ty == field.go_type);
        let entry = entry.ok_or_else(|| format!("{} is not registered", field.go_type))?;
        Ok(Registered {
            name: entry.name.escape_default().to_string(),
            member: member(&field.name.snake),
            codec: codecs.registered(field, &entry.ty)?,
            boxed: matches!(field.ty, Ty::Message(_)),
        })
    };
    variants.iter().map(registered).collect()
}

/// As prost names the member of a `oneof`.
fn camel(snake: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    snake.split('_').filter(|it| !it.is_empty()).map(capital).collect()
}

pub(super) fn services<'a>(ir: &Ir, surface: &Surface, header: &'a str) -> Result<[Service<'a>; 2], String> {
    let codecs = Codecs::new(ir, surface);
    let service = |file, methods: &[Method]| {
        let mut shapes = Vec::new();
        let generated =
            methods.iter().filter(|it| it.stream == Stream::None && !BY_HAND.contains(&it.name.go.as_str()));
        for method in generated {
            shapes.extend(calls(method, surface, &codecs)?);
        }
        Ok::<_, String>(Service { header, imports: imports(&shapes), file, shapes })
    };
    Ok([service("api", &ir.api)?, service("hooks", &ir.hooks)?])
}

/// The two structs of a method.
fn calls(method: &Method, surface: &Surface, codecs: &Codecs<'_>) -> Result<[Shape; 2], String> {
    let go = &method.name.go;
    let camel = names::rust_type(go);
    let find = |name: String| surface.rpc.iter().find(|it| it.name == name).ok_or_else(|| format!("{name} is gone"));
    let args = find(format!("plugin.Z_{go}Args"))?;
    let returns = find(format!("plugin.Z_{go}Returns"))?;
    let error = match method.outcome {
        Outcome::ValueOrAppError => Some(("v1::AppError", "Nilable<Model<v1::AppError>>")),
        Outcome::ValueOrError => Some(("v1::ErrorValue", "InterfaceField")),
        Outcome::Value | Outcome::Verdict | Outcome::Rejection => None,
    };
    let request = format!("v1::{}", names::rust_type(&method.request));
    let response = format!("v1::{}", names::rust_type(&method.response));
    let arguments = rows(args, &method.params, "", codecs)?;
    let in_returns = if error.is_some() { "value." } else { "" };
    let mut results = rows(returns, &method.results, in_returns, codecs)?;
    let expected = method.results.len() + usize::from(error.is_some());
    if args.fields.len() != method.params.len() || returns.fields.len() != expected {
        return Err(format!("{go}: {} and {} do not fit the method", args.name, returns.name));
    }
    let rust = match error {
        None => response,
        Some((error, codec)) => {
            let go = returns.fields[method.results.len()].name.clone();
            results.push(Row { go, rust: "error".to_owned(), codec: codec.to_owned() });
            format!("Returned<{response}, {error}>")
        }
    };
    Ok([
        Shape { name: format!("{camel}Args"), rust: request, go: go_name(&args.name).to_owned(), fields: arguments },
        Shape { name: format!("{camel}Returns"), rust, go: go_name(&returns.name).to_owned(), fields: results },
    ])
}

/// The fields of a struct of net/rpc, each with the parameter or result at its place.
fn rows(structure: &Struct, fields: &[Field], prefix: &str, codecs: &Codecs<'_>) -> Result<Vec<Row>, String> {
    let row = |(field, go): (&Field, &mm_surface::Field)| {
        let codec = codecs.field(field, &go.ty).map_err(|error| format!("{}.{}: {error}", structure.name, go.name))?;
        Ok(Row { go: go.name.clone(), rust: format!("{prefix}{}", field.name.rust), codec })
    };
    fields.iter().zip(&structure.fields).map(row).collect()
}

/// The Rust type that prost makes of a list, a map or what is in them.
fn rust(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "bool".to_owned(),
        Ty::Int32 => "i32".to_owned(),
        Ty::Int64 | Ty::IntEnum(_) => "i64".to_owned(),
        Ty::UInt32 => "u32".to_owned(),
        Ty::UInt64 => "u64".to_owned(),
        Ty::Float => "f32".to_owned(),
        Ty::Double => "f64".to_owned(),
        Ty::String | Ty::StringEnum(_) => "String".to_owned(),
        Ty::Bytes | Ty::Json => "prost::bytes::Bytes".to_owned(),
        Ty::Timestamp => "prost_types::Timestamp".to_owned(),
        Ty::Value => "v1::Value".to_owned(),
        Ty::Error => "v1::ErrorValue".to_owned(),
        Ty::Message(name) | Ty::Wrapped(name) => format!("v1::{}", names::rust_type(name)),
        Ty::List(element) => format!("Vec<{}>", rust(element)),
        Ty::Map(key, value) => format!("BTreeMap<{}, {}>", rust(key), rust(value)),
    }
}
