//! Why a value could not be encoded or decoded, with the place inside the message.

use pyo3::PyErr;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Result of everything inside the codec. Boxed, because the error is rare and the results are many and small.
pub(crate) type Outcome<T> = Result<T, Box<Fail>>;

/// A failure on its way outward. The innermost message and field that are known name the place; list positions and map keys
/// are put before what is below them until then.
pub(crate) enum Fail {
    /// The value or the bytes are wrong.
    Data { kind: Kind, place: String, rooted: bool, text: String },
    /// Python code that was called on the way raised.
    Python(PyErr),
}

/// Which Python exception it becomes.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Type,
    Value,
}

impl Fail {
    pub(crate) fn data(kind: Kind, text: impl Into<String>) -> Box<Self> {
        Box::new(Self::Data { kind, place: String::new(), rooted: false, text: text.into() })
    }

    pub(crate) fn value(text: impl Into<String>) -> Box<Self> {
        Self::data(Kind::Value, text)
    }

    /// `expected int, got str`.
    pub(crate) fn expected(what: &str, got: &Bound<'_, PyAny>) -> Box<Self> {
        Self::data(Kind::Type, format!("expected {what}, got {}", type_name(got)))
    }

    /// Adds a list position.
    pub(crate) fn at_index(self: Box<Self>, index: usize) -> Box<Self> {
        self.prefixed(|| format!("[{index}]"))
    }

    /// Adds a map key.
    pub(crate) fn at_key(self: Box<Self>, key: &Bound<'_, PyAny>) -> Box<Self> {
        self.prefixed(|| match key.repr() {
            Ok(text) => format!("[{text}]"),
            Err(_) => "[?]".to_owned(),
        })
    }

    /// Names message and field, unless something further inside did.
    pub(crate) fn in_field(self: Box<Self>, message: &str, field: &str) -> Box<Self> {
        let mut failure = self.prefixed(|| format!("{message}.{field}"));
        if let Self::Data { rooted, .. } = &mut *failure {
            *rooted = true;
        }
        failure
    }

    /// Names the message, for failures that belong to no field.
    pub(crate) fn in_message(self: Box<Self>, message: &str) -> Box<Self> {
        let mut failure = self.prefixed(|| message.to_owned());
        if let Self::Data { rooted, .. } = &mut *failure {
            *rooted = true;
        }
        failure
    }

    fn prefixed(mut self: Box<Self>, prefix: impl FnOnce() -> String) -> Box<Self> {
        if let Self::Data { place, rooted: false, .. } = &mut *self {
            place.insert_str(0, &prefix());
        }
        self
    }

    /// The Python exception.
    pub(crate) fn into_err(self) -> PyErr {
        match self {
            Self::Python(error) => error,
            Self::Data { kind, place, text, .. } => {
                let text = if place.is_empty() { text } else { format!("{}: {text}", shortened(place)) };
                match kind {
                    Kind::Type => PyTypeError::new_err(text),
                    Kind::Value => PyValueError::new_err(text),
                }
            }
        }
    }
}

/// A place that is not too long to read: what is nested a hundred times has its middle left out.
fn shortened(place: String) -> String {
    if place.len() <= LONGEST_PLACE {
        return place;
    }
    let begin = place.floor_char_boundary(LONGEST_PLACE * 2 / 3);
    let end = place.ceil_char_boundary(place.len() - LONGEST_PLACE / 3);
    format!("{}…{}", &place[..begin], &place[end..])
}

/// In bytes.
const LONGEST_PLACE: usize = 150;

impl From<PyErr> for Box<Fail> {
    fn from(error: PyErr) -> Self {
        Box::new(Fail::Python(error))
    }
}

/// The name of a value's type as a Python programmer says it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() { "None".to_owned() } else { class_name(&value.get_type()) }
}

/// The name of a class, without its module.
pub(crate) fn class_name(class: &Bound<'_, PyType>) -> String {
    class.name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
