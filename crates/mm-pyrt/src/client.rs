//! The client: unary calls that block a Python thread or complete an asyncio future, and streams.

mod connection;
mod exchange;
mod lane;
mod socket;
mod stream;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::aio::{self, Done};
use crate::codec::{self, Codec};
use crate::raw::{MAX_MESSAGE, Raw};
use crate::{peer, runtime};
use connection::{Connection, Sender, clarified};
use lane::Lanes;
pub(crate) use stream::ClientStream;

/// Metadata key of the token that both sides send.
pub(crate) const TOKEN_KEY: &str = "x-mm-token";

/// A deadline that the peer found passed a moment before this side did is still a deadline.
const CLOCK_SLACK: Duration = Duration::from_millis(5);

/// `mattermost_plugin._native.Client`.
#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct Client {
    codec: Arc<codec::Shared>,
    link: Link,
    /// For calls that block; the others share `link`'s connection.
    lanes: Lanes,
    /// What every request on a lane has.
    headers: HeaderMap,
}

/// What a call needs, without Python.
#[derive(Clone)]
struct Link {
    connection: connection::Shared,
    metadata: Arc<MetadataMap>,
    origin: Uri,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (socket, codec, *, token=None, user_agent=None, peer_pid=None))]
    fn new(
        socket: PathBuf,
        codec: &Bound<'_, Codec>,
        token: Option<&str>,
        user_agent: Option<&str>,
        peer_pid: Option<i32>,
    ) -> PyResult<Self> {
        runtime::runtime()?;
        let mut metadata = MetadataMap::new();
        if let Some(token) = token {
            metadata.insert(TOKEN_KEY, ascii("token", token)?);
        }
        let core = concat!("mattermost-plugin-native/", env!("CARGO_PKG_VERSION"));
        let agent = user_agent.map_or_else(|| core.to_owned(), |it| format!("{it} {core}"));
        let mut headers = metadata.into_headers();
        let agent = HeaderValue::try_from(agent).map_err(|_| PyValueError::new_err("user_agent: not plain ASCII"))?;
        headers.insert(http::header::USER_AGENT, agent);
        let peer = peer::Expected { pid: peer_pid };
        Ok(Self {
            codec: codec.get().shared(),
            lanes: Lanes::new(socket.clone(), peer),
            headers: exchange::headers(headers.clone()),
            link: Link {
                connection: Arc::new(Connection::new(socket, peer)),
                metadata: Arc::new(MetadataMap::from_headers(headers)),
                // A Unix socket has no host name, and some peers refuse an empty authority.
                origin: Uri::from_static("http://localhost"),
            },
        })
    }

    #[pyo3(signature = (path, request, response, args, timeout=None))]
    fn call<'py>(
        &self,
        path: &str,
        request: &str,
        response: &str,
        args: &Bound<'py, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        self.check_open()?;
        let (path, timeout) = (method(path)?, runtime::timeout(timeout)?);
        let body = self.codec.encode(request, args.as_any())?;
        let deadline = timeout.map(|it| Instant::now() + it);
        let request = exchange::request(path, self.headers.clone(), timeout);
        let reply = match timeout {
            Some(Duration::ZERO) => None,
            _ => self.lanes.call(py, request, body, deadline)?,
        };
        Done::Reply(in_time(reply, deadline)).into_result(py, &self.codec, response)
    }

    #[pyo3(signature = (path, request, response, args, timeout=None))]
    fn call_async<'py>(
        &self,
        path: &str,
        request: &str,
        response: &str,
        args: &Bound<'py, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let prepared = self.prepare(path, timeout)?;
        let body = self.codec.encode(request, args.as_any())?;
        let work = async move { Done::Reply(prepared.unary(body).await) };
        aio::spawn(args.py(), Arc::clone(&self.codec), response, work)
    }

    #[pyo3(signature = (path, request, response, timeout=None))]
    fn stream(&self, path: &str, request: &str, response: &str, timeout: Option<f64>) -> PyResult<ClientStream> {
        let prepared = self.prepare(path, timeout)?;
        ClientStream::open(Arc::clone(&self.codec), request, response, prepared)
    }

    fn close(&self) -> PyResult<()> {
        runtime::runtime()?;
        self.lanes.close();
        self.link.connection.close();
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // In a forked child the connection belongs to the parent.
        if runtime::is_own_process() {
            self.lanes.close();
            self.link.connection.close();
        }
    }
}

impl Client {
    fn prepare(&self, path: &str, timeout: Option<f64>) -> PyResult<Prepared> {
        self.check_open()?;
        Ok(Prepared { link: self.link.clone(), path: method(path)?, timeout: runtime::timeout(timeout)? })
    }

    fn check_open(&self) -> PyResult<()> {
        runtime::runtime()?;
        if self.link.connection.is_closed() {
            return Err(PyRuntimeError::new_err("the client was closed"));
        }
        Ok(())
    }
}

fn method(path: &str) -> PyResult<PathAndQuery> {
    PathAndQuery::try_from(path).map_err(|_| PyValueError::new_err(format!("{path:?} is no gRPC method")))
}

/// A call whose arguments were checked.
struct Prepared {
    link: Link,
    path: PathAndQuery,
    timeout: Option<Duration>,
}

impl Prepared {
    async fn unary(self, body: Bytes) -> Result<Bytes, Status> {
        let deadline = self.timeout.map(|it| Instant::now() + it);
        within(deadline, async {
            let request = self.request(body);
            let mut grpc = self.grpc().await?;
            let response = grpc.unary(request, self.path, Raw).await.map_err(clarified)?;
            Ok(response.into_inner())
        })
        .await
    }

    async fn grpc(&self) -> Result<Grpc<Sender>, Status> {
        let sender = self.link.connection.sender().await?;
        let grpc = Grpc::with_origin(sender, self.link.origin.clone());
        Ok(grpc.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE))
    }

    fn request<T>(&self, content: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(content);
        *request.metadata_mut() = (*self.link.metadata).clone();
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        request
    }
}

/// Ends work at its deadline, with the status that says so whichever side noticed first.
async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let work = guarded(work);
    let Some(deadline) = deadline else { return work.await };
    // An answer that was quick would otherwise beat a time that is over: timers tick in milliseconds.
    if Instant::now() >= deadline {
        return Err(too_late());
    }
    in_time(tokio::time::timeout_at(deadline.into(), work).await.ok(), Some(deadline))
}

/// Makes a status of a panic: tonic panics on error details that are no base64, and the peer may send what it likes.
async fn guarded<T>(work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Status::internal("the answer is not valid gRPC")))
}

/// What came of a call with a deadline; `None` when it passed.
fn in_time<T>(result: Option<Result<T, Status>>, deadline: Option<Instant>) -> Result<T, Status> {
    match result {
        None => Err(too_late()),
        // A server may say that it cancelled the call when it means the deadline that it was sent.
        Some(Err(status))
            if status.code() == Code::Cancelled && deadline.is_some_and(|it| Instant::now() + CLOCK_SLACK >= it) =>
        {
            Err(too_late())
        }
        Some(result) => result,
    }
}

fn too_late() -> Status {
    Status::deadline_exceeded("no answer within the time limit")
}

fn ascii(name: &str, value: &str) -> PyResult<MetadataValue<Ascii>> {
    value.parse().map_err(|_| PyValueError::new_err(format!("{name}: not plain ASCII")))
}
