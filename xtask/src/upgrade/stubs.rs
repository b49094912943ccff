//! Empty texts in `docs.toml`, put where a person would put them.
//!
//! The file is edited as text, since it is written by hand and its order and line breaks are somebody's: a table is a
//! header and the lines up to the next blank one, tables of a kind are sorted, and `params` and `fields` are inline tables.

use std::collections::BTreeMap;

use mm_codegen::MissingDoc;

/// The text with a stub for everything that is missing.
pub(super) fn add(docs: &str, missing: &[MissingDoc]) -> String {
    let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for it in missing {
        entries.entry(&it.entry).or_default().push(&it.key);
    }
    let mut lines: Vec<String> = docs.lines().map(str::to_owned).collect();
    for (entry, keys) in entries {
        let header = format!("[{entry}]");
        let first = match lines.iter().position(|it| *it == header) {
            Some(at) => at + 1,
            None => new_table(&mut lines, &header),
        };
        keys.iter().for_each(|key| add_key(&mut lines, first, key));
    }
    format!("{}\n", lines.join("\n"))
}

/// Puts an empty table where its name belongs among those of its kind; gives the line after its header.
fn new_table(lines: &mut Vec<String>, header: &str) -> usize {
    let kind = &header[..=header.find('.').unwrap_or(0)];
    let of_kind = |it: &&String| it.starts_with(kind);
    let after = lines.iter().position(|it| it.starts_with(kind) && it.as_str() > header);
    let at = after.unwrap_or_else(|| {
        let last = lines.iter().rposition(|it| of_kind(&it)).unwrap_or(lines.len().saturating_sub(1));
        // Behind the last table of its kind, and one blank line.
        end_of_table(lines, last) + 1
    });
    if at > lines.len() {
        lines.push(String::new());
    }
    lines.splice(at..at, [header.to_owned(), String::new()]);
    if at + 2 == lines.len() {
        // The last table of the file has nothing to be kept apart from.
        lines.pop();
    }
    at + 1
}

/// The blank line after a table, or the end of the file.
fn end_of_table(lines: &[String], from: usize) -> usize {
    lines[from..].iter().position(|it| it.trim().is_empty()).map_or(lines.len(), |it| from + it)
}

/// Adds a key to the table whose first line is given.
fn add_key(lines: &mut Vec<String>, first: usize, key: &str) {
    let end = end_of_table(lines, first);
    let table = &mut lines[first..end];
    match key.split_once('.') {
        Some((outer, inner)) => {
            let open = format!("{outer} = {{ ");
            match table.iter_mut().find(|it| it.starts_with(&open)) {
                Some(line) => {
                    let kept = line.trim_end().trim_end_matches('}').trim_end().to_owned();
                    *line = format!("{kept}, {inner} = \"\" }}");
                }
                None => lines.insert(end, format!("{open}{inner} = \"\" }}")),
            }
        }
        // What there is without words already, or no line yet.
        None if table.iter().any(|it| it.starts_with(&format!("{key} = "))) => {}
        None if key == "doc" => lines.insert(first, "doc = \"\"".to_owned()),
        None => lines.insert(end.min(first + 1), format!("{key} = \"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = "\
[api.GetUser]
doc = \"A user.\"

[hook.OnActivate]
doc = \"Starts.\"

[fields]
CreateAt = \"When.\"

[type.\"model.Post\"]
doc = \"A post.\"
fields = { Props = \"Props.\" }

[type.\"model.User\"]
doc = \"A user.\"
";

    fn with(missing: &[(&str, &str)]) -> String {
        let one = |(entry, key): &(&str, &str)| MissingDoc { entry: (*entry).to_owned(), key: (*key).to_owned() };
        add(DOCS, &missing.iter().map(one).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_missing_is_nothing_changed() {
        assert_eq!(with(&[]), DOCS);
    }

    #[test]
    fn tables_are_put_in_order() {
        let text = with(&[("api.Aa", "doc"), ("api.Zz", "doc"), ("api.Zz", "params.a"), ("api.Zz", "params.b")]);
        let new = "[api.Aa]\ndoc = \"\"\n\n[api.GetUser]\ndoc = \"A user.\"\n\n[api.Zz]\ndoc = \"\"\nparams = { a = \"\", b = \"\" }\n\n[hook.OnActivate]\n";
        assert!(text.starts_with(new), "{text}");
    }

    #[test]
    fn the_last_table_ends_the_file() {
        let text = with(&[("type.\"model.Zoo\"", "doc"), ("type.\"model.Zoo\"", "fields.Animals")]);
        assert!(
            text.ends_with("doc = \"A user.\"\n\n[type.\"model.Zoo\"]\ndoc = \"\"\nfields = { Animals = \"\" }\n"),
            "{text}"
        );
    }

    #[test]
    fn tables_that_are_there_get_keys() {
        let text = with(&[
            ("hook.OnActivate", "returns"),
            ("type.\"model.Post\"", "fields.New"),
            ("type.\"model.User\"", "fields.New"),
        ]);
        assert!(text.contains("doc = \"Starts.\"\nreturns = \"\"\n\n[fields]"), "{text}");
        assert!(text.contains("fields = { Props = \"Props.\", New = \"\" }\n\n[type.\"model.User\"]\ndoc = \"A user.\"\nfields = { New = \"\" }\n"), "{text}");
    }
}
