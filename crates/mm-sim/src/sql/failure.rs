//! SQLite's errors in PostgreSQL's terms.

use mm_sql::SqlFailure;
use rusqlite::Error;
use rusqlite::ffi;

/// What to say where SQLite does not understand something.
const HINT: &str = "the simulator's database is SQLite, and has no tables but the plugins' own; \
                    docs/guide/sql.md lists what it does not have of PostgreSQL";

/// Begins of messages, and the codes that PostgreSQL has for the same.
const MESSAGES: [(&str, &str); 9] = [
    ("no such table", "42P01"),
    ("no such column", "42703"),
    ("no such function", "42883"),
    ("no such savepoint", "3B001"),
    ("duplicate column name", "42701"),
    ("ambiguous column name", "42702"),
    ("incomplete input", "42601"),
    ("unrecognized token", "42601"),
    ("near ", "42601"),
];

pub(super) fn from(error: Error) -> SqlFailure {
    match error {
        Error::SqliteFailure(code, message) => coded(code.extended_code, message),
        Error::SqlInputError { error, msg, .. } => coded(error.extended_code, Some(msg)),
        other => SqlFailure::database("58000", other.to_string()),
    }
}

fn coded(code: i32, message: Option<String>) -> SqlFailure {
    let message = message.unwrap_or_else(|| format!("SQLite's error {code}"));
    let state = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => "23505",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "23502",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "23503",
        ffi::SQLITE_CONSTRAINT_CHECK => "23514",
        ffi::SQLITE_BUSY_SNAPSHOT => "40001",
        _ => match code & 0xff {
            ffi::SQLITE_CONSTRAINT => "23000",
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => "55P03",
            ffi::SQLITE_READONLY => "25006",
            ffi::SQLITE_INTERRUPT => "57014",
            ffi::SQLITE_MISMATCH => "22P02",
            ffi::SQLITE_FULL => "53100",
            ffi::SQLITE_NOMEM => "53200",
            ffi::SQLITE_TOOBIG => "54000",
            ffi::SQLITE_ERROR => by_message(&message),
            _ => "58000",
        },
    };
    let place = message.rsplit_once("constraint failed: ").and_then(|it| it.1.split(',').next()).map(str::to_owned);
    let mut failure = SqlFailure::database(state, message);
    if state.starts_with("42") {
        failure.error_mut().hint = HINT.to_owned();
    }
    if let Some((table, column)) =
        place.as_deref().and_then(|it| it.split_once('.')).filter(|_| state.starts_with("23"))
    {
        failure.error_mut().table = table.to_owned();
        failure.error_mut().column = column.to_owned();
    }
    failure
}

fn by_message(message: &str) -> &'static str {
    if message.ends_with("already exists") {
        return "42P07";
    }
    MESSAGES.iter().find(|(begin, _)| message.starts_with(begin)).map_or("42000", |(_, state)| state)
}
