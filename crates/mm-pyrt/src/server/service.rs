//! From an HTTP/2 request to a call in a queue: authentication, routing, deadlines, health and shutdown.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use prost::Message as _;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::server::{Grpc, StreamingService, UnaryService};
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::Service as _;

use super::state::{self, CallState, Route, ShutdownRequest, State};
use super::stream::{Outgoing, StreamState, Watched};
use crate::client::TOKEN_KEY;
use crate::raw::{MAX_MESSAGE, Raw};

const HEALTH: &str = "/grpc.health.v1.Health/";
const SHUTDOWN: &str = "/mattermost.host.v1.PluginProcess/Shutdown";

/// What every connection runs.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) state: Arc<State>,
    pub(super) health: HealthServer<HealthService>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        if !self.is_authentic(request.headers()) {
            return refuse(Status::unauthenticated("the token in x-mm-token is missing or wrong"));
        }
        let path = request.uri().path();
        if let Some(route) = self.state.routes.get(path) {
            return self.to_python(Arc::clone(route), request);
        }
        if path.starts_with(HEALTH) {
            return self.health.clone().call(request);
        }
        if path == SHUTDOWN {
            let service = Shutdown(Arc::clone(&self.state));
            return Box::pin(async move { Ok(grpc().unary(service, request).await) });
        }
        refuse(Status::unimplemented(format!("{path} is not served here")))
    }
}

impl Service {
    fn to_python(&self, route: Arc<Route>, request: Request<Incoming>) -> Answer {
        let is_stream = route.is_stream;
        let broken = Arc::new(AtomicBool::new(false));
        let deadline = deadline(request.headers());
        let service = ToPython { route, deadline, broken: Arc::clone(&broken), state: Arc::clone(&self.state) };
        if is_stream {
            let request = request.map(|body| Watched { body, broken });
            return Box::pin(async move { Ok(grpc().streaming(service, request).await) });
        }
        Box::pin(async move { Ok(grpc().unary(service, request).await) })
    }

    /// Compares in constant time: how long it takes must not tell how much of a guess is right.
    fn is_authentic(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.state.token.as_deref() else { return true };
        let given = headers.get(TOKEN_KEY).map_or(&b""[..], |it| it.as_bytes());
        let difference = given.iter().zip(token.as_bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        given.len() == token.len() && std::hint::black_box(difference) == 0
    }
}

fn grpc() -> Grpc<Raw> {
    Grpc::new(Raw).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}

fn refuse(status: Status) -> Answer {
    Box::pin(std::future::ready(Ok(status.into_http())))
}

/// Answers with what Python says.
struct ToPython {
    route: Arc<Route>,
    deadline: Option<Instant>,
    /// For streams: whether the request body ended by an error.
    broken: Arc<AtomicBool>,
    state: Arc<State>,
}

type UnaryAnswer = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;
type StreamAnswer = std::future::Ready<Result<tonic::Response<Outgoing>, Status>>;

impl UnaryService<Bytes> for ToPython {
    type Response = Bytes;
    type Future = UnaryAnswer;

    fn call(&mut self, request: tonic::Request<Bytes>) -> UnaryAnswer {
        let (metadata, _, request) = request.into_parts();
        let (sender, answer) = oneshot::channel();
        let body = state::Body::Unary { request, answer: Some(sender).into() };
        let submitted = self.state.submit(Arc::clone(&self.route), metadata.into_headers(), self.deadline, body);
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            // Dropped with this future when the caller goes away.
            let waiting = Waiting { call: submitted?, state };
            let result = match waiting.call.deadline {
                None => answer.await,
                Some(deadline) => match tokio::time::timeout_at(deadline.into(), answer).await {
                    Ok(result) => result,
                    Err(_) => return Err(Status::deadline_exceeded("no answer within the time limit")),
                },
            };
            match result {
                Ok(result) => result.map(tonic::Response::new),
                Err(_) => Err(Status::internal("the call was dropped without an answer")),
            }
        })
    }
}

/// Marks the call as cancelled when its caller stops waiting. After an answer that has no effect on anybody.
struct Waiting {
    call: Arc<CallState>,
    state: Arc<State>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.state.cancel(&self.call);
    }
}

impl StreamingService<Bytes> for ToPython {
    type Response = Bytes;
    type ResponseStream = Outgoing;
    type Future = StreamAnswer;

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> StreamAnswer {
        let (metadata, _, incoming) = request.into_parts();
        let (stream, pipe) = StreamState::new(incoming, Arc::clone(&self.broken));
        let body = state::Body::Stream(Box::new(stream));
        let submitted = self.state.submit(Arc::clone(&self.route), metadata.into_headers(), self.deadline, body);
        // The headers go out at once: some clients wait for them before they send anything.
        let outgoing = submitted.map(|call| Outgoing::new(pipe, call, Arc::clone(&self.state)));
        std::future::ready(outgoing.map(tonic::Response::new))
    }
}

/// `PluginProcess.Shutdown`, which the core answers itself so that it works however busy Python is.
struct Shutdown(Arc<State>);

/// `mattermost.host.v1.ShutdownRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct ShutdownMessage {
    #[prost(int64, tag = "1")]
    grace_ms: i64,
    #[prost(string, tag = "2")]
    reason: String,
}

impl UnaryService<Bytes> for Shutdown {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let answer = match ShutdownMessage::decode(request.into_inner()) {
            Ok(message) => {
                let grace = Duration::from_millis(u64::try_from(message.grace_ms).unwrap_or(0));
                self.0.request_shutdown(ShutdownRequest { grace, reason: message.reason });
                Ok(tonic::Response::new(Bytes::new()))
            }
            Err(error) => Err(Status::new(Code::InvalidArgument, format!("no ShutdownRequest: {error}"))),
        };
        std::future::ready(answer)
    }
}

/// The moment that `grpc-timeout` means; a header that cannot be read is no deadline.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (unit_at, unit) = text.char_indices().next_back()?;
    let digits = &text[..unit_at];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let limit = match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return None,
    };
    Instant::now().checked_add(limit)
}
