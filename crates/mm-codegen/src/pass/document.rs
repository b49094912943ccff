//! After this pass every method, parameter, type and field that needs words has them, and `docs.toml` holds nothing else.

use std::collections::BTreeMap;

use super::Context;
use crate::docs::{self, Docs};
use crate::ir::{Field, Ir, Method, Ty, Wrapper};
use crate::overrides::Kind;
use crate::{Diagnostic, MissingDoc};

pub(super) fn run(ir: &mut Ir, context: &mut Context) {
    let mut missing = Missing::default();
    for method in &mut ir.api {
        document_method(method, Kind::Api, &context.docs, &mut missing);
    }
    for hook in &mut ir.hooks {
        document_method(hook, Kind::Hook, &context.docs, &mut missing);
    }
    let wrappers = &ir.wrappers;
    for message in ir.messages.values_mut() {
        message.doc = type_doc(&message.go_type, &context.docs, &mut missing);
        for field in &mut message.fields {
            match context.docs.field(&message.go_type, &field.name.go) {
                Some(doc) => doc.clone_into(&mut field.doc),
                None if needs_doc(field, wrappers) => missing.field(&message.go_type, &field.name.go, &field.go_type),
                None => {}
            }
        }
    }
    for it in ir.enums.values_mut() {
        it.doc = type_doc(&it.go_type, &context.docs, &mut missing);
    }
    document_starts(ir);
    if context.allow_missing_docs {
        context.missing_docs.extend(missing.0.into_iter().map(|(_, it)| it));
    } else {
        context.diagnostics.extend(missing.0.into_iter().map(|(it, _)| it));
        context.docs.report_stale(&mut context.diagnostics);
    }
}

fn document_method(method: &mut Method, kind: Kind, docs: &Docs, missing: &mut Missing) {
    let go = &method.name.go;
    match docs.method(kind, go) {
        Some(entry) => {
            entry.doc.trim().clone_into(&mut method.doc.summary);
            entry.returns.trim().clone_into(&mut method.doc.returns);
            method.doc.raises = entry.raises.clone().into_iter().collect();
        }
        None => missing.report(
            format!("{}.{go}", kind.key()),
            "doc",
            "what it does is not documented",
            "an entry with `doc`",
        ),
    }
    if kind == Kind::Hook && !method.results.is_empty() && method.doc.returns.is_empty() {
        missing.report(
            format!("hook.{go}"),
            "returns",
            "what its results mean is not documented",
            "`returns` to its entry",
        );
    }
    let params = method.params.iter_mut().map(|it| (&it.name.go, &it.go_type, &mut it.doc));
    let streamed = method.stream_params.iter_mut().map(|it| (&it.name.go, &it.go_type, &mut it.doc));
    for (name, go_type, to) in params.chain(streamed) {
        match docs.param(kind, go, name) {
            Some(doc) => doc.clone_into(to),
            None => missing.report(
                format!("{}.{go}", kind.key()),
                &format!("params.{name}"),
                format!("the parameter `{name}` ({go_type}) is not documented"),
                "it to `params` of the entry, or to the shared table `params`",
            ),
        }
    }
    // A result that stands alone is described by `returns`.
    if let [result] = method.results.as_mut_slice() {
        method.doc.returns.clone_into(&mut result.doc);
    }
}

/// A streaming method's parameters stand in its `Start`.
fn document_starts(ir: &mut Ir) {
    for method in ir.api.iter().chain(&ir.hooks) {
        let Some(start) = ir.stream_messages.get_mut(&format!("{}Start", method.name.go)) else { continue };
        for param in &method.params {
            let field = start.message.fields.iter_mut().find(|it| it.name == param.name);
            field.expect("made from the parameters").doc.clone_from(&param.doc);
        }
    }
}

fn type_doc(go_type: &str, docs: &Docs, missing: &mut Missing) -> String {
    let Some(entry) = docs.ty(go_type) else {
        missing.report(format!("type.\"{go_type}\""), "doc", "what it is is not documented", "an entry with `doc`");
        return String::new();
    };
    entry.doc.trim().to_owned()
}

/// Whether a field's name does not explain it: a number, a map, bytes, a time, `any`, or a very short name.
fn needs_doc(field: &Field, wrappers: &BTreeMap<String, Wrapper>) -> bool {
    let mut ty = &field.ty;
    loop {
        match ty {
            Ty::List(element) => ty = element,
            Ty::Wrapped(wrapper) => ty = &wrappers[wrapper].inner,
            Ty::Map(..)
            | Ty::Int32
            | Ty::Int64
            | Ty::UInt32
            | Ty::UInt64
            | Ty::Float
            | Ty::Double
            | Ty::Bytes
            | Ty::Json
            | Ty::Timestamp
            | Ty::Value => return true,
            Ty::Bool | Ty::String => {
                let go = field.name.go.as_str();
                return go.len() <= 3 && !matches!(go, "Id" | "ID" | "URL" | "Url");
            }
            Ty::Error | Ty::StringEnum(_) | Ty::IntEnum(_) | Ty::Message(_) => return false,
        }
    }
}

#[derive(Default)]
struct Missing(Vec<(Diagnostic, MissingDoc)>);

impl Missing {
    fn report(&mut self, entry: String, key: &str, message: impl Into<String>, what: &str) {
        let help = format!("add {what}, in your own words");
        let diagnostic = Diagnostic::new(docs::FILE, &entry, message, help);
        self.0.push((diagnostic, MissingDoc { entry, key: key.to_owned() }));
    }

    fn field(&mut self, go_type: &str, field: &str, field_type: &str) {
        self.report(
            format!("type.\"{go_type}\""),
            &format!("fields.{field}"),
            format!("the field `{field}` ({field_type}) is not documented, and its name does not explain it"),
            "it to `fields` of the entry, or to the shared table `fields`",
        );
    }
}
