//! One call in Python's hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures::FutureExt as _;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use tonic::{Code, Status};

use super::state::{Body, CallState, State};
use super::stream::StreamState;
use crate::aio::{self, Done};
use crate::client::TOKEN_KEY;
use crate::{codec, runtime, status};

/// Headers that belong to HTTP/2 and gRPC, not to the call.
const NOT_METADATA: [&str; 6] =
    [TOKEN_KEY, "te", "content-type", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding"];

/// `mattermost_plugin._native.Call`.
#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct Call {
    call: Arc<CallState>,
    server: Arc<State>,
    codec: Arc<codec::Shared>,
    args: PyOnceLock<Py<PyAny>>,
    answered: AtomicBool,
}

#[pymethods]
impl Call {
    #[getter]
    fn id(&self) -> u64 {
        self.call.id
    }

    #[getter]
    fn path(&self) -> &str {
        &self.call.route.path
    }

    #[getter]
    fn is_stream(&self) -> bool {
        self.call.route.is_stream
    }

    #[getter]
    fn args(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let args = self.args.get_or_try_init(py, || match &self.call.body {
            Body::Unary { request, .. } => Ok(self.codec.decode(py, &self.call.route.request, request)?.unbind()),
            Body::Stream(_) => Ok(PyTuple::empty(py).into_any().unbind()),
        });
        args.map(|it: &Py<PyAny>| it.clone_ref(py))
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metadata = PyDict::new(py);
        for (key, value) in &self.call.headers {
            let key = key.as_str();
            if !NOT_METADATA.contains(&key)
                && !key.ends_with("-bin")
                && let Ok(value) = value.to_str()
            {
                metadata.set_item(key, value)?;
            }
        }
        Ok(metadata)
    }

    fn remaining(&self) -> Option<f64> {
        self.call.deadline.map(|it| it.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    #[getter]
    fn cancelled(&self) -> bool {
        self.call.is_cancelled()
    }

    #[getter]
    fn active(&self) -> bool {
        !self.answered.load(Ordering::Acquire)
    }

    fn adopt(&self) -> PyResult<bool> {
        runtime::runtime()?;
        Ok(self.call.adopt())
    }

    #[pyo3(signature = (values=None))]
    fn reply(&self, py: Python<'_>, values: Option<&Bound<'_, PyTuple>>) -> PyResult<bool> {
        runtime::runtime()?;
        if self.call.route.is_stream {
            return Err(PyRuntimeError::new_err("a stream has no single answer; use write_message and finish"));
        }
        self.check_open()?;
        let empty = PyTuple::empty(py);
        let answer = self.codec.encode(&self.call.route.response, values.unwrap_or(&empty).as_any())?;
        self.answer(Ok(answer))
    }

    #[pyo3(signature = (code, message, details=None))]
    fn fail(&self, code: i32, message: &str, details: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        runtime::runtime()?;
        if !(1..=16).contains(&code) {
            return Err(PyValueError::new_err(format!("{code} is no gRPC error code; they are 1 to 16")));
        }
        self.check_open()?;
        let status = status::status(&self.codec, Code::from_i32(code), message, details)?;
        self.answer(Err(status))
    }

    fn read_message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stream = self.stream()?;
        // What is there already is taken without letting go of the GIL.
        let message = match stream.read().now_or_never() {
            Some(message) => message,
            None => runtime::wait(py, stream.read())?,
        };
        Done::Message(message).into_result(py, &self.codec, &self.call.route.request)
    }

    fn read_message_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.stream()?;
        let call = Arc::clone(&self.call);
        let work = async move {
            match &call.body {
                Body::Stream(stream) => Done::Message(stream.read().await),
                Body::Unary { .. } => Done::Message(Ok(None)),
            }
        };
        aio::spawn(py, Arc::clone(&self.codec), &self.call.route.request, work)
    }

    fn write_message(&self, values: &Bound<'_, PyTuple>) -> PyResult<bool> {
        let message = self.codec.encode(&self.call.route.response, values.as_any())?;
        let stream = self.stream()?;
        match stream.try_write(message, false) {
            Ok(taken) => Ok(taken),
            Err(message) => runtime::wait(values.py(), stream.write(message)),
        }
    }

    #[pyo3(signature = (values, *, more=false))]
    fn write_now(&self, values: &Bound<'_, PyTuple>, more: bool) -> PyResult<Option<bool>> {
        let message = self.codec.encode(&self.call.route.response, values.as_any())?;
        Ok(self.stream()?.try_write(message, more).ok())
    }

    fn write_message_async<'py>(&self, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.stream()?;
        let message = self.codec.encode(&self.call.route.response, values.as_any())?;
        let call = Arc::clone(&self.call);
        let work = async move {
            match &call.body {
                Body::Stream(stream) => Done::Written(stream.write(message).await),
                Body::Unary { .. } => Done::Written(false),
            }
        };
        aio::spawn(values.py(), Arc::clone(&self.codec), &self.call.route.response, work)
    }

    fn finish(&self) -> PyResult<bool> {
        runtime::runtime()?;
        self.stream()?;
        self.check_open()?;
        self.answer(Ok(Bytes::new()))
    }

    fn __repr__(&self) -> String {
        format!("<Call {} {}>", self.call.id, self.call.route.path)
    }
}

impl Call {
    pub(super) fn new(call: Arc<CallState>, server: Arc<State>, codec: Arc<codec::Shared>) -> Self {
        Self { call, server, codec, args: PyOnceLock::new(), answered: AtomicBool::new(false) }
    }

    fn stream(&self) -> PyResult<&StreamState> {
        runtime::runtime()?;
        match &self.call.body {
            Body::Stream(stream) => Ok(stream),
            Body::Unary { .. } => Err(PyRuntimeError::new_err(format!("{} is no stream", self.call.route.path))),
        }
    }

    fn check_open(&self) -> PyResult<()> {
        if self.answered.load(Ordering::Acquire) {
            return Err(PyRuntimeError::new_err("the call was answered before"));
        }
        Ok(())
    }

    fn answer(&self, result: Result<Bytes, Status>) -> PyResult<bool> {
        if self.answered.swap(true, Ordering::AcqRel) {
            return Err(PyRuntimeError::new_err("the call was answered before"));
        }
        let taken = self.call.answer(result);
        self.server.finished(&self.call);
        Ok(taken)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // In a forked child the call belongs to the parent.
        if !self.answered.swap(true, Ordering::AcqRel) && runtime::is_own_process() {
            self.call.answer(Err(Status::internal("the handler ended without an answer")));
            self.server.finished(&self.call);
        }
    }
}
