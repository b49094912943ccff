//! The pages of the API: an index and a page per group.

use mm_codegen::ir::{Access, Method, Outcome, Stream};

use super::nodes::{ApiIndex, ApiIndexGroup, ApiPage, Entry, MethodSection, Row};
use super::permissions::anchor;
use super::text::{cell, code, code_link, definition, lines, sentence_cell};
use crate::context::Context;
use crate::docstring::{first_sentence, sentence};
use crate::lower::api;
use crate::names;

pub(super) fn index(context: &Context<'_>, header: &str) -> ApiIndex {
    let groups = api::groups(context).into_iter().map(|(slug, methods)| {
        let methods = methods.iter().map(|it| Entry {
            link: code_link(&it.name.python, &format!("{slug}.md#{}", it.name.python)),
            text: first_sentence(&it.doc.summary).0,
        });
        ApiIndexGroup { title: title(&slug), methods: methods.collect(), slug }
    });
    ApiIndex { header: header.to_owned(), n_methods: context.ir.api.len(), groups: groups.collect() }
}

pub(super) fn pages(context: &Context<'_>, header: &str) -> Vec<ApiPage> {
    let page = |(slug, methods): (String, Vec<&Method>)| ApiPage {
        header: header.to_owned(),
        title: title(&slug),
        slug,
        methods: methods.iter().map(|it| section(context, it)).collect(),
    };
    api::groups(context).into_iter().map(page).collect()
}

/// `Key value store`.
pub(super) fn title(group: &str) -> String {
    let words = names::words(group);
    let mut characters = words.chars();
    let title = match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => words,
    };
    match title.as_str() {
        "Kv" => "Key-value store".to_owned(),
        "Oauth" => "OAuth".to_owned(),
        _ => title,
    }
}

fn section(context: &Context<'_>, method: &Method) -> MethodSection {
    let shown = api::shown(context, method);
    let parameters = shown.parameters.iter().map(|it| Row {
        name: code(&it.name),
        ty: linked(context, &it.annotation, "../types"),
        doc: sentence_cell(&it.doc),
    });
    let texts: Vec<String> = shown.parameters.iter().map(|it| it.text.clone()).collect();
    let raises = method.doc.raises.iter().map(|(name, when)| Entry { link: code(name), text: sentence(when) });
    let result = &shown.result;
    let returns = match (result.text.as_str(), method.doc.returns.as_str()) {
        ("None", _) => String::new(),
        (_, "") => format!("{}.", linked(context, result, "../types").replace("\\|", "|")),
        (_, text) => format!("{}: {}", linked(context, result, "../types").replace("\\|", "|"), sentence(text)),
    };
    MethodSection {
        name: method.name.python.clone(),
        definition: definition(&method.name.python, &texts, &result.text, ""),
        doc: lines(&method.doc.summary),
        parameters: parameters.collect(),
        returns,
        raises: raises.collect(),
        go: go_signature(method),
        since: method.since.clone(),
        permission: permission(method),
        note: note(method),
    }
}

fn permission(method: &Method) -> String {
    match &method.access {
        Some(Access::Needs(name)) => code_link(name, &format!("../permissions.md#{}", anchor(name))),
        Some(Access::Always(_) | Access::Undecided(_)) | None => String::new(),
    }
}

fn note(method: &Method) -> String {
    let keywords = api::keyword_model(method)
        .map(|model| format!("The fields of the `{model}` may be given as keywords in place of it."));
    match method.stream {
        Stream::None => keywords.unwrap_or_default(),
        Stream::Upload | Stream::FileExchange => "The content is sent piece by piece.".to_owned(),
        Stream::HttpCall | Stream::HttpExchange => "The bodies travel piece by piece.".to_owned(),
    }
}

/// The annotation as code, linked to the first model that it names.
pub(super) fn linked(context: &Context<'_>, annotation: &crate::types::Annotation, types: &str) -> String {
    // A long union of an enum and `str` is best explained by the enum's page, so the first name is the right one.
    let model = annotation.models.iter().min_by_key(|it| annotation.text.find(it.as_str()));
    let page = model.and_then(|it| context.module_of.get(it.as_str()).map(|module| (it, module)));
    match page {
        Some((model, module)) => code_link(&annotation.text, &format!("{types}/{module}.md#{}", model.to_lowercase())),
        None => code(&annotation.text),
    }
}

/// The method as Go writes it, in a cell or in running text.
pub(super) fn go_signature(method: &Method) -> String {
    let mut parameters: Vec<String> = method.params.iter().map(|it| format!("{} {}", it.name.go, it.go_type)).collect();
    for stream in &method.stream_params {
        let at = stream.position.min(parameters.len());
        parameters.insert(at, format!("{} {}", stream.name.go, stream.go_type));
    }
    let mut results: Vec<String> = method.results.iter().map(|it| it.go_type.clone()).collect();
    match method.outcome {
        Outcome::ValueOrAppError => results.push("*model.AppError".to_owned()),
        Outcome::ValueOrError => results.push("error".to_owned()),
        Outcome::Value | Outcome::Verdict | Outcome::Rejection => {}
    }
    if method.stream == Stream::HttpCall {
        results.push("*http.Response".to_owned());
    }
    let results = match results.as_slice() {
        [] => String::new(),
        [one] => format!(" {one}"),
        _ => format!(" ({})", results.join(", ")),
    };
    cell(&format!("{}({}){results}", method.name.go, parameters.join(", ")))
}
