//! The API's methods with streams: `PluginHTTP`, `InstallPlugin`, `UploadData`.
//!
//! What the plugin sends is lent to the server as a reader. When the plugin gives up in the middle the reader fails on the server's side,
//! so that nothing is taken for whole that is not.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use futures::{FutureExt as _, pin_mut};
use mm_gob::codec::Struct;
use mm_goplugin::rpc::{CallError, Client};
use mm_goplugin::{Broker, BrokerError, io_stream};
use mm_proto::gob::Returned;
use mm_proto::grpc::{Parts, STREAM_PIECE_BYTES};
use mm_proto::header::{canonical_fields, content_length};
use mm_proto::netrpc::call_of_api_failed;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::{install_plugin_request, plugin_http_request, plugin_http_response, upload_data_request};
use mm_proto::{ApiError, PluginApi};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::wire::{
    DataArgs, DataReturns, HttpArgs, HttpReturns, InstallArgs, InstallReturns, WholeHttpArgs, WholeHttpReturns,
};

/// How long the server may take to dial for the response's body after it has answered. It does so before.
const DIAL_LIMIT: Duration = Duration::from_secs(5);

/// Most bytes of a request to another plugin on older servers (9.8), which take it whole only.
const MOST_WHOLE: usize = 1 << 30;

/// A body or a file, piece by piece.
type Content = BoxStream<'static, io::Result<Bytes>>;

/// The three methods, on a connection to the server's API.
pub(in crate::upstream) struct ApiStreams {
    client: Client,
    broker: Broker,
    /// The server knows `PluginHTTP` without streams only.
    whole: AtomicBool,
}

impl ApiStreams {
    pub(in crate::upstream) fn new(client: Client, broker: Broker) -> Self {
        Self { client, broker, whole: AtomicBool::new(false) }
    }
}

#[async_trait]
impl PluginApi for ApiStreams {
    async fn install_plugin(
        &self,
        mut requests: Parts<v1::InstallPluginRequest>,
    ) -> Result<v1::InstallPluginResponse, ApiError> {
        use install_plugin_request::Part;
        let Some(Part::Start(start)) = first(&mut requests).await?.and_then(|it| it.part) else {
            return Err(no_start("InstallPlugin"));
        };
        let bundle = Lent::new(
            &self.broker,
            content(requests, |it| match it.part {
                Some(Part::Content(piece)) => Some(piece),
                _ => None,
            }),
        );
        let args = InstallArgs { bundle: bundle.id, replace: start.replace };
        type Returns = Returned<v1::InstallPluginResponse, v1::AppError>;
        let called =
            self.client.call::<Struct<InstallArgs>, _, Struct<InstallReturns>, Returns>("Plugin.InstallPlugin", &args);
        let returned = called.await.map_err(|error| call_of_api_failed("InstallPlugin", &error))?;
        Ok(returned.into_result()?)
    }

    async fn upload_data(
        &self,
        mut requests: Parts<v1::UploadDataRequest>,
    ) -> Result<v1::UploadDataResponse, ApiError> {
        use upload_data_request::Part;
        let Some(Part::Start(start)) = first(&mut requests).await?.and_then(|it| it.part) else {
            return Err(no_start("UploadData"));
        };
        let data = Lent::new(
            &self.broker,
            content(requests, |it| match it.part {
                Some(Part::Content(piece)) => Some(piece),
                _ => None,
            }),
        );
        let args = DataArgs { session: start.upload_session, content: data.id };
        type Returns = Returned<v1::UploadDataResponse, v1::ErrorValue>;
        let called = self.client.call::<Struct<DataArgs>, _, Struct<DataReturns>, Returns>("Plugin.UploadData", &args);
        let returned = called.await.map_err(|error| call_of_api_failed("UploadData", &error))?;
        Ok(returned.into_result()?)
    }

    async fn plugin_http(
        &self,
        mut requests: Parts<v1::PluginHttpRequest>,
    ) -> Result<Parts<v1::PluginHttpResponse>, ApiError> {
        use plugin_http_request::Part;
        let Some(Part::Head(mut head)) = first(&mut requests).await?.and_then(|it| it.part) else {
            return Err(no_start("PluginHTTP"));
        };
        head.header = canonical_fields(head.header);
        let body = body_of(requests);
        if self.whole.load(Ordering::Relaxed) {
            return self.plugin_http_whole(head, body).await;
        }
        match self.plugin_http_stream(&head, body).await? {
            Answered::Yes(response) => Ok(response),
            Answered::NoSuchMethod(body) => {
                self.whole.store(true, Ordering::Relaxed);
                self.plugin_http_whole(head, body).await
            }
        }
    }
}

/// What came of a call that older servers do not have.
enum Answered {
    Yes(Parts<v1::PluginHttpResponse>),
    /// Nothing, and the body is untouched.
    NoSuchMethod(Content),
}

impl ApiStreams {
    /// Newer servers: the bodies go beside the call.
    async fn plugin_http_stream(&self, head: &v1::HttpRequestHead, body: Content) -> Result<Answered, ApiError> {
        let mut body = body.peekable();
        // One that is known to be empty needs no stream.
        let empty = std::pin::Pin::new(&mut body).peek().now_or_never().is_some_and(|it| it.is_none());
        let body = Lent::new(&self.broker, body);
        let response_body = self.broker.next_id();
        let accepted = accept(&self.broker, response_body);
        let args = HttpArgs { response_body, request: head.clone(), request_body: if empty { 0 } else { body.id } };
        let called = self
            .client
            .call::<Struct<HttpArgs>, _, Struct<HttpReturns>, v1::HttpResponseHead>("Plugin.PluginHTTPStream", &args);
        pin_mut!(called, accepted);
        let mut stream = None;
        let returned = loop {
            tokio::select! {
                returned = &mut called => break returned,
                accepted = &mut accepted, if stream.is_none() => stream = Some(accepted),
            }
        };
        let response = match returned {
            Ok(response) => response,
            Err(error) if error.is_method_missing() => {
                // A server that does not have the method has dialled nothing.
                return body.take_back().map(Answered::NoSuchMethod).ok_or_else(|| failed(&error));
            }
            Err(error) => return Err(failed(&error)),
        };
        if response.status_code == 0 {
            return Err(no_answer());
        }
        let stream = match stream {
            Some(stream) => stream,
            None => tokio::time::timeout(DIAL_LIMIT, accepted).await.map_err(|_| no_answer())?,
        };
        let stream =
            stream.map_err(|error| ApiError::plain(format!("the body of the answer of PluginHTTP: {error}")))?;
        let bodiless = head.method == "HEAD" || matches!(response.status_code, 204 | 304);
        let missing = if bodiless { None } else { content_length(&response.header) };
        let reading = Reading { stream, missing, buffer: BytesMut::new(), _request: body };
        Ok(Answered::Yes(response_parts(response, stream::unfold(Some(reading), Reading::next))))
    }

    /// All servers: the bodies go in the call.
    async fn plugin_http_whole(
        &self,
        request: v1::HttpRequestHead,
        mut content: Content,
    ) -> Result<Parts<v1::PluginHttpResponse>, ApiError> {
        let mut body = Vec::new();
        while let Some(piece) = content.next().await {
            let piece = piece.map_err(|error| ApiError::Transport(Status::cancelled(error.to_string())))?;
            if body.len() + piece.len() > MOST_WHOLE {
                let message = format!(
                    "The body has more than {MOST_WHOLE} bytes, and this version of the server takes it whole only."
                );
                return Err(ApiError::app("mattermost_plugin.body_too_large", message, 413, "PluginHTTP"));
            }
            body.extend_from_slice(&piece);
        }
        let args = WholeHttpArgs { request, body };
        let called = self
            .client
            .call::<Struct<WholeHttpArgs>, _, Struct<WholeHttpReturns>, WholeHttpReturns>("Plugin.PluginHTTP", &args);
        let WholeHttpReturns { response, mut body } = called.await.map_err(|error| failed(&error))?;
        let response = response.filter(|it| it.status_code != 0).ok_or_else(no_answer)?;
        let pieces = std::iter::from_fn(move || {
            let piece = body.split_to(body.len().min(STREAM_PIECE_BYTES));
            (!piece.is_empty()).then_some(plugin_http_response::Part::Body(piece))
        });
        Ok(response_parts(response, stream::iter(pieces.chain([body_end(String::new())]))))
    }
}

fn failed(error: &CallError) -> ApiError {
    call_of_api_failed("PluginHTTP", error)
}

fn no_answer() -> ApiError {
    ApiError::plain(
        "PluginHTTP: the server gave no answer; the path of a request begins with the id of an active plugin",
    )
}

fn no_start(method: &str) -> ApiError {
    ApiError::Transport(Status::invalid_argument(format!("{method} begins with its arguments, and they did not come")))
}

fn body_end(error: String) -> plugin_http_response::Part {
    plugin_http_response::Part::BodyEnd(v1::HttpBodyEnd { error, ..v1::HttpBodyEnd::default() })
}

fn response_parts(
    head: v1::HttpResponseHead,
    body: impl Stream<Item = plugin_http_response::Part> + Send + 'static,
) -> Parts<v1::PluginHttpResponse> {
    let parts = stream::iter([plugin_http_response::Part::Head(head)]).chain(body);
    parts.map(|part| Ok(v1::PluginHttpResponse { part: Some(part) })).boxed()
}

async fn first<T>(requests: &mut Parts<T>) -> Result<Option<T>, ApiError> {
    requests.next().await.transpose()
}

/// The pieces of an upload; its end is that of the requests.
fn content<T: Send + 'static>(requests: Parts<T>, piece: fn(T) -> Option<Bytes>) -> Content {
    let content = requests.map(move |request| {
        let request = request.map_err(io::Error::other)?;
        piece(request).ok_or_else(|| io::Error::other("something else than content came behind the arguments"))
    });
    content.boxed()
}

/// The pieces of a request's body. It ends with a part of its own; without that part it has broken off.
fn body_of(requests: Parts<v1::PluginHttpRequest>) -> Content {
    use plugin_http_request::Part;
    let pieces = stream::unfold(Some(requests), |requests| async move {
        let mut requests = requests?;
        let error = match requests.next().await {
            Some(Ok(v1::PluginHttpRequest { part: Some(Part::Body(piece)) })) => {
                return Some((Ok(piece), Some(requests)));
            }
            Some(Ok(v1::PluginHttpRequest { part: Some(Part::BodyEnd(end)) })) if end.error.is_empty() => return None,
            Some(Ok(v1::PluginHttpRequest { part: Some(Part::BodyEnd(end)) })) => io::Error::other(end.error),
            Some(Ok(_)) => io::Error::other("something else than a body came behind the head"),
            Some(Err(error)) => io::Error::other(error),
            None => io::ErrorKind::UnexpectedEof.into(),
        };
        Some((Err(error), None))
    });
    pieces.boxed()
}

/// What the server may read from. When it is dropped the server's reader fails, unless everything was sent.
struct Lent {
    id: u32,
    content: Arc<Mutex<Option<Content>>>,
    _task: AbortOnDropHandle<()>,
}

impl Lent {
    fn new(broker: &Broker, content: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        let id = broker.next_id();
        let accepted = accept(broker, id);
        let content = Arc::new(Mutex::new(Some(content.boxed())));
        let slot = Arc::clone(&content);
        let task = tokio::spawn(async move {
            // When nobody dials, nobody wants it.
            let Ok(stream) = accepted.await else { return };
            let Some(content) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
            // How it ended matters to the reader only, who knows.
            let _ = io_stream::serve(StreamReader::new(content), stream).await;
        });
        Self { id, content, _task: AbortOnDropHandle::new(task) }
    }

    /// The content, if nobody has begun to read it.
    fn take_back(&self) -> Option<Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Accepts a stream that is dialled in the course of a call, however long the call takes.
fn accept(broker: &Broker, id: u32) -> impl Future<Output = Result<mm_goplugin::Stream, BrokerError>> + Send + use<> {
    let (broker, first) = (broker.clone(), broker.accept(id));
    async move {
        let mut result = first.await;
        while matches!(result, Err(BrokerError::Timeout(_))) {
            result = broker.accept(id).await;
        }
        result
    }
}

/// A response's body as it arrives.
struct Reading {
    stream: mm_goplugin::Stream,
    /// Bytes that the header has declared and that have not come.
    missing: Option<u64>,
    buffer: BytesMut,
    /// Lent until the response has ended.
    _request: Lent,
}

impl Reading {
    async fn next(reading: Option<Self>) -> Option<(plugin_http_response::Part, Option<Self>)> {
        let mut it = reading?;
        it.buffer.reserve(STREAM_PIECE_BYTES);
        let end = |error| Some((body_end(error), None));
        match it.stream.read_buf(&mut (&mut it.buffer).limit(STREAM_PIECE_BYTES)).await {
            Ok(0) if it.missing.is_some_and(|missing| missing > 0) => end("unexpected EOF".to_owned()),
            Ok(0) => end(String::new()),
            Ok(count) => {
                it.missing = it.missing.map(|missing| missing.saturating_sub(count as u64));
                let piece = it.buffer.split().freeze();
                Some((plugin_http_response::Part::Body(piece), Some(it)))
            }
            Err(error) => end(format!("unexpected EOF: {error}")),
        }
    }
}
