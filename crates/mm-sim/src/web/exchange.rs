//! One exchange: the request to the plugin, its answer to the client, and the connection when the plugin takes it.
//!
//! A task carries the exchange, apart from the connection's own: hyper's future of a request is dropped when the plugin takes the
//! connection, and the exchange goes on. The way back is the other way round: when the client goes, what hyper holds of the answer is
//! dropped, and the task ends the plugin's call.

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use mm_proto::grpc::Parts;
use mm_proto::header::content_length;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use mm_proto::{ApiError, grpc::STREAM_PIECE_BYTES};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::connection::{Body, Hijack, plain};
use super::hijack;
use crate::hooks::Listener;
use crate::server::Server;

/// Pieces of an answer that may wait for the client.
const AHEAD: usize = 2;

/// What Go's server answers when a plugin's call fails.
const FAILED: &str = "500 internal server error\n";

/// Begins an exchange; gives the answer as soon as its head is there.
pub(super) async fn begin(
    server: Server,
    listener: Listener,
    hook: &'static str,
    start: v1::ServeHttpStart,
    body: Incoming,
    hijack: mpsc::Sender<Hijack>,
) -> Response<Body> {
    let (head, answered) = oneshot::channel();
    tokio::spawn(async move {
        // Apart from the body, which may be in the way of nothing that the plugin waits for.
        let (news, receiver) = mpsc::channel(AHEAD);
        let declared = start.request.as_ref().and_then(|it| content_length(&it.header));
        let span = server.trace_hook(&listener, hook, &start);
        let requests = requests(start, body, declared, receiver);
        let mut client = Client { head: Some(head), body: None, news, hijack };
        let result = client.serve(&listener, hook, requests).await;
        if let Err(error) = &result {
            client.fail(error).await;
        }
        server.finish_hook(&listener, hook, span, result);
    });
    answered.await.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, FAILED))
}

/// Everything that the plugin is told, in order; news come before what is left of the body.
fn requests(
    start: v1::ServeHttpStart,
    body: Incoming,
    declared: Option<u64>,
    news: mpsc::Receiver<v1::serve_http_request::Part>,
) -> Parts<v1::ServeHttpRequest> {
    use v1::serve_http_request::Part;
    let pieces = futures::stream::unfold(Some((body, 0)), move |state| async move {
        let (mut body, mut received) = state?;
        let end = |error: String, trailers| Some((Part::BodyEnd(v1::HttpBodyEnd { error, trailers }), None));
        loop {
            match body.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        received += data.len() as u64;
                        return Some((Part::Body(data), Some((body, received))));
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap_or_default();
                        return end(String::new(), super::request::trailers(&trailers));
                    }
                },
                Some(Err(error)) => return end(format!("unexpected EOF: {error}"), Default::default()),
                None if declared.is_some_and(|it| received < it) => {
                    return end("unexpected EOF".to_owned(), Default::default());
                }
                None => return end(String::new(), Default::default()),
            }
        }
    });
    let pieces = pieces.flat_map(|part| futures::stream::iter(cut(part)));
    let news = ReceiverStream::new(news);
    let rest = futures::stream::select_with_strategy(news, pieces, |_: &mut ()| futures::stream::PollNext::Left);
    let parts = futures::stream::iter([Part::Start(start)]).chain(rest);
    parts.map(|part| Ok(v1::ServeHttpRequest { part: Some(part) })).boxed()
}

/// A piece as several that are small enough to wait their turn.
fn cut(part: v1::serve_http_request::Part) -> Vec<v1::serve_http_request::Part> {
    use v1::serve_http_request::Part;
    let Part::Body(mut data) = part else { return vec![part] };
    let mut pieces = Vec::with_capacity(data.len() / STREAM_PIECE_BYTES + 1);
    while data.len() > STREAM_PIECE_BYTES {
        pieces.push(Part::Body(data.split_to(STREAM_PIECE_BYTES)));
    }
    pieces.push(Part::Body(data));
    pieces
}

type Pieces = mpsc::Sender<Result<Frame<Bytes>, std::io::Error>>;

/// The client's end of an exchange.
struct Client {
    /// Until the answer begins.
    head: Option<oneshot::Sender<Response<Body>>>,
    /// From then on.
    body: Option<Pieces>,
    /// What the plugin is told besides the body.
    news: mpsc::Sender<v1::serve_http_request::Part>,
    hijack: mpsc::Sender<Hijack>,
}

impl Client {
    /// Passes on what the plugin answers, until it has said everything or the client is gone.
    async fn serve(
        &mut self,
        listener: &Listener,
        hook: &str,
        requests: Parts<v1::ServeHttpRequest>,
    ) -> Result<(), ApiError> {
        let call = async {
            match hook {
                "ServeMetrics" => metrics(listener, requests).await,
                _ => listener.hooks.serve_http(requests).await,
            }
        };
        let mut answers = tokio::select! {
            answers = call => answers?,
            () = self.gone() => return Ok(()),
        };
        loop {
            let answer = tokio::select! {
                answer = answers.next() => answer.transpose()?,
                // Dropping the answers is what tells the plugin.
                () = self.gone() => return Ok(()),
            };
            let Some(answer) = answer else { break };
            let Some(part) = answer.part else { continue };
            if matches!(part, Answer::Hijack(_)) {
                if self.head.is_none() {
                    self.tell_hijacked("the answer has begun").await;
                    continue;
                }
                return self.hand_over(answers).await;
            }
            if !self.pass_on(part).await? {
                return Ok(());
            }
        }
        if self.head.is_some() {
            self.begin(StatusCode::OK, http::HeaderMap::new());
        }
        Ok(())
    }

    /// Returns when nobody waits for the answer any more.
    async fn gone(&mut self) {
        match (&mut self.head, &self.body) {
            (Some(head), _) => head.closed().await,
            (None, Some(body)) => body.closed().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Passes one part on; `false` when the client is gone.
    async fn pass_on(&mut self, part: Answer) -> Result<bool, ApiError> {
        match part {
            Answer::Head(head) if (100..200).contains(&head.status_code) => {
                // hyper sends no informational answers of others.
                Ok(true)
            }
            Answer::Head(head) => {
                if self.head.is_none() {
                    return Err(ApiError::plain("the plugin sent a second head"));
                }
                let (status, fields) = checked(&head)?;
                Ok(self.begin(status, fields))
            }
            Answer::Body(piece) => {
                if self.head.is_some() && !self.begin(StatusCode::OK, http::HeaderMap::new()) {
                    return Ok(false);
                }
                Ok(self.send(Frame::data(piece)).await)
            }
            Answer::Trailers(trailers) => {
                let fields = header_map(&trailers.header)?;
                Ok(self.send(Frame::trailers(fields)).await)
            }
            // What is written is on its way at once.
            Answer::Flush(_) => Ok(true),
            other => Err(ApiError::plain(format!("the plugin sent {} without a connection", name_of(&other)))),
        }
    }

    fn begin(&mut self, status: StatusCode, fields: http::HeaderMap) -> bool {
        let Some(head) = self.head.take() else { return false };
        let (sender, pieces) = mpsc::channel(AHEAD);
        let mut response = Response::new(StreamBody::new(ReceiverStream::new(pieces)).boxed_unsync());
        *response.status_mut() = status;
        *response.headers_mut() = fields;
        self.body = Some(sender);
        head.send(response).is_ok()
    }

    async fn send(&self, frame: Frame<Bytes>) -> bool {
        match &self.body {
            Some(body) => body.send(Ok(frame)).await.is_ok(),
            None => false,
        }
    }

    /// Says that the plugin's call failed: with a status when nothing was sent, otherwise by breaking the connection.
    async fn fail(&mut self, error: &ApiError) {
        if let Some(head) = self.head.take() {
            // A client that is gone need not know.
            let _ = head.send(plain(StatusCode::INTERNAL_SERVER_ERROR, FAILED));
        } else if let Some(body) = self.body.take() {
            let _ = body.send(Err(std::io::Error::other(error.to_string()))).await;
        }
    }

    async fn tell_hijacked(&self, error: &str) {
        let hijacked = v1::HttpHijacked { error: error.to_owned() };
        // A plugin that has ended its call does not wait for it.
        let _ = self.news.send(v1::serve_http_request::Part::Hijacked(hijacked)).await;
    }

    /// Gives the connection to the plugin, and stays with it until it is closed.
    async fn hand_over(&mut self, answers: Parts<v1::ServeHttpResponse>) -> Result<(), ApiError> {
        let (sender, receiver) = oneshot::channel();
        if self.hijack.send(sender).await.is_err() {
            return Ok(());
        }
        let Ok((stream, read)) = receiver.await else { return Ok(()) };
        // From here on there is no answer of HTTP, and its loss is no loss of the client.
        self.head = None;
        self.tell_hijacked("").await;
        hijack::carry(stream, read, answers, self.news.clone()).await
    }
}

/// The same call under its other name; the messages differ in name only.
async fn metrics(
    listener: &Listener,
    requests: Parts<v1::ServeHttpRequest>,
) -> Result<Parts<v1::ServeHttpResponse>, ApiError> {
    use prost::Message as _;
    let requests = requests.map(|it| it.and_then(|it| recoded(&it.encode_to_vec()))).boxed();
    let answers = listener.hooks.serve_metrics(requests).await?;
    Ok(answers.map(|it| it.and_then(|it| recoded(&it.encode_to_vec()))).boxed())
}

fn recoded<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, ApiError> {
    M::decode(bytes).map_err(|error| ApiError::plain(format!("the parts of the two hooks differ: {error}")))
}

/// The head of an answer, if it can be sent.
fn checked(head: &v1::HttpResponseHead) -> Result<(StatusCode, http::HeaderMap), ApiError> {
    let status = u16::try_from(head.status_code).ok().and_then(|it| StatusCode::from_u16(it).ok());
    let status = status.ok_or_else(|| ApiError::plain(format!("the plugin sent the status {}", head.status_code)))?;
    let mut fields = header_map(&head.header)?;
    // How the body travels is the server's business.
    fields.remove(http::header::TRANSFER_ENCODING);
    Ok((status, fields))
}

fn header_map(header: &std::collections::BTreeMap<String, v1::StringList>) -> Result<http::HeaderMap, ApiError> {
    let mut fields = http::HeaderMap::new();
    for (name, list) in header {
        let refused = || ApiError::plain(format!("the plugin sent the header field {name:?}, which cannot be sent"));
        let name = HeaderName::try_from(name.as_str()).map_err(|_| refused())?;
        for value in &list.values {
            fields.append(name.clone(), HeaderValue::try_from(value.as_str()).map_err(|_| refused())?);
        }
    }
    Ok(fields)
}

fn name_of(part: &Answer) -> &'static str {
    match part {
        Answer::ConnectionData(_) => "bytes",
        Answer::ConnectionDeadline(_) => "a deadline",
        Answer::ConnectionClose(_) => "a close",
        _ => "a part",
    }
}
