//! Models: dataclasses, open enums, their codec tables, and the lazy package around them.

use std::collections::BTreeSet;

use mm_codegen::header;
use mm_codegen::ir::{EnumKind, EnumValue, Field, Message, OpenEnum, Presence, Ty};

use crate::codec;
use crate::context::Context;
use crate::docstring::Docstring;
use crate::error::Error;
use crate::imports::{Block, imports};
use crate::layout::{Expr, columns, pad, string};
use crate::names;
use crate::nodes::{EnumClass, IndexEntry, IndexModule, ModelClass, ModelModule, ModelsPackage, RootPackage};
use crate::types::{Annotation, Default, Position, annotation, default, hidden_builtins};

/// pyright calls an attribute unknown when its default is made by `list` or `dict`, whatever its annotation says.
const NO_UNKNOWN: &str = "# pyright: reportUnknownVariableType=false";

impl ModelClass {
    fn has_container(&self) -> bool {
        self.attributes.iter().any(|it| it.ends_with("list)") || it.ends_with("dict)"))
    }
}

/// The module `module` with all its models and enums.
pub(crate) fn module(context: &Context<'_>, module: &str) -> Result<ModelModule, Error> {
    let messages = context.messages.get(module).map_or(&[][..], Vec::as_slice);
    let enums = context.enums.get(module).map_or(&[][..], Vec::as_slice);
    let mut needs = Needs::new(module);
    let mut classes = Vec::new();
    for message in messages {
        classes.push(class(context, message, &mut needs)?);
    }
    let tables = messages.iter().map(|it| {
        let name = &it.name.camel;
        Expr::entry(name, codec::table(context, Some(name), &it.fields)).item(4)
    });
    let has_container = classes.iter().any(ModelClass::has_container);
    Ok(ModelModule {
        pragma: if has_container { NO_UNKNOWN } else { "" },
        header: header("#", &context.ir.upstream_version),
        docstring: Docstring::of(format!("Models of the group `{}`.", names::words(module))).lines(0),
        imports: needs.imports(enums, &classes),
        enums: enums.iter().map(|it| enum_class(it)).collect(),
        tables: tables.collect(),
        classes,
    })
}

/// What the classes of a module need from elsewhere.
struct Needs<'a> {
    module: &'a str,
    checking: Block,
    /// Whether a default is made by a builtin that an attribute hides.
    builtins_at_run_time: bool,
    /// Whether a default is a model of another module, which is then taken from the lazy package.
    foreign_default: bool,
}

impl<'a> Needs<'a> {
    fn new(module: &'a str) -> Self {
        Self { module, checking: Block::default(), builtins_at_run_time: false, foreign_default: false }
    }

    fn annotation(&mut self, context: &Context<'_>, annotation: &Annotation) {
        let module = self.module;
        self.checking.add_annotation(annotation, |name| context.module_of.get(name).is_some_and(|it| it == module));
    }

    fn imports(mut self, enums: &[&OpenEnum], classes: &[ModelClass]) -> crate::nodes::Imports {
        let mut runtime = Block::default();
        let mut otherwise = Block::default();
        runtime.add("typing", "TYPE_CHECKING");
        self.checking.add("mattermost_plugin._generated.index", "CodecTable");
        let has_factory = classes.iter().flat_map(|it| &it.attributes).any(|it| it.contains(" = field("));
        for name in [(!classes.is_empty()).then_some("dataclass"), has_factory.then_some("field")].into_iter().flatten()
        {
            self.checking.add("dataclasses", name);
            otherwise.add("mattermost_plugin._runtime.model", name);
        }
        if self.builtins_at_run_time {
            self.checking.remove("builtins");
            runtime.add("builtins", "");
        }
        if self.foreign_default {
            runtime.add("mattermost_plugin._generated", "models");
        }
        for it in enums {
            match it.kind {
                EnumKind::String => runtime.add("mattermost_plugin._runtime.model", "StrEnum"),
                EnumKind::Int => runtime.add("enum", "IntEnum"),
            }
        }
        imports(&runtime, &self.checking, &otherwise)
    }
}

fn enum_class(it: &OpenEnum) -> EnumClass {
    let value = |value: &EnumValue| match value {
        EnumValue::String(text) => string(text),
        EnumValue::Int(number) => number.to_string(),
    };
    EnumClass {
        name: it.name.camel.clone(),
        base: match it.kind {
            EnumKind::String => "StrEnum",
            EnumKind::Int => "IntEnum",
        },
        docstring: Docstring::of(&it.doc).lines(4),
        members: it.members.iter().map(|member| format!("{} = {}", member.name, value(&member.value))).collect(),
    }
}

fn class(context: &Context<'_>, message: &Message, needs: &mut Needs<'_>) -> Result<ModelClass, Error> {
    let fields = attributes(context, message)?;
    let hidden = hidden_builtins(&fields);
    let mut lines = Vec::new();
    for field in &fields {
        let annotation = annotation(context, field, Position::Attribute).unhidden(&hidden);
        needs.annotation(context, &annotation);
        let default = default(context, field);
        if let Default::Model(name) = &default {
            needs.foreign_default |= context.module_of.get(name.as_str()).is_none_or(|it| it != needs.module);
        }
        if matches!(&default, Default::Container(it) if hidden.contains(it)) {
            needs.builtins_at_run_time = true;
        }
        let value = value(context, needs.module, &default, &hidden);
        lines.push(attribute(&field.name.python, &annotation.text, &value));
    }
    let documented = fields.iter().filter(|it| !it.doc.is_empty());
    let docstring = Docstring {
        text: message.doc.clone(),
        sections: vec![("Attributes", documented.map(|it| (it.name.python.clone(), it.doc.clone())).collect())],
        ..Docstring::default()
    };
    Ok(ModelClass { name: message.name.camel.clone(), docstring: docstring.lines(4), attributes: lines })
}

/// The default as an expression.
fn value(context: &Context<'_>, module: &str, default: &Default, hidden: &[&str]) -> Expr {
    let factory = |make: String| Expr::call("field", vec![Expr::atom(format!("default_factory={make}"))]);
    match default {
        Default::Literal(literal) => Expr::atom(*literal),
        Default::Container(container) if hidden.contains(container) => factory(format!("builtins.{container}")),
        Default::Container(container) => factory((*container).to_owned()),
        Default::Model(model) => {
            let own = context.module_of.get(model.as_str()).is_some_and(|it| it == module);
            factory(if own { format!("lambda: {model}()") } else { format!("lambda: models.{model}()") })
        }
    }
}

fn attribute(name: &str, annotation: &str, value: &Expr) -> String {
    let head = format!("{name}: {annotation} = ");
    format!("{}{head}{}", pad(4), value.fit(4, columns(&head), 0))
}

/// The attributes of a model: its fields, those of embedded structs in their place.
///
/// # Errors
/// When two of them share a name, which Go resolves by depth and Python could not tell apart.
pub(crate) fn attributes<'a>(context: &Context<'a>, message: &'a Message) -> Result<Vec<&'a Field>, Error> {
    let mut fields = Vec::new();
    flatten(context, message, &mut fields, 0);
    let mut seen = BTreeSet::new();
    let problems = fields.iter().filter(|it| !seen.insert(&it.name.python)).map(|it| {
        format!(
            "{} has two attributes called {}, one of an embedded struct; rename one in surface/overrides.toml",
            message.go_type, it.name.python
        )
    });
    let problems = problems.chain(hiding_problems(message, &fields));
    Error::check(problems.collect())?;
    Ok(fields)
}

/// Attributes that hide what the rest of their class is made with, and for which there is no other spelling.
fn hiding_problems<'a>(message: &'a Message, fields: &'a [&Field]) -> impl Iterator<Item = String> + 'a {
    let hiding = fields.iter().filter(|it| ["datetime", "field"].contains(&it.name.python.as_str()));
    hiding.map(|it| {
        format!(
            "an attribute of {} called {} hides what models are made with; rename it in surface/overrides.toml",
            message.go_type, it.name.python
        )
    })
}

fn flatten<'a>(context: &Context<'a>, message: &'a Message, fields: &mut Vec<&'a Field>, depth: u8) {
    for field in &message.fields {
        let embedded = match &field.ty {
            Ty::Message(name) if field.presence == Presence::Embedded => context.ir.messages.get(name),
            _ => None,
        };
        match embedded {
            // Go refuses a struct that embeds itself; the limit only keeps a broken IR from hanging the generator.
            Some(inner) if depth < 8 => flatten(context, inner, fields, depth + 1),
            _ => fields.push(field),
        }
    }
}

/// `__init__.py`.
pub(crate) fn root(context: &Context<'_>) -> RootPackage {
    RootPackage { header: header("#", &context.ir.upstream_version), version: string(&context.ir.upstream_version) }
}

/// `models/__init__.py`.
pub(crate) fn package(context: &Context<'_>) -> ModelsPackage {
    let mut names: Vec<String> = context.module_of.keys().map(|it| (*it).to_owned()).collect();
    names.sort_by_key(|it| crate::imports::natural(it));
    let mut checking = Block::default();
    for (name, module) in &context.module_of {
        checking.add(&format!("{}.{module}", crate::imports::MODELS), name);
    }
    ModelsPackage {
        header: header("#", &context.ir.upstream_version),
        checking: checking.lines(4),
        names: crate::imports::sorted_all(names),
    }
}

/// `index.py`.
pub(crate) fn index(context: &Context<'_>, extra: &[(&str, &str)]) -> IndexModule {
    let models = context.module_of.iter().map(|(name, module)| ((*name).to_owned(), module.clone()));
    let extra = extra.iter().map(|(name, module)| ((*name).to_owned(), (*module).to_owned()));
    let mut entries: Vec<(String, String)> = models.chain(extra).collect();
    entries.sort();
    IndexModule {
        header: header("#", &context.ir.upstream_version),
        entries: entries.into_iter().map(|(name, module)| IndexEntry { name, module }).collect(),
    }
}
