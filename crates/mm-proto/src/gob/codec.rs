//! Codecs for what protobuf holds otherwise than Go.

use std::fmt;
use std::marker::PhantomData;

use mm_gob::codec::{Codec, GobEncoded, Interface, InterfaceValue, Presence, Struct, Uint};
use mm_gob::{DecodeError, EncodeError, GobStruct, Plan, Planner, Time, TypeId, TypeTable, ValueReader, ValueWriter};
use prost_types::Timestamp;

/// A message as the Go struct it came from, in a `Box` or not.
pub struct Model<M>(PhantomData<M>);

/// A message that only wraps a list or a map, as the bare Go list or map; `C` is the codec of that.
pub struct Wrapped<C>(PhantomData<C>);

/// Go's `time.Time` as a timestamp; `None` is Go's zero time.
#[derive(Debug)]
pub struct GoTime;

/// A field that is an interface in Go. Nil is left out even where all zeros are sent: Go cannot pass over a nil interface in
/// a field that it does not know.
#[derive(Debug)]
pub struct InterfaceField;

/// A value of codec `C`, and which of the sender's fields our schema has no place for.
pub struct Noting<C>(PhantomData<C>);

/// What [`Noting`] reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Noted<T> {
    /// The value.
    pub value: T,
    /// The sender's fields that are lost in `value`, as `Struct.Field`, sorted. What they hold in this value is not told.
    pub unknown: Vec<String>,
}

/// An unsigned number of Go's that is signed in protobuf, as all enums of ours are.
#[derive(Debug)]
pub struct UintInInt;

/// A message whose only field, `values`, is a list or a map.
pub trait Wrapper {
    /// The list or map.
    type Inner;
    /// What is wrapped.
    fn inner(&self) -> &Self::Inner;
    /// What is wrapped.
    fn inner_mut(&mut self) -> &mut Self::Inner;
}

impl<M> fmt::Debug for Model<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Model")
    }
}

impl<C> fmt::Debug for Noting<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noting")
    }
}

impl<C> fmt::Debug for Wrapped<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

impl<M: GobStruct> Codec<M> for Model<M> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <Struct<M> as Codec<M>>::wire_type(types)
    }

    #[inline]
    fn presence(_: &M) -> Presence {
        Presence::Present
    }

    fn encode(value: &M, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        <Struct<M> as Codec<M>>::encode(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <Struct<M> as Codec<M>>::plan(planner, sender)
    }

    fn decode(into: &mut M, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        <Struct<M> as Codec<M>>::decode(into, from, plan)
    }
}

/// prost boxes what would contain itself.
impl<M: GobStruct> Codec<Box<M>> for Model<M> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <Struct<M> as Codec<M>>::wire_type(types)
    }

    #[inline]
    fn presence(_: &Box<M>) -> Presence {
        Presence::Present
    }

    fn encode(value: &Box<M>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        <Struct<M> as Codec<M>>::encode(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <Struct<M> as Codec<M>>::plan(planner, sender)
    }

    fn decode(into: &mut Box<M>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        <Struct<M> as Codec<M>>::decode(into, from, plan)
    }
}

impl<T: InterfaceValue> Codec<T> for InterfaceField {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <Interface as Codec<T>>::wire_type(types)
    }

    fn presence(value: &T) -> Presence {
        if value.is_nil() { Presence::Absent } else { Presence::Present }
    }

    fn encode(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        <Interface as Codec<T>>::encode(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <Interface as Codec<T>>::plan(planner, sender)
    }

    fn decode(into: &mut T, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        <Interface as Codec<T>>::decode(into, from, plan)
    }
}

impl<C: Codec<T>, T> Codec<Noted<T>> for Noting<C> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        C::wire_type(types)
    }

    fn presence(value: &Noted<T>) -> Presence {
        C::presence(&value.value)
    }

    fn encode(value: &Noted<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        C::encode(&value.value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        C::plan(planner, sender)
    }

    fn decode(into: &mut Noted<T>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        into.unknown = from.unknown_fields(plan);
        C::decode(&mut into.value, from, plan)
    }
}

impl<W: Wrapper, C: Codec<W::Inner>> Codec<W> for Wrapped<C> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        C::wire_type(types)
    }

    fn presence(value: &W) -> Presence {
        C::presence(value.inner())
    }

    fn encode(value: &W, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        C::encode(value.inner(), out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        C::plan(planner, sender)
    }

    fn decode(into: &mut W, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        C::decode(into.inner_mut(), from, plan)
    }
}

fn to_go(time: &Timestamp) -> Result<Time, EncodeError> {
    // Protobuf asks for 0 to 999,999,999; who does not keep to it means an error, not another time.
    match u32::try_from(time.nanos) {
        Ok(nanos) => Ok(Time::from_unix(time.seconds, nanos)),
        Err(_) => Err(EncodeError::marshal("a timestamp's nanoseconds are negative")),
    }
}

fn from_go(time: Time) -> Timestamp {
    // Below 1,000,000,000, which mm-gob sees to.
    Timestamp { seconds: time.seconds, nanos: time.nanos as i32 }
}

impl Codec<Timestamp> for GoTime {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <GobEncoded as Codec<Time>>::wire_type(types)
    }

    fn presence(value: &Timestamp) -> Presence {
        Presence::of(value.seconds == Time::ZERO.seconds && value.nanos == 0)
    }

    fn encode(value: &Timestamp, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        <GobEncoded as Codec<Time>>::encode(&to_go(value)?, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <GobEncoded as Codec<Time>>::plan(planner, sender)
    }

    fn decode(into: &mut Timestamp, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        let mut time = Time::ZERO;
        <GobEncoded as Codec<Time>>::decode(&mut time, from, plan)?;
        *into = from_go(time);
        Ok(())
    }
}

impl Codec<Option<Timestamp>> for GoTime {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <GobEncoded as Codec<Time>>::wire_type(types)
    }

    fn presence(value: &Option<Timestamp>) -> Presence {
        value.as_ref().map_or(Presence::Zero, <Self as Codec<Timestamp>>::presence)
    }

    fn encode(value: &Option<Timestamp>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let time = value.as_ref().map_or(Ok(Time::ZERO), to_go)?;
        <GobEncoded as Codec<Time>>::encode(&time, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <GobEncoded as Codec<Time>>::plan(planner, sender)
    }

    fn decode(into: &mut Option<Timestamp>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        let mut time = Time::ZERO;
        <GobEncoded as Codec<Time>>::decode(&mut time, from, plan)?;
        *into = (time != Time::ZERO).then(|| from_go(time));
        Ok(())
    }
}

impl Codec<i64> for UintInInt {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        <Uint as Codec<u64>>::wire_type(types)
    }

    fn presence(value: &i64) -> Presence {
        Presence::of(*value == 0)
    }

    fn encode(value: &i64, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match u64::try_from(*value) {
            Ok(value) => <Uint as Codec<u64>>::encode(&value, out),
            Err(_) => Err(EncodeError::marshal(format!("{value} is negative, and Go's type is not"))),
        }
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        <Uint as Codec<u64>>::plan(planner, sender)
    }

    fn decode(into: &mut i64, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        let mut value = 0;
        <Uint as Codec<u64>>::decode(&mut value, from, plan)?;
        *into = i64::try_from(value).map_err(|_| DecodeError::marshal(format!("{value} is too large")))?;
        Ok(())
    }
}
