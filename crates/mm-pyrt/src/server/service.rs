//! From an HTTP/2 request to a call in a queue: authentication, routing, deadlines, health and shutdown.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request};
use prost::Message as _;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::Service as _;

use super::connection::Connection;
use super::reply::{self, Reply};
use super::state::{self, Route, ShutdownRequest, State};
use super::stream::StreamState;
use crate::client::TOKEN_KEY;
use crate::framing::{self, Incoming};
use crate::raw::{MAX_MESSAGE, Raw};
use crate::runtime;

const HEALTH: &str = "/grpc.health.v1.Health/";
const SHUTDOWN: &str = "/mattermost.host.v1.PluginProcess/Shutdown";
const OVERDUE: &str = "/mattermost.host.v1.PluginProcess/Overdue";

/// What every connection runs.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) state: Arc<State>,
    pub(super) health: HealthServer<HealthService>,
}

impl Service {
    /// Begins a call. Does not wait, and may run on any thread.
    pub(super) fn serve(
        &self,
        connection: &Arc<Connection>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let refused = if self.is_authentic(request.headers()) {
            let path = request.uri().path();
            if let Some(route) = self.state.routes.get(path) {
                return match route.is_stream {
                    false => self.unary(connection, Arc::clone(route), request, respond),
                    true => self.stream(connection, Arc::clone(route), request, respond),
                };
            }
            if path.starts_with(HEALTH) {
                let answer = self.health.clone().call(request.map(Incoming));
                return spawn(reply::send_response(answer, respond));
            }
            if path == SHUTDOWN {
                let service = Shutdown(Arc::clone(&self.state));
                let answer = async move { Ok(grpc().unary(service, request.map(Incoming)).await) };
                return spawn(reply::send_response(answer, respond));
            }
            if path == OVERDUE {
                let service = Overdue(Arc::clone(&self.state));
                let answer = async move { Ok(grpc().unary(service, request.map(Incoming)).await) };
                return spawn(reply::send_response(answer, respond));
            }
            Status::unimplemented(format!("{path} is not served here"))
        } else {
            Status::unauthenticated("the token in x-mm-token is missing or wrong")
        };
        refuse(&mut respond, refused);
    }

    fn unary(
        &self,
        connection: &Arc<Connection>,
        route: Arc<Route>,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) {
        let (head, mut body) = request.into_parts();
        let mut reading = Box::pin(async move { framing::receive("the request", &mut body).await });
        let call = Unary { route, headers: head.headers, respond };
        // Most messages came with their headers.
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => self.submit(connection, call, read),
            Poll::Pending => {
                let (service, connection) = (self.clone(), Arc::downgrade(connection));
                spawn(async move {
                    let read = reading.await;
                    if let Some(connection) = connection.upgrade() {
                        service.submit(&connection, call, read);
                    }
                });
            }
        }
    }

    fn submit(&self, connection: &Arc<Connection>, mut call: Unary, read: Read) {
        let request = match read {
            Ok((Ok(request), _)) => request,
            Ok((Err(status), _)) => return refuse(&mut call.respond, status),
            // The caller gave up in the middle of it.
            Err(_) => return,
        };
        let deadline = deadline(&call.headers);
        let reply = Reply::new(call.respond, Arc::downgrade(connection));
        let body = state::Body::Unary { request, reply: Some(reply).into() };
        if let Ok(call) = self.state.submit(call.route, call.headers, deadline, body) {
            connection.watch(call);
        }
    }

    fn stream(
        &self,
        connection: &Arc<Connection>,
        route: Arc<Route>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let (head, body) = request.into_parts();
        if head.headers.get("grpc-encoding").is_some_and(|it| it != "identity") {
            return refuse(&mut respond, Status::unimplemented("the request is compressed, which is not supported"));
        }
        // The headers go out at once: some clients wait for them before they send anything.
        let Ok(outgoing) = respond.send_response(reply::head(), false) else { return };
        let deadline = deadline(&head.headers);
        let stream = StreamState::new(Incoming(body), outgoing, connection);
        if let Ok(call) = self.state.submit(route, head.headers, deadline, state::Body::Stream(Box::new(stream))) {
            connection.watch(call);
        }
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

/// Refuses a call; a caller that is gone need not be told.
fn refuse(respond: &mut SendResponse<Bytes>, status: Status) {
    let _ = reply::send_status(respond, status);
}

/// Runs on the runtime. Not `tokio::spawn`: the calling thread may be Python's.
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = runtime::runtime() {
        runtime.spawn(work);
    }
}

/// A unary call whose message is being read.
struct Unary {
    route: Arc<Route>,
    headers: HeaderMap,
    respond: SendResponse<Bytes>,
}

/// What `framing::receive` gives.
type Read = Result<(Result<Bytes, Status>, Option<HeaderMap>), h2::Error>;

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

/// `PluginProcess.Overdue`, which the core answers itself too: nobody asks while Python is well.
struct Overdue(Arc<State>);

/// `mattermost.host.v1.OverdueResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct OverdueMessage {
    #[prost(message, repeated, tag = "1")]
    calls: Vec<OverdueCall>,
    #[prost(int64, tag = "2")]
    silent_ms: i64,
}

/// `mattermost.host.v1.OverdueCall`.
#[derive(Clone, PartialEq, prost::Message)]
struct OverdueCall {
    #[prost(string, tag = "1")]
    hook: String,
    #[prost(int64, tag = "2")]
    overdue_ms: i64,
}

impl UnaryService<Bytes> for Overdue {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, _: tonic::Request<Bytes>) -> Self::Future {
        let milliseconds = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
        let (calls, silent) = self.0.overdue();
        let calls = calls.iter().map(|(route, overdue)| OverdueCall {
            hook: route.path.rsplit('/').next().unwrap_or_default().to_owned(),
            overdue_ms: milliseconds(*overdue),
        });
        let message = OverdueMessage { calls: calls.collect(), silent_ms: milliseconds(silent) };
        std::future::ready(Ok(tonic::Response::new(message.encode_to_vec().into())))
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
