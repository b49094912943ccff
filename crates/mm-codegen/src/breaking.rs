//! What a change of the protos breaks for those who were built with earlier ones: host and SDK need not be of the same release.
//!
//! [`between`] takes two sets of protos and gives a line for each thing that the older side could trip over. What may happen: new
//! messages, fields, methods and values, and the end of a field whose number is reserved, since both sides read zero then.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
};

use crate::Files;
use crate::rust::protobuf;

/// Only these packages are ours.
const PACKAGES: &str = "mattermost.";

/// What breaks from `old` to `new`, in the order of names; nothing when everything goes on working. Paths of files begin with `proto/`.
///
/// # Errors
/// When protos do not compile.
pub fn between(old: &Files, new: &Files) -> Result<Vec<String>, String> {
    let (old, new) = (Index::of(&protobuf::compile(old)?), Index::of(&protobuf::compile(new)?));
    let mut found = Vec::new();
    for (name, message) in &old.messages {
        match new.messages.get(name) {
            Some(now) => messages(name, message, now, &mut found),
            None => found.push(format!("message {name} is gone")),
        }
    }
    for (name, values) in &old.enums {
        match new.enums.get(name) {
            Some(now) => enums(name, values, now, &mut found),
            None => found.push(format!("enum {name} is gone")),
        }
    }
    for (name, method) in &old.methods {
        match new.methods.get(name) {
            Some(now) if describe_method(method) == describe_method(now) => {}
            Some(now) => found.push(format!("rpc {name} was {}, is {}", describe_method(method), describe_method(now))),
            None => found.push(format!("rpc {name} is gone")),
        }
    }
    Ok(found)
}

/// Everything by its full name.
#[derive(Default)]
struct Index {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
    methods: BTreeMap<String, MethodDescriptorProto>,
}

impl Index {
    fn of(set: &FileDescriptorSet) -> Self {
        let mut index = Self::default();
        for file in set.file.iter().filter(|it| it.package().starts_with(PACKAGES)) {
            for message in &file.message_type {
                index.message(file.package(), message);
            }
            for it in &file.enum_type {
                index.enums.insert(format!("{}.{}", file.package(), it.name()), it.clone());
            }
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    index.methods.insert(name, method.clone());
                }
            }
        }
        index
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for it in &message.enum_type {
            self.enums.insert(format!("{name}.{}", it.name()), it.clone());
        }
        self.messages.insert(name, message.clone());
    }
}

fn messages(name: &str, old: &DescriptorProto, new: &DescriptorProto, found: &mut Vec<String>) {
    for field in &old.field {
        let (label, number) = (field.name(), field.number());
        let Some(now) = new.field.iter().find(|it| it.number() == number) else {
            if let Some(moved) = new.field.iter().find(|it| it.name() == label) {
                found.push(format!("{name}.{label} had number {number}, has {}", moved.number()));
            } else if !is_reserved(new, number) {
                found.push(format!("{name}.{label} is gone, and its number {number} is not reserved"));
            }
            continue;
        };
        if now.name() != label {
            found.push(format!("{name}: number {number} was {label}, is {}", now.name()));
        }
        let (was, is) = (describe_field(old, field), describe_field(new, now));
        if was != is {
            found.push(format!("{name}.{label} was {was}, is {is}"));
        }
    }
}

fn is_reserved(message: &DescriptorProto, number: i32) -> bool {
    // The end of a range is outside of it.
    message.reserved_range.iter().any(|it| (it.start()..it.end()).contains(&number))
}

fn enums(name: &str, old: &EnumDescriptorProto, new: &EnumDescriptorProto, found: &mut Vec<String>) {
    for value in &old.value {
        let (label, number) = (value.name(), value.number());
        match new.value.iter().find(|it| it.name() == label) {
            Some(now) if now.number() == number => {}
            Some(now) => found.push(format!("{name}.{label} had number {number}, has {}", now.number())),
            None => found.push(format!("{name}.{label} is gone")),
        }
    }
}

/// What a field is on the wire and to whoever reads it, such as `repeated string`.
fn describe_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let presence = match (field.label() == Label::Repeated, field.proto3_optional(), field.oneof_index) {
        (true, _, _) => "repeated ".to_owned(),
        (_, true, _) => "optional ".to_owned(),
        (_, _, Some(index)) => {
            let oneof = usize::try_from(index).ok().and_then(|it| message.oneof_decl.get(it));
            format!("oneof {} ", oneof.map(|it| it.name()).unwrap_or_default())
        }
        _ => String::new(),
    };
    let kind = match field.r#type() {
        Type::Message | Type::Enum | Type::Group => field.type_name().trim_start_matches('.').to_owned(),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    presence + &kind
}

fn describe_method(method: &MethodDescriptorProto) -> String {
    let part = |streams: bool, name: &str| {
        let stream = if streams { "stream " } else { "" };
        format!("({stream}{})", name.trim_start_matches('.'))
    };
    let input = part(method.client_streaming(), method.input_type());
    format!("{input} returns {}", part(method.server_streaming(), method.output_type()))
}
