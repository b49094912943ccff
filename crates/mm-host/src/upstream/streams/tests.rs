//! Both sides in one process: go-plugin's session with a server made here, and a plugin that says what a test tells it to.

mod api;
mod connection;
mod faults;
mod http;
mod upload;

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use mm_gob::codec::Struct;
use mm_goplugin::rpc::{CallError, Empty, Server};
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use mm_proto::{ApiError, PluginHooks};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::site::{Behaviour, Returns, SOON, Sent, ServeCall, Site, Writer, Written, fields, get, original, post};

type Answers = BoxStream<'static, Result<Answer, ApiError>>;
type Serve = dyn Fn(BoxStream<'static, Request>) -> Result<Answers, ApiError> + Send + Sync;

/// A plugin of which only `ServeHTTP` is there.
struct Serving(Box<Serve>);

impl Serving {
    fn new(
        serve: impl Fn(BoxStream<'static, Request>) -> Result<Answers, ApiError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self(Box::new(serve)))
    }

    /// One that gives these answers, all there at once, and does not look at the request.
    fn answering(answers: impl IntoIterator<Item = Result<Answer, ApiError>>) -> Arc<Self> {
        let answers = Mutex::new(Some(answers.into_iter().collect::<Vec<_>>()));
        Self::new(move |requests| {
            let answers = answers.lock().unwrap().take().expect("one request");
            // Who drops the requests ends the call.
            Ok(Box::pin(Held(futures::stream::iter(answers), requests)))
        })
    }
}

impl Site {
    async fn serving(hooks: Arc<Serving>) -> Self {
        Self::new(Some(hooks)).await
    }
}

/// A stream that holds something.
struct Held<S, T>(S, T);

impl<S: futures::Stream + Unpin, T: Unpin> futures::Stream for Held<S, T> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(context)
    }
}

#[async_trait]
impl PluginHooks for Serving {
    async fn serve_http(
        &self,
        requests: Parts<v1::ServeHttpRequest>,
    ) -> Result<Parts<v1::ServeHttpResponse>, ApiError> {
        use futures::StreamExt as _;
        let requests = requests.map(|it| it.unwrap().part.unwrap()).boxed();
        Ok((self.0)(requests)?.map(|it| it.map(|part| v1::ServeHttpResponse { part: Some(part) })).boxed())
    }
}

fn head(status: i32, header: &[(&str, &str)]) -> Result<Answer, ApiError> {
    Ok(Answer::Head(v1::HttpResponseHead { status_code: status, header: fields(header) }))
}

fn body(piece: impl Into<Bytes>) -> Result<Answer, ApiError> {
    Ok(Answer::Body(piece.into()))
}

fn flush() -> Result<Answer, ApiError> {
    Ok(Answer::Flush(v1::HttpFlush {}))
}

fn broken() -> Result<Answer, ApiError> {
    Err(ApiError::plain("the handler raised"))
}

/// A queue of answers that a test fills as it goes; and what the plugin was told.
struct Conversation {
    answers: mpsc::Sender<Result<Answer, ApiError>>,
    requests: BoxStream<'static, Request>,
}

impl Conversation {
    /// Gives an answer; whether it was taken.
    fn say(&self, answer: Result<Answer, ApiError>) -> impl Future<Output = bool> + Send + use<> {
        let answers = self.answers.clone();
        async move { answers.send(answer).await.is_ok() }
    }

    /// The next thing that the plugin is told.
    async fn hear(&mut self) -> Option<Request> {
        use futures::StreamExt as _;
        timeout(SOON, self.requests.next()).await.expect("something is told")
    }

    /// The body, and how it ended.
    async fn body(&mut self) -> (Vec<u8>, String) {
        let mut whole = Vec::new();
        loop {
            match self.hear().await {
                Some(Request::Body(piece)) => {
                    assert!((1..=mm_proto::grpc::STREAM_PIECE_BYTES).contains(&piece.len()), "{}", piece.len());
                    whole.extend_from_slice(&piece);
                }
                Some(Request::BodyEnd(end)) => return (whole, end.error),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn start(&mut self) -> v1::ServeHttpStart {
        match self.hear().await {
            Some(Request::Start(start)) => start,
            other => panic!("{other:?}"),
        }
    }
}

/// A plugin whose calls are carried on by `handler`, each in a task of its own.
fn conversing<F>(handler: impl Fn(Conversation) -> F + Send + Sync + 'static) -> Arc<Serving>
where
    F: Future<Output = ()> + Send + 'static,
{
    use futures::StreamExt as _;
    Serving::new(move |requests| {
        let (answers, receiver) = mpsc::channel(1);
        tokio::spawn(handler(Conversation { answers, requests }));
        Ok(tokio_stream_of(receiver).boxed())
    })
}

/// As [`conversing`], for a handler that tells the test what it has seen.
fn telling<F>(handler: impl Fn(Conversation, Seen) -> F + Send + Sync + 'static) -> (Arc<Serving>, Seen)
where
    F: Future<Output = ()> + Send + 'static,
{
    let seen = Seen::default();
    let told = seen.clone();
    (conversing(move |it| handler(it, told.clone())), seen)
}

fn tokio_stream_of<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> impl futures::Stream<Item = T> + Send {
    futures::stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// Values in turn.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<VecDeque<String>>>);

impl Seen {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push_back(what.into());
    }

    /// Waits for the next.
    async fn next(&self) -> String {
        for _ in 0..2000 {
            if let Some(what) = self.0.lock().unwrap().pop_front() {
                return what;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing was seen");
    }
}
