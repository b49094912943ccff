//! `surface.json` as text: one fact a line, so that a changed fact is a changed line.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::surface::{Struct, Surface, Type};

impl Surface {
    /// The text of `surface.json`. The same surface always gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut sections = vec![
            format!("\"upstream\": {}", line(&self.upstream)),
            section("api", self.api.iter().map(line)),
            section("hooks", self.hooks.iter().map(line)),
            section("types", self.types.iter().map(type_lines)),
            section("gob_registered", self.gob_registered.iter().map(line)),
            section("rpc", self.rpc.iter().map(struct_lines)),
            section("rpc_methods", self.rpc_methods.iter().map(line)),
        ];
        if !self.hand_written.is_empty() {
            sections.push(section("hand_written", self.hand_written.iter().map(line)));
        }
        format!("{{\n{}\n}}\n", sections.join(",\n"))
    }

    /// Reads the text of `surface.json`.
    ///
    /// # Errors
    /// The text is no JSON, or not of this form (an unknown key is an error too).
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

fn section(name: &str, items: impl Iterator<Item = String>) -> String {
    format!("\"{name}\": {}", list(items))
}

/// A list with every item on lines of its own.
fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", items.join(",\n")) }
}

fn type_lines(ty: &Type) -> String {
    let mut head = ty.clone();
    (head.fields, head.consts) = (Vec::new(), Vec::new());
    let mut text = line(&head);
    if !ty.fields.is_empty() {
        append(&mut text, "fields", &list(ty.fields.iter().map(line)));
    }
    if !ty.consts.is_empty() {
        append(&mut text, "consts", &list(ty.consts.iter().map(line)));
    }
    text
}

fn struct_lines(it: &Struct) -> String {
    let mut text = format!("{{\"name\": {}}}", line(&it.name));
    append(&mut text, "fields", &list(it.fields.iter().map(line)));
    text
}

/// Adds a member to the text of an object that has members.
fn append(object: &mut String, name: &str, value: &str) {
    object.pop();
    object.push_str(&format!(", \"{name}\": {value}}}"));
}

/// JSON on one line, with the spaces that make it easy to read.
fn line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, OneLine)).expect("plain data");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
