//! Codecs: zero-sized types that tell how a Rust type travels as one Go type.
//!
//! A codec is chosen per place, so that one Rust type can travel in several ways (`Vec<u8>` as [`Bytes`], as [`StrBytes`]
//! or as `Array<Uint, 16>`), and a type of another crate can travel at all: implement [`Codec`] for an empty type of your
//! own.
//!
//! | Go | codec | Rust |
//! |---|---|---|
//! | `bool` | [`Bool`] | `bool` |
//! | `int` … `int64` | [`Int`] | `i8` … `i64`, `isize` |
//! | `uint` … `uint64`, `uintptr` | [`Uint`] | `u8` … `u64`, `usize` |
//! | `float32`, `float64` | [`Float`] | `f32`, `f64` |
//! | `complex64`, `complex128` | [`Complex`] | `(f64, f64)` |
//! | `string` | [`Str`], [`StrBytes`] | `String`; `Vec<u8>`, `bytes::Bytes` |
//! | `[]byte` | [`Bytes`] | `Vec<u8>`, `bytes::Bytes` |
//! | `[]T` | [`Slice`] | `Vec<T>` |
//! | `[n]T` | [`Array`] | `[T; N]`, `Vec<T>` |
//! | `map[K]V` | [`Map`] | `BTreeMap`, `HashMap` |
//! | `*T` | [`Ptr`], [`Nilable`] | `Option<T>` |
//! | a struct | [`Struct`] | a [`GobStruct`](crate::GobStruct) |
//! | `time.Time`, `GobEncoder` | [`GobEncoded`] | [`Time`](crate::Time), a [`Marshaled`] |
//! | `*url.URL`, `BinaryMarshaler` | [`BinaryMarshaled`] | `String`, a [`Marshaled`] |
//! | an interface | [`Interface`] | an [`InterfaceValue`] |

mod bytes;
mod collection;
mod interface;
mod marshal;
mod pointer;
mod scalar;

pub use self::bytes::{Bytes, Str, StrBytes};
pub use self::collection::{Array, Map, Slice};
pub use self::interface::{Interface, InterfaceValue};
pub use self::marshal::{BinaryMarshaled, GobEncoded, Marshaled};
pub use self::pointer::{Boxed, ByValue, Nilable, Ptr, Struct};
pub use self::scalar::{Bool, Complex, Float, Int, Uint};

use crate::error::{DecodeError, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// How the Rust type `T` travels as one Go type.
pub trait Codec<T>: 'static {
    /// Registers the Go type, and all that it is made of, on an outgoing stream; returns its id there.
    fn wire_type(types: &mut TypeTable) -> TypeId;

    /// Whether a struct field with this value is written.
    fn presence(value: &T) -> Presence;

    /// Whether a pointer to this value is written. Go looks through pointers, but not at what makes its own bytes.
    #[inline]
    fn presence_of_target(value: &T) -> Presence {
        Self::presence(value)
    }

    /// Writes the value.
    fn encode(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError>;

    /// Checks once that the sender's type `sender` can be read into `T`, and works out how.
    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError>;

    /// Reads a value over an old one, by the plan made for its type: fields and map keys that are not sent stay.
    fn decode(into: &mut T, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError>;
}

/// Whether a struct field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is nil: there is no way to write it.
    Absent,
    /// It is zero: Go leaves it out, and so do we unless [`Zeros`](crate::Zeros) asks for it.
    Zero,
    /// It is written.
    Present,
}

impl Presence {
    /// [`Zero`](Self::Zero) or [`Present`](Self::Present).
    #[inline]
    pub fn of(is_zero: bool) -> Self {
        if is_zero { Self::Zero } else { Self::Present }
    }
}
