//! From source text to the declarations that matter: types, constants, methods, gob registrations.
//!
//! Takes the text of one file, gives a `File`. Function bodies are looked into for gob registrations only. Refuses text that
//! the grammar cannot read: a declaration lost to an error would be missing without a word.

use std::cell::RefCell;

use tree_sitter::{Node, Parser};

use crate::diagnostic::{Diagnostic, Pos};

pub(crate) mod ast;
pub(crate) mod build_tags;
mod decls;
mod docs;
mod exprs;
mod types;

/// Reads one file.
///
/// # Errors
/// The text is not Go as tree-sitter-go knows it.
pub(crate) fn read(path: &str, text: &str) -> Result<ast::File, Diagnostic> {
    thread_local! {
        static PARSER: RefCell<Parser> = RefCell::new({
            let mut parser = Parser::new();
            parser.set_language(&tree_sitter_go::LANGUAGE.into()).expect("grammar and library have the same ABI");
            parser
        });
    }
    let tree = PARSER.with_borrow_mut(|parser| parser.parse(text, None)).expect("no time limit is set");
    let source = Source { path, text };
    if let Some(error) = first_error(tree.root_node()) {
        return Err(source.syntax_error(error));
    }
    decls::file(&source, tree.root_node())
}

/// A file being read: gives text and positions to tree nodes.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn text(&self, node: Node<'_>) -> &'a str {
        &self.text[node.byte_range()]
    }

    fn line(&self, node: Node<'_>) -> u32 {
        node.start_position().row as u32 + 1
    }

    fn syntax_error(&self, node: Node<'_>) -> Diagnostic {
        let line = self.text.lines().nth(node.start_position().row).unwrap_or_default().trim();
        Diagnostic::new(
            &Pos::new(self.path, self.line(node)),
            format!("cannot read this Go syntax: `{line}`"),
            "check that the file compiles; if it does, the grammar is older than the syntax: raise tree-sitter-go in Cargo.toml",
        )
    }

    /// For a node that is legal Go but has no meaning where it stands, or that this reader does not know.
    fn unsupported(&self, node: Node<'_>, what: &str) -> Diagnostic {
        Diagnostic::new(
            &Pos::new(self.path, self.line(node)),
            format!("cannot read {what}: `{}` ({})", self.text(node), node.kind()),
            "teach it to crates/mm-surface/src/syntax, with a case under tests/cases",
        )
    }
}

fn first_error(node: Node<'_>) -> Option<Node<'_>> {
    if !node.has_error() {
        return None;
    }
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(first_error)
}

/// The named children without comments.
fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| !it.is_extra()).collect()
}

/// The named children that stand in this field; the grammar puts the commas between them there too.
fn fields<'tree>(node: Node<'tree>, name: &str) -> Vec<Node<'tree>> {
    let mut cursor = node.walk();
    node.children_by_field_name(name, &mut cursor).filter(Node::is_named).collect()
}
