//! gRPC statuses ↔ Python: the exception `RpcError`, and the details that carry an `AppError` or an `ErrorValue`.

mod fit;

use bytes::Bytes;
use prost::Message as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use tonic::{Code, Status};

use crate::codec::Shared;

/// The class, in Python: a native class cannot extend an exception in the stable ABI before 3.12.
const SOURCE: &std::ffi::CStr = cr#"
class RpcError(Exception):
    """A call ended with a gRPC status other than OK."""

    def __init__(self, code, message, details=None):
        super().__init__(code, message, details)
        self.code = code
        self.message = message
        self.details = details

    @property
    def code_name(self):
        """The name of the code, such as "NOT_FOUND"."""
        return NAMES[self.code] if 0 <= self.code < len(NAMES) else f"CODE_{self.code}"

    def __str__(self):
        return f"{self.code_name}: {self.message}"
"#;

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Where the messages of the plugin protocol live.
const TYPE_PREFIX: &str = "type.googleapis.com/mattermost.plugin.v1.";

/// Longest status text that is sent: what is no ASCII takes thrice its size in a header field. More of it is in the details.
const MAX_TEXT: usize = 1024;

/// `google.rpc.Status`, as `grpc-status-details-bin` holds it.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// The exception class, made at first use.
pub(crate) fn rpc_error_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || -> PyResult<_> {
        let namespace = PyDict::new(py);
        namespace.set_item("__name__", "mattermost_plugin._native")?;
        namespace.set_item("NAMES", NAMES)?;
        py.run(SOURCE, Some(&namespace), None)?;
        let class = namespace.get_item("RpcError")?;
        Ok(class.ok_or_else(|| pyo3::exceptions::PyNameError::new_err("RpcError"))?.cast_into::<PyType>()?.unbind())
    })?;
    Ok(class.bind(py))
}

/// The exception for a failed call. Details that cannot be read are left out and become the exception's cause, so that the status
/// itself is never lost.
pub(crate) fn rpc_error(py: Python<'_>, codec: &Shared, status: &Status) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let (details, cause) = match details_of(py, codec, status.details()) {
            Ok(details) => (details, None),
            Err(error) => (None, Some(error)),
        };
        let class = rpc_error_class(py)?;
        let error = PyErr::from_value(class.call1((status.code() as i32, status.message(), details))?);
        error.set_cause(py, cause);
        Ok(error)
    };
    make().unwrap_or_else(|error| error)
}

/// The first detail, decoded; `None` when there is none or it is of another protocol.
fn details_of<'py>(py: Python<'py>, codec: &Shared, details: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(status) = RpcStatus::decode(details) else { return Ok(None) };
    let Some(first) = status.details.first() else { return Ok(None) };
    match first.type_url.strip_prefix(TYPE_PREFIX) {
        Some(name) => codec.decode_details(py, name, &first.value),
        None => Ok(None),
    }
}

/// A status to send. `details`: an `AppError` model, an exception, or `None`.
pub(crate) fn status(
    codec: &Shared,
    code: Code,
    message: &str,
    details: Option<&Bound<'_, PyAny>>,
) -> PyResult<Status> {
    let message = shortened(message);
    let Some(details) = details else { return Ok(Status::new(code, message)) };
    let (name, value) = codec.encode_details(details)?;
    let any = Any { type_url: format!("{TYPE_PREFIX}{name}"), value: fit::fitted(name, value) };
    let encoded = RpcStatus { code: code as i32, message: message.to_owned(), details: vec![any] }.encode_to_vec();
    Ok(Status::with_details(code, message, encoded.into()))
}

fn shortened(message: &str) -> &str {
    &message[..message.floor_char_boundary(MAX_TEXT)]
}
