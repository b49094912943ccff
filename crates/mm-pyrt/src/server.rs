//! The server: hooks come in here and are answered by Python threads that wait for them, or by an event loop.
//!
//! `listener` accepts connections, `service` turns requests into calls, `state` keeps the calls until Python takes them, `call` is one
//! of them in Python's hands, `stream` is what streaming calls have besides.

mod call;
mod connection;
mod listener;
mod reply;
mod service;
mod state;
mod stream;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::codec::{self, Codec};
use crate::wake::Wake;
use crate::{peer, runtime};
pub(crate) use call::Call;
use listener::Listener;
use service::Service;
use state::{Received, Route, State, Woken};

/// `mattermost_plugin._native.Server`.
#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct Server {
    codec: Arc<codec::Shared>,
    state: Arc<State>,
    listener: Listener,
    health: HealthReporter,
}

#[pymethods]
impl Server {
    #[new]
    #[pyo3(signature = (socket, codec, methods, *, token=None, peer_pid=None))]
    fn new(
        socket: PathBuf,
        codec: &Bound<'_, Codec>,
        methods: &Bound<'_, PyAny>,
        token: Option<String>,
        peer_pid: Option<i32>,
    ) -> PyResult<Self> {
        let py = codec.py();
        let runtime = runtime::runtime()?;
        let state = Arc::new(State::new(routes(methods)?, token, Wake::new()?));
        let health = HealthReporter::new();
        runtime.block_on(health.set_service_status("", ServingStatus::Serving));
        let service = Service {
            state: Arc::clone(&state),
            health: HealthServer::new(HealthService::from_health_reporter(health.clone())),
        };
        let listener = Listener::start(runtime, &socket, peer::Expected { pid: peer_pid }, service)?;
        wake_at_exit(py, &state)?;
        Ok(Self { codec: codec.get().shared(), state, listener, health })
    }

    #[pyo3(signature = (timeout=None))]
    fn recv(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Call>> {
        runtime::runtime()?;
        let deadline = runtime::timeout(timeout)?.map(|it| Instant::now() + it);
        let mut arrival = None;
        loop {
            match self.state.take(arrival) {
                Some(Received::Call(call)) => return Ok(Some(self.hand_out(call))),
                Some(Received::Stopping) => return Ok(None),
                None => arrival = runtime::wait_condition(py, deadline, |limit| self.state.wait(limit))?,
            }
            if arrival.is_none() {
                return Ok(None);
            }
        }
    }

    fn fileno(&self) -> i32 {
        self.state.wake.fd()
    }

    fn drain_async(&self) -> PyResult<Vec<Call>> {
        runtime::runtime()?;
        Ok(self.state.drain().into_iter().map(|it| self.hand_out(it)).collect())
    }

    fn drain_cancelled(&self) -> PyResult<Vec<u64>> {
        runtime::runtime()?;
        Ok(self.state.drain_cancelled())
    }

    fn pending(&self) -> PyResult<usize> {
        runtime::runtime()?;
        Ok(self.state.pending())
    }

    fn idle(&self) -> PyResult<usize> {
        runtime::runtime()?;
        Ok(self.state.idle())
    }

    fn active(&self) -> PyResult<usize> {
        runtime::runtime()?;
        Ok(self.state.active())
    }

    #[getter]
    fn shutdown_requested(&self) -> PyResult<bool> {
        runtime::runtime()?;
        Ok(self.state.shutdown().is_some())
    }

    #[getter]
    fn shutdown_grace(&self) -> PyResult<f64> {
        runtime::runtime()?;
        Ok(self.state.shutdown().map_or(0.0, |it| it.grace.as_secs_f64()))
    }

    #[getter]
    fn shutdown_reason(&self) -> PyResult<String> {
        runtime::runtime()?;
        Ok(self.state.shutdown().map_or_else(String::new, |it| it.reason))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait_shutdown(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        runtime::runtime()?;
        let deadline = runtime::timeout(timeout)?.map(|it| Instant::now() + it);
        self.state.see();
        Ok(runtime::wait_condition(py, deadline, |limit| self.state.wait_ending(limit))? == Some(Woken::Ending))
    }

    #[getter]
    fn stopping(&self) -> PyResult<bool> {
        runtime::runtime()?;
        Ok(self.state.is_stopping())
    }

    #[pyo3(signature = (grace=0.0))]
    fn stop(&self, py: Python<'_>, grace: f64) -> PyResult<()> {
        runtime::runtime()?;
        let grace = runtime::timeout(Some(grace))?.unwrap_or(Duration::ZERO);
        self.state.begin_stop();
        let stopped = self.listener.stop();
        let health = self.health.clone();
        let answered =
            runtime::wait_condition(py, Some(Instant::now() + grace), |limit| self.state.wait_answered(limit));
        // Whatever a signal handler raised meanwhile, the server must not be left half-stopped.
        self.state.cancel_active();
        runtime::wait(py, async move {
            health.set_service_status("", ServingStatus::NotServing).await;
            stopped.await;
        })?;
        answered.map(drop)
    }
}

impl Server {
    fn hand_out(&self, call: Arc<state::CallState>) -> Call {
        Call::new(call, Arc::clone(&self.state), Arc::clone(&self.codec))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In a forked child the socket belongs to the parent.
        if runtime::is_own_process() {
            self.state.begin_stop();
            self.state.cancel_active();
            // The connections end by themselves; nobody is left to wait for them.
            drop(self.listener.stop());
        }
    }
}

/// Reads Python's method table.
fn routes(methods: &Bound<'_, PyAny>) -> PyResult<HashMap<String, Arc<Route>>> {
    let mut routes = HashMap::new();
    for item in methods.call_method0("items")?.try_iter()? {
        let (path, row): (String, Bound<'_, PyTuple>) = item?.extract()?;
        let malformed =
            |_| PyTypeError::new_err(format!("{path}: expected (request, response, is_async[, is_stream])"));
        let (request, response, is_async, is_stream) = match row.len() {
            3 => {
                let (request, response, is_async) = row.extract().map_err(malformed)?;
                (request, response, is_async, false)
            }
            _ => row.extract().map_err(malformed)?,
        };
        let route = Route { path: path.clone(), request, response, is_async, is_stream };
        routes.insert(path, Arc::new(route));
    }
    Ok(routes)
}

/// Ends the waiting of a server's threads when the interpreter does.
#[pyclass(frozen)]
struct AtExit(Weak<State>);

#[pymethods]
impl AtExit {
    fn __call__(&self) {
        if runtime::is_own_process()
            && let Some(state) = self.0.upgrade()
        {
            state.begin_stop();
        }
    }
}

/// Python joins its threads before it runs `atexit`, so threads in `recv` would hold up the end for ever. The hook that
/// `concurrent.futures` uses for the same purpose comes before the join.
fn wake_at_exit(py: Python<'_>, state: &Arc<State>) -> PyResult<()> {
    let hook = AtExit(Arc::downgrade(state));
    match py.import("threading")?.getattr_opt("_register_atexit")? {
        Some(register) => register.call1((hook,))?,
        None => py.import("atexit")?.call_method1("register", (hook,))?,
    };
    Ok(())
}
