//! Statements as they are sent: with the connection's tag before them, and wrapped so that times come as text.

use mm_sql::{Kind, SqlColumn, Statement};

use super::link::is_time;

/// The name that a wrapped statement's rows have.
const ROWS: &str = "mm_rows";

/// A text for the database, and how places in it are found in the text that the plugin gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) text: String,
    /// Pieces of the plugin's text: where each begins in what is sent and in what was given, and how long it is; all in characters.
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    sent: usize,
    given: usize,
    length: usize,
}

impl Sent {
    /// Begins with the tag.
    fn new(tag: &str) -> Self {
        Self { text: tag.to_owned(), pieces: Vec::new() }
    }

    /// Adds something of our own.
    fn ours(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Adds a piece of the statement, given in bytes.
    fn given(mut self, statement: &Statement, from: usize, to: usize) -> Self {
        let piece = &statement.text()[from..to];
        self.pieces.push(Piece {
            sent: self.text.chars().count(),
            given: statement.text()[..from].chars().count(),
            length: piece.chars().count(),
        });
        self.text.push_str(piece);
        self
    }

    /// Where a place of the database's (in characters, from 1) is in what was given; 0 when it is not in there.
    pub(super) fn place(&self, position: i64) -> i64 {
        let Some(at) = usize::try_from(position).ok().and_then(|it| it.checked_sub(1)) else { return 0 };
        // The end of a piece is in it: there the database finds what is missing.
        let piece = self.pieces.iter().find(|it| (it.sent..=it.sent + it.length).contains(&at));
        piece.and_then(|it| i64::try_from(at - it.sent + it.given + 1).ok()).unwrap_or_default()
    }
}

/// The statement as it is.
pub(super) fn plain(tag: &str, statement: &Statement) -> Sent {
    Sent::new(tag).given(statement, statement.start(), statement.text().len())
}

/// What gives a query's columns and no rows, without executing anything of it.
pub(super) fn probe(tag: &str, statement: &Statement) -> Sent {
    body(Sent::new(tag).ours("SELECT * FROM (\n"), statement).ours(&format!("\n) AS {ROWS} LIMIT 0"))
}

/// The statement with its times as text; `None` when it cannot be wrapped.
pub(super) fn wrapped(tag: &str, statement: &Statement, columns: &[SqlColumn]) -> Option<Sent> {
    let names: Vec<String> = (1..=columns.len()).map(|index| format!("c{index}")).collect();
    let names = names.join(", ");
    let chosen: Vec<String> = (1..).zip(columns).map(|(index, column)| chosen(index, column)).collect();
    let chosen = chosen.join(", ");
    let end = statement.start() + statement.body().len();
    match statement.kind() {
        Kind::Query => {
            let sent = Sent::new(tag).ours(&format!("SELECT {chosen} FROM (\n"));
            Some(body(sent, statement).ours(&format!("\n) AS {ROWS} ({names})")))
        }
        Kind::Returning { main, with } => {
            let word = if with { "," } else { "WITH" };
            let sent = Sent::new(tag)
                .given(statement, statement.start(), main)
                .ours(&format!("{word} {ROWS} ({names}) AS (\n"))
                .given(statement, main, end)
                .ours(&format!("\n) SELECT {chosen} FROM {ROWS}"));
            Some(sent)
        }
        Kind::Empty | Kind::Rows | Kind::Command => None,
    }
}

fn body(sent: Sent, statement: &Statement) -> Sent {
    sent.given(statement, statement.start(), statement.start() + statement.body().len())
}

fn chosen(index: usize, column: &SqlColumn) -> String {
    if is_time(&column.r#type) { format!("c{index}::text") } else { format!("c{index}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(type_name: &str) -> SqlColumn {
        SqlColumn { r#type: type_name.to_owned(), ..SqlColumn::default() }
    }

    fn wrap(text: &str) -> Option<String> {
        wrapped("/*t*/", &Statement::read(text), &[column("INT8"), column("DATE")]).map(|it| it.text)
    }

    #[test]
    fn a_query_goes_into_from() {
        let expected = "/*t*/SELECT c1, c2::text FROM (\nSELECT a, b FROM x -- c\n) AS mm_rows (c1, c2)";
        assert_eq!(wrap(" SELECT a, b FROM x -- c\n;").as_deref(), Some(&*expected.replace(" -- c", "")));
        let probed = probe("", &Statement::read("VALUES (1)"));
        assert_eq!(probed.text, "SELECT * FROM (\nVALUES (1)\n) AS mm_rows LIMIT 0");
    }

    #[test]
    fn a_change_goes_into_with() {
        let expected =
            "/*t*/WITH mm_rows (c1, c2) AS (\nINSERT INTO x RETURNING a, b\n) SELECT c1, c2::text FROM mm_rows";
        assert_eq!(wrap("INSERT INTO x RETURNING a, b").as_deref(), Some(expected));
        let expected = "/*t*/WITH y AS (DELETE FROM x RETURNING *) , mm_rows (c1, c2) AS (\nTABLE y\n) SELECT c1, c2::text FROM mm_rows";
        assert_eq!(wrap("WITH y AS (DELETE FROM x RETURNING *) TABLE y").as_deref(), Some(expected));
        assert_eq!(wrap("SHOW x"), None);
    }

    #[test]
    fn places_are_those_of_the_plugins_text() {
        let statement = Statement::read("/*ä*/ SELECT é FROM");
        let sent = probe("/*t*/", &statement);
        let at = |needle: &str, text: &str| {
            let bytes = text.find(needle).unwrap_or_else(|| panic!("{needle} in {text}"));
            i64::try_from(text[..bytes].chars().count()).expect("small") + 1
        };
        for needle in ["SELECT é", "é", "FROM"] {
            let given = at(needle, statement.text());
            let found = if needle == "FROM" { at("FROM\n", &sent.text) } else { at(needle, &sent.text) };
            assert_eq!(sent.place(found), given, "{needle}");
        }
        assert_eq!(sent.place(1), 0);
        assert_eq!(sent.place(0), 0);
        assert_eq!(sent.place(-5), 0);
        assert_eq!(sent.place(10_000), 0);
        let change = Statement::read("WITH y AS (SELECT 1) DELETE FROM x RETURNING oops");
        let sent = wrapped("/*t*/", &change, &[column("DATE")]).expect("can be wrapped");
        assert_eq!(sent.place(at("oops", &sent.text)), at("oops", change.text()));
        assert_eq!(sent.place(at("SELECT 1", &sent.text)), at("SELECT 1", change.text()));
    }
}
