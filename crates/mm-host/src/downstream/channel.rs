//! The way to the hooks of the process: a tower service below the generated client, so that nothing here knows a hook's arguments.
//!
//! It outlives the process: while there is none, calls fail at once and say why; after a restart the same client reaches the new one.

use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::USER_AGENT;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::link::Link;
use super::{TOKEN_KEY, peer};
use crate::supervisor::process::Token;

/// How long the process may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the process's socket. HTTP/2 without tonic's channel around it: there is one process at one place, so nothing is
/// to be balanced, queued or connected again, and each of these costs every call a change of task.
#[derive(Clone)]
pub(crate) struct Connection {
    link: Link,
    token: HeaderValue,
    pid: i32,
}

impl Connection {
    /// Connects to the socket at `path`, if the process with this id listens there.
    pub(crate) async fn open(path: &Path, pid: i32, token: &Token) -> Result<Self, String> {
        let stream = tokio::time::timeout(CONNECT_LIMIT, UnixStream::connect(path)).await;
        let stream =
            stream.map_err(|_| "it does not accept connections".to_owned())?.map_err(|error| error.to_string())?;
        peer::check(stream.peer_cred(), pid).map_err(|(_, why)| why)?;
        let link = Link::open(stream).await.map_err(|error| deepest(&error))?;
        let mut token = HeaderValue::from_str(token.as_str()).map_err(|error| error.to_string())?;
        token.set_sensitive(true);
        Ok(Self { link, token, pid })
    }

    /// The process at the other end.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits until the connection is over. Holding the future does not hold the connection.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        self.link.over().cancelled_owned()
    }

    /// Sends a request that has a path only.
    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, h2::Error> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        // The name is never resolved, but HTTP/2 wants one.
        parts.authority = Some(Authority::from_static("localhost"));
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        request.headers_mut().insert(TOKEN_KEY, self.token);
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(concat!("mm-host/", env!("CARGO_PKG_VERSION"))));
        self.link.send(request).await
    }
}

/// The innermost cause of an error.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Where the plugin's activation is, seen from the calls that went through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Activation {
    NotYet,
    Active,
    Over,
}

/// Which process of the plugin: each has a number of its own, those that take the place of one that died too.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct WorkerId(pub(crate) u64);

/// In the extensions of an answer: the call was sent to this process, which was gone before it answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WorkerLost(pub(crate) WorkerId);

/// In the extensions of an answer: the call was not sent, because no process takes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NoWorker {
    /// Whether one will take calls without anybody's doing.
    pub(crate) coming: bool,
}

/// Why there is no process to call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Absent {
    /// For people.
    pub(crate) why: String,
    /// Whether a process will come without anybody's doing.
    pub(crate) coming: bool,
}

impl Absent {
    /// The answer to a call that nobody takes.
    pub(crate) fn answer(self) -> Response<Body> {
        let coming = self.coming;
        let mut response = Status::unavailable(self.why).into_http();
        response.extensions_mut().insert(NoWorker { coming });
        response
    }
}

/// The transport of a generated client of `PluginHooks`, `PluginProcess` or `grpc.health.v1.Health`.
#[derive(Clone)]
pub(crate) struct HookChannel {
    shared: Arc<Shared>,
}

struct Shared {
    door: RwLock<Door>,
    /// Told of every change of the door.
    changes: watch::Sender<()>,
}

struct Door {
    /// The process to call, or why there is none.
    connection: Result<(Connection, WorkerId), Absent>,
    activation: Activation,
}

impl HookChannel {
    /// A channel that is closed until [`HookChannel::open`]; every change of that is told to `changes`.
    pub(crate) fn closed(changes: watch::Sender<()>) -> Self {
        let absent = Absent { why: "the plugin's process was not started".to_owned(), coming: false };
        let door = Door { connection: Err(absent), activation: Activation::NotYet };
        Self { shared: Arc::new(Shared { door: RwLock::new(door), changes }) }
    }

    /// A channel to one process, whatever becomes of the plugin.
    pub(crate) fn to(connection: Connection) -> Self {
        let channel = Self::closed(watch::Sender::new(()));
        channel.open(connection, WorkerId(0), true);
        channel
    }

    /// Lets calls through to this process. `active` when it counts as activated already: it has no `OnActivate`, or it was called.
    pub(crate) fn open(&self, connection: Connection, worker: WorkerId, active: bool) {
        let activation = if active { Activation::Active } else { Activation::NotYet };
        *self.door() = Door { connection: Ok((connection, worker)), activation };
        self.shared.changes.send_replace(());
    }

    /// Lets no more calls through; they fail with this text. `coming` when a process will take calls again by itself.
    pub(crate) fn close(&self, why: &str, coming: bool) {
        self.door().connection = Err(Absent { why: why.to_owned(), coming });
        self.shared.changes.send_replace(());
    }

    /// Lets no more calls through to this process, whose connection broke; whether another one comes is told by [`HookChannel::close`].
    fn lose(&self, worker: WorkerId) {
        let mut door = self.door();
        if door.connection.as_ref().is_ok_and(|(_, other)| *other == worker) {
            door.connection = Err(Absent { why: "the plugin's process is gone".to_owned(), coming: true });
            drop(door);
            self.shared.changes.send_replace(());
        }
    }

    /// The process that takes calls, or why none does.
    pub(crate) fn worker(&self) -> Result<WorkerId, Absent> {
        let door = self.shared.door.read().unwrap_or_else(PoisonError::into_inner);
        door.connection.as_ref().map(|it| it.1).map_err(Clone::clone)
    }

    /// The connection to this process, if it takes calls.
    pub(crate) fn connection(&self, worker: WorkerId) -> Option<Connection> {
        let door = self.shared.door.read().unwrap_or_else(PoisonError::into_inner);
        door.connection.as_ref().ok().filter(|it| it.1 == worker).map(|it| it.0.clone())
    }

    /// Whether the plugin was activated and not deactivated.
    pub(crate) fn is_active(&self) -> bool {
        self.door().activation == Activation::Active
    }

    fn door(&self) -> std::sync::RwLockWriteGuard<'_, Door> {
        self.shared.door.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, hook: &str, succeeded: bool) {
        match hook {
            "OnActivate" if succeeded => self.door().activation = Activation::Active,
            "OnDeactivate" => self.door().activation = Activation::Over,
            _ => {}
        }
    }

    /// Calls the process, which may take as long as the caller waits.
    pub(crate) async fn send(self, request: Request<Body>) -> Response<Body> {
        let connection = {
            let door = self.shared.door.read().unwrap_or_else(PoisonError::into_inner);
            door.connection.clone()
        };
        let (connection, worker) = match connection {
            Ok(connection) => connection,
            Err(absent) => return absent.answer(),
        };
        let path = request.uri().clone();
        let hook = path.path().rsplit('/').next().unwrap_or_default();
        if hook == "OnDeactivate" {
            // Once is enough, also when the caller does not wait for its end.
            self.note(hook, true);
        }
        let response = match connection.send(request).await {
            Ok(response) => response,
            Err(error) => self.broken(hook, &error, worker),
        };
        let failed = response.headers().get("grpc-status").is_some_and(|it| it != "0");
        self.note(hook, !failed);
        response
    }

    /// The answer to a call that the process did not answer.
    fn broken(&self, hook: &str, error: &h2::Error, worker: WorkerId) -> Response<Body> {
        if error.is_reset() {
            return Status::unavailable(format!("the plugin's process broke {hook} off ({})", deepest(error)))
                .into_http();
        }
        self.lose(worker);
        let text = format!("the plugin's process ended during {hook} ({})", deepest(error));
        let mut response = Status::unavailable(text).into_http();
        response.extensions_mut().insert(WorkerLost(worker));
        response
    }
}

impl Service<Request<Body>> for HookChannel {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        Box::pin(async move { Ok(channel.send(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_closed_channel_says_why_at_once() {
        let mut channel = HookChannel::closed(watch::Sender::new(()));
        channel.close("the plugin's process is being restarted", true);
        let request = Request::builder().uri("/x/MessageWillBePosted").body(Body::empty()).unwrap();
        let response = channel.call(request).await.unwrap();
        assert_eq!(response.extensions().get(), Some(&NoWorker { coming: true }));
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "the plugin's process is being restarted"));
    }

    #[test]
    fn activation_is_seen_from_the_calls() {
        let channel = HookChannel::closed(watch::Sender::new(()));
        channel.note("OnActivate", false);
        assert!(!channel.is_active());
        channel.note("OnActivate", true);
        assert!(channel.is_active());
        channel.note("OnDeactivate", true);
        assert!(!channel.is_active());
    }
}
