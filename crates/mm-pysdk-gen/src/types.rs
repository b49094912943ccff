//! Types as Python sees them: annotations and defaults. One exhaustive `match`.

use std::collections::BTreeSet;

use mm_codegen::ir::{Field, Presence, Ty};

use crate::context::{Context, scalar_of};

/// Where a type stands. What goes in is wide (`Sequence`), what comes out is concrete (`list`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Parameter,
    Result,
    Attribute,
}

/// An annotation and the names it needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Annotation {
    pub(crate) text: String,
    /// Models and enums it names.
    pub(crate) models: BTreeSet<String>,
    /// What it needs from elsewhere, as (module, name).
    pub(crate) imports: BTreeSet<(&'static str, &'static str)>,
}

impl Annotation {
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    fn model(name: &str) -> Self {
        Self { text: name.to_owned(), models: BTreeSet::from([name.to_owned()]), imports: BTreeSet::new() }
    }

    pub(crate) fn imported(module: &'static str, name: &'static str) -> Self {
        Self { text: name.to_owned(), models: BTreeSet::new(), imports: BTreeSet::from([(module, name)]) }
    }

    /// `container[items]`.
    pub(crate) fn generic(container: Self, items: Vec<Self>) -> Self {
        let inner: Vec<&str> = items.iter().map(|it| it.text.as_str()).collect();
        let text = format!("{}[{}]", container.text, inner.join(", "));
        items.into_iter().fold(Self { text, ..container }, Self::needing)
    }

    /// `self | None`, once.
    pub(crate) fn or_none(mut self) -> Self {
        if !self.text.ends_with("| None") && self.text != "Any" && self.text != "object" {
            self.text.push_str(" | None");
        }
        self
    }

    /// `self | other`.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.text = format!("{} | {}", self.text, other.text);
        self.needing(other)
    }

    /// The same where attributes of these names hide builtins: `builtins.list[str]`.
    pub(crate) fn unhidden(mut self, hidden: &[&str]) -> Self {
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let mut text = String::new();
        let mut rest = self.text.as_str();
        while let Some(start) = rest.find(is_word) {
            let end = rest[start..].find(|it| !is_word(it)).map_or(rest.len(), |it| start + it);
            let word = &rest[start..end];
            text.push_str(&rest[..start]);
            if hidden.contains(&word) {
                text.push_str("builtins.");
                self.imports.insert(("builtins", ""));
            }
            text.push_str(word);
            rest = &rest[end..];
        }
        text.push_str(rest);
        self.text = text;
        self
    }

    /// Adds what `other` needs, but not its text.
    pub(crate) fn needing(mut self, other: Self) -> Self {
        self.models.extend(other.models);
        self.imports.extend(other.imports);
        self
    }
}

/// The annotation of a field, parameter or result, with `| None` where it may be absent.
///
/// A message by pointer is only a model here for parameters and results: whether Mattermost takes or gives none of it
/// is no question of types but of meaning: `Field::nullable`.
pub(crate) fn annotation(context: &Context<'_>, field: &Field, position: Position) -> Annotation {
    let inner = of(context, &field.ty, position);
    match field.presence {
        Presence::Implicit | Presence::Always | Presence::Embedded => inner,
        Presence::Optional if is_message(&field.ty) && position != Position::Attribute => inner,
        Presence::Optional => inner.or_none(),
    }
}

fn is_message(ty: &Ty) -> bool {
    matches!(ty, Ty::Message(_))
}

/// The annotation of a type that is there.
pub(crate) fn of(context: &Context<'_>, ty: &Ty, position: Position) -> Annotation {
    match ty {
        Ty::Bool => Annotation::plain("bool"),
        Ty::Int32 | Ty::Int64 | Ty::UInt32 | Ty::UInt64 => Annotation::plain("int"),
        Ty::Float | Ty::Double => Annotation::plain("float"),
        Ty::String => Annotation::plain("str"),
        Ty::Bytes | Ty::Json => Annotation::plain("bytes"),
        Ty::Timestamp => Annotation::imported("datetime", "datetime").or_none(),
        Ty::Value if position == Position::Parameter => Annotation::plain("object"),
        Ty::Value => Annotation::imported("typing", "Any"),
        Ty::Error => Annotation::plain("Exception | None"),
        Ty::StringEnum(name) => open_enum(context, name, "str"),
        Ty::IntEnum(name) => open_enum(context, name, "int"),
        Ty::Message(name) => Annotation::model(name),
        Ty::List(item) => {
            Annotation::generic(container(position, "Sequence", "list"), vec![of(context, item, position)])
        }
        Ty::Map(key, value) => Annotation::generic(
            container(position, "Mapping", "dict"),
            vec![key_of(context, key, position), of(context, value, position)],
        ),
        Ty::Wrapped(name) => match context.ir.wrappers.get(name) {
            Some(wrapper) => of(context, &wrapper.inner, position),
            None => Annotation::imported("typing", "Any"),
        },
    }
}

/// The annotation of a map's keys. Those that are members of an enum in Go are what the members are made of: a table names
/// no enum for them, and a member finds its entry all the same.
fn key_of(context: &Context<'_>, key: &Ty, position: Position) -> Annotation {
    match key {
        Ty::StringEnum(_) => Annotation::plain("str"),
        Ty::IntEnum(_) => Annotation::plain("int"),
        _ => of(context, key, position),
    }
}

fn container(position: Position, wide: &'static str, concrete: &'static str) -> Annotation {
    match position {
        Position::Parameter => Annotation::imported("collections.abc", wide),
        Position::Result | Position::Attribute => Annotation::plain(concrete),
    }
}

fn open_enum(context: &Context<'_>, name: &str, scalar: &str) -> Annotation {
    match context.open_enum(name) {
        Some(it) => Annotation::model(name).or(Annotation::plain(scalar_of(it.kind))),
        None => Annotation::plain(scalar),
    }
}

/// The value an attribute has when nobody gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Default {
    /// A literal.
    Literal(&'static str),
    /// A container that is made anew for each object: `list`, `dict`.
    Container(&'static str),
    /// A model by value, made anew for each object.
    Model(String),
}

/// The default of an attribute.
pub(crate) fn default(context: &Context<'_>, field: &Field) -> Default {
    if field.presence == Presence::Optional {
        return Default::Literal("None");
    }
    match &field.ty {
        Ty::Bool => Default::Literal("False"),
        Ty::Int32 | Ty::Int64 | Ty::UInt32 | Ty::UInt64 | Ty::IntEnum(_) => Default::Literal("0"),
        Ty::Float | Ty::Double => Default::Literal("0.0"),
        Ty::String | Ty::StringEnum(_) => Default::Literal("\"\""),
        Ty::Bytes | Ty::Json => Default::Literal("b\"\""),
        Ty::Timestamp | Ty::Value | Ty::Error => Default::Literal("None"),
        Ty::Message(name) => Default::Model(name.clone()),
        Ty::List(_) => Default::Container("list"),
        Ty::Map(_, _) => Default::Container("dict"),
        Ty::Wrapped(name) => match context.ir.wrappers.get(name).map(|it| &it.inner) {
            Some(Ty::Map(_, _)) => Default::Container("dict"),
            _ => Default::Container("list"),
        },
    }
}

/// The builtins that annotations of attributes name, and that an attribute may hide in its class.
const BUILTINS: [&str; 7] = ["bool", "bytes", "dict", "float", "int", "list", "str"];

/// Those of a class's attributes that hide a builtin.
pub(crate) fn hidden_builtins<'a>(attributes: &[&'a Field]) -> Vec<&'a str> {
    let names = attributes.iter().map(|it| it.name.python.as_str());
    names.filter(|it| BUILTINS.contains(it)).collect()
}
