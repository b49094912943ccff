//! What the host serves to one process: the plugin API, `PluginHost` (hello and logs), and `PluginSql` (the database).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use mm_proto::grpc::{ApiService, MAX_MESSAGE_BYTES};
use mm_proto::host::v1::plugin_host_server::{PluginHost, PluginHostServer};
use mm_proto::host::v1::plugin_sql_server::PluginSqlServer;
use mm_proto::host::v1::{self as host, HelloRequest, HelloResponse, WriteLogsRequest, WriteLogsResponse};
use mm_socket::Socket;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tower::Service;

use super::refusals::Refusals;
use super::{CONNECTION_WINDOW, LateApi, STREAM_WINDOW, TOKEN_KEY, peer};
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::metrics::{Metrics, Outcome, api_call};
use crate::permissions::Permissions;
use crate::sql::SqlService;
use crate::supervisor::process::Token;

/// The service `PluginHost`'s name on the wire.
const PLUGIN_HOST: &str = PluginHostServer::<HostService>::NAME;

/// And that of `PluginSql`.
const PLUGIN_SQL: &str = PluginSqlServer::<SqlService>::NAME;

/// How long to wait after a connection could not be taken.
const RETRY: Duration = Duration::from_millis(20);

/// A hello that waits for its answer.
pub(crate) struct HelloCall {
    pub(crate) request: HelloRequest,
    pub(crate) answer: oneshot::Sender<Result<HelloResponse, Status>>,
}

/// What the services work with.
#[derive(Clone)]
pub(crate) struct ServerParts {
    pub(crate) api: LateApi,
    pub(crate) sql: SqlService,
    pub(crate) sink: LogSink,
    pub(crate) log_level: LogLevel,
    pub(crate) token: Token,
    pub(crate) hellos: mpsc::Sender<HelloCall>,
    pub(crate) permissions: Permissions,
    pub(crate) metrics: Metrics,
}

/// A server on the process's private socket; ends when dropped.
pub(crate) struct ApiServer {
    /// Tells the accept loop which process may connect.
    pid: watch::Sender<Option<i32>>,
    task: tokio::task::JoinHandle<()>,
}

impl ApiServer {
    /// Binds the socket and serves; connections wait until [`ApiServer::allow`].
    pub(crate) fn start(socket: &Path, parts: ServerParts) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
        let (pid, allowed) = watch::channel(None);
        let refusals = Refusals::new(parts.sink.clone());
        let incoming = incoming(listener, allowed, refusals.clone());
        let task = tokio::spawn(serve(incoming, parts, refusals));
        Ok(Self { pid, task })
    }

    /// Takes connections of the process with this id from now on, and of no other.
    pub(crate) fn allow(&self, pid: i32) {
        self.pid.send_replace(Some(pid));
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(incoming: impl Stream<Item = io::Result<UnixStream>>, parts: ServerParts, refusals: Refusals) {
    let sink = parts.sink.clone();
    let failed = |error| sink(LogRecord::new(LogLevel::Error, LogSource::Host, format!("the API's server: {error}")));
    let host = HostService { sink: parts.sink, log_level: parts.log_level, hellos: parts.hellos };
    let services = Services {
        token: parts.token,
        permissions: parts.permissions,
        sink: sink.clone(),
        refusals,
        api: parts.api,
        metrics: parts.metrics,
        host: PluginHostServer::new(host).max_decoding_message_size(MAX_MESSAGE_BYTES),
        sql: PluginSqlServer::new(parts.sql).max_decoding_message_size(MAX_MESSAGE_BYTES),
    };
    // They end with this task.
    let mut connections = JoinSet::new();
    let mut incoming = pin!(incoming);
    loop {
        tokio::select! {
            stream = incoming.next() => match stream.map(|it| it.and_then(Socket::new)) {
                Some(Ok(socket)) => drop(connections.spawn(serve_connection(socket, services.clone()))),
                Some(Err(error)) => {
                    failed(error);
                    // Such as too many open files: give them time to be closed.
                    tokio::time::sleep(RETRY).await;
                }
                None => return,
            },
            // Collects what has ended, so that the set does not grow.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// HTTP/2 by hyper itself: tonic's server is made for more than two services and one peer, and every call pays for that.
async fn serve_connection(socket: Socket, services: Services) {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(4096);
    let connection = builder.serve_connection(TokioIo::new(socket.clone()), services);
    // How it ended matters to its calls only, and they know.
    let _ = socket.drive(connection).await;
}

/// What every connection serves.
#[derive(Clone)]
struct Services {
    token: Token,
    permissions: Permissions,
    sink: LogSink,
    refusals: Refusals,
    api: LateApi,
    metrics: Metrics,
    host: PluginHostServer<HostService>,
    sql: PluginSqlServer<SqlService>,
}

impl hyper::service::Service<http::Request<Incoming>> for Services {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let shown = request.headers().get(TOKEN_KEY);
        if !shown.is_some_and(|it| self.token.matches(it.as_bytes())) {
            let text = "a call to the host without the token of its process, or with another, was refused";
            self.refusals.add("token", text);
            return refuse(Status::unauthenticated("the call shows no token, or a wrong one"));
        }
        let path = request.uri().path();
        let service = path.split('/').nth(1);
        let counted = (service == Some(ApiService::NAME)).then(|| api_call(&self.metrics, path));
        if let Some(refusal) = self.permissions.refuses(path) {
            refusal.log(&self.sink);
            let answer = denied(Status::from(refusal).into_http());
            let answer = match counted {
                Some(counted) => counted.answered(answer),
                None => answer,
            };
            return Box::pin(std::future::ready(Ok(answer)));
        }
        match (service, counted) {
            (_, Some(counted)) => {
                let api = self.api.clone();
                Box::pin(async move {
                    let mut api = match api.get() {
                        Some(api) => api,
                        None => api.wait().await,
                    };
                    Ok(counted.answered(api.call(request).await?))
                })
            }
            (Some(PLUGIN_HOST), _) => self.host.clone().call(request),
            (Some(PLUGIN_SQL), _) => self.sql.clone().call(request),
            _ => refuse(Status::unimplemented(format!("{} is not served here", request.uri().path()))),
        }
    }
}

/// Marks a call that the manifest does not allow, for whoever counts.
fn denied(mut response: http::Response<Body>) -> http::Response<Body> {
    response.extensions_mut().insert(Outcome::Denied);
    response
}

fn refuse(status: Status) -> BoxFuture<'static, Result<http::Response<Body>, Infallible>> {
    Box::pin(std::future::ready(Ok(status.into_http())))
}

/// Connections of the allowed process. Others are closed, and logged.
fn incoming(
    listener: UnixListener,
    allowed: watch::Receiver<Option<i32>>,
    refusals: Refusals,
) -> impl Stream<Item = io::Result<UnixStream>> {
    stream::unfold((listener, allowed, refusals), async |(listener, mut allowed, refusals)| {
        loop {
            // The process is started after the socket is bound, so its id may come after its connection.
            let pid = (*allowed.wait_for(Option::is_some).await.ok()?)?;
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => return Some((Err(error), (listener, allowed, refusals))),
            };
            match peer::check(stream.peer_cred(), pid) {
                Ok(()) => return Some((Ok(stream), (listener, allowed, refusals))),
                Err((kind, why)) => refusals.add(kind, &why),
            }
        }
    })
}

/// The service `PluginHost`.
struct HostService {
    sink: LogSink,
    log_level: LogLevel,
    hellos: mpsc::Sender<HelloCall>,
}

#[tonic::async_trait]
impl PluginHost for HostService {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        let (answer, answered) = oneshot::channel();
        let call = HelloCall { request: request.into_inner(), answer };
        let ending = || Status::unavailable("the host is ending this process");
        self.hellos.send(call).await.map_err(|_| ending())?;
        answered.await.map_err(|_| ending())?.map(Response::new)
    }

    async fn write_logs(&self, request: Request<WriteLogsRequest>) -> Result<Response<WriteLogsResponse>, Status> {
        for record in request.into_inner().records {
            let record = log_record(record);
            if record.level >= self.log_level {
                (self.sink)(record);
            }
        }
        Ok(Response::new(WriteLogsResponse {}))
    }
}

pub(crate) fn log_record(record: host::LogRecord) -> LogRecord {
    let level = match record.level() {
        host::LogLevel::Debug => LogLevel::Debug,
        host::LogLevel::Unspecified | host::LogLevel::Info => LogLevel::Info,
        host::LogLevel::Warn => LogLevel::Warn,
        host::LogLevel::Error => LogLevel::Error,
    };
    let fields: BTreeMap<String, String> = record.fields.into_iter().collect();
    LogRecord {
        level,
        source: LogSource::Logger,
        message: record.message,
        logger: record.logger,
        time_ms: record.time_ms,
        fields,
        traceback: record.traceback,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::sql::LateSql;

    /// What a client says first: the preface of HTTP/2, and settings without any.
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    /// A graceful end of HTTP/2 would wait for an answer that an idle client never gives.
    #[tokio::test]
    async fn it_ends_at_once_though_clients_are_idle() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("host.sock");
        let (hellos, _calls) = mpsc::channel(1);
        let parts = ServerParts {
            api: LateApi::new(),
            sql: SqlService::new(LateSql::new()),
            sink: Arc::new(|_| {}),
            log_level: LogLevel::Debug,
            token: Token::random().unwrap(),
            hellos,
            permissions: Permissions::default(),
            metrics: Metrics::new("x", "1"),
        };
        let server = ApiServer::start(&socket, parts).unwrap();
        server.allow(i32::try_from(std::process::id()).unwrap());
        let mut lanes = Vec::new();
        for _ in 0..8 {
            let mut lane = UnixStream::connect(&socket).await.unwrap();
            lane.write_all(HELLO).await.unwrap();
            let mut frame = [0; 9];
            lane.read_exact(&mut frame).await.unwrap();
            assert_eq!(frame[3], 4, "the server answers with its settings: it serves this connection");
            lanes.push(lane);
        }
        drop(server);
        let ended = async {
            for lane in &mut lanes {
                // Whatever was on its way, then the end.
                let _ = lane.read_to_end(&mut Vec::new()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("idle connections end with the server");
    }
}
