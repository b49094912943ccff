//! Collects what a module needs and writes import blocks in the order `ruff` (isort) wants.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{WIDTH, columns, pad};
use crate::nodes::Imports;
use crate::types::Annotation;

/// The package that models are imported from, for annotations.
pub(crate) const MODELS: &str = "mattermost_plugin._generated.models";

/// Stands for the module itself among the names to import from it.
const WHOLE: &str = "";

/// What a module imports, by module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block(BTreeMap<String, BTreeSet<String>>);

impl Block {
    pub(crate) fn add(&mut self, module: &str, name: &str) {
        self.0.entry(module.to_owned()).or_default().insert(name.to_owned());
    }

    pub(crate) fn remove(&mut self, module: &str) {
        self.0.remove(module);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an annotation names, except what the module itself defines.
    pub(crate) fn add_annotation(&mut self, annotation: &Annotation, own: impl Fn(&str) -> bool) {
        for (module, name) in &annotation.imports {
            self.add(module, name);
        }
        for name in annotation.models.iter().filter(|it| !own(it)) {
            self.add(MODELS, name);
        }
    }

    /// The lines, with a blank one between the sections.
    pub(crate) fn lines(&self, indent: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for section in [Section::Standard, Section::ThirdParty, Section::FirstParty] {
            let mut modules: Vec<_> = self.0.iter().filter(|(module, _)| Section::of(module) == section).collect();
            if modules.is_empty() {
                continue;
            }
            modules.sort_by_key(|(module, names)| (!names.contains(WHOLE), natural(module)));
            if !lines.is_empty() {
                lines.push(String::new());
            }
            for (module, names) in modules {
                lines.extend(import(module, names, indent));
            }
        }
        lines
    }
}

/// A module's blocks together.
pub(crate) fn imports(runtime: &Block, checking: &Block, otherwise: &Block) -> Imports {
    Imports { runtime: runtime.lines(0), checking: checking.lines(4), otherwise: otherwise.lines(4) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Standard,
    ThirdParty,
    FirstParty,
}

impl Section {
    fn of(module: &str) -> Self {
        match module.split('.').next().unwrap_or_default() {
            "mattermost_plugin" => Self::FirstParty,
            "typing_extensions" => Self::ThirdParty,
            _ => Self::Standard,
        }
    }
}

fn import(module: &str, names: &BTreeSet<String>, indent: usize) -> Vec<String> {
    if names.contains(WHOLE) {
        return vec![format!("{}import {module}", pad(indent))];
    }
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_by_key(|it| (kind_of_name(it), natural(it), (*it).to_owned()));
    let flat = format!("{}from {module} import {}", pad(indent), names.join(", "));
    if columns(&flat) <= WIDTH {
        return vec![flat];
    }
    let mut lines = vec![format!("{}from {module} import (", pad(indent))];
    lines.extend(names.iter().map(|it| format!("{}{it},", pad(indent + 4))));
    lines.push(format!("{})", pad(indent)));
    lines
}

/// isort's `order-by-type`: constants, classes, the rest.
fn kind_of_name(name: &str) -> u8 {
    let is_constant = name.len() > 1 && name.chars().all(|it| !it.is_lowercase());
    match name.chars().next() {
        _ if is_constant => 0,
        Some(first) if first.is_uppercase() => 1,
        _ => 2,
    }
}

/// A key that sorts without case and numbers by value.
pub(crate) fn natural(text: &str) -> Vec<(u8, u64, String)> {
    let mut key: Vec<(u8, u64, String)> = Vec::new();
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        push_digits(&mut key, &mut digits);
        key.push((1, 0, character.to_lowercase().collect()));
    }
    push_digits(&mut key, &mut digits);
    key
}

fn push_digits(key: &mut Vec<(u8, u64, String)>, digits: &mut String) {
    if let Ok(number) = digits.parse() {
        key.push((0, number, String::new()));
    }
    digits.clear();
}

/// Names in the order ruff wants `__all__` in: constants, classes, the rest.
pub(crate) fn sorted_all(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|it| (kind_of_name(it), natural(it), it.clone()));
    names
}
