//! `keywords.py`: the fields of models that API methods take as keywords, as `TypedDict`s for type checkers.

use std::collections::BTreeSet;

use mm_codegen::header;

use super::{api, models};
use crate::context::Context;
use crate::error::Error;
use crate::imports::{Block, imports};
use crate::nodes::{KeywordClass, KeywordsModule};
use crate::types::{Position, annotation, hidden_builtins};

/// The class that holds the fields of a model: `PostFields`.
pub(crate) fn class(model: &str) -> String {
    format!("{model}Fields")
}

/// `keywords.py`.
pub(crate) fn module(context: &Context<'_>) -> Result<KeywordsModule, Error> {
    let used: BTreeSet<&str> = context.ir.api.iter().filter_map(api::keyword_model).collect();
    let mut checking = Block::default();
    let mut runtime = Block::default();
    let mut classes = Vec::new();
    for message in used.iter().filter_map(|it| context.ir.messages.get(*it)) {
        let mut fields = Vec::new();
        let attributes = models::attributes(context, message)?;
        let hidden = hidden_builtins(&attributes);
        for field in attributes {
            let annotation = annotation(context, field, Position::Attribute).unhidden(&hidden);
            checking.add_annotation(&annotation, |_| false);
            fields.push(format!("{}: {}", field.name.python, annotation.text));
        }
        let model = message.name.camel.clone();
        classes.push(KeywordClass { name: class(&model), model, fields });
    }
    if !checking.is_empty() {
        runtime.add("typing", "TYPE_CHECKING");
    }
    if !classes.is_empty() {
        runtime.add("typing", "TypedDict");
    }
    Ok(KeywordsModule {
        header: header("#", &context.ir.upstream_version),
        imports: imports(&runtime, &checking, &Block::default()),
        classes,
    })
}
