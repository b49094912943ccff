//! asyncio futures that are completed by work on the tokio runtime.
//!
//! Each event loop has one [`Port`]: a file descriptor that the loop watches and a list of what is done. Runtime threads only add
//! to the list; the futures are completed by the loop's own thread, so no Python code runs anywhere else.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use tokio::task::AbortHandle;
use tonic::Status;

use crate::codec::Shared;
use crate::status::rpc_error;
use crate::wake::Wake;
use crate::{lock, runtime};

/// What a finished piece of work gives.
pub(crate) enum Done {
    /// The response of a unary call.
    Reply(Result<Bytes, Status>),
    /// The next message of a stream, `None` after its end.
    Message(Result<Option<Bytes>, Status>),
    /// Whether a message was taken by the other side.
    Written(bool),
}

impl Done {
    /// The Python result, by the codec of the client or server it belongs to.
    pub(crate) fn into_result<'py>(
        self,
        py: Python<'py>,
        codec: &Shared,
        message: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Reply(Ok(data)) => codec.decode_unwrapped(py, message, &data),
            Self::Message(Ok(Some(data))) => codec.decode(py, message, &data),
            Self::Message(Ok(None)) => Ok(py.None().into_bound(py)),
            Self::Written(taken) => Ok(taken.into_pyobject(py)?.to_owned().into_any()),
            Self::Reply(Err(status)) | Self::Message(Err(status)) => Err(rpc_error(py, codec, &status)),
        }
    }
}

/// What the runtime's threads see of a port.
struct Outbox {
    wake: Wake,
    done: Mutex<Vec<(u64, Done)>>,
}

/// Connects one event loop with the runtime.
#[pyclass(frozen)]
struct Port {
    outbox: Arc<Outbox>,
    pending: Mutex<HashMap<u64, Pending>>,
    next: AtomicU64,
}

/// A future that is not completed. Lives here, not in the runtime's task, because only threads with the GIL may drop it.
struct Pending {
    future: Py<PyAny>,
    codec: Arc<Shared>,
    message: String,
}

/// Gives an asyncio future for work that runs on the runtime. Cancelling the future drops the work.
pub(crate) fn spawn<'py, F>(py: Python<'py>, codec: Arc<Shared>, message: &str, work: F) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = Done> + Send + 'static,
{
    let runtime = runtime::runtime()?;
    let (event_loop, port) = Port::of_running_loop(py)?;
    let future = event_loop.call_method0("create_future")?;
    let id = port.get().next.fetch_add(1, Ordering::Relaxed);
    let pending = Pending { future: future.clone().unbind(), codec, message: message.to_owned() };
    lock(&port.get().pending).insert(id, pending);
    let outbox = Arc::clone(&port.get().outbox);
    let task = runtime.spawn(async move {
        let done = work.await;
        lock(&outbox.done).push((id, done));
        outbox.wake.set();
    });
    let canceller = Canceller { task: task.abort_handle(), port: port.clone_ref(py), id };
    future.call_method1("add_done_callback", (canceller,))?;
    Ok(future)
}

/// The ports of the event loops in use, usually one.
static PORTS: Mutex<Vec<(Py<PyAny>, Py<Port>)>> = Mutex::new(Vec::new());

impl Port {
    /// The running loop and its port, which is made when the loop has none yet.
    fn of_running_loop(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Py<Self>)> {
        static GET_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let get_loop = GET_LOOP.import(py, "asyncio", "get_running_loop")?;
        let event_loop = get_loop.call0()?;
        let known = lock(&PORTS).iter().find(|it| it.0.is(&event_loop)).map(|it| it.1.clone_ref(py));
        if let Some(port) = known {
            return Ok((event_loop, port));
        }
        let outbox = Arc::new(Outbox { wake: Wake::new()?, done: Mutex::default() });
        let fd = outbox.wake.fd();
        let port = Py::new(py, Self { outbox, pending: Mutex::default(), next: AtomicU64::new(0) })?;
        event_loop.call_method1("add_reader", (fd, port.getattr(py, "drain")?))?;
        Self::remember(py, &event_loop, &port)?;
        Ok((event_loop, port))
    }

    /// Adds a loop, and forgets those that were closed meanwhile.
    fn remember(py: Python<'_>, event_loop: &Bound<'_, PyAny>, port: &Py<Self>) -> PyResult<()> {
        let known = std::mem::take(&mut *lock(&PORTS));
        let mut kept = Vec::with_capacity(known.len() + 1);
        for (other, port) in known {
            if !other.bind(py).call_method0("is_closed")?.is_truthy()? {
                kept.push((other, port));
            }
        }
        kept.push((event_loop.clone().unbind(), port.clone_ref(py)));
        lock(&PORTS).append(&mut kept);
        Ok(())
    }
}

#[pymethods]
impl Port {
    /// Completes the futures whose work is done; called by the event loop.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        self.outbox.wake.clear();
        let done = std::mem::take(&mut *lock(&self.outbox.done));
        let mut failure = Ok(());
        for (id, done) in done {
            let Some(pending) = lock(&self.pending).remove(&id) else { continue };
            // One future that cannot be completed must not hold up the others.
            if let Err(error) = pending.complete(py, done) {
                failure = Err(error);
            }
        }
        failure
    }
}

impl Pending {
    fn complete(self, py: Python<'_>, done: Done) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0("done")?.is_truthy()? {
            return Ok(());
        }
        match done.into_result(py, &self.codec, &self.message) {
            Ok(result) => future.call_method1("set_result", (result,))?,
            Err(error) => future.call_method1("set_exception", (error.into_value(py),))?,
        };
        Ok(())
    }
}

/// The callback of a future: drops the work when the future was cancelled.
#[pyclass(frozen)]
struct Canceller {
    task: AbortHandle,
    port: Py<Port>,
    id: u64,
}

#[pymethods]
impl Canceller {
    #[pyo3(signature = (*arguments))]
    fn __call__(&self, arguments: &Bound<'_, PyTuple>) {
        let _ = arguments;
        if runtime::is_own_process() {
            self.task.abort();
        }
        drop(lock(&self.port.get().pending).remove(&self.id));
    }
}
