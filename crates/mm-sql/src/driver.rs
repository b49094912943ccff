//! The trait of a database.

use std::sync::Arc;

use crate::{SqlFailure, SqlOpened, SqlResult, SqlRow, SqlRows, SqlTransaction, Statement, Value};

/// A database with connections to be had.
#[async_trait::async_trait]
pub trait SqlDriver: Send + Sync {
    /// Takes a connection, to a read replica if `replica` says so and there is one.
    ///
    /// # Errors
    /// When there is no database, or none that can be reached.
    async fn connect(&self, replica: bool) -> Result<Box<dyn SqlConnection>, SqlFailure>;
}

/// A connection. Its methods are called one after the other, and their futures are always awaited to the end: who is in a hurry uses
/// the [`SqlCanceller`].
///
/// After an error with `lost` nothing but [`SqlConnection::close`] is called.
#[async_trait::async_trait]
pub trait SqlConnection: Send {
    /// What the database is.
    fn database(&self) -> SqlOpened;

    /// What ends a method that runs.
    fn canceller(&self) -> Arc<dyn SqlCanceller>;

    /// Begins a transaction. There is none, and there are no rows to fetch.
    async fn begin(&mut self, transaction: &SqlTransaction) -> Result<(), SqlFailure>;

    /// Ends the transaction; it is over even when this fails. There are no rows to fetch.
    async fn end(&mut self, commit: bool) -> Result<(), SqlFailure>;

    /// Executes a statement that was checked ([`Statement::check`]). There are no rows to fetch. The result has no rows yet; its `more`
    /// says whether [`SqlConnection::fetch`] is to be called.
    async fn execute(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure>;

    /// Executes a statement, checked too, once for each list of arguments, and says how many rows were changed; -1 when that is not
    /// known. With `more` the next call of this connection may be one with the same statement.
    async fn execute_many(
        &mut self,
        statement: &Statement,
        arguments: Vec<SqlRow>,
        more: bool,
    ) -> Result<i64, SqlFailure>;

    /// Gets rows: at most `max_rows`, and no further ones once they have `max_bytes`. Without `more` in the answer, or after an error,
    /// there are none to fetch any more.
    async fn fetch(&mut self, max_rows: usize, max_bytes: usize) -> Result<SqlRows, SqlFailure>;

    /// Gives up rows that were not fetched, if there are any.
    async fn close_rows(&mut self) -> Result<(), SqlFailure>;

    /// Asks whether the connection is alive. There are no rows to fetch.
    async fn ping(&mut self) -> Result<(), SqlFailure>;

    /// Rolls back what is not committed, gives back what is held. Always called, as the last.
    async fn close(self: Box<Self>);
}

/// Ends what runs on a connection, from outside.
#[async_trait::async_trait]
pub trait SqlCanceller: Send + Sync {
    /// Makes the method that runs end soon, with an error of the database; does nothing when none runs. Returns when that is asked for,
    /// and never later touches what the connection does next.
    async fn cancel(&self);
}
