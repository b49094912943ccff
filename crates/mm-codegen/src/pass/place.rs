//! After this pass every message has a proto file, no two files import each other in a circle, and messages that can hold
//! themselves are marked.
//!
//! A message's file is its group, unless it is in a circle of messages that spans files: then the whole circle moves to
//! one, `value` if it goes through `Value`. Files that still import each other are joined.

use std::collections::BTreeMap;

use super::{Context, graph};
use crate::ir::Ir;

pub(super) fn run(ir: &mut Ir, _context: &mut Context) {
    let graph = graph::of_messages(ir);
    let circles = graph::circles(&graph);
    for name in circles.iter().flatten() {
        if let Some(message) = ir.messages.get_mut(name) {
            message.recursive = true;
        }
    }
    let mut files = groups(ir);
    for circle in &circles {
        let first = circle.iter().map(|it| files[it].clone()).min().expect("a circle has members");
        let target = if circle.contains("Value") { "value".to_owned() } else { first };
        files.extend(circle.iter().map(|it| (it.clone(), target.clone())));
    }
    join_files(&graph, &mut files);
    ir.proto_files = files;
}

fn groups(ir: &Ir) -> BTreeMap<String, String> {
    let messages = ir.messages.iter().map(|(name, it)| (name.clone(), it.group.clone()));
    let streams = ir.stream_messages.iter().map(|(name, it)| (name.clone(), it.message.group.clone()));
    let wrappers = ir.wrappers.iter().map(|(name, it)| (name.clone(), it.group.clone()));
    let own = ["Value", "ErrorValue"].map(|name| (name.to_owned(), "value".to_owned()));
    messages.chain(streams).chain(wrappers).chain(own).collect()
}

/// Resolves circles of files, until there are none: what `Value` holds moves to it, so that those who hold a `Value` can
/// stay where they are; files of any other circle are joined.
fn join_files(graph: &graph::Graph, files: &mut BTreeMap<String, String>) {
    let of_value = graph::reachable(graph, "Value");
    loop {
        let mut imports = graph::Graph::new();
        for (name, references) in graph {
            let entry = imports.entry(files[name].clone()).or_default();
            entry.extend(references.iter().map(|it| files[it].clone()).filter(|it| *it != files[name]));
        }
        let circles = graph::circles(&imports);
        let Some(circle) = circles.first() else { return };
        let through_value = circle.contains("value");
        let target = if through_value { "value" } else { circle.first().expect("a circle has members") };
        for (name, file) in files.iter_mut() {
            if circle.contains(file) && (!through_value || of_value.contains(name.as_str())) {
                target.clone_into(file);
            }
        }
    }
}
