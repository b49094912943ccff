//! What the Go templates are filled with.

use std::collections::BTreeMap;

use mm_surface::{ConstValue, Method, Surface, Type};
use serde::Serialize;

use super::refer::{Imports, Writer, identifier, is_standard, travels};
use super::{IMPORT, PLUGIN};

/// The types that are errors, and their text as an expression over the receiver `e`.
const ERRORS: &[(&str, &str)] = &[
    ("model.AppError", r#"e.Where + ": " + e.Message + ", " + e.DetailedError"#),
    ("plugin.ErrorString", "e.Err"),
    ("pq.Error", r#""pq: " + e.Message"#),
    ("mysql.MySQLError", "e.Message"),
];

/// The field that says how a request travels, the same in all RPC structs that have one.
const REQUEST: (&str, &str) = ("plugin.Z_ServeHTTPArgs", "Request");

/// The net/rpc service that a plugin writes its answer to a request with.
const WRITER: &str = "plugin.httpResponseWriterRPCServer";

/// One file of types.
#[derive(Debug, Serialize)]
pub(super) struct TypeFile {
    header: String,
    package: String,
    #[serde(skip)]
    name: String,
    imports: Imports,
    types: Vec<TypeNode>,
}

#[derive(Debug, Serialize)]
struct TypeNode {
    name: String,
    /// What stands behind the name, unless it is a struct.
    under: Option<String>,
    /// The lines of a struct.
    fields: Vec<String>,
    /// `Name Type = value`
    consts: Vec<String>,
    error_text: Option<&'static str>,
}

/// One of the two services.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Service {
    header: String,
    /// `API`, `Hooks`
    name: &'static str,
    /// Who calls whom, for comments.
    what: &'static str,
    #[serde(skip)]
    pub(super) file: &'static str,
    imports: Imports,
    methods: Vec<MethodNode>,
    #[serde(skip)]
    imports_of_generated: Imports,
}

#[derive(Debug, Clone, Serialize)]
struct MethodNode {
    name: String,
    /// `a string, b ...any`
    params: String,
    /// `a, b`
    arguments: String,
    /// `A: a, B: b`
    args_fields: String,
    /// `args.A, args.B...`
    args_spread: String,
    /// ` (*model.User, error)` with the blank before it; empty without results.
    results: String,
    /// The same with names: ` (ra *model.User, rb error)`.
    named_results: String,
    /// `&ra, &rb`
    result_pointers: String,
    /// `returns.A, returns.B`
    returns_fields: String,
    /// Which results are errors: `A`, `B`, …
    errors: Vec<char>,
}

#[derive(Debug, Serialize)]
pub(super) struct Registry {
    header: String,
    imports: Imports,
    entries: Vec<RegistryEntry>,
}

#[derive(Debug, Serialize)]
struct RegistryEntry {
    /// On the wire, quoted.
    name: String,
    ty: String,
}

/// The file that makes a folder a module.
#[derive(Debug, Serialize)]
pub(super) struct Module {
    header: String,
    name: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Errors {
    header: String,
    imports: Imports,
    /// The types that are errors and may travel.
    types: Vec<String>,
}

/// What of HTTP is not the same at all servers.
#[derive(Debug, Serialize)]
pub(super) struct Http {
    header: String,
    imports: Imports,
    /// The type of a request without its body.
    request: String,
    /// The methods of the response writer.
    writer: Vec<String>,
}

impl Module {
    pub(super) fn new(header: &str) -> Self {
        Module { header: header.to_owned(), name: IMPORT }
    }
}

impl TypeFile {
    pub(super) fn path(&self, folder: &str) -> String {
        format!("{folder}/{}/{}.go", self.package, self.name)
    }
}

impl Service {
    /// The service without the methods that are written by hand, since streams or results need more than a call.
    pub(super) fn without(&self, hand_written: &[String]) -> Service {
        let mut generated = self.clone();
        generated.methods.retain(|it| !hand_written.contains(&it.name));
        generated.imports = self.imports_of_generated.clone();
        generated
    }
}

/// All types that are not Go's own, by package and by upstream's file; and the RPC structs.
pub(super) fn type_files(surface: &Surface, header: &str) -> Result<Vec<TypeFile>, String> {
    let rpc: Vec<Type> = surface.rpc.iter().map(rpc_type).collect();
    let mut groups: BTreeMap<(&str, &str), Vec<&Type>> = BTreeMap::new();
    for ty in &surface.types {
        if ty.kind != "alias" && !is_standard(ty) && travels(surface, &ty.name)? {
            let package = ty.name.split('.').next().unwrap_or_default();
            let stem = ty.file.as_deref().and_then(|it| it.rsplit('/').next()).and_then(|it| it.strip_suffix(".go"));
            groups.entry((package, stem.unwrap_or(package))).or_default().push(ty);
        }
    }
    groups.entry((PLUGIN, "rpc")).or_default().extend(&rpc);
    groups.into_iter().map(|((package, name), types)| type_file(surface, header, package, name, &types)).collect()
}

fn rpc_type(it: &mm_surface::Struct) -> Type {
    Type {
        name: it.name.clone(),
        kind: "struct".to_owned(),
        file: None,
        import: None,
        ty: None,
        builtin: None,
        anonymous: false,
        marshalers: Vec::new(),
        methods: Vec::new(),
        fields: it.fields.clone(),
        consts: Vec::new(),
    }
}

fn type_file(surface: &Surface, header: &str, package: &str, name: &str, types: &[&Type]) -> Result<TypeFile, String> {
    let mut writer = Writer::new(surface, package);
    let types = types.iter().map(|it| type_node(surface, &mut writer, it)).collect::<Result<_, _>>()?;
    Ok(TypeFile {
        header: header.to_owned(),
        package: package.to_owned(),
        name: name.to_owned(),
        imports: writer.imports(),
        types,
    })
}

fn type_node(surface: &Surface, writer: &mut Writer<'_>, ty: &Type) -> Result<TypeNode, String> {
    let name = identifier(&ty.name);
    let under = match (ty.kind.as_str(), &ty.ty) {
        ("struct", _) => None,
        (_, Some(under)) => Some(writer.write(under)?),
        (kind, None) => Some(kind.to_owned()),
    };
    let consts = ty.consts.iter().map(|it| format!("{} {name} = {}", it.name, literal(&it.value))).collect();
    let error_text = ERRORS.iter().find(|(error, _)| *error == ty.name).map(|(_, text)| *text);
    Ok(TypeNode { name, under, fields: fields(surface, writer, ty)?, consts, error_text })
}

/// The fields that gob sends, a line each, aligned as gofmt does it: names within a run of lines that have one.
fn fields(surface: &Surface, writer: &mut Writer<'_>, ty: &Type) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let mut run: Vec<(&str, String)> = Vec::new();
    for field in ty.fields.iter().filter(|it| it.exported) {
        if !travels(surface, &field.ty)? {
            continue;
        }
        let written = writer.write(&field.ty)?;
        if field.embedded {
            flush(&mut run, &mut lines);
            lines.push(written);
        } else {
            run.push((&field.name, written));
        }
    }
    flush(&mut run, &mut lines);
    Ok(lines)
}

fn flush(run: &mut Vec<(&str, String)>, lines: &mut Vec<String>) {
    let width = run.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    lines.extend(run.drain(..).map(|(name, ty)| format!("{name:width$} {ty}")));
}

fn literal(value: &ConstValue) -> String {
    match value {
        ConstValue::Bool(it) => it.to_string(),
        ConstValue::Int(it) => it.to_string(),
        ConstValue::UInt(it) => it.to_string(),
        ConstValue::Float(it) => it.to_string(),
        ConstValue::String(it) => quoted(it),
    }
}

/// A Go string literal; of what needs escaping, surfaces hold quotes and backslashes only.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The API, then the hooks; what has no methods is left out.
pub(super) fn services(surface: &Surface, header: &str) -> Result<Vec<Service>, String> {
    let api = service(surface, header, "API", "what the server offers to plugins", "api", &surface.api)?;
    let hooks = service(surface, header, "Hooks", "what the server calls in plugins", "hooks", &surface.hooks)?;
    Ok([api, hooks].into_iter().filter(|it| !it.methods.is_empty()).collect())
}

fn service(
    surface: &Surface,
    header: &str,
    name: &'static str,
    what: &'static str,
    file: &'static str,
    methods: &[Method],
) -> Result<Service, String> {
    let nodes = |of: &mut dyn Iterator<Item = &Method>| -> Result<(Vec<MethodNode>, Imports), String> {
        let mut writer = Writer::new(surface, PLUGIN);
        let nodes = of.map(|it| method(&mut writer, it)).collect::<Result<_, _>>()?;
        Ok((nodes, writer.imports()))
    };
    let (methods, imports, imports_of_generated) = {
        let generated = |it: &&Method| !surface.hand_written.contains(&it.name);
        let (_, imports_of_generated) = nodes(&mut methods.iter().filter(generated))?;
        let (all, imports) = nodes(&mut methods.iter())?;
        (all, imports, imports_of_generated)
    };
    Ok(Service { header: header.to_owned(), name, what, file, imports, methods, imports_of_generated })
}

fn method(writer: &mut Writer<'_>, method: &Method) -> Result<MethodNode, String> {
    let mut params = Vec::new();
    let mut spread = Vec::new();
    let last = method.params.len().wrapping_sub(1);
    for (index, (param, letter)) in method.params.iter().zip('a'..).enumerate() {
        let ty = writer.write(&param.ty)?;
        let variadic = method.variadic && index == last;
        params.push(match ty.strip_prefix("[]") {
            Some(element) if variadic => format!("{letter} ...{element}"),
            _ => format!("{letter} {ty}"),
        });
        let dots = if variadic { "..." } else { "" };
        spread.push(format!("args.{}{dots}", letter.to_ascii_uppercase()));
    }
    let results = method.results.iter().map(|it| writer.write(it)).collect::<Result<Vec<_>, _>>()?;
    let named: Vec<String> = results.iter().zip('a'..).map(|(ty, letter)| format!("r{letter} {ty}")).collect();
    let letters = || ('a'..).take(results.len());
    let arguments = || ('a'..).take(params.len());
    Ok(MethodNode {
        name: method.name.clone(),
        params: params.join(", "),
        arguments: join(arguments().map(String::from)),
        args_fields: join(arguments().map(|it| format!("{}: {it}", it.to_ascii_uppercase()))),
        args_spread: spread.join(", "),
        results: match results.as_slice() {
            [] => String::new(),
            [one] => format!(" {one}"),
            many => format!(" ({})", many.join(", ")),
        },
        named_results: if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) },
        result_pointers: join(letters().map(|it| format!("&r{it}"))),
        returns_fields: join(letters().map(|it| format!("returns.{}", it.to_ascii_uppercase()))),
        errors: results.iter().zip('A'..).filter(|(ty, _)| *ty == "error").map(|(_, letter)| letter).collect(),
    })
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// What may stand in an interface value, by the name that announces it.
pub(super) fn registry(surface: &Surface, header: &str) -> Result<Registry, String> {
    let mut writer = Writer::new(surface, PLUGIN);
    let mut entries = Vec::new();
    for it in &surface.gob_registered {
        entries.push(RegistryEntry { name: quoted(&it.name), ty: writer.write(&it.ty)? });
    }
    Ok(Registry { header: header.to_owned(), imports: writer.imports(), entries })
}

/// The errors that gob's registry knows.
pub(super) fn errors(surface: &Surface, header: &str) -> Result<Errors, String> {
    let mut writer = Writer::new(surface, PLUGIN);
    let mut types = Vec::new();
    for it in &surface.gob_registered {
        if ERRORS.iter().any(|(error, _)| it.ty.strip_prefix('*') == Some(error)) {
            types.push(writer.write(&it.ty)?);
        }
    }
    Ok(Errors { header: header.to_owned(), imports: writer.imports(), types })
}

/// How requests and their answers travel; nothing for a surface without them.
pub(super) fn http(surface: &Surface, header: &str) -> Result<Option<Http>, String> {
    let args = surface.rpc.iter().find(|it| it.name == REQUEST.0);
    let Some(field) = args.and_then(|it| it.fields.iter().find(|it| it.name == REQUEST.1)) else { return Ok(None) };
    let mut writer = Writer::new(surface, PLUGIN);
    let request = writer.write(field.ty.trim_start_matches('*'))?;
    let methods = surface.rpc_methods.iter().filter(|it| it.service == WRITER).map(|it| it.name.clone());
    Ok(Some(Http { header: header.to_owned(), request, writer: methods.collect(), imports: writer.imports() }))
}
