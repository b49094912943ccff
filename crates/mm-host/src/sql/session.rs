//! The task that owns a connection.
//!
//! What is asked of a database cannot be taken back by dropping a future: the other side goes on, and what it makes would have no
//! owner. So the connection lives in a task that nobody aborts. It does one thing after the other, and when nobody is interested any
//! more it closes the connection.

use std::sync::Arc;

use mm_proto::host::v1::sql_request::Part as Asked;
use mm_proto::host::v1::sql_response::Part as Answer;
use mm_proto::host::v1::{SqlDone, SqlExecute, SqlExecuteMany, SqlResult};
use mm_sql::{SqlCanceller, SqlConnection, SqlFailure, SqlTransaction, Statement};
use tokio::sync::{mpsc, oneshot};

use super::late::LateSql;

/// Bytes of rows in one answer, about.
const MAX_BATCH: usize = 256 * 1024;

/// Rows in one answer, whatever is asked for.
const MAX_ROWS: usize = 10_000;

/// Something to do, and who waits for it.
struct Task {
    asked: Asked,
    answer: oneshot::Sender<Result<Answer, SqlFailure>>,
}

/// A connection that is opened or open. The connection is closed when this is dropped, after what it just does.
pub(super) struct Session {
    tasks: mpsc::Sender<Task>,
    closed: oneshot::Receiver<()>,
}

/// What came of the opening.
pub(super) struct Open {
    pub(super) answer: Answer,
    pub(super) canceller: Arc<dyn SqlCanceller>,
}

impl Session {
    /// Begins to open a connection.
    pub(super) fn open(driver: &LateSql, replica: bool) -> (Self, oneshot::Receiver<Result<Open, SqlFailure>>) {
        let (tasks, receiver) = mpsc::channel(1);
        let (opened, opening) = oneshot::channel();
        let (closing, closed) = oneshot::channel();
        let sql = driver.clone();
        driver.spawn(async move {
            run(sql, replica, receiver, opened).await;
            // Nobody may wait for it.
            let _ = closing.send(());
        });
        (Self { tasks, closed }, opening)
    }

    /// Closes the connection, and waits until it is given back.
    pub(super) async fn close(self) {
        drop(self.tasks);
        let _ = self.closed.await;
    }

    /// Asks for something; what was asked for before must be answered.
    pub(super) async fn ask(&self, asked: Asked) -> oneshot::Receiver<Result<Answer, SqlFailure>> {
        let (answer, receiver) = oneshot::channel();
        // When the task is over the receiver says so.
        let _ = self.tasks.send(Task { asked, answer }).await;
        receiver
    }
}

async fn run(
    driver: LateSql,
    replica: bool,
    mut tasks: mpsc::Receiver<Task>,
    opened: oneshot::Sender<Result<Open, SqlFailure>>,
) {
    let driver = tokio::select! {
        driver = driver.get() => driver,
        // Nobody waits for a database that may never come.
        _ = tasks.recv() => return,
    };
    let connection = match driver.connect(replica).await {
        Ok(connection) => connection,
        Err(failure) => {
            let _ = opened.send(Err(failure));
            return;
        }
    };
    let answer = Answer::Opened(connection.database());
    let _ = opened.send(Ok(Open { answer, canceller: connection.canceller() }));
    let mut worker = Worker { connection, in_transaction: false, has_rows: false, is_lost: false };
    while let Some(task) = tasks.recv().await {
        // Nobody waits: what was not begun need not be.
        if task.answer.is_closed() {
            break;
        }
        let result = worker.work(task.asked).await;
        worker.is_lost |= result.as_ref().is_err_and(SqlFailure::is_lost);
        let _ = task.answer.send(result);
    }
    worker.connection.close().await;
}

struct Worker {
    connection: Box<dyn SqlConnection>,
    in_transaction: bool,
    has_rows: bool,
    is_lost: bool,
}

impl Worker {
    async fn work(&mut self, asked: Asked) -> Result<Answer, SqlFailure> {
        if self.is_lost {
            return Err(SqlFailure::lost("the connection to the database is over"));
        }
        match asked {
            Asked::Open(_) => Err(SqlFailure::misuse("the connection is open already")),
            Asked::Execute(execute) => self.execute(execute).await.map(Answer::Result),
            Asked::ExecuteMany(many) => self.execute_many(many).await.map(Answer::Result),
            Asked::Fetch(fetch) => {
                if !self.has_rows {
                    return Err(SqlFailure::misuse("there are no rows to fetch"));
                }
                self.fetch(fetch.max_rows).await.map(Answer::Rows)
            }
            Asked::CloseRows(_) => self.close_rows().await.map(done),
            Asked::End(end) => {
                self.close_rows().await?;
                if !std::mem::take(&mut self.in_transaction) {
                    return Ok(done(()));
                }
                self.connection.end(end.commit).await.map(done)
            }
            Asked::Ping(_) => {
                self.close_rows().await?;
                self.connection.ping().await.map(done)
            }
        }
    }

    async fn execute(&mut self, execute: SqlExecute) -> Result<SqlResult, SqlFailure> {
        let statement = Statement::read(execute.statement);
        statement.check(execute.arguments.len())?;
        self.close_rows().await?;
        self.begin(execute.transaction.as_ref()).await?;
        let mut result = self.connection.execute(&statement, execute.arguments).await?;
        self.has_rows = result.more;
        if self.has_rows {
            let first = self.fetch(execute.max_rows).await?;
            (result.rows, result.more) = (first.rows, first.more);
        }
        Ok(result)
    }

    async fn execute_many(&mut self, many: SqlExecuteMany) -> Result<SqlResult, SqlFailure> {
        let statement = Statement::read(many.statement);
        for row in &many.arguments {
            statement.check(row.values.len())?;
        }
        if statement.gives_rows() {
            return Err(SqlFailure::misuse(
                "what is executed many times must not give rows: there is no place for them",
            ));
        }
        self.close_rows().await?;
        self.begin(many.transaction.as_ref()).await?;
        let rows_affected = self.connection.execute_many(&statement, many.arguments, many.more).await?;
        Ok(SqlResult { rows_affected, ..SqlResult::default() })
    }

    async fn begin(&mut self, transaction: Option<&SqlTransaction>) -> Result<(), SqlFailure> {
        if let Some(transaction) = transaction.filter(|_| !self.in_transaction) {
            self.connection.begin(transaction).await?;
            self.in_transaction = true;
        }
        Ok(())
    }

    async fn fetch(&mut self, max_rows: u32) -> Result<mm_sql::SqlRows, SqlFailure> {
        let max_rows = usize::try_from(max_rows).unwrap_or(MAX_ROWS).clamp(1, MAX_ROWS);
        let result = self.connection.fetch(max_rows, MAX_BATCH).await;
        self.has_rows = result.as_ref().is_ok_and(|it| it.more);
        result
    }

    async fn close_rows(&mut self) -> Result<(), SqlFailure> {
        if std::mem::take(&mut self.has_rows) { self.connection.close_rows().await } else { Ok(()) }
    }
}

fn done((): ()) -> Answer {
    Answer::Done(SqlDone {})
}
