//! What the Rust templates lay out.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::ir::{Access, EnumKind, EnumMember, EnumValue, Ir, Method, Stream, Ty};
use crate::names;
use crate::policy::{self, Kind, Refusal};
use crate::proto::PACKAGE;

#[derive(Serialize)]
pub(super) struct Service {
    pub header: String,
    /// `api`, `hooks`: the start of the files' names.
    pub file: &'static str,
    /// `PluginApi`, both the proto service and the trait.
    pub name: &'static str,
    /// `ApiClient`
    pub client: &'static str,
    doc: &'static str,
    /// `/mattermost.plugin.v1.PluginApi/`
    path: String,
    methods: Vec<RustMethod>,
    /// The shapes that occur.
    shapes: BTreeSet<&'static str>,
}

#[derive(Serialize)]
struct RustMethod {
    go: String,
    snake: String,
    doc: String,
    request: String,
    response: String,
    /// How it travels: `unary`, `upload` or `exchange`, the names of macros and functions in mm-proto.
    shape: &'static str,
}

#[derive(Serialize)]
pub(super) struct Package<'a> {
    header: &'a str,
    files: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Tables<'a> {
    header: &'a str,
    version: &'a str,
    api: Vec<Row>,
    hooks: Vec<Row>,
    permissions: Vec<PermissionRow<'a>>,
    services: Vec<(&'a str, &'a str)>,
}

#[derive(Serialize)]
struct PermissionRow<'a> {
    name: &'a str,
    /// As a Rust literal.
    doc: String,
}

#[derive(Serialize)]
pub(super) struct Constants<'a> {
    header: &'a str,
    enums: Vec<Enum>,
}

#[derive(Serialize)]
struct Enum {
    /// The module's name: `channel_type`.
    snake: String,
    doc: String,
    ty: &'static str,
    members: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    /// As a Rust literal.
    value: String,
}

#[derive(Serialize)]
struct Row {
    go: String,
    snake: String,
    camel: String,
    group: String,
    since: String,
    id: u32,
    shape: &'static str,
    /// As a Rust literal.
    permission: String,
    /// Of hooks: `Kind` and `Option<Refusal>` as Rust expressions.
    kind: &'static str,
    refusal: String,
}

/// The rare and large members of `Value` and `ErrorValue`, which would make every small value as large as they are.
pub(super) fn boxed(ir: &Ir) -> Vec<String> {
    let large = ir.value_variants.iter().filter(|it| matches!(it.ty, Ty::Message(_)));
    let values = large.map(|it| it.name.snake.as_str()).chain(["error_value"]);
    let errors = ir.error_variants.iter().map(|it| it.name.snake.as_str());
    let values = values.map(|it| format!(".{PACKAGE}.Value.kind.{it}"));
    values.chain(errors.map(|it| format!(".{PACKAGE}.ErrorValue.{it}"))).collect()
}

pub(super) fn package<'a>(header: &'a str, files: &'a [String]) -> Package<'a> {
    Package { header, files }
}

pub(super) fn services(ir: &Ir, header: &str) -> [Service; 2] {
    let service = |file, name, client, doc, methods: &[Method]| Service {
        header: header.to_owned(),
        file,
        name,
        client,
        doc,
        path: format!("/{PACKAGE}.{name}/"),
        methods: methods.iter().map(method).collect(),
        shapes: methods.iter().map(|it| shape(it.stream)).collect(),
    };
    [
        service("api", "PluginApi", "ApiClient", "What a plugin may call.", &ir.api),
        service("hooks", "PluginHooks", "HooksClient", "What the server calls in a plugin.", &ir.hooks),
    ]
}

pub(super) fn tables<'a>(ir: &'a Ir, header: &'a str) -> Tables<'a> {
    let rows = |methods: &[Method]| methods.iter().map(|it| row(ir, it)).collect();
    let permission = |(name, doc): (&'a String, &String)| PermissionRow { name, doc: format!("{doc:?}") };
    Tables {
        header,
        version: &ir.upstream_version,
        api: rows(&ir.api),
        hooks: rows(&ir.hooks),
        permissions: ir.permissions.iter().map(permission).collect(),
        services: ir.services.iter().map(|(name, permission)| (name.as_str(), permission.as_str())).collect(),
    }
}

pub(super) fn constants<'a>(ir: &Ir, header: &'a str) -> Constants<'a> {
    let member = |it: &EnumMember| Member {
        name: it.name.clone(),
        value: match &it.value {
            EnumValue::String(text) => format!("{text:?}"),
            EnumValue::Int(number) => number.to_string(),
        },
    };
    let enums = ir.enums.values().map(|it| Enum {
        snake: it.name.rust.clone(),
        doc: format!("Values of `{}`. {}", it.go_type, it.doc).trim_end().to_owned(),
        ty: match it.kind {
            EnumKind::String => "&str",
            EnumKind::Int => "i64",
        },
        members: it.members.iter().map(member).collect(),
    });
    Constants { header, enums: enums.collect() }
}

fn method(method: &Method) -> RustMethod {
    RustMethod {
        go: method.name.go.clone(),
        snake: method.name.rust.clone(),
        doc: method_doc(method),
        request: names::rust_type(&method.request),
        response: names::rust_type(&method.response),
        shape: shape(method.stream),
    }
}

fn row(ir: &Ir, method: &Method) -> Row {
    Row {
        go: method.name.go.clone(),
        snake: method.name.snake.clone(),
        camel: names::rust_type(&method.name.go),
        group: method.group.clone(),
        since: method.since.clone(),
        id: method.hook_id.unwrap_or_default(),
        shape: match shape(method.stream) {
            "unary" => "Unary",
            "upload" => "Upload",
            _ => "Exchange",
        },
        permission: match &method.access {
            Some(Access::Needs(name)) => format!("Some({name:?})"),
            _ => "None".to_owned(),
        },
        kind: match policy::kind(method) {
            Kind::Tells => "Tells",
            Kind::Decides => "Decides",
            Kind::Serves => "Serves",
        },
        refusal: match policy::refusal(ir, method) {
            Some(Refusal::Reason(path)) => format!("Some(Refusal::Reason(&{path:?}))"),
            Some(Refusal::Error) => "Some(Refusal::Error)".to_owned(),
            Some(Refusal::AppError) => "Some(Refusal::AppError)".to_owned(),
            None => "None".to_owned(),
        },
    }
}

fn shape(stream: Stream) -> &'static str {
    match stream {
        Stream::None => "unary",
        Stream::Upload => "upload",
        Stream::HttpExchange | Stream::HttpCall | Stream::FileExchange => "exchange",
    }
}

fn method_doc(method: &Method) -> String {
    let mut doc = method.doc.summary.clone();
    if !method.doc.raises.is_empty() {
        doc.push_str("\n\n# Errors");
        for (exception, when) in &method.doc.raises {
            doc.push_str(&format!("\n- {when} ({exception} in Python)"));
        }
        doc.push('\n');
    }
    if !method.doc.returns.is_empty() {
        doc.push_str(&format!("\n\nReturns: {}", method.doc.returns));
    }
    if !method.since.is_empty() {
        doc.push_str(&format!("\n\nSince Mattermost {}.", method.since));
    }
    doc.trim().to_owned()
}
