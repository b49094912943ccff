//! What the text of a statement tells: whether it gives rows, how it can be wrapped, and what must not be done with it.
//!
//! A plugin's connection is one of the server's pool. Transactions are begun and ended by calls of their own, since the server's
//! driver gives up a connection whose transaction ended otherwise; and what a statement leaves behind in its session would be left to
//! the server. So some statements are refused, and those that leave something are known.

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::SqlFailure;
use crate::lexer::{self, Token, TokenKind};

/// What comes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing to execute.
    Empty,
    /// Rows, and no changes: it may stand in parentheses after `FROM`.
    Query,
    /// Rows, and maybe changes. It may be put into a `WITH` clause: its main part is from `main` on, and `with` says whether there is a
    /// `WITH` clause before that.
    Returning {
        /// Where its main part begins, in bytes.
        main: usize,
        /// Whether there is a `WITH` clause before that.
        with: bool,
    },
    /// Rows, and no way to put it into anything.
    Rows,
    /// No rows.
    Command,
}

/// A statement, read once.
#[derive(Clone, Debug)]
pub struct Statement {
    text: String,
    kind: Kind,
    /// Without the semicolon at the end.
    body: Range<usize>,
    n_arguments: u32,
    several: bool,
    leaves_traces: bool,
    takes_all_columns: bool,
    refusal: Option<SqlFailure>,
}

const ENDED_BY_CALLS: &str =
    "transactions are begun and ended by the connection's methods: use commit() and rollback(), or autocommit";

impl Statement {
    /// Reads a text.
    pub fn read(text: impl Into<String>) -> Self {
        let text = text.into();
        let read = lexer::read(&text);
        let reader = Reader { text: &text, tokens: &read.tokens };
        let pieces = reader.pieces();
        let body = match (pieces.first(), pieces.last()) {
            (Some(first), Some(last)) => first[0].at.start..last[last.len() - 1].at.end,
            _ => 0..0,
        };
        let refusal = pieces.iter().find_map(|piece| reader.refusal(piece));
        let leaves_traces = pieces.iter().any(|piece| reader.leaves_traces(piece));
        let takes_all_columns = reader.takes_all_columns();
        let n_arguments = read.tokens.iter().filter_map(|it| match it.kind {
            TokenKind::Argument(number) => Some(if number == 0 { u32::MAX } else { number }),
            _ => None,
        });
        let kind = match pieces.as_slice() {
            [] => Kind::Empty,
            [piece] if read.unclosed => reader.kind(piece).without_wrapping(),
            [piece] => reader.kind(piece),
            several => reader.kind_of_several(several),
        };
        Self {
            kind,
            body,
            n_arguments: n_arguments.max().unwrap_or_default(),
            several: pieces.len() > 1,
            leaves_traces,
            takes_all_columns,
            refusal,
            text,
        }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text from the first word to the last, without a semicolon.
    pub fn body(&self) -> &str {
        &self.text[self.body.clone()]
    }

    /// What comes of it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where [`Statement::body`] begins in the text, in bytes.
    pub fn start(&self) -> usize {
        self.body.start
    }

    /// Whether it gives rows.
    pub fn gives_rows(&self) -> bool {
        !matches!(self.kind, Kind::Empty | Kind::Command)
    }

    /// Whether its session may be another one afterwards: settings, locks, temporary tables.
    pub fn leaves_traces(&self) -> bool {
        self.leaves_traces
    }

    /// Whether it has a `*` for columns, so that it may give others tomorrow.
    pub fn takes_all_columns(&self) -> bool {
        self.takes_all_columns
    }

    /// Whether it can be executed with so many arguments.
    ///
    /// # Errors
    /// Why not, in words for the plugin's author.
    pub fn check(&self, n_arguments: usize) -> Result<(), SqlFailure> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if self.text.contains('\0') {
            return Err(SqlFailure::misuse("a statement cannot have a NUL character"));
        }
        if self.kind == Kind::Empty {
            return Err(SqlFailure::misuse("there is no statement in the text"));
        }
        if self.several {
            if self.gives_rows() {
                return Err(SqlFailure::misuse(
                    "of several statements at once none may give rows: execute them one by one",
                ));
            }
            if self.n_arguments > 0 || n_arguments > 0 {
                return Err(SqlFailure::misuse(
                    "several statements at once cannot have arguments: execute them one by one",
                ));
            }
        }
        let most = usize::from(u16::MAX);
        if n_arguments > most {
            return Err(SqlFailure::misuse(format!(
                "{n_arguments} arguments are more than the {most} that are possible"
            )));
        }
        if usize::try_from(self.n_arguments) != Ok(n_arguments) {
            let wanted =
                if self.n_arguments == u32::MAX { "too many".to_owned() } else { self.n_arguments.to_string() };
            return Err(SqlFailure::misuse(format!(
                "the statement has {wanted} placeholders, and {n_arguments} arguments are given"
            )));
        }
        Ok(())
    }
}

impl Kind {
    fn without_wrapping(self) -> Self {
        match self {
            Self::Query | Self::Returning { .. } => Self::Rows,
            other => other,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

/// Words that begin what changes rows.
const CHANGES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];

/// Words that begin what may be the main part after a `WITH` clause.
const MAINS: [&str; 7] = ["SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE"];

/// Functions that leave something in the session.
const LEAVING: [&str; 5] = [
    "set_config",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
];

impl Reader<'_> {
    /// The statements between semicolons, without empty ones.
    fn pieces(&self) -> Vec<&[Token]> {
        let whole = self.tokens;
        // The body of a function in SQL has semicolons too.
        if whole.first().is_some_and(|it| self.is(it, "CREATE")) && whole.iter().any(|it| self.is(it, "ATOMIC")) {
            let end = whole.iter().rposition(|it| it.kind != TokenKind::Symbol(';')).map_or(0, |it| it + 1);
            return vec![&whole[..end]];
        }
        whole.split(|it| it.kind == TokenKind::Symbol(';')).filter(|it| !it.is_empty()).collect()
    }

    fn is(&self, token: &Token, word: &str) -> bool {
        token.kind == TokenKind::Word && self.text[token.at.clone()].eq_ignore_ascii_case(word)
    }

    fn is_any(&self, token: &Token, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(token, word))
    }

    fn word(&self, piece: &[Token], index: usize, words: &[&str]) -> bool {
        piece.get(index).is_some_and(|it| self.is_any(it, words))
    }

    fn kind(&self, piece: &[Token]) -> Kind {
        let first = &piece[0];
        if first.kind == TokenKind::Symbol('(') || self.is_any(first, &["VALUES", "TABLE"]) {
            return Kind::Query;
        }
        if self.is(first, "SELECT") {
            return self.kind_of_select(piece);
        }
        if self.is_any(first, &CHANGES) {
            return self.kind_of_change(piece, first.at.start, false);
        }
        if self.is(first, "WITH") {
            return self.kind_of_with(piece);
        }
        if self.is_any(first, &["SHOW", "EXPLAIN", "FETCH", "CALL", "EXECUTE", "PRAGMA"]) {
            Kind::Rows
        } else {
            Kind::Command
        }
    }

    /// `SELECT … INTO` makes a table.
    fn kind_of_select(&self, piece: &[Token]) -> Kind {
        if self.outside(piece).any(|it| self.is(it, "INTO")) { Kind::Command } else { Kind::Query }
    }

    fn kind_of_change(&self, piece: &[Token], main: usize, with: bool) -> Kind {
        let returns = self.outside(piece).any(|it| self.is(it, "RETURNING"));
        if returns { Kind::Returning { main, with } } else { Kind::Command }
    }

    fn kind_of_with(&self, piece: &[Token]) -> Kind {
        let outside: Vec<&Token> = self.outside(piece).collect();
        // Only SELECT and TABLE are never names; the others must come after the clause's last parenthesis.
        let is_main = |pair: &[&Token]| {
            let after = pair[0].kind == TokenKind::Symbol(')');
            self.is_any(pair[1], &["SELECT", "TABLE"]) || (after && self.is_any(pair[1], &MAINS))
        };
        let Some(main) = outside.windows(2).find(|pair| is_main(pair)).map(|pair| pair[1]) else { return Kind::Rows };
        let rest = &piece[piece.iter().position(|it| it.at == main.at).unwrap_or_default()..];
        if self.is_any(main, &CHANGES) {
            return self.kind_of_change(rest, main.at.start, true);
        }
        if self.kind_of_select(rest) == Kind::Command {
            return Kind::Command;
        }
        let changes = piece.windows(2).any(|pair| {
            pair[0].kind == TokenKind::Symbol('(') && (self.is_any(&pair[1], &CHANGES) || self.is(&pair[1], "WITH"))
        });
        if changes { Kind::Returning { main: main.at.start, with: true } } else { Kind::Query }
    }

    /// A `*` that does not multiply, as in `SELECT *`, `a, *`, `a.*`; or `TABLE`, which is the same.
    fn takes_all_columns(&self) -> bool {
        let star = |pair: &[Token]| {
            let before = matches!(pair[0].kind, TokenKind::Symbol(',' | '.'))
                || self.is_any(&pair[0], &["SELECT", "ALL", "DISTINCT", "RETURNING"]);
            before && pair[1].kind == TokenKind::Symbol('*')
        };
        self.tokens.windows(2).any(star) || self.tokens.iter().any(|it| self.is(it, "TABLE"))
    }

    /// One that gives rows makes all of them such.
    fn kind_of_several(&self, pieces: &[&[Token]]) -> Kind {
        let gives = |piece: &&&[Token]| self.kind(piece) != Kind::Command;
        if pieces.iter().any(|piece| gives(&piece)) { Kind::Rows } else { Kind::Command }
    }

    /// The tokens that are in no parentheses, and those parentheses themselves.
    fn outside<'t>(&self, piece: &'t [Token]) -> impl Iterator<Item = &'t Token> {
        let mut depth = 0_usize;
        piece.iter().filter(move |it| match it.kind {
            TokenKind::Symbol('(') => {
                depth += 1;
                depth == 1
            }
            TokenKind::Symbol(')') => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            _ => depth == 0,
        })
    }

    fn refusal(&self, piece: &[Token]) -> Option<SqlFailure> {
        let second = |words| self.word(piece, 1, words);
        let first = &piece[0];
        if self.is_any(first, &["BEGIN", "START", "COMMIT", "END", "ABORT"]) {
            return Some(SqlFailure::misuse(ENDED_BY_CALLS));
        }
        if self.is(first, "ROLLBACK") {
            let savepoint = second(&["TO"]) || (second(&["WORK", "TRANSACTION"]) && self.word(piece, 2, &["TO"]));
            return (!savepoint).then(|| SqlFailure::misuse(ENDED_BY_CALLS));
        }
        if self.is_any(first, &["PREPARE", "DEALLOCATE"]) {
            let text = "prepared statements would stay in the server's connection; executemany() prepares its statement by itself";
            return Some(SqlFailure::unsupported(text));
        }
        if self.is(first, "DISCARD") {
            return Some(SqlFailure::unsupported("DISCARD would take from the server what it keeps in its connection"));
        }
        if self.is(first, "LISTEN") {
            return Some(SqlFailure::unsupported("notifications do not come through; poll a table instead"));
        }
        if self.is(first, "COPY") && piece.iter().any(|it| self.is_any(it, &["STDIN", "STDOUT"])) {
            return Some(SqlFailure::unsupported("COPY cannot travel; use executemany(), or iterate over a query"));
        }
        None
    }

    fn leaves_traces(&self, piece: &[Token]) -> bool {
        let first = &piece[0];
        let second = |words| self.word(piece, 1, words);
        if self.is(first, "SET") {
            return !second(&["LOCAL", "TRANSACTION", "CONSTRAINTS"]);
        }
        self.is_any(first, &["RESET", "LOAD", "DECLARE", "DO", "CALL"])
            || (self.is_any(first, &["CREATE", "SELECT", "WITH"])
                && piece.iter().any(|it| self.is_any(it, &["TEMP", "TEMPORARY"])))
            || piece.iter().any(|it| self.is_any(it, &LEAVING))
    }
}
