//! The calls of the driver service on one connection, each allowed by the ledger first and told to it afterwards.

use futures::future::try_join_all;
use mm_gob::codec::{Bool, Codec, Str, Struct};
use mm_goplugin::rpc::{CallError, Client};
use mm_proto::plugin::v1::Value;
use mm_sql::{SqlColumn, SqlFailure, SqlTransaction};

use super::ledger::{Id, Ledger, Op, Outcome, Refused};
use super::wire::{self, Answer};

/// The types of columns whose values are Go's `time.Time`, which the service cannot send.
const TIMES: [&str; 5] = ["TIMESTAMPTZ", "TIMESTAMP", "DATE", "TIME", "TIMETZ"];

/// A type whose digits are worth a question.
const NUMERIC: &str = "NUMERIC";

/// A connection of the server's pool.
pub(super) struct Link {
    client: Client,
    ledger: Ledger,
}

/// Whether a column of this type must not be read.
pub(super) fn is_time(type_name: &str) -> bool {
    TIMES.iter().any(|it| it.eq_ignore_ascii_case(type_name))
}

impl Link {
    /// Takes a connection from the pool.
    pub(super) async fn connect(client: Client, replica: bool) -> Result<Self, SqlFailure> {
        let mut link = Self { client, ledger: Ledger::default() };
        made(link.call::<Bool, bool, wire::Made>(Op::Connect, "Conn", |_| !replica).await?)?;
        Ok(link)
    }

    /// What the connection has.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    async fn call<A, TA, R>(&mut self, op: Op, method: &str, args: impl FnOnce(String) -> TA) -> Result<R, SqlFailure>
    where
        A: Codec<TA>,
        TA: Sync,
        R: Answer + mm_gob::GobStruct + Default + Send + 'static,
    {
        let id = self.ledger.permit(op).map_err(refused)?;
        let args = args(id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default());
        let result = self.client.call::<A, TA, Struct<R>, R>(&format!("Plugin.{method}"), &args).await;
        match result {
            Ok(answer) => {
                self.ledger.settle(answer.outcome());
                Ok(answer)
            }
            Err(error) => {
                self.ledger.settle(outcome_of(op, &error));
                Err(broken(&error))
            }
        }
    }

    /// A call about the one thing that `op` names.
    async fn simple(&mut self, op: Op, method: &str) -> Result<(), SqlFailure> {
        let mut done = self.call::<Str, String, wire::Done>(op, method, |id| id).await?;
        done.take_error().map_or(Ok(()), |error| Err(wire::failure(error)))
    }

    pub(super) async fn ping(&mut self) -> Result<(), SqlFailure> {
        self.simple(Op::Ping, "ConnPing").await
    }

    pub(super) async fn begin(&mut self, transaction: &SqlTransaction) -> Result<(), SqlFailure> {
        let options = wire::TxOptions { isolation: transaction.isolation.into(), read_only: transaction.read_only };
        let args = |id| wire::TxArgs { id, options };
        made(self.call::<Struct<wire::TxArgs>, _, wire::Made>(Op::Begin, "Tx", args).await?)
    }

    pub(super) async fn commit(&mut self) -> Result<(), SqlFailure> {
        self.simple(Op::Commit, "TxCommit").await
    }

    pub(super) async fn rollback(&mut self) -> Result<(), SqlFailure> {
        self.simple(Op::Rollback, "TxRollback").await
    }

    /// Executes what gives no rows; says how many it changed, -1 when that is not known.
    pub(super) async fn exec(&mut self, query: String, values: Vec<Value>) -> Result<i64, SqlFailure> {
        let args = |id| wire::QueryArgs { id, query, values: wire::named(values) };
        affected(self.call::<Struct<wire::QueryArgs>, _, wire::Executed>(Op::Exec, "ConnExec", args).await?)
    }

    /// Executes what gives rows; [`Link::columns`] must follow.
    pub(super) async fn query(&mut self, query: String, values: Vec<Value>) -> Result<(), SqlFailure> {
        let args = |id| wire::QueryArgs { id, query, values: wire::named(values) };
        made(self.call::<Struct<wire::QueryArgs>, _, wire::Made>(Op::Query, "ConnQuery", args).await?)
    }

    pub(super) async fn prepare(&mut self, query: String) -> Result<(), SqlFailure> {
        let args = |id| wire::PrepareArgs { id, query };
        made(self.call::<Struct<wire::PrepareArgs>, _, wire::Made>(Op::Prepare, "Stmt", args).await?)
    }

    pub(super) async fn exec_prepared(&mut self, values: Vec<Value>) -> Result<i64, SqlFailure> {
        let args = |id| wire::PreparedArgs { id, values: wire::named(values) };
        affected(self.call::<Struct<wire::PreparedArgs>, _, wire::Executed>(Op::ExecPrepared, "StmtExec", args).await?)
    }

    pub(super) async fn close_prepared(&mut self) -> Result<(), SqlFailure> {
        self.simple(Op::ClosePrepared, "StmtClose").await
    }

    pub(super) async fn close_rows(&mut self) -> Result<(), SqlFailure> {
        self.simple(Op::CloseRows, "RowsClose").await
    }

    /// The columns of the rows, with their types.
    pub(super) async fn columns(&mut self) -> Result<Vec<SqlColumn>, SqlFailure> {
        let named = self.call::<Str, String, wire::Columns>(Op::Columns, "RowsColumns", |id| id).await?.names;
        let types = self.types(named.len()).await?;
        let column = |(name, r#type): (String, String)| SqlColumn {
            name,
            r#type: r#type.to_uppercase(),
            precision: None,
            scale: None,
        };
        let mut columns: Vec<SqlColumn> = named.into_iter().zip(types).map(column).collect();
        self.precisions(&mut columns).await?;
        Ok(columns)
    }

    async fn types(&mut self, n_columns: usize) -> Result<Vec<String>, SqlFailure> {
        if n_columns == 0 {
            return Ok(Vec::new());
        }
        let outcome = |types: &[String]| Outcome::Types { harmless: !types.iter().any(|it| is_time(it)) };
        self.of_columns::<Str, String>(Op::Types, TYPE_NAME, 0..n_columns, outcome).await
    }

    /// The digits of those columns that have any.
    async fn precisions(&mut self, columns: &mut [SqlColumn]) -> Result<(), SqlFailure> {
        let numeric: Vec<usize> = (0..columns.len()).filter(|index| columns[*index].r#type == NUMERIC).collect();
        let Some(last) = numeric.last() else { return Ok(()) };
        let (op, indices) = (Op::Precisions(*last), numeric.iter().copied());
        let digits = self
            .of_columns::<Struct<wire::Precision>, wire::Precision>(op, PRECISION, indices, |_| Outcome::Done)
            .await?;
        for (index, digits) in numeric.into_iter().zip(digits).filter(|(_, digits)| digits.is_known) {
            columns[index].precision = Some(digits.precision);
            columns[index].scale = Some(digits.scale);
        }
        Ok(())
    }

    /// Asks the same of several columns, at the same time: they are only looked at, and each is a way there and back.
    async fn of_columns<A, T>(
        &mut self,
        op: Op,
        method: &str,
        indices: impl Iterator<Item = usize>,
        outcome: impl FnOnce(&[T]) -> Outcome,
    ) -> Result<Vec<T>, SqlFailure>
    where
        A: Codec<T>,
        T: Default + Send + 'static,
    {
        let id = self.ledger.permit(op).map_err(refused)?;
        let id = id.as_ref().map(Id::as_str).unwrap_or_default();
        let client = &self.client;
        let calls = indices.map(|index| async move {
            let args = wire::ColumnArgs { id: id.to_owned(), index: i64::try_from(index).unwrap_or(i64::MAX) };
            client.call::<Struct<wire::ColumnArgs>, _, A, T>(method, &args).await
        });
        let answers = try_join_all(calls).await;
        self.ledger.settle(match &answers {
            Ok(answers) => outcome(answers),
            Err(error) => outcome_of(op, error),
        });
        answers.map_err(|error| broken(&error))
    }

    /// The next row; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, SqlFailure> {
        let n_columns = self.ledger.n_columns().unwrap_or_default();
        let args = |id| wire::NextArgs { id, places: vec![Value::default(); n_columns] };
        let mut next = self.call::<Struct<wire::NextArgs>, _, wire::Next>(Op::Next, "RowsNext", args).await?;
        if next.is_end() {
            return Ok(None);
        }
        if let Some(error) = next.take_error() {
            return Err(wire::failure(error));
        }
        // A server that sends fewer values than there are columns means nulls.
        next.values.resize(n_columns, Value::default());
        Ok(Some(next.values))
    }

    /// Ends everything that there is, the connection last; `before_return` is executed while there is only that.
    pub(super) async fn end(&mut self, before_return: Option<&str>) {
        let mut before_return = before_return;
        while let Some(op) = self.ledger.next_to_end() {
            let cleaning = if op == Op::Close { before_return.take() } else { None };
            // What fails is over all the same; the ledger knows what cannot be ended any more.
            let _ = match (op, cleaning) {
                (_, Some(cleaning)) => self.exec(cleaning.to_owned(), Vec::new()).await.map(drop),
                (Op::CloseRows, _) => self.close_rows().await,
                (Op::ClosePrepared, _) => self.close_prepared().await,
                (Op::Rollback, _) => self.rollback().await,
                _ => self.simple(Op::Close, "ConnClose").await,
            };
        }
    }
}

/// The methods that are asked about one column.
const TYPE_NAME: &str = "Plugin.RowsColumnTypeDatabaseTypeName";
const PRECISION: &str = "Plugin.RowsColumnTypePrecisionScale";

fn made(mut answer: wire::Made) -> Result<(), SqlFailure> {
    answer.take_error().map_or(Ok(()), |error| Err(wire::failure(error)))
}

fn affected(mut answer: wire::Executed) -> Result<i64, SqlFailure> {
    if let Some(error) = answer.take_error() {
        return Err(wire::failure(error));
    }
    Ok(if answer.result.n_rows_error.is_some() { -1 } else { answer.result.n_rows })
}

/// What a call that failed as a call leaves behind.
fn outcome_of(op: Op, error: &CallError) -> Outcome {
    let makes = matches!(op, Op::Connect | Op::Begin | Op::Prepare | Op::Query);
    match error {
        // Nothing was sent.
        CallError::Encode(_) => Outcome::Failed,
        // It was done, and what it said is lost; that matters where it named something.
        CallError::Decode(_) if !makes => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn broken(error: &CallError) -> SqlFailure {
    match error {
        CallError::Encode(_) => SqlFailure::misuse(format!("an argument cannot be sent to the server: {error}")),
        CallError::Decode(_) => SqlFailure::unsupported(format!("the server's answer cannot be read: {error}")),
        _ => SqlFailure::lost(format!("the server's SQL service cannot be reached: {error}")),
    }
}

fn refused(refused: Refused) -> SqlFailure {
    match refused {
        Refused::Lost => SqlFailure::lost("the connection to the database is over"),
        Refused::Busy => SqlFailure::misuse("the connection is busy with another statement"),
        Refused::Order => SqlFailure::misuse("this is not possible in the connection's present state"),
        Refused::Deadly => SqlFailure::unsupported("a column has a time, which the server cannot send"),
    }
}
