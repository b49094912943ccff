//! What the proto template lays out: files with services and messages, all decisions made.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::types::{field_type, well_known_import};
use super::{FOLDER, PACKAGE};
use crate::header;
use crate::ir::{EnumValue, Field, Ir, Method, OpenEnum, Presence, Reserved, Stream, Ty, reference};

#[derive(Serialize)]
pub(super) struct ProtoFile {
    /// Without folder and `.proto`.
    pub name: String,
    header: String,
    package: &'static str,
    imports: BTreeSet<String>,
    services: Vec<Service>,
    messages: Vec<ProtoMessage>,
}

#[derive(Serialize)]
struct Service {
    name: &'static str,
    doc: &'static str,
    rpcs: Vec<Rpc>,
}

#[derive(Serialize)]
struct Rpc {
    name: String,
    doc: String,
    request: String,
    response: String,
}

#[derive(Serialize)]
struct ProtoMessage {
    name: String,
    doc: String,
    /// The `oneof` that all fields are in, or "".
    oneof: String,
    fields: Vec<ProtoField>,
    reserved: Vec<Reserved>,
    /// The names among `reserved` that no living field has.
    reserved_names: Vec<String>,
}

#[derive(Serialize)]
struct ProtoField {
    doc: String,
    ty: String,
    name: String,
    number: u32,
}

/// All files, sorted by name.
pub(super) fn files(ir: &Ir) -> Vec<ProtoFile> {
    let mut builder = Builder { ir, files: BTreeMap::new() };
    builder.service("api", "PluginApi", API_DOC, &ir.api);
    builder.service("hooks", "PluginHooks", HOOKS_DOC, &ir.hooks);
    for (name, message) in &ir.messages {
        builder.message(
            name,
            &message.doc,
            None,
            message.fields.iter().map(|it| builder_field(ir, it)).collect(),
            &message.fields,
        );
    }
    for (name, stream) in &ir.stream_messages {
        let fields = &stream.message.fields;
        let nodes = fields.iter().map(|it| part_field(ir, it, stream.oneof.is_some())).collect();
        builder.message(name, &stream.message.doc, stream.oneof.as_deref(), nodes, fields);
    }
    for (name, wrapper) in &ir.wrappers {
        let field = own_field("values", &field_type(&wrapper.inner), 1, "");
        builder.message_of_types(
            name,
            "Stands where proto has no place for a list or a map.",
            None,
            vec![field],
            &[&wrapper.inner],
        );
    }
    builder.own_messages();
    builder.files.into_values().collect()
}

const API_DOC: &str = "What a plugin may call. Served by the host, in the server's place.\n\
    A failed call is a gRPC status whose details hold a google.rpc.Status with an AppError, or with an ErrorValue for a plain Go error.";
const HOOKS_DOC: &str = "What the server calls in a plugin. Served by the plugin's process, called by the host.\n\
    A failed hook is a gRPC status, as in PluginApi.";

struct Builder<'a> {
    ir: &'a Ir,
    files: BTreeMap<String, ProtoFile>,
}

impl Builder<'_> {
    fn file(&mut self, name: &str) -> &mut ProtoFile {
        self.files.entry(name.to_owned()).or_insert_with(|| ProtoFile {
            name: name.to_owned(),
            header: header("//", &self.ir.upstream_version),
            package: PACKAGE,
            imports: BTreeSet::new(),
            services: Vec::new(),
            messages: Vec::new(),
        })
    }

    fn service(&mut self, file: &str, name: &'static str, doc: &'static str, methods: &[Method]) {
        let rpcs = methods.iter().map(rpc).collect();
        self.file(file).services.push(Service { name, doc, rpcs });
        for method in methods {
            for (message, fields, what) in
                [(&method.request, &method.params, "Arguments"), (&method.response, &method.results, "Results")]
            {
                if let Some(stream) = self.ir.stream_messages.get(message) {
                    let references: Vec<&Ty> = stream.message.fields.iter().map(|it| &it.ty).collect();
                    self.import(file, &references);
                    continue;
                }
                let nodes = fields.iter().map(|it| builder_field(self.ir, it)).collect();
                let node = self.node(message, &format!("{what} of {}.", method.name.go), None, nodes);
                let types: Vec<&Ty> = fields.iter().map(|it| &it.ty).collect();
                self.file(file).messages.push(node);
                self.import(file, &types);
            }
        }
    }

    fn message(&mut self, name: &str, doc: &str, oneof: Option<&str>, nodes: Vec<ProtoField>, fields: &[Field]) {
        let types: Vec<&Ty> = fields.iter().map(|it| &it.ty).collect();
        self.message_of_types(name, doc, oneof, nodes, &types);
    }

    fn message_of_types(&mut self, name: &str, doc: &str, oneof: Option<&str>, nodes: Vec<ProtoField>, types: &[&Ty]) {
        let file = self.ir.proto_files[name].clone();
        let node = self.node(name, doc, oneof, nodes);
        self.file(&file).messages.push(node);
        self.import(&file, types);
    }

    fn node(&self, name: &str, doc: &str, oneof: Option<&str>, fields: Vec<ProtoField>) -> ProtoMessage {
        let reserved = self.ir.reserved.get(name).cloned().unwrap_or_default();
        let gone = reserved.iter().map(|it| it.name.clone()).filter(|gone| fields.iter().all(|it| it.name != *gone));
        ProtoMessage {
            name: name.to_owned(),
            doc: doc.to_owned(),
            oneof: oneof.unwrap_or_default().to_owned(),
            reserved_names: gone.collect::<BTreeSet<_>>().into_iter().collect(),
            fields,
            reserved,
        }
    }

    /// Imports what the types need, but the file itself.
    fn import(&mut self, file: &str, types: &[&Ty]) {
        let own = types.iter().filter_map(|it| reference(it)).map(|it| self.ir.proto_files[it].clone());
        let mut imports: BTreeSet<String> = own
            .filter(|it| it != file)
            .map(|it| format!("{}/{it}.proto", FOLDER.trim_start_matches("proto/")))
            .collect();
        imports.extend(types.iter().filter_map(|it| well_known_import(it)).map(str::to_owned));
        self.file(file).imports.append(&mut imports);
    }

    /// `Value` and `ErrorValue`.
    fn own_messages(&mut self) {
        let mut fields: Vec<ProtoField> =
            VALUE_KINDS.iter().map(|(name, ty, number, doc)| own_field(name, ty, *number, doc)).collect();
        fields.extend(self.ir.value_variants.iter().map(|it| part_field(self.ir, it, true)));
        let mut types: Vec<&Ty> = self.ir.value_variants.iter().map(|it| &it.ty).collect();
        types.extend(self.ir.error_variants.iter().map(|it| &it.ty));
        let value = self.node("Value", VALUE_DOC, Some("kind"), fields);
        let mut fields =
            vec![own_field("code", "int64", 1, ERROR_CODE_DOC), own_field("message", "string", 2, "The error's text.")];
        fields.extend(self.ir.error_variants.iter().map(|it| builder_field(self.ir, it)));
        let error = self.node(
            "ErrorValue",
            "A Go error that travels as a value. At most one typed member is set.",
            None,
            fields,
        );
        self.file("value").messages.extend([value, error]);
        self.import("value", &types);
        self.file("value").imports.insert("google/protobuf/struct.proto".to_owned());
        self.file("value").messages.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

const VALUE_DOC: &str =
    "What Go calls `any`: a plain value, or one of the model types that Go really puts there. No kind set means null.";
const ERROR_CODE_DOC: &str = "0: the text says it all. 1 io.EOF, 2 sql.ErrNoRows, 3 sql.ErrConnDone, 4 sql.ErrTxDone, \
    5 driver.ErrSkip, 6 driver.ErrBadConn, 7 driver.ErrRemoveArgument.";

/// The plain kinds of `Value`: name, type, number, doc. Fixed for ever.
const VALUE_KINDS: &[(&str, &str, u32, &str)] = &[
    ("null_value", "google.protobuf.NullValue", 1, ""),
    ("bool_value", "bool", 2, ""),
    ("int_value", "int64", 3, ""),
    ("uint_value", "uint64", 4, "Only for numbers that `int_value` cannot hold."),
    ("double_value", "double", 5, ""),
    ("string_value", "string", 6, ""),
    ("bytes_value", "bytes", 7, ""),
    ("list_value", "ValueList", 8, ""),
    ("map_value", "ValueMap", 9, ""),
    ("error_value", "ErrorValue", 10, ""),
];

fn rpc(method: &Method) -> Rpc {
    let (client, server) = match method.stream {
        Stream::None => ("", ""),
        Stream::Upload => ("stream ", ""),
        Stream::HttpExchange | Stream::HttpCall | Stream::FileExchange => ("stream ", "stream "),
    };
    let mut doc = method.doc.summary.clone();
    for (exception, when) in &method.doc.raises {
        doc.push_str(&format!("\n{exception}: {when}"));
    }
    if !method.since.is_empty() {
        doc.push_str(&format!("\nSince Mattermost {}.", method.since));
    }
    Rpc {
        name: method.name.go.clone(),
        doc: doc.trim_start().to_owned(),
        request: format!("{client}{}", method.request),
        response: format!("{server}{}", method.response),
    }
}

fn builder_field(ir: &Ir, field: &Field) -> ProtoField {
    let optional = if field.presence == Presence::Optional && field.ty.is_scalar() { "optional " } else { "" };
    ProtoField {
        doc: field_doc(ir, field),
        ty: format!("{optional}{}", field_type(&field.ty)),
        name: field.name.snake.clone(),
        number: field.number,
    }
}

/// Members of a `oneof` have presence without the word.
fn part_field(ir: &Ir, field: &Field, in_oneof: bool) -> ProtoField {
    let node = builder_field(ir, field);
    if in_oneof { ProtoField { ty: field_type(&field.ty), ..node } } else { node }
}

fn own_field(name: &str, ty: &str, number: u32, doc: &str) -> ProtoField {
    ProtoField { doc: doc.to_owned(), ty: ty.to_owned(), name: name.to_owned(), number }
}

/// The field's words, and the values of its enum where they are few.
fn field_doc(ir: &Ir, field: &Field) -> String {
    let mut ty = &field.ty;
    while let Ty::List(element) | Ty::Map(_, element) = ty {
        ty = element;
    }
    let (Ty::StringEnum(name) | Ty::IntEnum(name)) = ty else { return field.doc.clone() };
    let values = enum_values(&ir.enums[name]);
    format!("{}\n{values}", field.doc).trim_start().to_owned()
}

const MOST_VALUES: usize = 12;

fn enum_values(it: &OpenEnum) -> String {
    let values = it.members.iter().take(MOST_VALUES).map(|member| match &member.value {
        EnumValue::String(text) => format!("{text:?} ({})", member.name),
        EnumValue::Int(number) => format!("{number} ({})", member.name),
    });
    let list = values.collect::<Vec<_>>().join(", ");
    let more = if it.members.len() > MOST_VALUES { ", …" } else { "" };
    format!("{}: {list}{more}", it.name.camel)
}
