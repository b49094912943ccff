//! Booleans and numbers. Widths do not exist on the wire; what does not fit the Rust type is an error.

use super::{Codec, Presence};
use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// Go's `bool`.
#[derive(Debug)]
pub struct Bool;

/// Go's signed integers.
#[derive(Debug)]
pub struct Int;

/// Go's unsigned integers.
#[derive(Debug)]
pub struct Uint;

/// Go's floating point numbers.
#[derive(Debug)]
pub struct Float;

/// Go's complex numbers, as real and imaginary part.
#[derive(Debug)]
pub struct Complex;

/// The part of a codec that is the same for all types which gob itself defines.
macro_rules! basic {
    ($id:ident) => {
        #[inline]
        fn wire_type(_: &mut TypeTable) -> TypeId {
            TypeId::$id
        }

        fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
            planner.expect(sender, TypeId::$id)
        }
    };
}
pub(super) use basic;

impl Codec<bool> for Bool {
    basic!(BOOL);

    #[inline]
    fn presence(value: &bool) -> Presence {
        Presence::of(!*value)
    }

    #[inline]
    fn encode(value: &bool, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.uint(u64::from(*value));
        Ok(())
    }

    #[inline]
    fn decode(into: &mut bool, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        *into = from.uint()? != 0;
        Ok(())
    }
}

#[cold]
fn out_of_range(what: &'static str) -> DecodeError {
    DecodeError::new(DecodeErrorKind::OutOfRange(what))
}

macro_rules! integers {
    ($codec:ident, $id:ident, $read:ident, $wide:ty: $($int:ty),*) => {$(
        impl Codec<$int> for $codec {
            basic!($id);

            #[inline]
            fn presence(value: &$int) -> Presence {
                Presence::of(*value == 0)
            }

            #[inline]
            fn encode(value: &$int, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                out.$read(*value as $wide);
                Ok(())
            }

            #[inline]
            fn decode(into: &mut $int, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
                *into = <$int>::try_from(from.$read()?).map_err(|_| out_of_range(stringify!($int)))?;
                Ok(())
            }
        }
    )*};
}
integers!(Int, INT, int, i64: i8, i16, i32, i64, isize);
integers!(Uint, UINT, uint, u64: u8, u16, u32, u64, usize);

impl Codec<f64> for Float {
    basic!(FLOAT);

    /// Negative zero is zero, as in Go.
    #[inline]
    fn presence(value: &f64) -> Presence {
        Presence::of(*value == 0.0)
    }

    #[inline]
    fn encode(value: &f64, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.float(*value);
        Ok(())
    }

    #[inline]
    fn decode(into: &mut f64, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        *into = from.float()?;
        Ok(())
    }
}

impl Codec<f32> for Float {
    basic!(FLOAT);

    #[inline]
    fn presence(value: &f32) -> Presence {
        Presence::of(*value == 0.0)
    }

    #[inline]
    fn encode(value: &f32, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.float(f64::from(*value));
        Ok(())
    }

    fn decode(into: &mut f32, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        let wide = from.float()?;
        let narrow = wide as f32;
        if narrow.is_infinite() && wide.is_finite() {
            return Err(out_of_range("f32"));
        }
        *into = narrow;
        Ok(())
    }
}

impl Codec<(f64, f64)> for Complex {
    basic!(COMPLEX);

    #[inline]
    fn presence(value: &(f64, f64)) -> Presence {
        Presence::of(*value == (0.0, 0.0))
    }

    fn encode(value: &(f64, f64), out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.float(value.0);
        out.float(value.1);
        Ok(())
    }

    fn decode(into: &mut (f64, f64), from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        *into = (from.float()?, from.float()?);
        Ok(())
    }
}
