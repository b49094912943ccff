//! After this pass no two things of one scope have one name in any target, and the fields that `text_result` names are there.

use std::collections::BTreeMap;

use super::Context;
use crate::Diagnostic;
use crate::ir::{Field, Ir, Stream, Ty};
use crate::{names, overrides};

/// Messages of the backend's own, which nothing else may be called.
const OWN: &[&str] = &["Value", "ErrorValue", "PluginApi", "PluginHooks"];

pub(super) fn run(ir: &mut Ir, context: &mut Context) {
    let mut scope = Scope::new("the proto package");
    for own in OWN {
        scope.add(own, "a message of our own");
    }
    for message in ir.messages.values() {
        scope.add(&message.name.camel, &message.go_type);
    }
    for it in ir.enums.values() {
        scope.add(&it.name.camel, &it.go_type);
    }
    for name in ir.wrappers.keys() {
        scope.add(name, &format!("the wrapper {name}"));
    }
    for name in ir.stream_messages.keys() {
        scope.add(name, &format!("the stream message {name}"));
    }
    for method in ir.api.iter().chain(&ir.hooks) {
        for name in [&method.request, &method.response] {
            if !ir.stream_messages.contains_key(name) {
                scope.add(name, &method.name.go);
            }
        }
    }
    scope.report(&mut context.diagnostics);
    methods(ir, &mut context.diagnostics);
    fields(ir, &mut context.diagnostics);
    enums(ir, &mut context.diagnostics);
    text_results(ir, &mut context.diagnostics);
}

/// Fields of a text's model that are not there, or hold no text.
fn text_results(ir: &Ir, diagnostics: &mut Vec<Diagnostic>) {
    for hook in ir.api.iter().chain(&ir.hooks) {
        let (Some(text), [Field { ty: Ty::Message(model), .. }]) = (&hook.text_result, hook.results.as_slice()) else {
            continue;
        };
        let fields = ir.messages.get(model).map_or(&[][..], |it| &it.fields);
        let holds_text = |name: &str| {
            fields.iter().any(|it| it.name.snake == name && matches!(it.ty, Ty::String | Ty::StringEnum(_)))
        };
        for name in std::iter::once(&text.field).chain(text.with.keys()).filter(|it| !holds_text(it)) {
            diagnostics.push(Diagnostic::new(
                overrides::FILE,
                &hook.name.go,
                format!("`text_result` names {name}, which is no field of {model} that holds a text"),
                "correct the name: fields are spelled as in the proto",
            ));
        }
    }
}

fn methods(ir: &Ir, diagnostics: &mut Vec<Diagnostic>) {
    for (service, methods) in [("PluginApi", &ir.api), ("PluginHooks", &ir.hooks)] {
        let mut scope = Scope::new(service);
        for method in methods {
            scope.add(&method.name.snake, &method.name.go);
        }
        scope.report(diagnostics);
    }
}

fn fields(ir: &Ir, diagnostics: &mut Vec<Diagnostic>) {
    for (name, message) in &ir.messages {
        check_fields(name, &message.fields, diagnostics);
    }
    for method in ir.api.iter().chain(&ir.hooks) {
        if method.stream == Stream::None || method.stream == Stream::Upload {
            check_fields(&method.response, &method.results, diagnostics);
        }
        check_fields(&method.request, &method.params, diagnostics);
    }
    check_fields("Value", &ir.value_variants, diagnostics);
}

fn check_fields(message: &str, fields: &[Field], diagnostics: &mut Vec<Diagnostic>) {
    let mut scope = Scope::new(message);
    for field in fields {
        scope.add(&field.name.snake, if field.name.go.is_empty() { &field.go_type } else { &field.name.go });
    }
    scope.report(diagnostics);
}

fn enums(ir: &Ir, diagnostics: &mut Vec<Diagnostic>) {
    for (name, it) in &ir.enums {
        let mut scope = Scope::new(name);
        for member in &it.members {
            scope.add(&member.name, &member.go);
        }
        scope.report(diagnostics);
    }
}

/// Names in one scope, and who has them. Names that differ only in how Rust spells them count as one.
struct Scope<'a> {
    of: &'a str,
    owners: BTreeMap<String, Vec<(String, String)>>,
}

impl<'a> Scope<'a> {
    fn new(of: &'a str) -> Self {
        Self { of, owners: BTreeMap::new() }
    }

    fn add(&mut self, name: &str, owner: &str) {
        let key = names::rust_type(name);
        self.owners.entry(key).or_default().push((name.to_owned(), owner.to_owned()));
    }

    fn report(self, diagnostics: &mut Vec<Diagnostic>) {
        for owners in self.owners.into_values().filter(|it| it.len() > 1) {
            let list: Vec<&str> = owners.iter().map(|(_, owner)| owner.as_str()).collect();
            diagnostics.push(Diagnostic::new(
                overrides::FILE,
                self.of,
                format!("{} would all be called {}", list.join(" and "), owners[0].0),
                "give one of them another name (`name`, `fields`, `members`, `results` or `param`), with a reason",
            ));
        }
    }
}
