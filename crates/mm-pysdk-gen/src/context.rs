//! What all lowerings look up: which Python module holds a model, and what a type name stands for.

use std::collections::BTreeMap;

use mm_codegen::ir::{EnumKind, Ir, Message, OpenEnum, Presence};

use crate::error::Error;
use crate::names;

/// Lines a module of models should have at most; beyond it, the largest model moves into a module of its own.
const MODULE_LINES: usize = 1_200;

/// The IR together with the division into Python modules.
pub(crate) struct Context<'a> {
    pub(crate) ir: &'a Ir,
    /// Messages by Python module, in alphabetical order.
    pub(crate) messages: BTreeMap<String, Vec<&'a Message>>,
    /// Enums with members by Python module.
    pub(crate) enums: BTreeMap<String, Vec<&'a OpenEnum>>,
    /// The Python module of each message and enum.
    pub(crate) module_of: BTreeMap<&'a str, String>,
}

impl<'a> Context<'a> {
    /// Divides the models into modules.
    ///
    /// # Errors
    /// When a message and an enum share a name.
    pub(crate) fn new(ir: &'a Ir) -> Result<Self, Error> {
        let mut messages: BTreeMap<String, Vec<&Message>> = BTreeMap::new();
        for message in ir.messages.values() {
            messages.entry(names::module(&message.group)).or_default().push(message);
        }
        let mut enums: BTreeMap<String, Vec<&OpenEnum>> = BTreeMap::new();
        for (_, it) in ir.enums.iter().filter(|(_, it)| !it.members.is_empty()) {
            enums.entry(names::module(&it.group)).or_default().push(it);
        }
        split_large(&mut messages, &enums);
        let mut context = Self { ir, messages, enums, module_of: BTreeMap::new() };
        context.index()?;
        Ok(context)
    }

    /// The enum of this name, unless Go gives it no constants: then it is a plain scalar.
    pub(crate) fn open_enum(&self, name: &str) -> Option<&'a OpenEnum> {
        self.ir.enums.get(name).filter(|it| !it.members.is_empty())
    }

    /// The names of all modules of models.
    pub(crate) fn modules(&self) -> Vec<&str> {
        let mut modules: Vec<&str> = self.messages.keys().chain(self.enums.keys()).map(String::as_str).collect();
        modules.sort_unstable();
        modules.dedup();
        modules
    }

    fn index(&mut self) -> Result<(), Error> {
        let mut problems = Vec::new();
        let messages = self.messages.iter().flat_map(|(module, it)| it.iter().map(move |it| (module, &it.name.camel)));
        let enums = self.enums.iter().flat_map(|(module, it)| it.iter().map(move |it| (module, &it.name.camel)));
        for (module, name) in messages.chain(enums) {
            if let Some(other) = self.module_of.insert(name, module.clone()) {
                problems.push(format!(
                    "two models are called {name} (modules {other} and {module}); rename one in surface/overrides.toml"
                ));
            }
            if names::TAKEN_BY_IMPORTS.contains(&name.as_str()) {
                problems.push(format!(
                    "a model called {name} hides what generated modules import; rename it in surface/overrides.toml"
                ));
            }
        }
        Error::check(problems)
    }
}

/// What an enum's values are in Python.
pub(crate) fn scalar_of(kind: EnumKind) -> &'static str {
    match kind {
        EnumKind::String => "str",
        EnumKind::Int => "int",
    }
}

/// Moves the largest models of modules that are too long into modules of their own.
fn split_large(messages: &mut BTreeMap<String, Vec<&Message>>, enums: &BTreeMap<String, Vec<&OpenEnum>>) {
    let groups: Vec<String> = messages.keys().cloned().collect();
    for group in groups {
        loop {
            let members = &messages[&group];
            let enum_lines: usize = enums.get(&group).into_iter().flatten().map(|it| it.members.len() + 5).sum();
            let lines: usize = members.iter().map(|it| estimated_lines(it)).sum::<usize>() + enum_lines;
            if lines <= MODULE_LINES || members.len() == 1 {
                break;
            }
            let (position, largest) = members
                .iter()
                .enumerate()
                .max_by_key(|(position, it)| (estimated_lines(it), usize::MAX - position))
                .expect("a group has a message");
            let module = names::module(&largest.name.snake);
            if messages.contains_key(&module) {
                break;
            }
            let moved = messages.get_mut(&group).expect("the group is there").remove(position);
            messages.insert(module, vec![moved]);
        }
    }
}

fn estimated_lines(message: &Message) -> usize {
    let documented = message.fields.iter().filter(|it| !it.doc.is_empty()).count();
    let embedded = message.fields.iter().filter(|it| it.presence == Presence::Embedded).count();
    12 + 2 * message.fields.len() + documented + 5 * embedded
}
