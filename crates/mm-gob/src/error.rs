//! What can go wrong: [`EncodeError`] and [`DecodeError`]. Both are one pointer wide, so that results stay small on the
//! paths where nothing goes wrong, and both tell in which field of which type it happened.

use std::fmt;

use crate::types::TypeId;

/// Where in a value an error arose: struct type and field, innermost first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Path(Vec<(&'static str, &'static str)>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((inner_type, inner_field)) = self.0.first() else { return Ok(()) };
        write!(f, "{inner_type}.{inner_field}")?;
        if self.0.len() > 1 {
            write!(f, " (at {}", self.0[self.0.len() - 1].0)?;
            for (_, field) in self.0.iter().rev() {
                write!(f, ".{field}")?;
            }
            f.write_str(")")?;
        }
        f.write_str(": ")
    }
}

/// A value could not be written. Nothing was written: the encoder and its output are as they were before.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodeError(Box<(EncodeErrorKind, Path)>);

/// Why a value could not be written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A nil pointer stands where gob has no way to leave a value out: in a list, a map, an interface or at top level.
    NilElement,
    /// The value nests deeper than this many levels.
    TooDeep(u32),
    /// A list that stands for a Go array has not the array's length.
    ArrayLength {
        /// The Go array's length.
        want: usize,
        /// The list's length.
        have: usize,
    },
    /// A dynamic value does not have the form its type tells.
    DynamicMismatch(String),
    /// The name of an interface's concrete type is empty or longer than the 1024 bytes that Go reads.
    InterfaceName(usize),
    /// A [`Marshaled`](crate::Marshaled) value refused, with its own text.
    Marshal(String),
}

impl EncodeError {
    #[cold]
    pub(crate) fn new(kind: EncodeErrorKind) -> Self {
        Self(Box::new((kind, Path::default())))
    }

    /// A [`Marshaled`](crate::Marshaled) value or a caller's own codec refuses `reason`.
    #[cold]
    pub fn marshal(reason: impl Into<String>) -> Self {
        Self::new(EncodeErrorKind::Marshal(reason.into()))
    }

    #[cold]
    pub(crate) fn in_field(mut self, structure: &'static str, field: &'static str) -> Self {
        self.0.1.0.push((structure, field));
        self
    }

    /// Why the value could not be written.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.0
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gob: {}", self.0.1)?;
        match &self.0.0 {
            EncodeErrorKind::NilElement => f.write_str("a nil pointer cannot be sent as an element, only as a field"),
            EncodeErrorKind::TooDeep(limit) => write!(f, "the value nests deeper than {limit} levels"),
            EncodeErrorKind::ArrayLength { want, have } => {
                write!(f, "{have} elements given for an array of {want}")
            }
            EncodeErrorKind::DynamicMismatch(what) => f.write_str(what),
            EncodeErrorKind::InterfaceName(length) => {
                write!(f, "the concrete type's name has {length} bytes; 1 to 1024 can be sent")
            }
            EncodeErrorKind::Marshal(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for EncodeError {}

/// A value could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeError(Box<(DecodeErrorKind, Path)>);

/// Why a value could not be read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The message ends inside a value.
    Truncated,
    /// The bytes are not gob; the text tells what was expected.
    Corrupt(&'static str),
    /// A value uses a type that was never defined.
    UndefinedType(TypeId),
    /// A type is defined a second time, or under an id that belongs to gob itself.
    DuplicateType(TypeId),
    /// The sender's kind of value is not the kind wanted here.
    Mismatch {
        /// What the receiver has, in Go's words.
        wanted: String,
        /// What the sender defined, in Go's words.
        sent: String,
    },
    /// Sender's and receiver's struct have not one field name in common.
    NoCommonFields {
        /// The sender's struct.
        sent: String,
        /// The receiver's struct.
        wanted: &'static str,
    },
    /// A number does not fit the receiver's variable; the text is its type.
    OutOfRange(&'static str),
    /// A [`Limits`](crate::Limits) value was exceeded; the texts are its name and its value.
    Limit(&'static str, usize),
    /// An interface holds a type that the receiver does not take; the text is its name.
    UnknownConcreteType(String),
    /// A [`Marshaled`](crate::Marshaled) value or a caller's own codec refused the bytes, with its own text.
    Marshal(String),
    /// The value continues in a message that has not arrived. Never leaves the decoder.
    #[doc(hidden)]
    Incomplete,
}

impl DecodeError {
    #[cold]
    pub(crate) fn new(kind: DecodeErrorKind) -> Self {
        Self(Box::new((kind, Path::default())))
    }

    #[cold]
    pub(crate) fn truncated() -> Self {
        Self::new(DecodeErrorKind::Truncated)
    }

    #[cold]
    pub(crate) fn corrupt(what: &'static str) -> Self {
        Self::new(DecodeErrorKind::Corrupt(what))
    }

    /// A caller's own codec or [`Marshaled`](crate::Marshaled) value refuses what it read, for `reason`.
    #[cold]
    pub fn marshal(reason: impl Into<String>) -> Self {
        Self::new(DecodeErrorKind::Marshal(reason.into()))
    }

    /// An interface holds a concrete type, called `name`, that the receiver does not take.
    #[cold]
    pub fn unknown_concrete_type(name: &str) -> Self {
        Self::new(DecodeErrorKind::UnknownConcreteType(name.to_owned()))
    }

    #[cold]
    pub(crate) fn in_field(mut self, structure: &'static str, field: &'static str) -> Self {
        self.0.1.0.push((structure, field));
        self
    }

    /// Why the value could not be read.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.0
    }

    /// Whether the stream is lost. If not, only this one value was: it has been consumed, and the next one can be read.
    pub fn is_fatal(&self) -> bool {
        !matches!(
            self.0.0,
            DecodeErrorKind::Mismatch { .. }
                | DecodeErrorKind::NoCommonFields { .. }
                | DecodeErrorKind::OutOfRange(_)
                | DecodeErrorKind::UnknownConcreteType(_)
                | DecodeErrorKind::Marshal(_)
        )
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gob: {}", self.0.1)?;
        match &self.0.0 {
            DecodeErrorKind::Truncated => f.write_str("the message ends inside a value"),
            DecodeErrorKind::Corrupt(what) => f.write_str(what),
            DecodeErrorKind::UndefinedType(id) => write!(f, "type {} was never defined", id.0),
            DecodeErrorKind::DuplicateType(id) => write!(f, "type {} is defined twice", id.0),
            DecodeErrorKind::Mismatch { wanted, sent } => write!(f, "the sender has {sent}, wanted is {wanted}"),
            DecodeErrorKind::NoCommonFields { sent, wanted } => {
                write!(f, "the sender's {sent} has no field of {wanted}")
            }
            DecodeErrorKind::OutOfRange(what) => write!(f, "the number does not fit {what}"),
            DecodeErrorKind::Limit(name, value) => write!(f, "the limit {name} = {value} is exceeded"),
            DecodeErrorKind::UnknownConcreteType(name) => write!(f, "an interface holds a {name}, which is not known"),
            DecodeErrorKind::Marshal(reason) => f.write_str(reason),
            DecodeErrorKind::Incomplete => f.write_str("the value continues in a message that has not arrived"),
        }
    }
}

impl std::error::Error for DecodeError {}
