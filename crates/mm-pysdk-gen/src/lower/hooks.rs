//! Hooks: their names, what the runtime knows of each, and what a handler looks like.

use mm_codegen::header;
use mm_codegen::ir::{Method, Outcome, Stream, Ty};
use mm_codegen::policy::{self, Kind, Refusal};

use super::{path, streams};
use crate::context::Context;
use crate::docstring::first_sentence;
use crate::layout::Expr;
use crate::names;
use crate::nodes::HooksModule;
use crate::types::{Annotation, Position, annotation};

/// `hooks.py`.
pub(crate) fn module(context: &Context<'_>) -> HooksModule {
    let names = handled(context).map(|it| it.name.go.clone());
    let specs = handled(context).map(|it| Expr::entry(&it.name.go, spec(context, it)).item(4));
    HooksModule { header: header("#", &context.ir.upstream_version), names: names.collect(), specs: specs.collect() }
}

/// Hooks that a plugin may handle. `Implemented` is answered by the host.
pub(crate) fn handled<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Method> {
    context.ir.hooks.iter().filter(|it| it.name.go != "Implemented")
}

fn spec(context: &Context<'_>, hook: &Method) -> Expr {
    let handler = &handlers(context, hook)[0];
    let names = handler.parameters.iter().map(|(name, _)| Expr::string(name)).collect();
    let field = |name: &str, value: Expr| Expr::atom(format!("{name}={}", value.flat()));
    let mut fields = vec![
        field("go", Expr::string(&hook.name.go)),
        field("snake", Expr::string(&hook.name.python)),
        field("path", Expr::string(&path("PluginHooks", hook))),
        field("request", Expr::string(&hook.request)),
        field("response", Expr::string(&hook.response)),
        field("params", Expr::Tuple(names)),
        field("outcome", Expr::string(outcome(hook.outcome))),
        field("stream", Expr::string(stream(hook.stream))),
        field("since", Expr::string(&hook.since)),
        field("signature", Expr::string(&handler.signature())),
        field("doc", Expr::string(&first_sentence(&hook.doc.summary).0)),
    ];
    if hook.dismissible {
        fields.push(field("dismissible", Expr::atom("True")));
    }
    if let Some(parameter) = &hook.allow_returns {
        fields.push(field("allow_returns", Expr::string(&names::parameter(&parameter.python))));
    }
    if refuses_by_error(hook) {
        fields.push(field("refuses_by_error", Expr::atom("True")));
    }
    if let Some(text) = &hook.text_result {
        let with = text.with.iter().map(|(name, value)| Expr::Tuple(vec![Expr::string(name), Expr::string(value)]));
        fields.push(field("text_field", Expr::string(&text.field)));
        fields.push(field("text_with", Expr::Tuple(with.collect())));
    }
    match policy::kind(hook) {
        Kind::Tells => fields.push(field("kind", Expr::string("tells"))),
        Kind::Decides => fields.push(field("kind", Expr::string("decides"))),
        Kind::Serves => {}
    }
    let refusal = policy::refusal(context.ir, hook).map(|it| match it {
        Refusal::Reason(_) => "reason",
        Refusal::Error => "error",
        Refusal::AppError => "app_error",
    });
    if let Some(refusal) = refusal {
        fields.push(field("refusal", Expr::string(refusal)));
    }
    Expr::call("HookSpec", fields)
}

/// Whether the hook gets something and gives it back or fails: a verdict in Go's other words.
fn refuses_by_error(hook: &Method) -> bool {
    let [result] = hook.results.as_slice() else { return false };
    hook.outcome == Outcome::ValueOrError
        && matches!(result.ty, Ty::Message(_))
        && hook.params.iter().any(|it| it.ty == result.ty)
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Value => "value",
        Outcome::ValueOrAppError => "app_error",
        Outcome::ValueOrError => "error",
        Outcome::Verdict => "verdict",
        Outcome::Rejection => "rejection",
    }
}

fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::None => "",
        Stream::HttpExchange => "http_exchange",
        Stream::FileExchange => "file_exchange",
        Stream::HttpCall => "http_call",
        Stream::Upload => "upload",
    }
}

/// One form that a handler may have.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    /// Parameters after `self`.
    pub(crate) parameters: Vec<(String, Annotation)>,
    pub(crate) result: Annotation,
}

impl Handler {
    /// `(self, context: Context, post: Post) -> …`
    pub(crate) fn signature(&self) -> String {
        let own = self.parameters.iter().map(|(name, annotation)| format!("{name}: {}", annotation.text));
        let all: Vec<String> = std::iter::once("self".to_owned()).chain(own).collect();
        format!("({}) -> {}", all.join(", "), self.result.text)
    }
}

/// What a handler returns, in the words of people rather than of type checkers.
pub(crate) fn said_result(hook: &Method, handler: &Handler) -> String {
    let text = handler.result.text.as_str();
    if text == "Rejection" {
        return "Allow | Reject | str | None".to_owned();
    }
    match text.strip_prefix("Verdict[").and_then(|it| it.strip_suffix(']')) {
        Some(model) => {
            let dismiss = if hook.dismissible { " | Dismiss" } else { "" };
            format!("Allow | Replace[{model}] | Reject{dismiss} | {model} | None")
        }
        None => text.to_owned(),
    }
}

/// The forms a handler of this hook may have, the simplest first.
pub(crate) fn handlers(context: &Context<'_>, hook: &Method) -> Vec<Handler> {
    let own: Vec<(String, Annotation)> = hook
        .params
        .iter()
        .map(|it| {
            let annotation = annotation(context, it, Position::Result);
            (names::parameter(&it.name.python), if it.nullable { annotation.or_none() } else { annotation })
        })
        .collect();
    let forms = streams::handler_forms(hook.stream).iter().map(|form| {
        let stream = form.parameters.iter().map(|(name, text)| ((*name).to_owned(), form_annotation(text)));
        Handler {
            parameters: own.iter().cloned().chain(stream).collect(),
            result: form.result.map_or_else(|| result(context, hook), form_annotation),
        }
    });
    forms.collect()
}

/// An annotation of a streaming form, with what it imports.
fn form_annotation(text: &str) -> Annotation {
    let needed = streams::FORM_IMPORTS.iter().filter(|(_, name)| text.contains(name));
    needed.fold(Annotation::plain(text), |annotation, (module, name)| {
        annotation.needing(Annotation::imported(module, name))
    })
}

/// What a handler may return.
fn result(context: &Context<'_>, hook: &Method) -> Annotation {
    let results: Vec<Annotation> = hook.results.iter().map(|it| annotation(context, it, Position::Parameter)).collect();
    match (hook.outcome, results.as_slice()) {
        (_, []) => Annotation::plain("None"),
        (Outcome::Verdict, [value, ..]) => {
            let text = format!("Verdict[{}]", value.text);
            Annotation::plain(&text).needing(value.clone())
        }
        (Outcome::Rejection, _) => Annotation::plain("Rejection"),
        (_, [value]) if refuses_by_error(hook) => {
            Annotation::plain(&format!("Verdict[{}]", value.text)).needing(value.clone())
        }
        // A dict with the model's fields, or just its text.
        (_, [value]) if hook.text_result.is_some() => {
            let mapping = Annotation::imported("collections.abc", "Mapping");
            let dict = Annotation::generic(mapping, vec![Annotation::plain("str"), Annotation::plain("object")]);
            value.clone().or(dict).or(Annotation::plain("str")).or_none()
        }
        // A pointer, a list or a map may be left out: `None` is Go's nil.
        (_, [value]) if may_be_left_out(&hook.results[0].ty) => value.clone().or_none(),
        (_, [value]) => value.clone(),
        (_, _) => Annotation::generic(Annotation::plain("tuple"), results),
    }
}

fn may_be_left_out(ty: &Ty) -> bool {
    matches!(ty, Ty::Message(_) | Ty::List(_) | Ty::Map(_, _) | Ty::Wrapped(_))
}
