//! The thread of a connection: does one job after the other.

use std::path::Path;
use std::time::Duration;

use mm_sql::{Kind, SqlColumn, SqlFailure, SqlResult, SqlRow, SqlRows, Statement, Value};
use rusqlite::{Connection, InterruptHandle, Rows, Statement as Prepared};
use tokio::sync::{mpsc, oneshot};

use super::connection::Task;
use super::{dialect, failure, value};

/// How long to wait for another connection's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked for.
pub(super) enum Job {
    Begin { read_only: bool },
    End { commit: bool },
    Execute { statement: Statement, arguments: Vec<Value> },
    Many { statement: Statement, arguments: Vec<SqlRow> },
    Fetch { max_rows: usize, max_bytes: usize },
    CloseRows,
    Ping,
    Close,
}

/// What comes of it.
pub(super) enum Answer {
    Done,
    Result(SqlResult),
    Rows(SqlRows),
}

type Outcome = Result<Answer, SqlFailure>;

/// Runs until [`Job::Close`], or until nobody can ask any more.
pub(super) fn run(
    file: &Path,
    replica: bool,
    opened: oneshot::Sender<Result<InterruptHandle, SqlFailure>>,
    mut tasks: mpsc::Receiver<Task>,
) {
    let connection = match open(file, replica) {
        Ok(connection) => connection,
        Err(error) => {
            let _ = opened.send(Err(failure::from(error)));
            return;
        }
    };
    if opened.send(Ok(connection.get_interrupt_handle())).is_err() {
        return;
    }
    let mut worker = Worker { connection: &connection, replica, in_transaction: false, failed: false };
    let mut next = tasks.blocking_recv();
    while let Some((job, answer)) = next.take() {
        if let Job::Close = job {
            worker.roll_back();
            let _ = answer.send(Ok(Answer::Done));
            return;
        }
        next = worker.work(job, answer, &mut tasks).or_else(|| tasks.blocking_recv());
    }
    worker.roll_back();
}

fn open(file: &Path, replica: bool) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    // Readers and a writer do not wait for each other, as in PostgreSQL; and nobody needs the data after a crash.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "query_only", replica)?;
    Ok(connection)
}

struct Worker<'c> {
    connection: &'c Connection,
    replica: bool,
    in_transaction: bool,
    /// PostgreSQL does nothing more in a transaction after an error.
    failed: bool,
}

impl<'c> Worker<'c> {
    /// Does a job and answers it. While rows are read further jobs are taken in here; one that is for something else is given back.
    fn work(&mut self, job: Job, answer: oneshot::Sender<Outcome>, tasks: &mut mpsc::Receiver<Task>) -> Option<Task> {
        let result = match job {
            Job::Execute { statement, arguments } if statement.gives_rows() => {
                return self.query(&statement, &arguments, answer, tasks);
            }
            Job::Execute { statement, arguments } => self.command(&statement, &arguments),
            Job::Many { statement, arguments } => self.many(&statement, &arguments),
            Job::Begin { read_only } => self.begin(read_only),
            Job::End { commit } => self.end(commit),
            Job::Fetch { .. } => Err(SqlFailure::misuse("there are no rows to fetch")),
            Job::CloseRows | Job::Ping | Job::Close => Ok(Answer::Done),
        };
        let _ = answer.send(result);
        None
    }

    fn begin(&mut self, read_only: bool) -> Outcome {
        if read_only {
            self.connection.pragma_update(None, "query_only", true).map_err(failure::from)?;
        }
        self.connection.execute_batch("BEGIN").map_err(failure::from)?;
        (self.in_transaction, self.failed) = (true, false);
        Ok(Answer::Done)
    }

    fn end(&mut self, commit: bool) -> Outcome {
        let failed = self.failed;
        let done = if commit && !failed { self.connection.execute_batch("COMMIT") } else { Ok(()) };
        // Also after a commit that failed: it is over in any case.
        self.roll_back();
        done.map_err(failure::from)?;
        if commit && failed {
            return Err(SqlFailure::database("25P02", "the transaction had failed, so it was rolled back"));
        }
        Ok(Answer::Done)
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let _ = self.connection.pragma_update(None, "query_only", self.replica);
        (self.in_transaction, self.failed) = (false, false);
    }

    /// Refuses in a failed transaction what does not end it.
    fn check(&self, statement: &Statement) -> Result<(), SqlFailure> {
        let first_word = statement.body().split_whitespace().next().unwrap_or_default();
        if self.failed && !first_word.eq_ignore_ascii_case("ROLLBACK") {
            let text = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlFailure::database("25P02", text));
        }
        Ok(())
    }

    fn note<T>(&mut self, result: Result<T, SqlFailure>) -> Result<T, SqlFailure> {
        self.failed = self.in_transaction && result.is_err();
        result
    }

    fn command(&mut self, statement: &Statement, arguments: &[Value]) -> Outcome {
        self.check(statement)?;
        let result = self.try_command(statement, arguments);
        self.note(result)
    }

    fn try_command(&self, statement: &Statement, arguments: &[Value]) -> Outcome {
        let text = dialect::translate(statement)?;
        let before = self.connection.total_changes();
        if arguments.is_empty() {
            // Several statements come without arguments.
            self.connection.execute_batch(&text).map_err(failure::from)?;
        } else {
            let mut prepared = self.connection.prepare(&text).map_err(failure::from)?;
            bind(&mut prepared, arguments)?;
            prepared.raw_execute().map_err(failure::from)?;
        }
        // What makes tables changes no rows, and leaves the count of what was changed before.
        let changed = if self.connection.total_changes() > before { self.connection.changes() } else { 0 };
        Ok(Answer::Result(SqlResult { rows_affected: number(changed), ..SqlResult::default() }))
    }

    fn many(&mut self, statement: &Statement, arguments: &[SqlRow]) -> Outcome {
        self.check(statement)?;
        let result = self.try_many(statement, arguments);
        self.note(result)
    }

    fn try_many(&self, statement: &Statement, arguments: &[SqlRow]) -> Outcome {
        let text = dialect::translate(statement)?;
        let mut prepared = self.connection.prepare(&text).map_err(failure::from)?;
        let mut changed = 0;
        for row in arguments {
            let before = self.connection.total_changes();
            bind(&mut prepared, &row.values)?;
            prepared.raw_execute().map_err(failure::from)?;
            changed += if self.connection.total_changes() > before { self.connection.changes() } else { 0 };
        }
        Ok(Answer::Result(SqlResult { rows_affected: number(changed), ..SqlResult::default() }))
    }

    fn query(
        &mut self,
        statement: &Statement,
        arguments: &[Value],
        answer: oneshot::Sender<Outcome>,
        tasks: &mut mpsc::Receiver<Task>,
    ) -> Option<Task> {
        let connection = self.connection;
        let prepare = || -> Result<Prepared<'c>, SqlFailure> {
            self.check(statement)?;
            let text = dialect::translate(statement)?;
            let mut prepared = connection.prepare(&text).map_err(failure::from)?;
            bind(&mut prepared, arguments)?;
            Ok(prepared)
        };
        let prepared = prepare();
        let mut prepared = match self.note(prepared) {
            Ok(prepared) => prepared,
            Err(failure) => {
                let _ = answer.send(Err(failure));
                return None;
            }
        };
        let columns = columns(&prepared);
        let changes = matches!(statement.kind(), Kind::Returning { .. });
        let mut rows = Reading { rows: prepared.raw_query(), columns: columns.clone() };
        let result = SqlResult { columns, rows_affected: -1, rows: Vec::new(), more: true };
        let _ = answer.send(Ok(Answer::Result(result)));
        while let Some((job, answer)) = tasks.blocking_recv() {
            match job {
                Job::Fetch { max_rows, max_bytes } => {
                    let fetched = rows.fetch(max_rows, max_bytes);
                    let is_over = !fetched.as_ref().is_ok_and(|it| it.more);
                    let fetched = self.note(fetched);
                    if is_over {
                        drop(rows);
                        let _ = answer.send(fetched.map(Answer::Rows));
                        return None;
                    }
                    let _ = answer.send(fetched.map(Answer::Rows));
                }
                Job::CloseRows => {
                    // What changes rows does all of it, whether the rows are read or not.
                    let closed = if changes { rows.fetch(usize::MAX, usize::MAX).map(drop) } else { Ok(()) };
                    drop(rows);
                    let closed = self.note(closed);
                    let _ = answer.send(closed.map(|()| Answer::Done));
                    return None;
                }
                other => return Some((other, answer)),
            }
        }
        None
    }
}

/// Rows that are read.
struct Reading<'s> {
    rows: Rows<'s>,
    columns: Vec<SqlColumn>,
}

impl Reading<'_> {
    fn fetch(&mut self, max_rows: usize, max_bytes: usize) -> Result<SqlRows, SqlFailure> {
        let mut fetched = SqlRows::default();
        let mut n_bytes = 0;
        while fetched.rows.len() < max_rows && n_bytes < max_bytes {
            let Some(row) = self.rows.next().map_err(failure::from)? else { return Ok(fetched) };
            let mut values = Vec::with_capacity(self.columns.len());
            for (index, column) in self.columns.iter().enumerate() {
                let (value, size) = value::read(row.get_ref(index).map_err(failure::from)?, &column.r#type);
                n_bytes += size;
                values.push(value);
            }
            fetched.rows.push(SqlRow { values });
        }
        fetched.more = true;
        Ok(fetched)
    }
}

fn bind(prepared: &mut Prepared<'_>, arguments: &[Value]) -> Result<(), SqlFailure> {
    for index in 1..=prepared.parameter_count() {
        // SQLite takes `$1` for a name; names are numbered as they come.
        let number = prepared.parameter_name(index).and_then(|it| it.strip_prefix('$')?.parse::<usize>().ok());
        let argument = number.and_then(|it| arguments.get(it.checked_sub(1)?));
        let Some(argument) = argument else {
            return Err(SqlFailure::misuse("arguments are $1, $2, …"));
        };
        prepared.raw_bind_parameter(index, value::write(argument)?).map_err(failure::from)?;
    }
    Ok(())
}

fn columns(prepared: &Prepared<'_>) -> Vec<SqlColumn> {
    let column = |it: rusqlite::Column<'_>| SqlColumn {
        name: it.name().to_owned(),
        r#type: it.decl_type().map(value::type_name).unwrap_or_default(),
        precision: None,
        scale: None,
    };
    prepared.columns().map(column).collect()
}

fn number(changed: u64) -> i64 {
    i64::try_from(changed).unwrap_or(i64::MAX)
}
