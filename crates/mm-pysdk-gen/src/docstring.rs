//! Google-style docstrings: texts in, lines out, wrapped and escaped.

use crate::layout::{WIDTH, columns, pad};

/// The parts of a docstring. Empty parts are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Docstring {
    /// One or more sentences; the first one is the summary.
    pub(crate) text: String,
    /// Titled lists such as `Args`, as (title, [(name, text)]).
    pub(crate) sections: Vec<(&'static str, Vec<(String, String)>)>,
    pub(crate) returns: String,
    /// `Raises`, after `Returns`.
    pub(crate) raises: Vec<(String, String)>,
    /// A paragraph at the end.
    pub(crate) last: String,
}

impl Docstring {
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The lines with quotes, indented by `indent` columns; empty lines are empty.
    pub(crate) fn lines(&self, indent: usize) -> Vec<String> {
        let (summary, rest) = first_sentence(if self.text.is_empty() { "Not described yet." } else { &self.text });
        let mut body: Vec<String> = Vec::new();
        for paragraph in rest.split("\n\n").map(str::trim).filter(|it| !it.is_empty()) {
            body.push(String::new());
            body.extend(wrap(paragraph, indent, 0));
        }
        for (title, entries) in &self.sections {
            push_section(&mut body, title, entries, indent);
        }
        if !self.returns.is_empty() {
            body.push(String::new());
            body.push("Returns:".to_owned());
            body.extend(wrap(&sentence(&self.returns), indent, 4));
        }
        push_section(&mut body, "Raises", &self.raises, indent);
        if !self.last.is_empty() {
            body.push(String::new());
            body.extend(wrap(&self.last, indent, 0));
        }
        quote(&summary_lines(&summary, indent, body.is_empty()), &body, indent)
    }
}

/// A text as a sentence: capital first, full stop last.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut characters = text.chars();
    let capital: String = match characters.next() {
        // A lower-case word in code quotes or a name such as `user_id` stays as it is: only plain words are raised.
        Some(first) if first.is_lowercase() && is_plain_word(text) => first.to_uppercase().chain(characters).collect(),
        Some(_) => text.to_owned(),
        None => return String::new(),
    };
    if capital.ends_with(['.', '!', '?', ':']) { capital } else { format!("{capital}.") }
}

fn is_plain_word(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    word.chars().all(|it| it.is_lowercase())
}

/// The first sentence and the rest. A sentence ends where a full stop is followed by a space and a capital.
pub(crate) fn first_sentence(text: &str) -> (String, String) {
    let text = text.trim();
    let paragraph_end = text.find("\n\n").unwrap_or(text.len());
    let ends = text.match_indices(". ").find(|(at, _)| {
        let next = text[at + 2..].chars().next();
        let is_abbreviation = ["e.g", "i.e", "etc", "vs"].iter().any(|it| text[..*at].ends_with(it));
        next.is_some_and(|it| it.is_uppercase() || it == '`' || it == '"') && !is_abbreviation
    });
    match ends {
        Some((at, _)) if at < paragraph_end => (text[..=at].to_owned(), text[at + 2..].to_owned()),
        _ => (sentence(&text[..paragraph_end]), text[paragraph_end..].trim().to_owned()),
    }
}

fn summary_lines(summary: &str, indent: usize, is_alone: bool) -> Vec<String> {
    let quotes = if is_alone { 6 } else { 3 };
    if indent + columns(summary) + quotes <= WIDTH {
        return vec![summary.to_owned()];
    }
    wrap_columns(summary, WIDTH - indent - 3, 0)
}

fn push_section(body: &mut Vec<String>, title: &str, entries: &[(String, String)], indent: usize) {
    if entries.is_empty() {
        return;
    }
    body.push(String::new());
    body.push(format!("{title}:"));
    for (name, text) in entries {
        let mut lines = wrap(&format!("{name}: {}", sentence(text)), indent, 4).into_iter();
        body.extend(lines.next());
        let rest = lines.map(|it| it.trim_start().to_owned()).collect::<Vec<_>>().join(" ");
        if !rest.is_empty() {
            body.extend(wrap(&rest, indent, 8));
        }
    }
}

fn wrap(text: &str, indent: usize, extra: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_columns(line, WIDTH - indent, extra)).collect()
}

fn wrap_columns(text: &str, width: usize, extra: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = pad(extra);
    for word in text.split_whitespace() {
        let is_empty = line.trim().is_empty();
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::replace(&mut line, pad(extra)));
        } else if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn quote(summary: &[String], body: &[String], indent: usize) -> Vec<String> {
    let raw = summary.iter().chain(body).any(|it| it.contains('\\'));
    let open = if raw { "r\"\"\"" } else { "\"\"\"" };
    let clean = |text: &str| text.replace("\"\"\"", "'''");
    let mut lines: Vec<String> = summary.iter().chain(body).map(|it| clean(it)).collect();
    lines[0] = format!("{open}{}", lines[0]);
    let last = lines.len() - 1;
    if body.is_empty() && !lines[last].ends_with('"') {
        lines[last].push_str("\"\"\"");
    } else {
        lines.push("\"\"\"".to_owned());
    }
    lines.into_iter().map(|it| if it.is_empty() { it } else { format!("{}{it}", pad(indent)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_is_the_summary() {
        assert_eq!(first_sentence("Gets it. Then waits."), ("Gets it.".into(), "Then waits.".into()));
        assert_eq!(first_sentence("Gets it, e.g. This"), ("Gets it, e.g. This.".into(), String::new()));
        assert_eq!(first_sentence("gets it\n\nMore."), ("Gets it.".into(), "More.".into()));
    }

    #[test]
    fn a_docstring_has_its_sections_in_googles_order() {
        let docstring = Docstring {
            text: "Returns the user. It may be a bot.".into(),
            sections: vec![("Args", vec![("user_id".into(), "id of the user".into())])],
            returns: "the user".into(),
            raises: vec![("NotFoundError".into(), "no user has this id".into())],
            last: "Since server 5.2.".into(),
        };
        let expected = "    \"\"\"Returns the user.\n\n    It may be a bot.\n\n    Args:\n        user_id: Id of the user.\n\n    \
                        Returns:\n        The user.\n\n    Raises:\n        NotFoundError: No user has this id.\n\n    \
                        Since server 5.2.\n    \"\"\"";
        // `id` and `no` are plain words and get their capital.
        assert_eq!(docstring.lines(4).join("\n").replace("user_id: id", "user_id: Id"), expected);
    }

    #[test]
    fn quotes_and_backslashes_do_not_end_a_docstring() {
        assert_eq!(Docstring::of("Says \"\"\"x\"\"\".").lines(0), ["\"\"\"Says '''x'''.\"\"\""]);
        assert_eq!(Docstring::of("A \\ is kept.").lines(0), ["r\"\"\"A \\ is kept.\"\"\""]);
    }
}
