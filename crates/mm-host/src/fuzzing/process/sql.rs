//! A connection to the database: any requests are answered, one by one, and whatever comes, the connection is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use mm_proto::host::v1::plugin_sql_server::PluginSqlServer;
use mm_sql::{
    Kind, SqlCanceller, SqlConnection, SqlDriver, SqlFailure, SqlOpened, SqlResult, SqlRow, SqlRows, SqlTransaction,
    Statement, Value,
};
use tower::Service as _;

use super::said;
use crate::sql::{LateSql, SqlService};

/// Longer than a connection that nobody wants may take to be given back.
const SOON: Duration = Duration::from_secs(60);

/// Requests, in the form that the first byte tells.
pub(super) async fn session(bytes: &[u8]) {
    let open = Arc::new(AtomicUsize::new(0));
    let sql = LateSql::from(Arc::new(Database(open.clone())) as Arc<dyn SqlDriver>);
    let mut service = PluginSqlServer::new(SqlService::new(sql.clone()));
    let request = Request::builder().uri("/mattermost.host.v1.PluginSql/Session");
    let request = request.header("content-type", "application/grpc").body(said(bytes)).expect("a request");
    let response = service.call(request).await.unwrap_or_else(|never| match never {});
    // What comes of it is the process's own affair.
    let _ = response.into_body().collect().await;
    sql.end(SOON).await;
    assert_eq!(open.load(Ordering::SeqCst), 0, "a connection is not given back");
}

/// A database whose every query has two rows. Counts its open connections.
struct Database(Arc<AtomicUsize>);

struct Connection {
    open: Arc<AtomicUsize>,
    in_transaction: bool,
    rows: usize,
}

#[async_trait::async_trait]
impl SqlDriver for Database {
    async fn connect(&self, _: bool) -> Result<Box<dyn SqlConnection>, SqlFailure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Connection { open: self.0.clone(), in_transaction: false, rows: 0 }))
    }
}

struct Nothing;

#[async_trait::async_trait]
impl SqlCanceller for Nothing {
    async fn cancel(&self) {}
}

/// What is looked at of a statement before it goes to a database.
fn looked_at(statement: &Statement) {
    let (text, body) = (statement.text(), statement.body());
    assert_eq!(text.get(statement.start()..statement.start() + body.len()), Some(body));
    if let Kind::Returning { main, .. } = statement.kind() {
        assert!(text.get(main..).is_some(), "{main} in {text:?}");
    }
}

#[async_trait::async_trait]
impl SqlConnection for Connection {
    fn database(&self) -> SqlOpened {
        SqlOpened { dialect: "postgresql".to_owned(), version: "17".to_owned() }
    }

    fn canceller(&self) -> Arc<dyn SqlCanceller> {
        Arc::new(Nothing)
    }

    async fn begin(&mut self, _: &SqlTransaction) -> Result<(), SqlFailure> {
        assert!(!std::mem::replace(&mut self.in_transaction, true) && self.rows == 0);
        Ok(())
    }

    async fn end(&mut self, _: bool) -> Result<(), SqlFailure> {
        assert!(std::mem::take(&mut self.in_transaction) && self.rows == 0);
        Ok(())
    }

    async fn execute(&mut self, statement: &Statement, arguments: Vec<Value>) -> Result<SqlResult, SqlFailure> {
        assert_eq!((statement.check(arguments.len()).is_ok(), self.rows), (true, 0));
        looked_at(statement);
        self.rows = if statement.gives_rows() { 2 } else { 0 };
        Ok(SqlResult { more: self.rows > 0, ..SqlResult::default() })
    }

    async fn execute_many(&mut self, statement: &Statement, rows: Vec<SqlRow>, _: bool) -> Result<i64, SqlFailure> {
        assert!(!statement.gives_rows() && rows.iter().all(|it| statement.check(it.values.len()).is_ok()));
        looked_at(statement);
        Ok(i64::try_from(rows.len()).unwrap_or(-1))
    }

    async fn fetch(&mut self, max_rows: usize, _: usize) -> Result<SqlRows, SqlFailure> {
        assert!(max_rows > 0 && self.rows > 0);
        self.rows -= 1;
        Ok(SqlRows { rows: vec![SqlRow::default()], more: self.rows > 0 })
    }

    async fn close_rows(&mut self) -> Result<(), SqlFailure> {
        self.rows = 0;
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), SqlFailure> {
        assert_eq!(self.rows, 0);
        Ok(())
    }

    async fn close(self: Box<Self>) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}
