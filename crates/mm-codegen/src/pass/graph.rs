//! Which messages hold which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{Field, Ir, reference};

/// Edges by name.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// What every message, wrapper, stream message, `Value` and `ErrorValue` refers to.
pub(super) fn of_messages(ir: &Ir) -> Graph {
    let fields = |fields: &[Field]| -> BTreeSet<String> {
        fields.iter().filter_map(|it| reference(&it.ty)).map(str::to_owned).collect()
    };
    let mut graph = Graph::new();
    for (name, message) in &ir.messages {
        graph.insert(name.clone(), fields(&message.fields));
    }
    for (name, message) in &ir.stream_messages {
        graph.insert(name.clone(), fields(&message.message.fields));
    }
    for (name, wrapper) in &ir.wrappers {
        graph.insert(name.clone(), reference(&wrapper.inner).map(str::to_owned).into_iter().collect());
    }
    let mut value = fields(&ir.value_variants);
    value.extend(["ValueList", "ValueMap", "ErrorValue"].map(str::to_owned));
    graph.insert("Value".to_owned(), value);
    graph.insert("ErrorValue".to_owned(), fields(&ir.error_variants));
    graph
}

/// The circles: every set of two or more nodes that reach each other, and every node that refers to itself.
pub(super) fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = graph.keys().map(|it| (it.as_str(), reachable(graph, it))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (node, reached) in &reach {
        if !reached.contains(node) || seen.contains(node) {
            continue;
        }
        let circle: BTreeSet<&str> = reached.iter().copied().filter(|it| reach[it].contains(node)).collect();
        seen.extend(circle.iter().copied());
        circles.push(circle.into_iter().map(str::to_owned).collect());
    }
    circles
}

/// What a node reaches in one step or more; itself only through a circle.
pub(super) fn reachable<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut queue: Vec<&str> = graph[from].iter().map(String::as_str).collect();
    while let Some(node) = queue.pop() {
        if let Some((node, next)) = graph.get_key_value(node)
            && reached.insert(node.as_str())
        {
            queue.extend(next.iter().map(String::as_str));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_once_and_lines_are_none() {
        let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "e")];
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
            graph.entry(to.to_owned()).or_default();
        }
        let found: Vec<Vec<String>> = circles(&graph).into_iter().map(|it| it.into_iter().collect()).collect();
        assert_eq!(found, [vec!["b".to_owned(), "c".to_owned()], vec!["e".to_owned()]]);
    }
}
