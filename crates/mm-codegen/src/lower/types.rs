//! Go types to [`Ty`], and the messages, enums and wrappers that they need.

use std::collections::{BTreeMap, BTreeSet};

use mm_surface::{Builtin, ConstValue, GoType, Surface, Type};

use super::FILE;
use crate::Diagnostic;
use crate::ir::{EnumKind, EnumMember, EnumValue, Field, Ir, Message, OpenEnum, Presence, Ty, Wrapper};
use crate::names;
use crate::overrides::{self, Overrides};

/// What a Go type becomes.
pub(super) struct Lowered {
    pub ty: Ty,
    /// Whether Go has a pointer there.
    pub pointer: bool,
}

/// Collects what the types seen so far need. A struct's fields are lowered when [`Types::finish`] drains the queue, so
/// that recursive types end.
pub(super) struct Types<'a> {
    surface: &'a Surface,
    pub overrides: &'a Overrides,
    pub diagnostics: &'a mut Vec<Diagnostic>,
    messages: BTreeMap<String, Message>,
    enums: BTreeMap<String, OpenEnum>,
    wrappers: BTreeMap<String, Wrapper>,
    queue: Vec<&'a Type>,
    queued: BTreeSet<&'a str>,
    /// The Go type behind every message and enum, to notice two of one name.
    go_names: BTreeMap<String, &'a str>,
}

impl<'a> Types<'a> {
    pub(super) fn new(surface: &'a Surface, overrides: &'a Overrides, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            surface,
            overrides,
            diagnostics,
            messages: BTreeMap::new(),
            enums: BTreeMap::new(),
            wrappers: BTreeMap::new(),
            queue: Vec::new(),
            queued: BTreeSet::new(),
            go_names: BTreeMap::new(),
        }
    }

    /// Lowers the fields of all structs seen, and of those that they reach; gives the types' part of the IR.
    pub(super) fn finish(mut self) -> Ir {
        while let Some(ty) = self.queue.pop() {
            let message = self.message(ty);
            self.messages.insert(message.name.camel.clone(), message);
        }
        // `Value` itself needs these two.
        self.wrap(Ty::List(Box::new(Ty::Value)));
        self.wrap(Ty::Map(Box::new(Ty::String), Box::new(Ty::Value)));
        Ir { messages: self.messages, enums: self.enums, wrappers: self.wrappers, ..Ir::default() }
    }

    /// The IR of the Go type that `text` spells; `None` for what crosses no wire, and after a diagnostic. `subject` is what
    /// has the type, for the diagnostic.
    pub(super) fn lower(&mut self, text: &str, subject: &str) -> Option<Lowered> {
        match GoType::parse(text) {
            Ok(ty) => self.go_type(&ty, subject),
            Err(error) => {
                self.report(subject, error.to_string(), "read the source again with `cargo xtask surface`");
                None
            }
        }
    }

    /// A builtin that stands for bytes that stream or for an HTTP message, looking through pointers.
    pub(super) fn stream_builtin(&self, text: &str) -> Option<Builtin> {
        let ty = self.surface.find_type(text.trim_start_matches('*'))?;
        ty.builtin.filter(|it| match it {
            Builtin::Reader
            | Builtin::Writer
            | Builtin::HttpResponseWriter
            | Builtin::HttpRequest
            | Builtin::HttpResponse => true,
            Builtin::Timestamp | Builtin::Url | Builtin::Json | Builtin::String | Builtin::Error | Builtin::Opaque => {
                false
            }
        })
    }

    /// `Field` for a parameter, result or struct field.
    pub(super) fn field(&mut self, go: &str, spelling: &str, go_type: &str, subject: &str) -> Option<Field> {
        let lowered = self.lower(go_type, subject)?;
        let (ty, presence) = self.present(lowered);
        Some(Field {
            name: names::renamed(go, spelling),
            number: 0,
            ty,
            presence,
            nullable: false,
            go_type: go_type.to_owned(),
            json: None,
            doc: String::new(),
        })
    }

    pub(super) fn report(&mut self, subject: &str, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::new(FILE, subject, message, help));
    }

    /// The wrapper message around a list or map that stands where proto allows none.
    pub(super) fn wrap(&mut self, inner: Ty) -> Ty {
        let name = wrapper_name(&inner);
        let group = self.wrapper_group(&inner);
        self.wrappers.entry(name.clone()).or_insert_with(|| Wrapper { name: name.clone(), inner, group });
        Ty::Wrapped(name)
    }

    fn present(&mut self, Lowered { ty, pointer }: Lowered) -> (Ty, Presence) {
        match ty {
            Ty::Message(_) if !pointer => (ty, Presence::Always),
            // Proto has no optional list: only a message of its own can be absent.
            Ty::List(_) | Ty::Map(..) if pointer => (self.wrap(ty), Presence::Optional),
            _ if pointer => (ty, Presence::Optional),
            _ => (ty, Presence::Implicit),
        }
    }

    fn go_type(&mut self, ty: &GoType, subject: &str) -> Option<Lowered> {
        let ty = match ty {
            GoType::Any => Ty::Value,
            GoType::Pointer(inner) => {
                return Some(Lowered { pointer: true, ..self.go_type(inner, subject)? });
            }
            GoType::Slice(inner) if is_byte(inner) => Ty::Bytes,
            GoType::Slice(inner) | GoType::Array(_, inner) => Ty::List(Box::new(self.element(inner, subject)?)),
            GoType::Map(key, value) => {
                let key = self.go_type(key, subject)?.ty;
                if !is_map_key(&key) {
                    self.report(
                        subject,
                        "proto has no map with such a key",
                        "exclude what has it in surface/overrides.toml",
                    );
                    return None;
                }
                Ty::Map(Box::new(key), Box::new(self.element(value, subject)?))
            }
            // Neither gob nor JSON carries these.
            GoType::Chan(..) | GoType::Func { .. } => return None,
            GoType::EmptyStruct => {
                self.report(
                    subject,
                    "`struct{}` holds nothing that could travel",
                    "exclude what has it in surface/overrides.toml",
                );
                return None;
            }
            GoType::Named { package: None, name, .. } => match basic(name) {
                Some(ty) => ty,
                None => {
                    self.report(
                        subject,
                        format!("`{name}` is no type that can travel"),
                        "exclude what has it in surface/overrides.toml",
                    );
                    return None;
                }
            },
            GoType::Named { .. } => return self.named(&ty.to_string(), subject),
        };
        Some(Lowered { ty, pointer: false })
    }

    /// Elements of lists and values of maps: pointers vanish (gob refuses nil there), lists and maps are wrapped.
    fn element(&mut self, ty: &GoType, subject: &str) -> Option<Ty> {
        let ty = self.go_type(ty, subject)?.ty;
        Some(match ty {
            Ty::List(_) | Ty::Map(..) => self.wrap(ty),
            other => other,
        })
    }

    fn named(&mut self, name: &str, subject: &str) -> Option<Lowered> {
        let Some(found) = self.surface.find_type(name) else {
            self.report(
                subject,
                format!("the type {name} is not in the surface"),
                "read the source again with `cargo xtask surface`",
            );
            return None;
        };
        if let Some(builtin) = found.builtin {
            return self.builtin(builtin, name, subject).map(|ty| Lowered { ty, pointer: false });
        }
        let ty = match found.kind.as_str() {
            "struct" => Ty::Message(self.enqueue(found)),
            "alias" | "slice" | "array" | "map" | "pointer" => {
                return self.lower(found.ty.as_deref().unwrap_or_default(), name);
            }
            "func" | "chan" => return None,
            "interface" if found.methods.is_empty() => Ty::Value,
            "interface" => {
                self.report(
                    subject,
                    format!("{name} is an interface with methods: no fixed type travels there"),
                    "declare in surface/overrides.toml, table `external`, what stands for it",
                );
                return None;
            }
            kind => self.scalar(found, kind, subject)?,
        };
        Some(Lowered { ty, pointer: false })
    }

    fn builtin(&mut self, builtin: Builtin, name: &str, subject: &str) -> Option<Ty> {
        match builtin {
            Builtin::Timestamp => Some(Ty::Timestamp),
            Builtin::Url | Builtin::String => Some(Ty::String),
            Builtin::Json => Some(Ty::Json),
            Builtin::Error => Some(Ty::Error),
            Builtin::Opaque => None,
            Builtin::Reader
            | Builtin::Writer
            | Builtin::HttpResponseWriter
            | Builtin::HttpRequest
            | Builtin::HttpResponse => {
                self.report(
                    subject,
                    format!("{name} is a stream of bytes, and the method is not marked as streaming"),
                    "set `stream` for the method in surface/overrides.toml",
                );
                None
            }
        }
    }

    /// A named string, number or boolean: an enum when it has constants.
    fn scalar(&mut self, found: &'a Type, kind: &str, subject: &str) -> Option<Ty> {
        let Some(plain) = basic(kind) else {
            self.report(
                subject,
                format!("{} has the kind `{kind}`, which is unknown here", found.name),
                "teach lower/types.rs the kind",
            );
            return None;
        };
        let enum_kind = match plain {
            Ty::String => EnumKind::String,
            Ty::Int32 | Ty::Int64 | Ty::UInt32 | Ty::UInt64 => EnumKind::Int,
            _ => return Some(plain),
        };
        let proto = self.proto_name(found);
        let members = self.members(found, &proto);
        if members.is_empty() {
            return Some(plain);
        }
        self.claim(&proto, found);
        let group = self.group(found);
        self.enums.entry(proto.clone()).or_insert_with(|| OpenEnum {
            name: names::message_name(&proto),
            go_type: found.name.clone(),
            group,
            kind: enum_kind,
            members,
            doc: String::new(),
        });
        Some(match enum_kind {
            EnumKind::String => Ty::StringEnum(proto),
            EnumKind::Int => Ty::IntEnum(proto),
        })
    }

    fn members(&self, found: &Type, proto: &str) -> Vec<EnumMember> {
        let value = |value: &ConstValue| match value {
            ConstValue::String(text) => Some(EnumValue::String(text.clone())),
            ConstValue::Int(number) => Some(EnumValue::Int(*number)),
            ConstValue::Bool(_) | ConstValue::UInt(_) | ConstValue::Float(_) => None,
        };
        let (consts, values): (Vec<&str>, Vec<EnumValue>) =
            found.consts.iter().filter_map(|it| Some((it.name.as_str(), value(&it.value)?))).unzip();
        let usual = names::enum_members(proto, &consts);
        let members = consts.into_iter().zip(usual).zip(values).map(|((go, usual), value)| {
            let name = self.overrides.member(&found.name, go).map_or(usual, ToOwned::to_owned);
            EnumMember { go: go.to_owned(), name, value }
        });
        members.collect()
    }

    fn enqueue(&mut self, found: &'a Type) -> String {
        let proto = self.proto_name(found);
        self.claim(&proto, found);
        if self.queued.insert(&found.name) {
            self.queue.push(found);
        }
        proto
    }

    fn claim(&mut self, proto: &str, found: &'a Type) {
        let owner = *self.go_names.entry(proto.to_owned()).or_insert(&found.name);
        if owner != found.name {
            let message = format!("{owner} and {} would both be called {proto}", found.name);
            self.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                format!("type.\"{}\"", found.name),
                message,
                "give one of them another `name`, with a reason",
            ));
        }
    }

    fn message(&mut self, found: &'a Type) -> Message {
        let proto = self.proto_name(found);
        let overrides = self.overrides;
        let mut fields = Vec::new();
        for field in found.fields.iter().filter(|it| it.exported && !overrides.excludes(&found.name, &it.name)) {
            let subject = format!("{}.{}", found.name, field.name);
            let spelling = overrides.field(&found.name, &field.name);
            let Some(mut lowered) = self.field(&field.name, spelling, &field.ty, &subject) else { continue };
            if field.embedded && matches!(lowered.ty, Ty::Message(_)) {
                lowered.presence = Presence::Embedded;
            }
            lowered.json = Some(field.json.clone()).filter(|it| !it.is_empty() && it != "-");
            fields.push(lowered);
        }
        Message {
            name: names::message_name(&proto),
            go_type: found.name.clone(),
            group: self.group(found),
            fields,
            doc: String::new(),
            recursive: false,
            never_nil: self.overrides.ty(&found.name).is_some_and(|it| it.never_nil),
        }
    }

    fn proto_name(&self, found: &Type) -> String {
        if let Some(name) = self.overrides.ty(&found.name).and_then(|it| it.name.clone()) {
            return name;
        }
        let name = found.name.split_once('.').map_or(found.name.as_str(), |(_, name)| name);
        let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| !it.is_empty() && *it != "model");
        let mut proto = String::new();
        for part in &mut parts {
            proto.push_str(&part[..1].to_ascii_uppercase());
            proto.push_str(&part[1..]);
        }
        proto
    }

    /// The Go file's name, or the package of a type of another module.
    fn group(&self, found: &Type) -> String {
        if let Some(group) = self.overrides.ty(&found.name).and_then(|it| it.group.clone()) {
            return group;
        }
        let group = match &found.file {
            Some(file) => file.rsplit('/').next().unwrap_or(file).trim_end_matches(".go").to_owned(),
            None => found.name.split('.').next().unwrap_or_default().to_owned(),
        };
        self.overrides.group(&group).map_or(group.clone(), ToOwned::to_owned)
    }

    /// A wrapper lives where its innermost message or enum lives, that of a `Value` with it; those of scalars in `list`.
    fn wrapper_group(&self, inner: &Ty) -> String {
        let mut ty = inner;
        while let Ty::List(next) | Ty::Map(_, next) = ty {
            ty = next;
        }
        let found = match ty {
            Ty::Message(name) | Ty::StringEnum(name) | Ty::IntEnum(name) => {
                self.go_names.get(name).and_then(|go| self.surface.find_type(go)).map(|it| self.group(it))
            }
            Ty::Wrapped(name) => self.wrappers.get(name).map(|it| it.group.clone()),
            _ => None,
        };
        found.unwrap_or_else(|| if *ty == Ty::Value { "value" } else { "list" }.to_owned())
    }
}

fn is_byte(ty: &GoType) -> bool {
    matches!(ty, GoType::Named { package: None, name, .. } if name == "byte" || name == "uint8")
}

fn is_map_key(ty: &Ty) -> bool {
    matches!(
        ty,
        Ty::String | Ty::StringEnum(_) | Ty::IntEnum(_) | Ty::Int32 | Ty::Int64 | Ty::UInt32 | Ty::UInt64 | Ty::Bool
    )
}

fn basic(name: &str) -> Option<Ty> {
    Some(match name {
        "bool" => Ty::Bool,
        "string" => Ty::String,
        "int" | "int64" => Ty::Int64,
        "int8" | "int16" | "int32" | "rune" => Ty::Int32,
        "uint" | "uint64" | "uintptr" => Ty::UInt64,
        "uint8" | "uint16" | "uint32" | "byte" => Ty::UInt32,
        "float32" => Ty::Float,
        "float64" => Ty::Double,
        "error" => Ty::Error,
        _ => return None,
    })
}

/// `StringList`, `PostMap`, `Int64KeyedStringMap`.
fn wrapper_name(inner: &Ty) -> String {
    match inner {
        Ty::List(element) => format!("{}List", type_word(element)),
        Ty::Map(key, value) if matches!(**key, Ty::String | Ty::StringEnum(_)) => format!("{}Map", type_word(value)),
        Ty::Map(key, value) => format!("{}Keyed{}Map", type_word(key), type_word(value)),
        other => type_word(other),
    }
}

fn type_word(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "Bool",
        Ty::Int32 => "Int32",
        Ty::Int64 => "Int64",
        Ty::UInt32 => "UInt32",
        Ty::UInt64 => "UInt64",
        Ty::Float => "Float",
        Ty::Double => "Double",
        Ty::String => "String",
        Ty::Bytes => "Bytes",
        Ty::Json => "Json",
        Ty::Timestamp => "Timestamp",
        Ty::Value => "Value",
        Ty::Error => "Error",
        Ty::StringEnum(name) | Ty::IntEnum(name) | Ty::Message(name) | Ty::Wrapped(name) => name,
        Ty::List(_) | Ty::Map(..) => return wrapper_name(ty),
    }
    .to_owned()
}
