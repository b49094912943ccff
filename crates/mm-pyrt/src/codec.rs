//! The table-driven codec: protobuf bytes ↔ dataclass instances and tuples.
//!
//! `table` holds what Python's generated tables say, `decode` and `encode` follow it, `value` and `time` do the two messages that
//! are no models, `wire` is protobuf without Python, and `py` is CPython without PyO3's comfort where every field passes.

mod decode;
mod encode;
mod error;
mod py;
mod table;
mod time;
mod value;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use decode::Decoder;
use encode::Encoder;
use table::Tables;

/// `mattermost_plugin._native.Codec`.
#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct Codec {
    shared: Arc<Shared>,
}

/// What clients and servers share with the codec they were given.
pub(crate) struct Shared {
    tables: Tables,
    make_error: Option<Py<PyAny>>,
    split_error: Option<Py<PyAny>>,
    value: value::Cell,
    datetime: time::Cell,
}

#[pymethods]
impl Codec {
    #[new]
    #[pyo3(signature = (resolve, resolve_enum=None, *, make_error=None, split_error=None))]
    fn new(
        resolve: Py<PyAny>,
        resolve_enum: Option<Py<PyAny>>,
        make_error: Option<Py<PyAny>>,
        split_error: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                tables: Tables::new(resolve, resolve_enum),
                make_error,
                split_error,
                value: value::Cell::new(),
                datetime: time::Cell::new(),
            }),
        }
    }

    fn encode<'py>(&self, message: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let encoded = self.shared.encode(message, value)?;
        Ok(PyBytes::new(value.py(), &encoded))
    }

    fn decode<'py>(&self, message: &str, data: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyAny>> {
        self.shared.decode(data.py(), message, data.as_bytes())
    }
}

impl Codec {
    /// The part that outlives the Python object.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Shared {
    /// Encodes a message by name.
    pub(crate) fn encode(&self, message: &str, value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
        let py = value.py();
        let encode = || {
            let table = self.tables.by_name(py, message)?;
            let mut encoder = Encoder::new(py, self);
            encoder.message(table, value, 0).map_err(|it| it.in_message(message))?;
            Ok(Bytes::from(encoder.out.into_inner()))
        };
        encode().map_err(|it: Box<error::Fail>| it.into_err())
    }

    /// Decodes a message by name.
    pub(crate) fn decode<'py>(&self, py: Python<'py>, message: &str, data: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let decode = || {
            let table = self.tables.by_name(py, message)?;
            Decoder::new(py, self).message(table, data, 0)
        };
        decode().map_err(|it| it.into_err())
    }

    /// Decodes a response as a caller wants it: nothing for no field, the value for one, else all of them.
    pub(crate) fn decode_unwrapped<'py>(
        &self,
        py: Python<'py>,
        message: &str,
        data: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let decoded = self.decode(py, message, data)?;
        match decoded.cast::<PyTuple>() {
            Ok(values) => match values.len() {
                0 => Ok(py.None().into_bound(py)),
                1 => values.get_item(0),
                _ => Ok(decoded),
            },
            Err(_) => Ok(decoded),
        }
    }

    /// Encodes what a status carries as its detail: the model `AppError` or an exception; gives the message's name too.
    pub(crate) fn encode_details(&self, details: &Bound<'_, PyAny>) -> PyResult<(&'static str, Bytes)> {
        let py = details.py();
        let encode = || {
            let mut encoder = Encoder::new(py, self);
            let name = if details.is_instance_of::<pyo3::exceptions::PyBaseException>() {
                encoder.error(details, 0).map_err(|it| it.in_message("ErrorValue"))?;
                "ErrorValue"
            } else {
                let table = self.tables.by_name(py, "AppError")?;
                encoder.message(table, details, 0).map_err(|it| it.in_message("details"))?;
                "AppError"
            };
            Ok((name, Bytes::from(encoder.out.into_inner())))
        };
        encode().map_err(|it: Box<error::Fail>| it.into_err())
    }

    /// Decodes the detail of a status; `None` for a message that is neither.
    pub(crate) fn decode_details<'py>(
        &self,
        py: Python<'py>,
        message: &str,
        data: &[u8],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match message {
            "AppError" => self.decode(py, message, data).map(Some),
            "ErrorValue" => {
                let decoded = Decoder::new(py, self).error(data, 0).map_err(|it| it.in_message(message));
                decoded.map(Some).map_err(|it| it.into_err())
            }
            _ => Ok(None),
        }
    }

    fn make_error<'py>(
        &self,
        py: Python<'py>,
        code: i64,
        message: Bound<'py, PyAny>,
        detail: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match &self.make_error {
            Some(make) => make.bind(py).call1((code, message, detail)),
            None => py.get_type::<PyRuntimeError>().call1((message,)),
        }
    }

    /// Code, text and detail of an exception.
    fn split_error<'py>(
        &self,
        error: &Bound<'py, PyAny>,
    ) -> PyResult<(i64, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        match &self.split_error {
            Some(split) => split.bind(error.py()).call1((error,))?.extract(),
            None => Ok((0, error.str()?.into_any(), None)),
        }
    }
}
