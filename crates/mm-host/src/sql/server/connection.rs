//! A connection to a server's database: what is asked for in terms of the driver service.
//!
//! **Times.** A row with a time kills the driver service, so the types are looked at before any row is read, and a statement whose
//! result has times is executed in a form that gives them as text. What a query gives is found out by asking for none of its rows. What
//! a changing statement gives is found out by executing it, within a transaction or behind a savepoint: if there are no times in it,
//! its rows are taken; else it is undone and executed in the other form. Either is remembered for the next time.

use std::sync::Arc;

use mm_goplugin::rpc::Client;
use mm_sql::{
    Kind, SqlCanceller, SqlColumn, SqlConnection, SqlFailure, SqlOpened, SqlResult, SqlRow, SqlRows, SqlTransaction,
    Statement, Value,
};
use prost::Message;

use super::Shared;
use super::link::{Link, is_time};
use super::rewrite::{self, Sent};

/// Before which a change is tried.
const SAVEPOINT: &str = "mm_plugin_rows";

/// Takes back what a session's statements may have left. `DISCARD ALL` would also take prepared statements of the server's.
const CLEANING: &str =
    "RESET SESSION AUTHORIZATION; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP";

pub(super) struct Connection {
    link: Link,
    shared: Arc<Shared>,
    version: String,
    tag: String,
    canceller: Arc<Canceller>,
    /// Of the rows that are read: to find places of errors, and what is to be done after them.
    reading: Option<Reading>,
    /// The text of the statement that is prepared.
    prepared: Option<String>,
    leaves_traces: bool,
}

struct Reading {
    sent: Sent,
    after: After,
}

/// What is to be done when the rows of a statement are closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    /// The savepoint that it was executed behind is not needed any more.
    Release,
    /// The transaction that was begun for it is over.
    Commit,
}

impl Connection {
    pub(super) async fn open(shared: Arc<Shared>, replica: bool) -> Result<Self, SqlFailure> {
        let link = Link::connect(shared.client.clone(), replica).await?;
        let tag = shared.new_tag();
        let canceller = Canceller { client: shared.client.clone(), replica, tag: tag.clone() };
        let mut connection = Self {
            link,
            version: String::new(),
            tag,
            canceller: Arc::new(canceller),
            reading: None,
            prepared: None,
            leaves_traces: false,
            shared: shared.clone(),
        };
        match shared.version.get_or_try_init(|| connection.ask_version()).await {
            Ok(version) => {
                connection.version.clone_from(version);
                Ok(connection)
            }
            Err(failure) => {
                connection.link.end(None).await;
                Err(failure)
            }
        }
    }

    async fn ask_version(&mut self) -> Result<String, SqlFailure> {
        let statement = Statement::read("SHOW server_version");
        let answer = async {
            self.execute(&statement, Vec::new()).await?;
            self.fetch(1, usize::MAX).await
        };
        let rows = answer.await.map_err(|failure| {
            if failure.is_lost() {
                return failure;
            }
            SqlFailure::unsupported(format!("the server's database does not answer as PostgreSQL does: {failure}"))
        })?;
        self.close_rows().await?;
        let version = rows.rows.into_iter().next().and_then(|row| row.values.into_iter().next());
        Ok(version.map(|it| text_of(&it)).unwrap_or_default())
    }

    /// Executes something of our own that gives no rows.
    async fn command(&mut self, text: &str) -> Result<(), SqlFailure> {
        self.link.exec(format!("{}{text}", self.tag), Vec::new()).await.map(drop)
    }

    /// Sends what gives rows, and looks at its columns. After an error no rows are open.
    async fn ask(&mut self, sent: &Sent, arguments: Vec<Value>) -> Result<Vec<SqlColumn>, SqlFailure> {
        self.link.query(sent.text.clone(), arguments).await.map_err(|it| placed(it, sent))?;
        match self.link.columns().await {
            Ok(columns) => Ok(columns),
            Err(failure) => {
                self.drop_rows().await;
                Err(failure)
            }
        }
    }

    async fn drop_rows(&mut self) {
        if self.link.ledger().has_rows() && !self.link.ledger().is_lost() {
            // The rows are over in any case.
            let _ = self.link.close_rows().await;
        }
    }

    /// Begins to read rows whose columns were looked at.
    async fn read(
        &mut self,
        sent: Sent,
        after: After,
        columns: Vec<SqlColumn>,
        shown: &[SqlColumn],
    ) -> Result<SqlResult, SqlFailure> {
        if has_time(&columns) {
            self.drop_rows().await;
            return Err(time_failure(&columns));
        }
        self.reading = Some(Reading { sent, after });
        Ok(SqlResult { columns: shown.to_vec(), rows_affected: -1, rows: Vec::new(), more: true })
    }

    async fn execute_query(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure> {
        let known = match self.shared.known(statement.text()) {
            Some(known) => known,
            None => match self.probe(statement, &arguments).await? {
                Some(columns) => columns,
                None => return self.execute_plain(statement, arguments).await,
            },
        };
        self.execute_known(statement, arguments, &known).await
    }

    /// Finds out what a query gives; `None` when it has to be executed to find out.
    async fn probe(
        &mut self,
        statement: &Statement,
        arguments: &[Value],
    ) -> Result<Option<Arc<[SqlColumn]>>, SqlFailure> {
        let sent = rewrite::probe(&self.tag, statement);
        match self.ask(&sent, arguments.to_vec()).await {
            Ok(columns) => {
                self.drop_rows().await;
                let columns: Arc<[SqlColumn]> = columns.into();
                self.remember(statement, &columns);
                Ok(Some(columns))
            }
            // It may be that the statement is good and only cannot be wrapped; within a transaction there is no second try.
            Err(failure) if failure.is_lost() || self.link.ledger().has_transaction() => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// Remembers what a statement gives; but where it says `*` and has to be wrapped, for a new column would never be seen.
    fn remember(&self, statement: &Statement, columns: &Arc<[SqlColumn]>) {
        if !(statement.takes_all_columns() && has_time(columns)) {
            self.shared.remember(statement.text(), columns.clone());
        }
    }

    /// Executes a statement that gives these columns, in the form that is right for them.
    async fn execute_known(
        &mut self,
        statement: &Statement,
        arguments: Vec<Value>,
        shown: &[SqlColumn],
    ) -> Result<SqlResult, SqlFailure> {
        let wrapped = if has_time(shown) { rewrite::wrapped(&self.tag, statement, shown) } else { None };
        let is_wrapped = wrapped.is_some();
        let sent = wrapped.unwrap_or_else(|| rewrite::plain(&self.tag, statement));
        let columns = match self.ask(&sent, arguments).await {
            Ok(columns) => columns,
            Err(failure) => {
                // The tables may be others than when the columns were looked at.
                self.shared.forget(statement.text());
                return Err(failure);
            }
        };
        if has_time(&columns) || (is_wrapped && columns.len() != shown.len()) {
            self.shared.forget(statement.text());
            self.drop_rows().await;
            let text = "the columns of the statement have changed since it was executed before; execute it again";
            return Err(SqlFailure::database("40001", text));
        }
        let shown: Vec<SqlColumn> =
            if is_wrapped { columns.iter().zip(shown).map(unwrapped).collect() } else { columns.clone() };
        self.read(sent, After::Nothing, columns, &shown).await
    }

    async fn execute_plain(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure> {
        let sent = rewrite::plain(&self.tag, statement);
        let columns = self.ask(&sent, arguments).await?;
        let shown = columns.clone();
        self.read(sent, After::Nothing, columns, &shown).await
    }

    async fn execute_returning(
        &mut self,
        statement: &Statement,
        arguments: Vec<Value>,
    ) -> Result<SqlResult, SqlFailure> {
        if let Some(known) = self.shared.known(statement.text()) {
            return self.execute_known(statement, arguments, &known).await;
        }
        let after = self.begin_trial().await?;
        let sent = rewrite::plain(&self.tag, statement);
        let columns = match self.ask(&sent, arguments.clone()).await {
            Ok(columns) => columns,
            Err(failure) => {
                // A transaction of the plugin's is left as it is after any error: it has to roll back.
                if after == After::Commit && self.link.ledger().has_transaction() {
                    let _ = self.link.rollback().await;
                }
                return Err(failure);
            }
        };
        self.remember(statement, &columns.clone().into());
        if !has_time(&columns) {
            let shown = columns.clone();
            return self.read(sent, after, columns, &shown).await;
        }
        self.link.close_rows().await?;
        self.undo_trial(after).await?;
        self.execute_known(statement, arguments, &columns).await
    }

    /// Makes sure that what follows can be undone.
    async fn begin_trial(&mut self) -> Result<After, SqlFailure> {
        if self.link.ledger().has_transaction() {
            self.command(&format!("SAVEPOINT {SAVEPOINT}")).await?;
            return Ok(After::Release);
        }
        self.link.begin(&SqlTransaction::default()).await?;
        Ok(After::Commit)
    }

    async fn undo_trial(&mut self, after: After) -> Result<(), SqlFailure> {
        match after {
            After::Commit => self.link.rollback().await,
            _ => self.command(&format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}; RELEASE SAVEPOINT {SAVEPOINT}")).await,
        }
    }

    /// Closes the rows, and does what was to be done after them.
    async fn finish_rows(&mut self) -> Result<(), SqlFailure> {
        let after = self.reading.take().map_or(After::Nothing, |it| it.after);
        let closed = if self.link.ledger().has_rows() { self.link.close_rows().await } else { Ok(()) };
        if let (Err(failure), After::Commit) = (&closed, after) {
            let _ = self.link.rollback().await;
            return Err(failure.clone());
        }
        closed?;
        match after {
            After::Nothing => Ok(()),
            After::Release => self.command(&format!("RELEASE SAVEPOINT {SAVEPOINT}")).await,
            After::Commit => self.link.commit().await,
        }
    }

    /// After an error in the middle of the rows.
    async fn abandon_rows(&mut self) {
        let after = self.reading.take().map_or(After::Nothing, |it| it.after);
        self.drop_rows().await;
        if after == After::Commit && self.link.ledger().has_transaction() {
            let _ = self.link.rollback().await;
        }
    }

    /// Ends the prepared statement, unless it is the one that is wanted.
    async fn drop_prepared(&mut self, wanted: Option<&str>) -> Result<(), SqlFailure> {
        if self.prepared.is_none() || (wanted.is_some() && self.prepared.as_deref() == wanted) {
            return Ok(());
        }
        self.prepared = None;
        if self.link.ledger().has_statement() { self.link.close_prepared().await } else { Ok(()) }
    }

    async fn run_prepared(&mut self, statement: &Statement, arguments: Vec<SqlRow>) -> Result<i64, SqlFailure> {
        let sent = rewrite::plain(&self.tag, statement);
        if self.prepared.is_none() {
            self.link.prepare(sent.text.clone()).await.map_err(|it| placed(it, &sent))?;
            self.prepared = Some(statement.text().to_owned());
        }
        let mut total = 0;
        for row in arguments {
            let n_rows = self.link.exec_prepared(row.values).await.map_err(|it| placed(it, &sent))?;
            total = if total < 0 || n_rows < 0 { -1 } else { total + n_rows };
        }
        Ok(total)
    }
}

#[async_trait::async_trait]
impl SqlConnection for Connection {
    fn database(&self) -> SqlOpened {
        SqlOpened { dialect: "postgresql".to_owned(), version: self.version.clone() }
    }

    fn canceller(&self) -> Arc<dyn SqlCanceller> {
        self.canceller.clone()
    }

    async fn begin(&mut self, transaction: &SqlTransaction) -> Result<(), SqlFailure> {
        self.drop_prepared(None).await?;
        self.link.begin(transaction).await
    }

    async fn end(&mut self, commit: bool) -> Result<(), SqlFailure> {
        self.drop_prepared(None).await?;
        if commit { self.link.commit().await } else { self.link.rollback().await }
    }

    async fn execute(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure> {
        self.drop_prepared(None).await?;
        self.leaves_traces |= statement.leaves_traces();
        match statement.kind() {
            Kind::Query => self.execute_query(statement, arguments).await,
            Kind::Returning { .. } => self.execute_returning(statement, arguments).await,
            Kind::Rows => self.execute_plain(statement, arguments).await,
            Kind::Empty | Kind::Command => {
                let sent = rewrite::plain(&self.tag, statement);
                let n_rows = self.link.exec(sent.text.clone(), arguments).await.map_err(|it| placed(it, &sent))?;
                Ok(SqlResult { rows_affected: n_rows, ..SqlResult::default() })
            }
        }
    }

    async fn execute_many(
        &mut self,
        statement: &Statement,
        arguments: Vec<SqlRow>,
        more: bool,
    ) -> Result<i64, SqlFailure> {
        self.drop_prepared(Some(statement.text())).await?;
        self.leaves_traces |= statement.leaves_traces();
        let result = self.run_prepared(statement, arguments).await;
        if result.is_err() || !more {
            let dropped = self.drop_prepared(None).await;
            // What went wrong first says more.
            return result.and_then(|total| dropped.map(|()| total));
        }
        result
    }

    async fn fetch(&mut self, max_rows: usize, max_bytes: usize) -> Result<SqlRows, SqlFailure> {
        let mut rows = SqlRows::default();
        let mut n_bytes = 0;
        while rows.rows.len() < max_rows && n_bytes < max_bytes {
            match self.link.next().await {
                Ok(Some(values)) => {
                    let row = SqlRow { values };
                    n_bytes += row.encoded_len();
                    rows.rows.push(row);
                }
                Ok(None) => {
                    self.finish_rows().await?;
                    return Ok(rows);
                }
                Err(failure) => {
                    let failure = self.reading.as_ref().map_or(failure.clone(), |it| placed(failure, &it.sent));
                    self.abandon_rows().await;
                    return Err(failure);
                }
            }
        }
        rows.more = true;
        Ok(rows)
    }

    async fn close_rows(&mut self) -> Result<(), SqlFailure> {
        if self.reading.is_some() { self.finish_rows().await } else { Ok(()) }
    }

    async fn ping(&mut self) -> Result<(), SqlFailure> {
        self.drop_prepared(None).await?;
        self.link.ping().await
    }

    async fn close(mut self: Box<Self>) {
        self.link.end(self.leaves_traces.then_some(CLEANING)).await;
    }
}

/// Finds the backend by the tag that its statement begins with, so that it cannot hit another one.
struct Canceller {
    client: Client,
    replica: bool,
    tag: String,
}

#[async_trait::async_trait]
impl SqlCanceller for Canceller {
    async fn cancel(&self) {
        let Ok(mut link) = Link::connect(self.client.clone(), self.replica).await else { return };
        let query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                     WHERE state = 'active' AND pid <> pg_backend_pid() AND left(query, length($1)) = $1";
        let tag = Value { kind: Some(mm_proto::plugin::v1::value::Kind::StringValue(self.tag.clone())) };
        if link.query(query.to_owned(), vec![tag]).await.is_ok() && link.columns().await.is_ok() {
            // Reading it is what makes the database do it.
            while let Ok(Some(_)) = link.next().await {}
        }
        link.end(None).await;
    }
}

fn has_time(columns: &[SqlColumn]) -> bool {
    columns.iter().any(|it| is_time(&it.r#type))
}

fn time_failure(columns: &[SqlColumn]) -> SqlFailure {
    let times: Vec<String> =
        columns.iter().filter(|it| is_time(&it.r#type)).map(|it| format!("{} ({})", it.name, it.r#type)).collect();
    SqlFailure::unsupported(format!(
        "a Mattermost server cannot send times, and this kind of statement cannot be rewritten; select them as text, \
         as in {}::text; the statement was executed, its rows are lost. Columns: {}",
        columns.iter().find(|it| is_time(&it.r#type)).map_or("x", |it| it.name.as_str()),
        times.join(", ")
    ))
}

/// A column as the statement itself gives it: its name is hidden by the wrapping, and so is that it is a time.
fn unwrapped((now, then): (&SqlColumn, &SqlColumn)) -> SqlColumn {
    let column = if is_time(&then.r#type) { then } else { now };
    SqlColumn { name: then.name.clone(), ..column.clone() }
}

/// The error with its place in the plugin's own text.
fn placed(mut failure: SqlFailure, sent: &Sent) -> SqlFailure {
    let error = failure.error_mut();
    error.position = sent.place(error.position);
    failure
}

fn text_of(value: &Value) -> String {
    use mm_proto::plugin::v1::value::Kind;
    match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        Some(Kind::BytesValue(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}
