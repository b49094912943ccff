//! The driver service's arguments and results, in gob (its Go side has letters for names), and its errors.

use mm_gob::codec::{Bool, Int, Interface, Slice, Str, Struct};
use mm_proto::plugin::v1::{ErrorValue, Value};
use mm_sql::SqlFailure;

use super::ledger::Outcome;

/// Go's `io.EOF`: no more rows.
const EOF: i64 = 1;
/// Go's `sql.ErrConnDone` and `driver.ErrBadConn`: the connection is over.
const CONNECTION_DONE: i64 = 3;
const BAD_CONNECTION: i64 = 6;

/// Go's `Z_DbTxArgs`.
#[derive(Default)]
pub(super) struct TxArgs {
    pub(super) id: String,
    pub(super) options: TxOptions,
}

/// Go's `driver.TxOptions`.
#[derive(Default)]
pub(super) struct TxOptions {
    pub(super) isolation: i64,
    pub(super) read_only: bool,
}

/// Go's `Z_DbStmtArgs`.
#[derive(Default)]
pub(super) struct PrepareArgs {
    pub(super) id: String,
    pub(super) query: String,
}

/// Go's `Z_DbStmtQueryArgs`.
#[derive(Default)]
pub(super) struct PreparedArgs {
    pub(super) id: String,
    pub(super) values: Vec<Named>,
}

/// Go's `Z_DbConnArgs`.
#[derive(Default)]
pub(super) struct QueryArgs {
    pub(super) id: String,
    pub(super) query: String,
    pub(super) values: Vec<Named>,
}

/// Go's `driver.NamedValue`; nothing here has a name.
#[derive(Default)]
pub(super) struct Named {
    ordinal: i64,
    value: Value,
}

/// Go's `Z_DbRowScanArg`: as many nils as there are columns, which the server fills in.
#[derive(Default)]
pub(super) struct NextArgs {
    pub(super) id: String,
    pub(super) places: Vec<Value>,
}

/// Go's `Z_DbRowsColumnArg`.
#[derive(Default)]
pub(super) struct ColumnArgs {
    pub(super) id: String,
    pub(super) index: i64,
}

/// Go's `Z_DbStrErrReturn`.
#[derive(Default)]
pub(super) struct Made {
    id: String,
    error: Option<ErrorValue>,
}

/// Go's `Z_DbErrReturn`.
#[derive(Default)]
pub(super) struct Done {
    error: Option<ErrorValue>,
}

/// Go's `Z_DbResultContErrReturn`.
#[derive(Default)]
pub(super) struct Executed {
    pub(super) result: Container,
    error: Option<ErrorValue>,
}

/// Go's `ResultContainer`; there is no last id in PostgreSQL.
#[derive(Default)]
pub(super) struct Container {
    pub(super) n_rows: i64,
    pub(super) n_rows_error: Option<ErrorValue>,
}

/// Go's `Z_DbStrSliceReturn`.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
}

/// Go's `Z_DbRowScanReturn`.
#[derive(Default)]
pub(super) struct Next {
    error: Option<ErrorValue>,
    pub(super) values: Vec<Value>,
}

/// Go's `Z_DbRowsColumnTypePrecisionScaleReturn`.
#[derive(Default)]
pub(super) struct Precision {
    pub(super) precision: i64,
    pub(super) scale: i64,
    pub(super) is_known: bool,
}

mm_gob::gob_struct! { TxArgs as "Z_DbTxArgs" { "A" => id: Str, "B" => options: Struct<TxOptions>, } }
mm_gob::gob_struct! { TxOptions as "TxOptions" { "Isolation" => isolation: Int, "ReadOnly" => read_only: Bool, } }
mm_gob::gob_struct! { PrepareArgs as "Z_DbStmtArgs" { "A" => id: Str, "B" => query: Str, } }
mm_gob::gob_struct! { PreparedArgs as "Z_DbStmtQueryArgs" { "A" => id: Str, "B" => values: Slice<Struct<Named>>, } }
mm_gob::gob_struct! { QueryArgs as "Z_DbConnArgs" { "A" => id: Str, "B" => query: Str, "C" => values: Slice<Struct<Named>>, } }
mm_gob::gob_struct! { Named as "NamedValue" { "Ordinal" => ordinal: Int, "Value" => value: Interface, } }
mm_gob::gob_struct! { NextArgs as "Z_DbRowScanArg" { "A" => id: Str, "B" => places: Slice<Interface>, } }
mm_gob::gob_struct! { ColumnArgs as "Z_DbRowsColumnArg" { "A" => id: Str, "B" => index: Int, } }
mm_gob::gob_struct! { Made as "Z_DbStrErrReturn" { "A" => id: Str, "B" => error: Interface, } }
mm_gob::gob_struct! { Done as "Z_DbErrReturn" { "A" => error: Interface, } }
mm_gob::gob_struct! { Executed as "Z_DbResultContErrReturn" { "A" => result: Struct<Container>, "B" => error: Interface, } }
mm_gob::gob_struct! { Container as "ResultContainer" { "RowsAffected" => n_rows: Int, "RowsAffectedError" => n_rows_error: Interface, } }
mm_gob::gob_struct! { Columns as "Z_DbStrSliceReturn" { "A" => names: Slice<Str>, } }
mm_gob::gob_struct! { Next as "Z_DbRowScanReturn" { "A" => error: Interface, "B" => values: Slice<Interface>, } }
mm_gob::gob_struct! {
    Precision as "Z_DbRowsColumnTypePrecisionScaleReturn" { "A" => precision: Int, "B" => scale: Int, "C" => is_known: Bool, }
}

/// Arguments in order, as Go's drivers take them.
pub(super) fn named(values: Vec<Value>) -> Vec<Named> {
    (1..).zip(values).map(|(ordinal, value)| Named { ordinal, value }).collect()
}

/// A result that tells what came of the call.
pub(super) trait Answer {
    /// What it means to the ledger.
    fn outcome(&self) -> Outcome;
    /// The error in it.
    fn take_error(&mut self) -> Option<ErrorValue>;
}

fn done(error: Option<&ErrorValue>) -> Outcome {
    if error.is_none() { Outcome::Done } else { Outcome::Failed }
}

impl Answer for Made {
    fn outcome(&self) -> Outcome {
        match &self.error {
            Some(_) => Outcome::Failed,
            // A server that makes something and does not name it has nothing that one could use or end.
            None if self.id.is_empty() => Outcome::Unknown,
            None => Outcome::Made(self.id.clone()),
        }
    }

    fn take_error(&mut self) -> Option<ErrorValue> {
        let nameless = || ErrorValue { message: "the server gave no id".to_owned(), ..ErrorValue::default() };
        self.error.take().or_else(|| self.id.is_empty().then(nameless))
    }
}

impl Answer for Done {
    fn outcome(&self) -> Outcome {
        done(self.error.as_ref())
    }

    fn take_error(&mut self) -> Option<ErrorValue> {
        self.error.take()
    }
}

impl Answer for Executed {
    fn outcome(&self) -> Outcome {
        done(self.error.as_ref())
    }

    fn take_error(&mut self) -> Option<ErrorValue> {
        self.error.take()
    }
}

impl Answer for Next {
    fn outcome(&self) -> Outcome {
        match &self.error {
            Some(error) if is_end(error) => Outcome::End,
            error => done(error.as_ref()),
        }
    }

    /// The end of the rows is no error.
    fn take_error(&mut self) -> Option<ErrorValue> {
        self.error.take().filter(|error| !is_end(error))
    }
}

impl Next {
    /// Whether there are no more rows; to be asked before the error is taken.
    pub(super) fn is_end(&self) -> bool {
        self.error.as_ref().is_some_and(is_end)
    }
}

impl Answer for Columns {
    fn outcome(&self) -> Outcome {
        Outcome::Columns(self.names.len())
    }

    fn take_error(&mut self) -> Option<ErrorValue> {
        None
    }
}

fn is_end(error: &ErrorValue) -> bool {
    error.code == EOF && error.postgres_error.is_none()
}

/// An error of the driver as it travels on.
pub(super) fn failure(error: ErrorValue) -> SqlFailure {
    if let Some(postgres) = error.postgres_error {
        let mut failure = SqlFailure::database(&postgres.code, postgres.message);
        let known = failure.error_mut();
        known.severity = postgres.severity;
        known.detail = postgres.detail;
        known.hint = postgres.hint;
        known.position = postgres.position.parse().unwrap_or_default();
        known.r#where = postgres.r#where;
        known.schema = postgres.schema;
        known.table = postgres.table;
        known.column = postgres.column;
        known.data_type = postgres.data_type_name;
        known.constraint = postgres.constraint;
        // Connection exceptions, and the shutdown of the database or of this connection.
        known.lost = postgres.code.starts_with("08") || postgres.code.starts_with("57P");
        return failure;
    }
    let text = if error.message.is_empty() { "the server's driver gives no reason".to_owned() } else { error.message };
    // The driver's own complaints begin with its name; all else comes from the network below it, such as `unexpected EOF`.
    let is_drivers = ["pq: ", "sql: "].iter().any(|it| text.starts_with(it));
    if matches!(error.code, CONNECTION_DONE | BAD_CONNECTION) || !is_drivers {
        return SqlFailure::lost(format!("the connection to the database failed: {text}"));
    }
    SqlFailure::database("", text)
}

#[cfg(test)]
mod tests {
    use mm_proto::plugin::v1::PostgresError;
    use mm_sql::SqlErrorKind;

    use super::*;

    fn plain(code: i64, text: &str) -> SqlFailure {
        failure(ErrorValue { code, message: text.to_owned(), ..ErrorValue::default() })
    }

    #[test]
    fn which_errors_end_the_connection() {
        for (code, text) in
            [(3, "sql: connection is already closed"), (6, "driver: bad connection"), (0, "unexpected EOF")]
        {
            assert!(plain(code, text).is_lost(), "{text}");
            assert_eq!(plain(code, text).error().kind(), SqlErrorKind::Connection);
        }
        assert!(!plain(0, "pq: got 1 parameters but the statement requires 2").is_lost());
        for (sqlstate, is_lost) in [("57P01", true), ("08006", true), ("57014", false), ("23505", false)] {
            let postgres = PostgresError { code: sqlstate.to_owned(), ..PostgresError::default() };
            let error = ErrorValue { postgres_error: Some(Box::new(postgres)), ..ErrorValue::default() };
            assert_eq!(failure(error).is_lost(), is_lost, "{sqlstate}");
        }
    }

    #[test]
    fn a_postgres_error_keeps_what_it_says() {
        let postgres = PostgresError {
            code: "23505".to_owned(),
            message: "duplicate".to_owned(),
            detail: "Key (id)=(1)".to_owned(),
            position: "17".to_owned(),
            table: "t".to_owned(),
            constraint: "t_pkey".to_owned(),
            ..PostgresError::default()
        };
        let failure = failure(ErrorValue { postgres_error: Some(Box::new(postgres)), ..ErrorValue::default() });
        let error = failure.error();
        assert_eq!((&*error.sqlstate, &*error.message, &*error.detail), ("23505", "duplicate", "Key (id)=(1)"));
        assert_eq!((error.position, &*error.table, &*error.constraint), (17, "t", "t_pkey"));
    }

    #[test]
    fn what_answers_mean_to_the_ledger() {
        let end = ErrorValue { code: EOF, message: "EOF".to_owned(), ..ErrorValue::default() };
        let mut next = Next { error: Some(end.clone()), values: Vec::new() };
        assert_eq!((next.outcome(), next.is_end()), (Outcome::End, true));
        assert_eq!(next.take_error(), None);
        assert_eq!(Done { error: Some(end) }.outcome(), Outcome::Failed);
        assert_eq!(Made { id: "x".to_owned(), error: None }.outcome(), Outcome::Made("x".to_owned()));
        let mut nameless = Made::default();
        assert_eq!(nameless.outcome(), Outcome::Unknown);
        assert!(nameless.take_error().is_some());
        assert_eq!(Columns { names: vec![String::new(); 3] }.outcome(), Outcome::Columns(3));
    }
}
