//! The service `PluginSql`: one stream is one connection.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use mm_proto::host::v1::plugin_sql_server::PluginSql;
use mm_proto::host::v1::sql_request::Part as Asked;
use mm_proto::host::v1::sql_response::Part as Answer;
use mm_proto::host::v1::{SqlOpen, SqlRequest, SqlResponse};
use mm_sql::{SqlCanceller, SqlFailure};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::late::LateSql;
use super::session::{Open, Session};

/// How long a statement that was cancelled may take to say so.
const CANCELLING: Duration = Duration::from_secs(5);

/// What serves the connections of one process.
#[derive(Clone)]
pub(crate) struct SqlService {
    sql: LateSql,
}

impl SqlService {
    pub(crate) fn new(sql: LateSql) -> Self {
        Self { sql }
    }
}

type Responses = mpsc::Sender<Result<SqlResponse, Status>>;

#[tonic::async_trait]
impl PluginSql for SqlService {
    type SessionStream = Pin<Box<dyn Stream<Item = Result<SqlResponse, Status>> + Send>>;

    async fn session(&self, request: Request<Streaming<SqlRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        let (out, responses) = mpsc::channel(1);
        let sql = self.sql.clone();
        let requests = request.into_inner();
        tokio::spawn(async move {
            let serving = Serving { sql, out: out.clone(), canceller: None };
            if let Err(status) = serving.serve(requests).await {
                let _ = out.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }
}

/// One connection, as its process sees it.
struct Serving {
    sql: LateSql,
    out: Responses,
    canceller: Option<Arc<dyn SqlCanceller>>,
}

impl Serving {
    async fn serve(mut self, mut requests: Streaming<SqlRequest>) -> Result<(), Status> {
        let Some(first) = requests.message().await? else { return Ok(()) };
        let Some(Asked::Open(SqlOpen { replica })) = first.part else {
            return Err(Status::invalid_argument("a connection begins with `open`"));
        };
        let (session, opening) = Session::open(&self.sql, replica);
        let Some(opened) = self.wait(opening, limit(first.timeout_ms)).await else { return Ok(()) };
        match opened {
            Ok(Open { answer, canceller }) => {
                self.canceller = Some(canceller);
                self.answer(Ok(answer)).await;
            }
            Err(failure) => {
                self.answer(Err(lost(failure))).await;
                return Ok(());
            }
        }
        while let Some(request) = self.next(&mut requests).await? {
            let Some(asked) = request.part else {
                let text = "the host does not know this request: host and SDK do not fit together";
                self.answer(Err(SqlFailure::unsupported(text))).await;
                continue;
            };
            let answer = session.ask(asked).await;
            let Some(result) = self.wait(answer, limit(request.timeout_ms)).await else { return Ok(()) };
            let is_lost = result.as_ref().is_err_and(SqlFailure::is_lost);
            self.answer(result).await;
            if is_lost {
                return Ok(());
            }
        }
        // The end of the stream tells the process that the connection can be had again.
        let _ = tokio::time::timeout(CANCELLING, session.close()).await;
        Ok(())
    }

    /// The next request; `None` when there is none, or nobody reads the answers any more.
    async fn next(&self, requests: &mut Streaming<SqlRequest>) -> Result<Option<SqlRequest>, Status> {
        tokio::select! {
            request = requests.message() => request,
            () = self.gone() => Ok(None),
        }
    }

    /// Done when nobody reads the answers any more, or nobody may.
    async fn gone(&self) {
        tokio::select! {
            () = self.out.closed() => {}
            () = self.sql.ending() => {}
        }
    }

    /// Waits for the session; `None` when the process does not. What runs is cancelled then, and when its time is over.
    async fn wait<T>(
        &self,
        mut answer: oneshot::Receiver<Result<T, SqlFailure>>,
        limit: Option<Duration>,
    ) -> Option<Result<T, SqlFailure>> {
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => pending().await,
            }
        };
        tokio::select! {
            result = &mut answer => return Some(ended(result)),
            () = self.gone() => {
                // Unless it was done in the same moment, its end is not waited for.
                self.cancel().await;
                return None;
            }
            () = over => {}
        }
        self.cancel().await;
        let text = format!("it took longer than {} ms, and was cancelled", limit.unwrap_or_default().as_millis());
        Some(match tokio::time::timeout(CANCELLING, answer).await {
            // Done in the last moment.
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(failure))) if failure.is_lost() => Err(lost(SqlFailure::timeout(text))),
            Ok(Ok(Err(_))) => Err(SqlFailure::timeout(text)),
            Ok(Err(_)) | Err(_) => Err(lost(SqlFailure::timeout(text))),
        })
    }

    async fn cancel(&self) {
        if let Some(canceller) = &self.canceller {
            // It needs the server too, which may not answer.
            let _ = tokio::time::timeout(CANCELLING, canceller.cancel()).await;
        }
    }

    async fn answer(&self, result: Result<Answer, SqlFailure>) {
        let part = result.unwrap_or_else(|failure| Answer::Error(failure.into()));
        // Nobody listens any more when this fails, which `next` sees.
        let _ = self.out.send(Ok(SqlResponse { part: Some(part) })).await;
    }
}

fn limit(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().filter(|it| *it > 0).map(Duration::from_millis)
}

fn ended<T>(result: Result<Result<T, SqlFailure>, oneshot::error::RecvError>) -> Result<T, SqlFailure> {
    result.unwrap_or_else(|_| Err(SqlFailure::lost("the host gave the connection up")))
}

fn lost(mut failure: SqlFailure) -> SqlFailure {
    failure.error_mut().lost = true;
    failure
}
