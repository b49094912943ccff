//! Structs, and what stands between a field and its value: pointers, boxes, options.

use std::fmt;
use std::marker::PhantomData;

use super::{Codec, Presence};
use crate::error::{DecodeError, EncodeError, EncodeErrorKind};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::structure::GobStruct;
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// A Go struct of the shape `S`, by value or as the target of a pointer.
pub struct Struct<S>(PhantomData<S>);

/// Go's `*T` with Go's habits: `None` is nil; a pointer to a zero number, string or list is left out like nil, and arrives
/// as nil.
pub struct Ptr<C>(PhantomData<C>);

/// Go's `*T`, or a map that may be nil: `None` is nil, and `Some` is always sent, zero or not. Go's decoder accepts this
/// although its encoder never does it.
pub struct Nilable<C>(PhantomData<C>);

/// A Go value, not a pointer, in a Rust `Option`: `None` stands for the zero value.
pub struct ByValue<C>(PhantomData<C>);

/// A value in a `Box`, as recursive types need.
pub struct Boxed<C>(PhantomData<C>);

macro_rules! debug {
    ($($codec:ident),*) => {$(
        impl<C> fmt::Debug for $codec<C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($codec))
            }
        }
    )*};
}
debug!(Struct, Ptr, Nilable, ByValue, Boxed);

impl<S: GobStruct<T>, T: 'static> Codec<T> for Struct<S> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        types.struct_of::<S, T>()
    }

    #[inline]
    fn presence(_: &T) -> Presence {
        Presence::Present
    }

    fn encode(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let mut fields = out.structure(S::NAME)?;
        S::encode(value, &mut fields)?;
        fields.finish();
        Ok(())
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        planner.structure::<S, T>(sender)
    }

    fn decode(into: &mut T, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        from.structure::<S, T>(into, plan)
    }
}

/// The parts of a codec that `Option<T>` takes from `T`'s.
macro_rules! option {
    () => {
        fn wire_type(types: &mut TypeTable) -> TypeId {
            C::wire_type(types)
        }

        fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
            C::plan(planner, sender)
        }

        fn decode(into: &mut Option<T>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
            C::decode(into.get_or_insert_default(), from, plan)
        }
    };
}

impl<C: Codec<T>, T: Default> Codec<Option<T>> for Ptr<C> {
    option!();

    #[inline]
    fn presence(value: &Option<T>) -> Presence {
        value.as_ref().map_or(Presence::Absent, C::presence_of_target)
    }

    fn encode(value: &Option<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match value {
            Some(value) => C::encode(value, out),
            None => Err(EncodeError::new(EncodeErrorKind::NilElement)),
        }
    }
}

impl<C: Codec<T>, T: Default> Codec<Option<T>> for Nilable<C> {
    option!();

    #[inline]
    fn presence(value: &Option<T>) -> Presence {
        match value.as_ref().map(C::presence) {
            None | Some(Presence::Absent) => Presence::Absent,
            Some(_) => Presence::Present,
        }
    }

    fn encode(value: &Option<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match value {
            Some(value) => C::encode(value, out),
            None => Err(EncodeError::new(EncodeErrorKind::NilElement)),
        }
    }
}

impl<C: Codec<T>, T: Default> Codec<Option<T>> for ByValue<C> {
    option!();

    #[inline]
    fn presence(value: &Option<T>) -> Presence {
        value.as_ref().map_or_else(|| C::presence(&T::default()), C::presence)
    }

    fn encode(value: &Option<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match value {
            Some(value) => C::encode(value, out),
            None => C::encode(&T::default(), out),
        }
    }
}

impl<C: Codec<T>, T> Codec<Box<T>> for Boxed<C> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        C::wire_type(types)
    }

    #[inline]
    fn presence(value: &Box<T>) -> Presence {
        C::presence(value)
    }

    #[inline]
    fn presence_of_target(value: &Box<T>) -> Presence {
        C::presence_of_target(value)
    }

    fn encode(value: &Box<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        C::encode(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        C::plan(planner, sender)
    }

    fn decode(into: &mut Box<T>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        C::decode(into, from, plan)
    }
}
