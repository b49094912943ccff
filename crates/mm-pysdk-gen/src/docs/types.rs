//! The pages of the types: an index with the table of all four languages, and a page per Python module.

use mm_codegen::ir::{EnumValue, Field, Message, OpenEnum, Presence, Ty};

use super::api::linked;
use super::nodes::{Entry, FieldRow, MemberRow, TypeSection, TypesIndex, TypesPage};
use super::text::{cell, code, code_link, lines, sentence_cell};
use super::{api, mapping};
use crate::context::{Context, scalar_of};
use crate::docstring::first_sentence;
use crate::error::Error;
use crate::types::{Position, annotation};

pub(super) fn index(context: &Context<'_>, header: &str) -> TypesIndex {
    let mut types: Vec<(&str, Entry)> = Vec::new();
    for (name, module) in &context.module_of {
        let doc =
            context.ir.messages.get(*name).map(|it| &it.doc).or_else(|| context.ir.enums.get(*name).map(|it| &it.doc));
        let link = code_link(name, &format!("{module}.md#{}", name.to_lowercase()));
        types.push((name, Entry { link, text: doc.map(|it| first_sentence(it).0).unwrap_or_default() }));
    }
    types.sort_by_key(|(name, _)| name.to_lowercase());
    TypesIndex {
        header: header.to_owned(),
        mapping: mapping::table(context),
        types: types.into_iter().map(|(_, entry)| entry).collect(),
    }
}

pub(super) fn pages(context: &Context<'_>, header: &str) -> Result<Vec<TypesPage>, Error> {
    let mut pages = Vec::new();
    for module in context.modules() {
        let messages = context.messages.get(module).into_iter().flatten().map(|it| of_message(context, it));
        let enums = context.enums.get(module).into_iter().flatten().map(|it| of_enum(it));
        let mut types: Vec<TypeSection> = messages.chain(enums).collect();
        types.sort_by_key(|it| it.name.to_lowercase());
        pages.push(TypesPage { header: header.to_owned(), slug: module.to_owned(), title: api::title(module), types });
    }
    Ok(pages)
}

fn of_message(context: &Context<'_>, message: &Message) -> TypeSection {
    TypeSection {
        name: message.name.camel.clone(),
        doc: lines(&message.doc),
        go: message.go_type.clone(),
        proto: message.name.camel.clone(),
        rust: format!("v1::{}", message.name.camel),
        python: format!("models.{}", message.name.camel),
        fields: message.fields.iter().map(|it| row(context, it)).collect(),
        members: Vec::new(),
        is_enum: false,
    }
}

fn row(context: &Context<'_>, field: &Field) -> FieldRow {
    let annotation = annotation(context, field, Position::Attribute);
    let ty = linked(context, &annotation, ".").replace("(./", "(");
    let python = match (&field.ty, field.presence) {
        (Ty::Message(_), Presence::Embedded) => format!("the fields of {ty}"),
        _ => format!("{}: {ty}", code(&field.name.python)),
    };
    FieldRow {
        python,
        go: code(&format!("{} {}", field.name.go, field.go_type)),
        proto: code(&format!("{} {} = {}", mapping::proto(field), field.name.snake, field.number)),
        rust: code(&format!("{}: {}", field.name.rust, mapping::rust(field))),
        doc: sentence_cell(&field.doc),
    }
}

fn of_enum(it: &OpenEnum) -> TypeSection {
    let scalar = scalar_of(it.kind);
    let (proto, rust) = if scalar == "str" { ("string", "String") } else { ("int64", "i64") };
    let members = it.members.iter().map(|member| MemberRow {
        name: code(&member.name),
        value: code(&match &member.value {
            EnumValue::String(text) => cell(&format!("{text:?}")),
            EnumValue::Int(number) => number.to_string(),
        }),
        go: code(&member.go),
    });
    TypeSection {
        name: it.name.camel.clone(),
        doc: lines(&it.doc),
        go: it.go_type.clone(),
        proto: proto.to_owned(),
        rust: rust.to_owned(),
        python: format!("models.{} | {scalar}", it.name.camel),
        fields: Vec::new(),
        members: members.collect(),
        is_enum: true,
    }
}
