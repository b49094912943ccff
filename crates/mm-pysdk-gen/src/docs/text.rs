//! Markdown: sentences on lines, cells, links.

/// One sentence a line; paragraphs stay apart.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim().split("\n\n").filter(|it| !it.trim().is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(sentences(&paragraph.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    lines
}

fn sentences(paragraph: &str) -> Vec<String> {
    let mut rest = paragraph.to_owned();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let (first, more) = crate::docstring::first_sentence(&rest);
        lines.push(first);
        rest = more;
    }
    lines
}

/// A text in a table's cell: on one line, with no bar that would end the cell.
pub(super) fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A cell that is a sentence, or empty.
pub(super) fn sentence_cell(text: &str) -> String {
    cell(&crate::docstring::sentence(text))
}

/// Code in a cell. GitHub reads `\|` in code within tables as a bar.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
}

/// A link whose text is code.
pub(super) fn code_link(text: &str, target: &str) -> String {
    format!("[{}]({target})", code(text))
}

/// A Python `def` line that fits a page: one parameter a line where it would be longer than a line of code.
pub(super) fn definition(head: &str, parameters: &[String], result: &str, tail: &str) -> Vec<String> {
    let flat = format!("{head}({}) -> {result}{tail}", parameters.join(", "));
    if flat.chars().count() <= 100 {
        return vec![flat];
    }
    let mut lines = vec![format!("{head}(")];
    lines.extend(parameters.iter().map(|it| format!("    {it},")));
    lines.push(format!(") -> {result}{tail}"));
    lines
}
