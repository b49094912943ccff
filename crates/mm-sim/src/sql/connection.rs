//! A connection: SQLite blocks, so it lives on a thread of its own, and this is the way to it.

use std::path::PathBuf;
use std::sync::Arc;

use mm_sql::{
    SqlCanceller, SqlConnection, SqlFailure, SqlOpened, SqlResult, SqlRow, SqlRows, SqlTransaction, Statement, Value,
};
use rusqlite::InterruptHandle;
use tokio::sync::{mpsc, oneshot};

use super::worker::{self, Answer, Job};

/// What the thread is asked for.
pub(super) type Task = (Job, oneshot::Sender<Result<Answer, SqlFailure>>);

pub(super) struct Connection {
    tasks: mpsc::Sender<Task>,
    canceller: Arc<Canceller>,
}

impl Connection {
    pub(super) async fn open(file: PathBuf, replica: bool) -> Result<Self, SqlFailure> {
        let (tasks, receiver) = mpsc::channel(1);
        let (opened, opening) = oneshot::channel();
        let thread = std::thread::Builder::new().name("mm-sim-sql".to_owned());
        thread
            .spawn(move || worker::run(&file, replica, opened, receiver))
            .map_err(|error| SqlFailure::lost(format!("the simulator could not start a thread: {error}")))?;
        let handle = opening.await.map_err(|_| gone())??;
        Ok(Self { tasks, canceller: Arc::new(Canceller(handle)) })
    }

    async fn ask(&self, job: Job) -> Result<Answer, SqlFailure> {
        let (answer, answered) = oneshot::channel();
        self.tasks.send((job, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn gone() -> SqlFailure {
    SqlFailure::lost("the simulator's database is gone")
}

#[async_trait::async_trait]
impl SqlConnection for Connection {
    fn database(&self) -> SqlOpened {
        SqlOpened { dialect: "sqlite".to_owned(), version: rusqlite::version().to_owned() }
    }

    fn canceller(&self) -> Arc<dyn SqlCanceller> {
        self.canceller.clone()
    }

    async fn begin(&mut self, transaction: &SqlTransaction) -> Result<(), SqlFailure> {
        self.ask(Job::Begin { read_only: transaction.read_only }).await.map(drop)
    }

    async fn end(&mut self, commit: bool) -> Result<(), SqlFailure> {
        self.ask(Job::End { commit }).await.map(drop)
    }

    async fn execute(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure> {
        match self.ask(Job::Execute { statement: statement.clone(), arguments }).await? {
            Answer::Result(result) => Ok(result),
            _ => Err(gone()),
        }
    }

    async fn execute_many(
        &mut self,
        statement: &Statement,
        arguments: Vec<SqlRow>,
        _more: bool,
    ) -> Result<i64, SqlFailure> {
        match self.ask(Job::Many { statement: statement.clone(), arguments }).await? {
            Answer::Result(result) => Ok(result.rows_affected),
            _ => Err(gone()),
        }
    }

    async fn fetch(&mut self, max_rows: usize, max_bytes: usize) -> Result<SqlRows, SqlFailure> {
        match self.ask(Job::Fetch { max_rows, max_bytes }).await? {
            Answer::Rows(rows) => Ok(rows),
            _ => Err(gone()),
        }
    }

    async fn close_rows(&mut self) -> Result<(), SqlFailure> {
        self.ask(Job::CloseRows).await.map(drop)
    }

    async fn ping(&mut self) -> Result<(), SqlFailure> {
        self.ask(Job::Ping).await.map(drop)
    }

    async fn close(self: Box<Self>) {
        // The thread is done when it has answered; what is not committed is rolled back.
        let _ = self.ask(Job::Close).await;
    }
}

struct Canceller(InterruptHandle);

#[async_trait::async_trait]
impl SqlCanceller for Canceller {
    async fn cancel(&self) {
        self.0.interrupt();
    }
}
