//! PostgreSQL's statements as SQLite takes them: what plugins often write and SQLite writes otherwise. All else is SQLite's to refuse.

use std::ops::Range;

use mm_sql::lexer::{self, Token, TokenKind};
use mm_sql::{SqlFailure, Statement};

/// Words before a parenthesis that are no functions.
const NO_FUNCTIONS: [&str; 14] =
    ["AND", "AS", "BETWEEN", "BY", "CASE", "ELSE", "FROM", "IN", "NOT", "ON", "OR", "SELECT", "THEN", "WHEN"];

/// The statement in SQLite's words.
pub(super) fn translate(statement: &Statement) -> Result<String, SqlFailure> {
    let text = statement.text();
    let tokens = lexer::read(text).tokens;
    let mut writer = Writer { text, tokens: &tokens, changes: Vec::new() };
    for index in 0..tokens.len() {
        writer.look(index)?;
    }
    Ok(writer.finish())
}

struct Writer<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// What comes in place of a piece of the text; pieces may be empty, and are in order of their places only in the end.
    changes: Vec<(Range<usize>, String)>,
}

impl Writer<'_> {
    fn word(&self, index: usize) -> String {
        match self.tokens.get(index) {
            Some(token) if token.kind == TokenKind::Word => self.text[token.at.clone()].to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    fn symbol(&self, index: usize, symbol: char) -> bool {
        self.tokens.get(index).is_some_and(|it| it.kind == TokenKind::Symbol(symbol))
    }

    fn replace(&mut self, first: usize, last: usize, with: &str) {
        self.changes.push((self.tokens[first].at.start..self.tokens[last].at.end, with.to_owned()));
    }

    fn look(&mut self, index: usize) -> Result<(), SqlFailure> {
        if self.tokens[index].kind == TokenKind::Cast {
            return self.cast(index);
        }
        match self.word(index).as_str() {
            // The only way to have SQLite number rows.
            "SERIAL" | "BIGSERIAL" if self.word(index + 1) == "PRIMARY" => self.replace(index, index, "INTEGER"),
            "SERIAL" | "BIGSERIAL" if !self.symbol(index + 1, '.') && self.word(0) == "CREATE" => {
                return Err(refused("SERIAL without PRIMARY KEY"));
            }
            "NOW" if self.symbol(index + 1, '(') && self.symbol(index + 2, ')') => {
                self.replace(index, index + 2, "CURRENT_TIMESTAMP");
            }
            "ILIKE" => self.replace(index, index, "LIKE"),
            // There is one writer at a time, so nothing needs to be locked.
            "FOR" if ["UPDATE", "SHARE"].contains(&&*self.word(index + 1)) => {
                let last = match self.word(index + 2).as_str() {
                    "NOWAIT" => index + 2,
                    "SKIP" => index + 3,
                    _ => index + 1,
                };
                self.replace(index, last.min(self.tokens.len() - 1), "");
            }
            _ => {}
        }
        Ok(())
    }

    /// `x::type` as `CAST(x AS type)`.
    fn cast(&mut self, index: usize) -> Result<(), SqlFailure> {
        let begin = self.operand(index).ok_or_else(|| refused("`::` after this; write CAST(… AS …)"))?;
        let (last, name) = self.type_after(index);
        let affinity = affinity(&name).ok_or_else(|| refused(&format!("the type {name}")))?;
        let begin = self.tokens[begin].at.start;
        self.changes.push((begin..begin, "CAST(".to_owned()));
        self.replace(index, last, &format!(" AS {affinity})"));
        Ok(())
    }

    /// Where the operand before a cast begins.
    fn operand(&self, cast: usize) -> Option<usize> {
        let mut at = cast.checked_sub(1)?;
        // A cast of a cast: over its type.
        while at > 1 && self.tokens[at - 1].kind == TokenKind::Cast {
            at -= 2;
        }
        if self.symbol(at, ')') {
            let mut depth = 0_usize;
            loop {
                if self.symbol(at, ')') {
                    depth += 1;
                } else if self.symbol(at, '(') {
                    depth -= 1;
                }
                if depth == 0 {
                    break;
                }
                at = at.checked_sub(1)?;
            }
            let before = at.checked_sub(1).map(|it| (it, self.word(it)));
            match before {
                Some((it, word)) if !word.is_empty() && !NO_FUNCTIONS.contains(&word.as_str()) => at = it,
                _ => return Some(at),
            }
        } else if matches!(self.tokens[at].kind, TokenKind::Symbol(_) | TokenKind::Cast)
            || NO_FUNCTIONS.contains(&self.word(at).as_str())
        {
            return None;
        }
        while at >= 2 && self.symbol(at - 1, '.') {
            at -= 2;
        }
        Some(at)
    }

    /// The last token of the type after a cast, and the type's name.
    fn type_after(&self, cast: usize) -> (usize, String) {
        let mut last = (cast + 1).min(self.tokens.len() - 1);
        let mut name = self.word(last);
        let second = self.word(last + 1);
        if (name.as_str(), second.as_str()) == ("DOUBLE", "PRECISION") || (name == "CHARACTER" && second == "VARYING") {
            last += 1;
        }
        if self.symbol(last + 1, '(') {
            while last + 1 < self.tokens.len() && !self.symbol(last, ')') {
                last += 1;
            }
        }
        if ["WITH", "WITHOUT"].contains(&self.word(last + 1).as_str()) && self.word(last + 2) == "TIME" {
            last += 3;
        }
        if self.symbol(last + 1, '[') {
            name.push_str("[]");
        }
        (last.min(self.tokens.len() - 1), name)
    }

    fn finish(mut self) -> String {
        self.changes.sort_by_key(|(at, _)| (at.start, at.end));
        let mut out = String::with_capacity(self.text.len() + 16);
        let mut from = 0;
        for (at, with) in &self.changes {
            out.push_str(&self.text[from..at.start.max(from)]);
            out.push_str(with);
            from = at.end.max(from);
        }
        out.push_str(&self.text[from..]);
        out
    }
}

/// What SQLite casts to in place of a type.
fn affinity(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "INT2" | "INT4" | "INT8" | "BOOL" | "BOOLEAN" => "INTEGER",
        "REAL" | "FLOAT" | "DOUBLE" | "FLOAT4" | "FLOAT8" => "REAL",
        "NUMERIC" | "DECIMAL" => "NUMERIC",
        "BYTEA" => "BLOB",
        "TEXT" | "VARCHAR" | "CHAR" | "CHARACTER" | "UUID" | "JSON" | "JSONB" | "DATE" | "TIME" | "TIMETZ"
        | "TIMESTAMP" | "TIMESTAMPTZ" => "TEXT",
        _ => return None,
    })
}

fn refused(what: &str) -> SqlFailure {
    SqlFailure::unsupported(format!("the simulator's database is SQLite, which does not know {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(text: &str) -> String {
        translate(&Statement::read(text)).unwrap_or_else(|failure| panic!("{text}: {failure}"))
    }

    #[test]
    fn casts_are_written_out() {
        for (postgres, expected) in [
            ("SELECT a::int", "SELECT CAST(a AS INTEGER)"),
            ("SELECT $1::text, 'x'::varchar(10)", "SELECT CAST($1 AS TEXT), CAST('x' AS TEXT)"),
            ("SELECT t.a::double precision + 1", "SELECT CAST(t.a AS REAL) + 1"),
            ("SELECT s.\"t\".a::numeric(10, 2)", "SELECT CAST(s.\"t\".a AS NUMERIC)"),
            ("SELECT count(*)::int", "SELECT CAST(count(*) AS INTEGER)"),
            ("SELECT (1 + (2))::text", "SELECT CAST((1 + (2)) AS TEXT)"),
            ("WHERE a IN (1)::int", "WHERE a IN CAST((1) AS INTEGER)"),
            ("SELECT a::timestamp with time zone", "SELECT CAST(a AS TEXT)"),
            ("SELECT a::int::text", "SELECT CAST(CAST(a AS INTEGER) AS TEXT)"),
            ("SELECT '::'", "SELECT '::'"),
        ] {
            assert_eq!(sqlite(postgres), expected);
        }
        for text in ["SELECT a::int[]", "SELECT a::geometry", "SELECT a[1]::int", "SELECT ::int", "SELECT a::"] {
            assert!(translate(&Statement::read(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn other_words() {
        for (postgres, expected) in [
            ("CREATE TABLE a (id SERIAL PRIMARY KEY)", "CREATE TABLE a (id INTEGER PRIMARY KEY)"),
            (
                "CREATE TABLE a (b timestamptz DEFAULT now())",
                "CREATE TABLE a (b timestamptz DEFAULT CURRENT_TIMESTAMP)",
            ),
            ("SELECT a FROM b WHERE c ILIKE $1", "SELECT a FROM b WHERE c LIKE $1"),
            ("SELECT a FROM b FOR UPDATE SKIP LOCKED", "SELECT a FROM b "),
            ("SELECT a FROM b FOR SHARE", "SELECT a FROM b "),
        ] {
            assert_eq!(sqlite(postgres), expected);
        }
        assert!(translate(&Statement::read("CREATE TABLE a (b SERIAL)")).is_err());
        assert_eq!(sqlite("SELECT serial FROM a"), "SELECT serial FROM a");
    }
}
