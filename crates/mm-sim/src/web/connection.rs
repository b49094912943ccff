//! One connection: HTTP/1.1 by hyper, until a plugin takes the connection itself.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::{WebService, exchange, public, request};
use crate::server::Server;

/// What Go's server takes of header fields; hyper's own limits are smaller, and some of the size is for the buffer.
const MAX_HEADER_BYTES: usize = (1 << 20) + 8192;
const MAX_HEADER_FIELDS: usize = 16_384;

/// How long a client may take to send its header.
const HEADER_LIMIT: Duration = Duration::from_secs(30);

/// An answer's body.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Asks for the connection itself: what has been read of it and not been used comes along.
pub(super) type Hijack = oneshot::Sender<(TcpStream, Bytes)>;

/// Serves a connection until it ends or belongs to a plugin.
pub(super) async fn serve(server: Server, service: WebService, stream: TcpStream, peer: SocketAddr) {
    // What is written bit by bit is meant to arrive bit by bit; that it cannot be said hurts only speed.
    let _ = stream.set_nodelay(true);
    let (hijack, mut hijacks) = mpsc::channel::<Hijack>(1);
    let service = Arc::new(Site { server, service, peer });
    let handler = service_fn(move |request| {
        let (service, hijack) = (Arc::clone(&service), hijack.clone());
        Box::pin(async move { Ok::<_, Infallible>(service.answer(request, hijack).await) })
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADER_FIELDS);
    let mut connection = builder.serve_connection(TokioIo::new(stream), handler);
    let taken = tokio::select! {
        // How it ended matters to its requests only, and they know.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => None,
        Some(taken) = hijacks.recv() => Some(taken),
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    match taken {
        // Who asked may be gone; then the connection is closed.
        Some(taken) => drop(taken.send((stream, parts.read_buf))),
        // A client that is gone needs no goodbye.
        None => stream.shutdown().await.unwrap_or_default(),
    }
}

struct Site {
    server: Server,
    service: WebService,
    peer: SocketAddr,
}

impl Site {
    async fn answer(&self, request: Request<Incoming>, hijack: mpsc::Sender<Hijack>) -> Response<Body> {
        let Some((plugin_id, path)) = request::target(request.uri().path()) else { return not_found() };
        let (plugin_id, path) = (plugin_id.to_owned(), path.to_owned());
        if self.service == WebService::Site && (path == "/public" || path.starts_with("/public/")) {
            let bundle = self.server.bundle_of(&plugin_id);
            return public::serve(bundle.as_deref(), &path, request.method()).await;
        }
        let hook = match self.service {
            WebService::Site => "ServeHTTP",
            WebService::Metrics if path == "/metrics" || path.starts_with("/metrics/") => "ServeMetrics",
            WebService::Metrics => return not_found(),
        };
        let Some(listener) = self.server.listener_of(&plugin_id, hook) else { return not_found() };
        let path = if hook == "ServeMetrics" { path["/metrics".len()..].to_owned() } else { path };
        let (head, body) = request.into_parts();
        let start = request::start(&self.server, &head, &path, self.peer, self.service);
        exchange::begin(self.server.clone(), listener, hook, start, body, hijack).await
    }
}

/// What Go's server says of a path that nobody serves.
pub(super) fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

pub(super) fn whole(content: Bytes) -> Body {
    Full::new(content).map_err(|never| match never {}).boxed_unsync()
}
