//! The tokio runtime of the process, and how Python threads wait for it.
//!
//! There is one runtime, made at first use and never dropped: its threads do no Python, so they may simply end with the process.
//! Python code never runs on them. A forked child has the runtime's memory but not its threads; every entry point checks that.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::runtime::{Builder, Runtime};

/// How long the main thread waits at a time before it lets Python's signal handlers run.
const SLICE: Duration = Duration::from_millis(50);

/// Longest accepted timeout, some thirty years: beyond it, arithmetic on times would need care for nothing.
const LONGEST: f64 = 1e9;

/// Threads of the runtime. Two keep reading and writing apart; more do not help, since the work is done by Python's threads.
const WORKERS: usize = 2;

struct Core {
    runtime: Runtime,
    /// The process that made it.
    pid: u32,
}

static CORE: OnceLock<Core> = OnceLock::new();

/// The runtime, or a `RuntimeError` in a forked child.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    let core = match CORE.get() {
        Some(core) => core,
        None => {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(WORKERS).thread_name("mm-native").enable_all().build()?;
            CORE.get_or_init(|| Core { runtime, pid: std::process::id() })
        }
    };
    if core.pid == std::process::id() {
        return Ok(&core.runtime);
    }
    Err(PyRuntimeError::new_err(
        "the gRPC core does not work in a forked process, because its threads stayed in the parent; start the process with \
         subprocess, or with multiprocessing.get_context('spawn')",
    ))
}

/// Whether this is the process that made the runtime. Destructors ask: in a forked child they must leave everything alone.
pub(crate) fn is_own_process() -> bool {
    CORE.get().is_none_or(|core| core.pid == std::process::id())
}

/// Waits for a future with the GIL released. On the main thread signal handlers run meanwhile; what they raise drops the future.
pub(crate) fn wait<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let runtime = runtime()?;
    if !is_main_thread(py)? {
        return Ok(py.detach(|| runtime.block_on(future)));
    }
    let mut future = std::pin::pin!(future);
    loop {
        // A signal that came before the wait must not wait for the first slice to end.
        py.check_signals()?;
        let slice = py.detach(|| runtime.block_on(async { tokio::time::timeout(SLICE, &mut future).await }));
        if let Ok(output) = slice {
            return Ok(output);
        }
    }
}

/// Waits on a condition variable in the same way: `wait_once` waits at most as long as it is told and says whether it is done.
pub(crate) fn wait_condition<T, F>(py: Python<'_>, deadline: Option<Instant>, mut wait_once: F) -> PyResult<Option<T>>
where
    T: Send,
    F: FnMut(Option<Duration>) -> Option<T> + Send,
{
    let slice = if is_main_thread(py)? { Some(SLICE) } else { None };
    loop {
        py.check_signals()?;
        let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
        let next = match (slice, left) {
            (Some(slice), Some(left)) => Some(slice.min(left)),
            (slice, left) => slice.or(left),
        };
        if let Some(found) = py.detach(|| wait_once(next)) {
            return Ok(Some(found));
        }
        if deadline.is_some_and(|it| Instant::now() >= it) {
            return Ok(None);
        }
    }
}

/// Whether the calling thread is the one in which Python runs signal handlers.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static IDENTITY: PyOnceLock<(Py<PyAny>, u64)> = PyOnceLock::new();
    let (get_ident, main) = IDENTITY.get_or_try_init(py, || -> PyResult<_> {
        let threading = py.import("threading")?;
        let main = threading.call_method0("main_thread")?.getattr("ident")?.extract()?;
        Ok((threading.getattr("get_ident")?.unbind(), main))
    })?;
    Ok(get_ident.bind(py).call0()?.extract::<u64>()? == *main)
}

/// A timeout in seconds as Python gives it.
pub(crate) fn timeout(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    match seconds {
        None => Ok(None),
        Some(seconds) if seconds.is_nan() => Err(PyValueError::new_err("the timeout is not a number")),
        Some(seconds) => Ok(Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)))),
    }
}
