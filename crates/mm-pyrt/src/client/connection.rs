//! The HTTP/2 connection of a client, made when first needed and again when it was lost.
//!
//! hyper directly instead of tonic's `Channel`: the channel's buffer and reconnect tasks cost two more hops between threads a call.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

use crate::raw::{CONNECTION_WINDOW, MAX_HEADERS, STREAM_WINDOW};
use crate::{lock, peer};

/// Where to connect to, and the connection if there is one.
pub(super) struct Connection {
    path: PathBuf,
    peer: peer::Expected,
    open: Mutex<Option<SendRequest<Body>>>,
    /// Held while connecting, so that concurrent calls share one connection.
    connecting: tokio::sync::Mutex<()>,
    closed: CancellationToken,
}

impl Connection {
    pub(super) fn new(path: PathBuf, peer: peer::Expected) -> Self {
        Self {
            path,
            peer,
            open: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            closed: CancellationToken::new(),
        }
    }

    /// A handle for one request.
    pub(super) async fn sender(&self) -> Result<Sender, Status> {
        if let Some(sender) = self.current() {
            return Ok(Sender(sender));
        }
        let _only_one = self.connecting.lock().await;
        if let Some(sender) = self.current() {
            return Ok(Sender(sender));
        }
        if self.is_closed() {
            return Err(Status::unavailable("the client was closed"));
        }
        let open = self
            .connect()
            .await
            .map_err(|error| Status::unavailable(format!("cannot connect to {}: {error}", self.path.display())))?;
        *lock(&self.open) = Some(open.clone());
        Ok(Sender(open))
    }

    fn current(&self) -> Option<SendRequest<Body>> {
        let open = lock(&self.open);
        open.as_ref().filter(|it| !it.is_closed()).cloned()
    }

    async fn connect(&self) -> io::Result<SendRequest<Body>> {
        let stream = UnixStream::connect(&self.path).await?;
        self.peer.check(&stream.peer_cred()?)?;
        let handshake = Builder::new(UntilClosed(self.closed.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, driver) = handshake.map_err(io::Error::other)?;
        UntilClosed(self.closed.clone()).execute(driver);
        Ok(sender)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Ends the connection and all calls on it.
    pub(super) fn close(&self) {
        self.closed.cancel();
        drop(lock(&self.open).take());
    }
}

/// Runs the tasks of a connection, of which there are several, until they are done or the client is closed. How they end is told
/// by the calls that were running.
#[derive(Clone)]
struct UntilClosed(CancellationToken);

impl<F> Executor<F> for UntilClosed
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let closed = self.0.clone();
        tokio::spawn(async move { closed.run_until_cancelled(task).await.map(drop) });
    }
}

/// hyper's sender as the service that tonic's client sits on.
#[derive(Clone)]
pub(super) struct Sender(SendRequest<Body>);

type Response = Result<http::Response<Incoming>, hyper::Error>;

impl tower::Service<http::Request<Body>> for Sender {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// A status that was made here from a broken connection, not sent by the peer, says UNAVAILABLE: that is what it means to a caller.
pub(super) fn clarified(status: Status) -> Status {
    let mut source = std::error::Error::source(&status);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && (error.is_io() || error.is_go_away() || error.reason().is_none())
        {
            return lost(error);
        }
        // What has an HTTP/2 reason has its own gRPC code already; tonic calls the rest unknown or cancelled.
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_canceled() || status.code() == tonic::Code::Unknown)
        {
            return lost(error);
        }
        source = error.source();
    }
    status
}

fn lost(error: &dyn std::error::Error) -> Status {
    Status::unavailable(format!("the connection was lost: {error}"))
}

/// What all calls of a client share.
pub(super) type Shared = Arc<Connection>;
