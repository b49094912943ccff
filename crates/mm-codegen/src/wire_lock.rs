//! `wire.lock`: the ledger of field numbers. Append-only.
//!
//! One line a field: `Post.message = 12 string`, and `Post.old = 7 int64 removed` once the surface has it no longer. A
//! number is never given twice in a message. A field whose type changes gets a new number: the old one would be read
//! wrongly by a peer of another age.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Diagnostic;
use crate::ir::Reserved;

pub(crate) const FILE: &str = "surface/wire.lock";

const HEADER: &str = "\
# Field numbers of every message, append-only: a line is never deleted and its number never changes.
# Written by `cargo xtask regenerate`; a field that is gone keeps its line, marked `removed`.
";

/// The whole ledger: by message, then by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WireLock {
    messages: BTreeMap<String, BTreeMap<u32, Entry>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    field: String,
    ty: String,
    removed: bool,
}

impl WireLock {
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut lock = Self::default();
        let mut diagnostics = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((message, number, entry)) = parse_line(line) else {
                diagnostics.push(Diagnostic::new(
                    FILE,
                    format!("line {}", index + 1),
                    format!("`{line}` is not `Message.field = number type [removed]`"),
                    "restore the line from the repository's history",
                ));
                continue;
            };
            if lock.messages.entry(message.to_owned()).or_default().insert(number, entry).is_some() {
                diagnostics.push(Diagnostic::new(
                    FILE,
                    format!("line {}", index + 1),
                    format!("number {number} of {message} is given twice"),
                    "restore the file from the repository's history and run `cargo xtask regenerate` again",
                ));
            }
        }
        if diagnostics.is_empty() { Ok(lock) } else { Err(diagnostics) }
    }

    /// The number of a field, a new one if the ledger has none: the next free, from `first` on.
    pub(crate) fn number(&mut self, message: &str, field: &str, ty: &str, first: u32) -> u32 {
        let entries = self.messages.entry(message.to_owned()).or_default();
        let known = entries.iter_mut().find(|(_, entry)| entry.field == field && entry.ty == ty);
        if let Some((number, entry)) = known {
            entry.removed = false;
            return *number;
        }
        let number = entries.keys().next_back().map_or(first, |last| next_number(*last).max(first));
        entries.insert(number, Entry { field: field.to_owned(), ty: ty.to_owned(), removed: false });
        number
    }

    /// Marks everything removed that `is_used` does not know; it is given message and number.
    pub(crate) fn retire(&mut self, is_used: impl Fn(&str, u32) -> bool) {
        for (message, entries) in &mut self.messages {
            for (number, entry) in entries {
                entry.removed = !is_used(message, *number);
            }
        }
    }

    /// What is removed from a message.
    pub(crate) fn reserved(&self, message: &str) -> Vec<Reserved> {
        let entries = self.messages.get(message).into_iter().flatten();
        entries
            .filter(|(_, entry)| entry.removed)
            .map(|(number, entry)| Reserved { name: entry.field.clone(), number: *number })
            .collect()
    }

    /// The file's text.
    pub(crate) fn print(&self) -> String {
        let mut text = HEADER.to_owned();
        for (message, entries) in &self.messages {
            for (number, Entry { field, ty, removed }) in entries {
                let removed = if *removed { " removed" } else { "" };
                writeln!(text, "{message}.{field} = {number} {ty}{removed}").expect("writing to a string cannot fail");
            }
        }
        text
    }
}

/// Proto keeps 19000 to 19999 for itself.
fn next_number(last: u32) -> u32 {
    if last + 1 == 19_000 { 20_000 } else { last + 1 }
}

fn parse_line(line: &str) -> Option<(&str, u32, Entry)> {
    let (path, rest) = line.split_once(" = ")?;
    let (message, field) = path.split_once('.')?;
    let (number, rest) = rest.split_once(' ')?;
    let (ty, removed) = match rest.strip_suffix(" removed") {
        Some(ty) => (ty, true),
        None => (rest, false),
    };
    let number = number.parse().ok().filter(|it| *it > 0)?;
    Some((message, number, Entry { field: field.to_owned(), ty: ty.to_owned(), removed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_removal_and_are_never_reused() {
        let mut lock = WireLock::parse("Post.id = 1 string\nPost.old = 2 int64\n").unwrap();
        assert_eq!(lock.number("Post", "id", "string", 1), 1);
        assert_eq!(lock.number("Post", "new", "bool", 1), 3);
        lock.retire(|_, number| number != 2);
        assert_eq!(lock.reserved("Post"), [Reserved { name: "old".into(), number: 2 }]);
        assert!(lock.print().ends_with("Post.id = 1 string\nPost.old = 2 int64 removed\nPost.new = 3 bool\n"));
        assert_eq!(WireLock::parse(&lock.print()).unwrap(), lock);
    }

    #[test]
    fn a_field_that_comes_back_gets_its_number_back() {
        let mut lock = WireLock::parse("Post.old = 2 int64 removed\n").unwrap();
        assert_eq!(lock.number("Post", "old", "int64", 1), 2);
        assert_eq!(lock.reserved("Post"), []);
    }

    #[test]
    fn a_changed_type_is_a_new_field() {
        let mut lock = WireLock::parse("Post.id = 1 string\n").unwrap();
        assert_eq!(lock.number("Post", "id", "int64", 1), 2);
    }

    #[test]
    fn the_range_that_proto_keeps_is_skipped() {
        let mut lock = WireLock::parse("Post.id = 18999 string\n").unwrap();
        assert_eq!(lock.number("Post", "next", "string", 1), 20_000);
    }

    #[test]
    fn damage_is_reported() {
        let errors = WireLock::parse("Post.id = one string\nPost.a = 1 bool\nPost.b = 1 bool\n").unwrap_err();
        assert_eq!(errors.len(), 2);
    }
}
