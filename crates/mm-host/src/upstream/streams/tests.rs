//! Both sides in one process: go-plugin's session with a server made here, and a plugin that says what a test tells it to.

mod api;
mod connection;
mod faults;
mod http;
mod upload;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use mm_gob::codec::{self, BinaryMarshaled, Int, Ptr, Struct, Uint};
use mm_goplugin::rpc::{Args, CallError, Client, Empty, Refusal, Reply, Running, Server, Service};
use mm_goplugin::testing::{Host, pair};
use mm_goplugin::{Broker, Plugins, Session, io_stream};
use mm_proto::gob::{GoTime, Model};
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use mm_proto::{ApiError, PluginHooks};
use prost_types::Timestamp;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;

use super::wire::{Header, HeaderCodec};

/// How long anything may take that should be there at once.
const SOON: Duration = Duration::from_secs(20);

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

/// What the server dispenses: the hooks with streams.
struct Dispensary(Option<Arc<dyn PluginHooks>>);

struct Hooks(Option<Arc<dyn PluginHooks>>, Broker);

impl Plugins for Dispensary {
    fn dispense(&self, _: &str, broker: &Broker) -> Option<Arc<dyn Service>> {
        Some(Arc::new(Hooks(self.0.clone(), broker.clone())))
    }
}

impl Service for Hooks {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        super::call(self.0.as_ref(), &self.1, method, args).unwrap_or(Err(Refusal::NoSuchMethod))
    }
}

/// What the server's side does with a response writer.
#[derive(Default)]
struct Writer {
    calls: Mutex<Vec<String>>,
    /// The header in force, and those that were synced.
    header: Mutex<Header>,
    body: Mutex<Vec<u8>>,
    behaviour: Behaviour,
    /// A call is under way, reading from a connection apart.
    busy: AtomicBool,
    /// What the client sends after the connection was taken over.
    incoming: AsyncMutex<Option<mpsc::UnboundedReceiver<Bytes>>>,
    closed: tokio::sync::Notify,
}

#[derive(Clone, Default)]
struct Behaviour {
    no_flush: bool,
    no_hijack: bool,
    /// Writes fail once so many bytes were written, with this text.
    fails_after: Option<(usize, &'static str)>,
    /// How long a write takes.
    write_takes: Duration,
}

impl Writer {
    fn new(behaviour: Behaviour) -> Arc<Self> {
        let header = Header::from([("X-Request-Id".to_owned(), v1::StringList { values: vec!["r1".to_owned()] })]);
        Arc::new(Self { behaviour, header: Mutex::new(header), ..Self::default() })
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls without what they were given.
    fn methods(&self) -> Vec<String> {
        self.calls().iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect()
    }

    fn body(&self) -> Vec<u8> {
        self.body.lock().unwrap().clone()
    }

    fn field(&self, name: &str) -> Option<Vec<String>> {
        self.header.lock().unwrap().get(name).map(|it| it.values.clone())
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    /// A reply after as long as it takes, while nothing else may be called.
    fn reply(self: &Arc<Self>, takes: Duration, reply: Result<Reply, String>) -> Running {
        let it = Arc::clone(self);
        assert!(!it.busy.swap(true, Ordering::SeqCst), "one call at a time");
        Box::pin(async move {
            // Even a quick one lets others run, so that two would meet.
            tokio::task::yield_now().await;
            if takes > Duration::ZERO {
                tokio::time::sleep(takes).await;
            }
            it.busy.store(false, Ordering::SeqCst);
            reply
        })
    }

    fn write(self: &Arc<Self>, piece: &[u8]) -> Result<Reply, String> {
        let mut body = self.body.lock().unwrap();
        if let Some((limit, text)) = self.behaviour.fails_after
            && body.len() >= limit
        {
            return Err(text.to_owned());
        }
        body.extend_from_slice(piece);
        Ok(Reply::empty())
    }

    fn read_connection(self: &Arc<Self>, most: usize) -> Running {
        let it = Arc::clone(self);
        Box::pin(async move {
            let mut incoming = it.incoming.lock().await;
            let next = async {
                match incoming.as_mut() {
                    Some(incoming) => incoming.recv().await,
                    None => std::future::pending().await,
                }
            };
            let data = tokio::select! {
                data = next => data,
                () = it.closed.notified() => return Err("use of closed network connection".to_owned()),
            };
            let data = data.ok_or("EOF")?;
            assert!(data.len() <= most, "{} of {most}", data.len());
            Ok(Reply::new::<codec::Bytes, _>(data))
        })
    }
}

/// The service; apart from the writer, so that it can be shared.
struct Written(Arc<Writer>);

impl Service for Written {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        let it = &self.0;
        let none = Duration::ZERO;
        match method {
            "Header" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                let header = it.header.lock().unwrap().clone();
                Ok(it.reply(none, Ok(Reply::new::<HeaderCodec, _>(header))))
            }
            "SyncHeader" => {
                *it.header.lock().unwrap() = args.read::<HeaderCodec, Header>()?;
                it.note(method);
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "WriteHeader" => {
                it.note(format!("{method} {}", args.read::<Int, i64>()?));
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "Write" => {
                let piece = args.read::<codec::Bytes, Bytes>()?;
                it.note(format!("{method} {}", piece.len()));
                let result = it.write(&piece);
                Ok(it.reply(it.behaviour.write_takes, result))
            }
            "Flush" if !it.behaviour.no_flush => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "HijackResponse" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                let refused = Err("response cannot be hijacked".to_owned());
                Ok(it.reply(none, if it.behaviour.no_hijack { refused } else { Ok(Reply::empty()) }))
            }
            "HjConnRWRead" => {
                let room = args.read::<codec::Bytes, Bytes>()?;
                Ok(it.read_connection(room.len()))
            }
            "HjConnWrite" => {
                let piece = args.read::<codec::Bytes, Bytes>()?;
                it.note(format!("{method} {}", piece.len()));
                let count = piece.len() as i64;
                let written = it.write(&piece).map(|_| Reply::new::<Int, _>(count));
                Ok(it.reply(it.behaviour.write_takes, written))
            }
            "HjConnSetDeadline" | "HjConnSetReadDeadline" | "HjConnSetWriteDeadline" => {
                let at = args.read::<GoTime, Option<Timestamp>>()?.map_or(-1, |it| it.seconds);
                it.note(format!("{method} {at}"));
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "HjConnClose" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                it.closed.notify_one();
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// A request as a server sends it: the type of old servers has more fields, which come first here.
#[derive(Clone, Debug, Default)]
struct Sent {
    content_length: i64,
    method: String,
    url: Vec<u8>,
    header: Header,
}

mm_gob::gob_struct! {
    Sent as "Request" {
        "ContentLength" => content_length: Int,
        "Method" => method: codec::Str,
        "URL" => url: BinaryMarshaled,
        "Header" => header: HeaderCodec,
    }
}

#[derive(Debug, Default)]
struct ServeCall {
    writer: u32,
    request: Option<Sent>,
    context: Option<v1::Context>,
    body: u32,
}

mm_gob::gob_struct! {
    ServeCall as "Z_ServeHTTPArgs" {
        "Context" => context: Ptr<Model<v1::Context>>,
        "ResponseWriterStream" => writer: Uint,
        "Request" => request: Ptr<Struct<Sent>>,
        "RequestBodyStream" => body: Uint,
    }
}

/// A server with an active plugin.
struct Site {
    session: Session,
    host: Host,
    hooks: Client,
}

impl Site {
    async fn new(hooks: Option<Arc<dyn PluginHooks>>) -> Self {
        let (session, host) = pair(Arc::new(Dispensary(hooks))).await;
        let hooks = host.dispense("hooks").await.unwrap();
        Self { session, host, hooks }
    }

    async fn serving(hooks: Arc<Serving>) -> Self {
        Self::new(Some(hooks)).await
    }

    /// Lets the plugin answer a request with this body; gives how the call ended.
    async fn serve(&self, writer: &Arc<Writer>, request: Sent, body: impl Into<Bytes>) -> Result<(), CallError> {
        let body = std::io::Cursor::new(body.into());
        self.serve_from(writer, request, body).await
    }

    async fn serve_from(
        &self,
        writer: &Arc<Writer>,
        request: Sent,
        body: impl tokio::io::AsyncRead + Send + Unpin + 'static,
    ) -> Result<(), CallError> {
        let broker = self.host.broker();
        let call = ServeCall {
            writer: broker.next_id(),
            request: Some(request),
            context: Some(v1::Context { session_id: "s1".to_owned(), ..v1::Context::default() }),
            body: broker.next_id(),
        };
        let (writer_stream, body_stream) = (broker.accept(call.writer), broker.accept(call.body));
        let service = Arc::new(Written(Arc::clone(writer)));
        let writing = tokio::spawn(async move {
            let (read, write) = writer_stream.await.expect("it is dialled").into_split();
            Server::new().register("Plugin", service).serve(read, write).await
        });
        let lending = tokio::spawn(async move {
            let stream = body_stream.await.expect("it is dialled");
            let _ = io_stream::serve(body, stream).await;
        });
        let call = self.hooks.call::<Struct<ServeCall>, _, Struct<Empty>, Empty>("Plugin.ServeHTTP", &call);
        let result = timeout(SOON, call).await.expect("it ends").map(drop);
        // The plugin has let go of both.
        timeout(SOON, writing).await.expect("the writer is closed").unwrap();
        timeout(SOON, lending).await.expect("the body is closed").unwrap();
        result
    }
}

/// A request without a body.
fn get(url: &str) -> Sent {
    Sent { method: "GET".to_owned(), url: url.into(), ..Sent::default() }
}

/// A request that declares a body of this length.
fn post(length: usize) -> Sent {
    let header = fields(&[("Content-Length", &length.to_string())]);
    Sent { method: "POST".to_owned(), url: b"/".to_vec(), header, content_length: length as i64 }
}

fn fields(fields: &[(&str, &str)]) -> Header {
    let list = |value: &str| v1::StringList { values: vec![value.to_owned()] };
    fields.iter().map(|(name, value)| ((*name).to_owned(), list(value))).collect()
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
