//! The two facts that upstream keeps in comments: `@tag` and `Minimum server version:`. The sentences stay where they are.

use tree_sitter::Node;

use super::Source;

/// Facts from the comment of a declaration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) since: Option<String>,
    pub(super) tags: Vec<String>,
}

/// From the comment that stands directly above the node.
pub(super) fn facts(source: &Source<'_>, node: Node<'_>) -> Facts {
    let mut facts = Facts::default();
    for comment in comments_above(node).into_iter().rev() {
        for line in source.text(comment).lines() {
            note(&mut facts, line);
        }
    }
    facts.tags.sort();
    facts.tags.dedup();
    facts
}

/// The comments above a node, nearest first: without a blank line between, and not trailing something else's line.
fn comments_above(node: Node<'_>) -> Vec<Node<'_>> {
    let mut comments = Vec::new();
    let mut below = node;
    while let Some(comment) = below.prev_named_sibling().filter(|it| it.kind() == "comment") {
        let touches = comment.end_position().row + 1 == below.start_position().row;
        let before = comment.prev_named_sibling();
        let trails = before.is_some_and(|it| it.end_position().row == comment.start_position().row);
        if !touches || trails {
            break;
        }
        comments.push(comment);
        below = comment;
    }
    comments
}

fn note(facts: &mut Facts, line: &str) {
    let line = line.trim().trim_start_matches("//").trim_start_matches("/*").trim_end_matches("*/");
    let line = line.trim().trim_start_matches('*').trim_start();
    if let Some(version) = line.strip_prefix("Minimum server version:") {
        let version = version.trim();
        if version.starts_with(|it: char| it.is_ascii_digit()) && version.contains('.') {
            facts.since = Some(version.to_owned());
        }
    } else if let Some(tag) = line.strip_prefix("@tag ") {
        facts.tags.extend(tag.split([',', ' ']).filter(|it| !it.is_empty()).map(str::to_owned));
    }
}
