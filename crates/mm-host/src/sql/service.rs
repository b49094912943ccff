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
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::late::LateSql;
use super::session::{Open, Session};

/// How long a statement that was cancelled may take to say so.
const CANCELLING: Duration = Duration::from_secs(5);

/// From one cancellation to the next, at first and at most. Between two of its steps, or before the first, a statement has nothing that
/// could be cancelled, and goes on.
const AGAIN: Duration = Duration::from_millis(20);
const AGAIN_AT_MOST: Duration = Duration::from_millis(500);

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
                self.cancel(&mut answer).await;
                return None;
            }
            () = over => {}
        }
        let text = format!("it took longer than {} ms, and was cancelled", limit.unwrap_or_default().as_millis());
        Some(match self.cancel(&mut answer).await {
            // Done in the last moment.
            Some(Ok(Ok(result))) => Ok(result),
            Some(Ok(Err(failure))) if failure.is_lost() => Err(lost(SqlFailure::timeout(text))),
            Some(Ok(Err(_))) => Err(SqlFailure::timeout(text)),
            Some(Err(_)) | None => Err(lost(SqlFailure::timeout(text))),
        })
    }

    /// Cancels what runs until it has ended, and says what came of it; `None` when it does not end, or cannot be cancelled yet.
    async fn cancel<T>(&self, answer: &mut oneshot::Receiver<T>) -> Option<Result<T, RecvError>> {
        let canceller = self.canceller.as_ref()?;
        let (until, mut pause) = (Instant::now() + CANCELLING, AGAIN);
        loop {
            let canceller = canceller.clone();
            // It needs the server too, which may not answer. Given up half-way it would keep a connection of the server's, so that it is
            // a task.
            let cancelled = tokio::spawn(async move { canceller.cancel().await });
            let _ = timeout_at(until, cancelled).await;
            let next = until.min(Instant::now() + pause);
            if let Ok(ended) = timeout_at(next, &mut *answer).await {
                return Some(ended);
            }
            if next == until {
                return None;
            }
            pause = AGAIN_AT_MOST.min(2 * pause);
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

fn ended<T>(result: Result<Result<T, SqlFailure>, RecvError>) -> Result<T, SqlFailure> {
    result.unwrap_or_else(|_| Err(SqlFailure::lost("the host gave the connection up")))
}

fn lost(mut failure: SqlFailure) -> SqlFailure {
    failure.error_mut().lost = true;
    failure
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    /// A database that is to be asked at the right moment.
    struct Impatient(Arc<Notify>);

    #[tonic::async_trait]
    impl SqlCanceller for Impatient {
        async fn cancel(&self) {
            self.0.notify_waiters();
        }
    }

    /// A statement of two steps, the second of which is endless; between them, and before the first, there is nothing to cancel.
    fn statement() -> (Serving, oneshot::Receiver<Result<(), SqlFailure>>) {
        let (ended, answer) = oneshot::channel();
        let cancelled = Arc::new(Notify::new());
        let canceller: Arc<dyn SqlCanceller> = Arc::new(Impatient(cancelled.clone()));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cancelled.notified().await;
            let _ = ended.send(Err(SqlFailure::database("57014", "canceling statement due to user request")));
        });
        let serving = Serving { sql: LateSql::new(), out: mpsc::channel(1).0, canceller: Some(canceller) };
        (serving, answer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_that_comes_too_early_is_repeated() {
        let begun = Instant::now();
        let (mut serving, answer) = statement();
        let (out, _responses) = mpsc::channel(1);
        serving.out = out;
        let failure = serving.wait(answer, Some(Duration::from_millis(100))).await.unwrap().unwrap_err();
        assert!(!failure.is_lost(), "{failure}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_any_more_is_cancelled_until_it_has_ended() {
        // Nobody reads the answers.
        let (serving, answer) = statement();
        let begun = Instant::now();
        assert!(serving.wait(answer, None).await.is_none());
        assert!(begun.elapsed() > Duration::from_millis(200) && begun.elapsed() < Duration::from_secs(1));
    }
}
