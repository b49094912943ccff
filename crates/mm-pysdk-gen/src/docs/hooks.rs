//! The page of the hooks.

use mm_codegen::ir::{Method, Outcome, Stream};
use mm_codegen::policy::{self, Kind};

use super::api::{go_signature, linked};
use super::nodes::{HookRow, HookSection, HooksPage, Row};
use super::text::{code, code_link, definition, lines, sentence_cell};
use crate::context::Context;
use crate::docstring::first_sentence;
use crate::lower::hooks::{Handler, handled, handlers, said_result};

pub(super) fn page(context: &Context<'_>, header: &str) -> HooksPage {
    let overview = handled(context).map(|it| HookRow {
        link: code_link(&it.name.go, &format!("#{}", it.name.go.to_lowercase())),
        kind: kind(context, it),
        since: it.since.clone(),
        doc: sentence_cell(&first_sentence(&it.doc.summary).0),
    });
    HooksPage {
        header: header.to_owned(),
        overview: overview.collect(),
        hooks: handled(context).map(|it| section(context, it)).collect(),
    }
}

/// What the hook is for, in a word.
fn kind(context: &Context<'_>, hook: &Method) -> &'static str {
    let decides = handlers(context, hook).iter().any(|it| it.result.text.starts_with("Verdict["));
    match (hook.outcome, hook.stream) {
        _ if decides => "decides",
        (Outcome::Verdict | Outcome::Rejection, _) => "decides",
        (_, Stream::HttpExchange) => "answers a request",
        (_, _) if !hook.results.is_empty() => "answers",
        (Outcome::ValueOrError | Outcome::ValueOrAppError, _) => "may fail",
        (Outcome::Value, _) => "tells",
    }
}

fn section(context: &Context<'_>, hook: &Method) -> HookSection {
    let forms = handlers(context, hook);
    let mut parameters: Vec<Row> = Vec::new();
    for (name, annotation) in forms.iter().flat_map(|it| &it.parameters) {
        let row = Row { name: code(name), ty: linked(context, annotation, "../types"), doc: doc_of(hook, name) };
        if !parameters.iter().any(|it| it.name == row.name) {
            parameters.push(row);
        }
    }
    HookSection {
        name: hook.name.go.clone(),
        forms: forms.iter().map(|it| code_lines(hook, it)).collect(),
        doc: lines(&hook.doc.summary),
        parameters,
        returns: lines(&hook.doc.returns),
        go: go_signature(hook),
        since: hook.since.clone(),
        id: hook.hook_id.map(|it| it.to_string()).unwrap_or_default(),
        raising: lines(&raising(context, hook)),
    }
}

fn code_lines(hook: &Method, handler: &Handler) -> Vec<String> {
    let own = handler.parameters.iter().map(|(name, annotation)| format!("{name}: {}", annotation.text));
    let parameters: Vec<String> = std::iter::once("self".to_owned()).chain(own).collect();
    let mut lines = vec![format!("@hook(HookName.{})", hook.name.go)];
    let head = format!("def {}", hook.name.python);
    lines.extend(definition(&head, &parameters, &said_result(hook, handler), ": ..."));
    lines
}

fn doc_of(hook: &Method, parameter: &str) -> String {
    let own = hook.params.iter().find(|it| it.name.python == parameter).map(|it| it.doc.as_str());
    let streamed = || hook.stream_params.iter().find(|it| it.name.python == parameter).map(|it| it.doc.as_str());
    let doc = own.or_else(streamed).unwrap_or(match parameter {
        "request" => "The request, its body included.",
        "writer" => "Takes the response piece by piece.",
        "file" => "The file, opened for reading.",
        "output" => "Takes what is stored in the file's place.",
        _ => "",
    });
    sentence_cell(doc)
}

/// What an exception means, and what can be said about it in `@hook`.
fn raising(context: &Context<'_>, hook: &Method) -> String {
    let what = match (hook.outcome, hook.stream) {
        (Outcome::Verdict | Outcome::Rejection, _) => {
            "Raising `HookRejected` is the same as returning `Reject`. Any other exception is logged, and the server goes on as if \
             the plugin had not answered."
        }
        _ if policy::kind(hook) == Kind::Decides && policy::refusal(context.ir, hook).is_some() => {
            "Raising `HookRejected` refuses, with its text. Any other exception is logged, and the server goes on as if the plugin \
             had not answered."
        }
        (Outcome::ValueOrAppError | Outcome::ValueOrError, _) => {
            "An exception is the hook's error: the server gets its text. `HookRejected` is one without a traceback in the log."
        }
        (Outcome::Value, Stream::HttpExchange) => {
            "Raising `HookRejected` answers 403 with its text. Any other exception is logged and answers 500."
        }
        (Outcome::Value, _) => "An exception is logged, and the server goes on as if the plugin had not answered.",
    };
    let options = match (policy::kind(hook), policy::refusal(context.ir, hook)) {
        (_, Some(_)) => " With `on_error=\"reject\"` it is refused then, with the text of `rejection`.",
        (Kind::Tells, _) => " With `idempotent=True` it is called once more when the plugin's process died meanwhile.",
        (_, None) => "",
    };
    format!("{what}{options}")
}
