//! Slices, arrays and maps.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use super::{Codec, Presence};
use crate::error::{DecodeError, EncodeError, EncodeErrorKind};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::{TypeId, WireType};
use crate::write::ValueWriter;

/// Go's `[]T`, its elements by `C`. Nil and empty are the same on the wire.
pub struct Slice<C>(PhantomData<C>);

/// Go's `[N]T`, its elements by `C`. Of bytes too: `Array<Uint, 16>` is `[16]byte`.
pub struct Array<C, const N: usize>(PhantomData<C>);

/// Go's `map[K]V`. An empty map is taken for Go's nil map and left out; [`Nilable`](super::Nilable) around it tells the
/// two apart.
pub struct Map<K, V>(PhantomData<(K, V)>);

impl<C> fmt::Debug for Slice<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slice")
    }
}

impl<C, const N: usize> fmt::Debug for Array<C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Array")
    }
}

impl<K, V> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Map")
    }
}

fn encode_elements<C: Codec<T>, T>(values: &[T], out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
    out.uint(values.len() as u64);
    out.enter()?;
    for value in values {
        encode_element::<C, T>(value, out)?;
    }
    out.leave();
    Ok(())
}

#[inline]
fn encode_element<C: Codec<T>, T>(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
    C::encode(value, out)
}

/// Reads `count` elements: over those that are there, then new ones.
fn decode_elements<C: Codec<T>, T: Default>(
    into: &mut Vec<T>,
    from: &mut ValueReader<'_>,
    plan: Plan,
) -> Result<(), DecodeError> {
    let (count, room) = from.count(size_of::<T>())?;
    from.enter()?;
    into.truncate(count);
    into.reserve(room.saturating_sub(into.len()));
    for old in into.iter_mut() {
        from.element()?;
        C::decode(old, from, plan)?;
    }
    for _ in into.len()..count {
        from.element()?;
        let mut value = T::default();
        C::decode(&mut value, from, plan)?;
        into.push(value);
    }
    from.leave();
    Ok(())
}

impl<C: Codec<T>, T: Default> Codec<Vec<T>> for Slice<C> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        let elem = C::wire_type(types);
        types.slice_of(elem)
    }

    #[inline]
    fn presence(value: &Vec<T>) -> Presence {
        Presence::of(value.is_empty())
    }

    fn encode(value: &Vec<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_elements::<C, T>(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        match planner.definition(sender) {
            Some(&WireType::Slice { elem, .. }) => C::plan(planner, elem),
            _ => Err(planner.mismatch("a slice", sender)),
        }
    }

    fn decode(into: &mut Vec<T>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        decode_elements::<C, T>(into, from, plan)
    }
}

fn plan_array<C: Codec<T>, T, const N: usize>(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
    match planner.definition(sender) {
        Some(&WireType::Array { elem, length, .. }) if length == N as u64 => C::plan(planner, elem),
        _ => Err(planner.mismatch(&format!("an array of {N}"), sender)),
    }
}

fn expect_length<const N: usize>(from: &mut ValueReader<'_>) -> Result<(), DecodeError> {
    if from.uint()? != N as u64 {
        return Err(DecodeError::corrupt("an array has not the length of its type"));
    }
    Ok(())
}

impl<C: Codec<T>, T, const N: usize> Codec<[T; N]> for Array<C, N> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        let elem = C::wire_type(types);
        types.array_of(elem, N)
    }

    #[inline]
    fn presence(_: &[T; N]) -> Presence {
        Presence::Present
    }

    fn encode(value: &[T; N], out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_elements::<C, T>(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        plan_array::<C, T, N>(planner, sender)
    }

    fn decode(into: &mut [T; N], from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        expect_length::<N>(from)?;
        from.enter()?;
        for value in into {
            from.element()?;
            C::decode(value, from, plan)?;
        }
        from.leave();
        Ok(())
    }
}

/// A list that must have exactly `N` elements when it is written; an empty one stands for the zero array.
impl<C: Codec<T>, T: Default, const N: usize> Codec<Vec<T>> for Array<C, N> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        let elem = C::wire_type(types);
        types.array_of(elem, N)
    }

    #[inline]
    fn presence(_: &Vec<T>) -> Presence {
        Presence::Present
    }

    fn encode(value: &Vec<T>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        if value.is_empty() {
            out.uint(N as u64);
            return (0..N).try_for_each(|_| C::encode(&T::default(), out));
        }
        if value.len() != N {
            return Err(EncodeError::new(EncodeErrorKind::ArrayLength { want: N, have: value.len() }));
        }
        encode_elements::<C, T>(value, out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        plan_array::<C, T, N>(planner, sender)
    }

    fn decode(into: &mut Vec<T>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        expect_length::<N>(from)?;
        from.enter()?;
        into.resize_with(N, T::default);
        for value in into {
            from.element()?;
            C::decode(value, from, plan)?;
        }
        from.leave();
        Ok(())
    }
}

fn map_type<K: Codec<A>, V: Codec<B>, A, B>(types: &mut TypeTable) -> TypeId {
    let key = K::wire_type(types);
    let value = V::wire_type(types);
    types.map_of(key, value)
}

fn plan_map<K: Codec<A>, V: Codec<B>, A, B>(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
    match planner.definition(sender) {
        Some(&WireType::Map { key, elem, .. }) => {
            let key = K::plan(planner, key)?;
            let value = V::plan(planner, elem)?;
            Ok(planner.pair(key, value))
        }
        _ => Err(planner.mismatch("a map", sender)),
    }
}

/// Reads the pairs of a map into `insert`, which gets how many there may be first.
fn decode_pairs<K: Codec<A>, V: Codec<B>, A: Default, B: Default>(
    from: &mut ValueReader<'_>,
    plan: Plan,
    count: usize,
    mut insert: impl FnMut(A, B),
) -> Result<(), DecodeError> {
    let (key_plan, value_plan) = from.pair(plan);
    from.enter()?;
    for _ in 0..count {
        from.element()?;
        let (mut key, mut value) = (A::default(), B::default());
        K::decode(&mut key, from, key_plan)?;
        V::decode(&mut value, from, value_plan)?;
        insert(key, value);
    }
    from.leave();
    Ok(())
}

fn encode_pairs<'a, K: Codec<A>, V: Codec<B>, A: 'a, B: 'a>(
    pairs: impl ExactSizeIterator<Item = (&'a A, &'a B)>,
    out: &mut ValueWriter<'_>,
) -> Result<(), EncodeError> {
    out.uint(pairs.len() as u64);
    out.enter()?;
    for (key, value) in pairs {
        encode_element::<K, A>(key, out)?;
        encode_element::<V, B>(value, out)?;
    }
    out.leave();
    Ok(())
}

impl<K: Codec<A>, V: Codec<B>, A: Default + Ord, B: Default> Codec<BTreeMap<A, B>> for Map<K, V> {
    fn wire_type(types: &mut TypeTable) -> TypeId {
        map_type::<K, V, A, B>(types)
    }

    #[inline]
    fn presence(value: &BTreeMap<A, B>) -> Presence {
        Presence::of(value.is_empty())
    }

    fn encode(value: &BTreeMap<A, B>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_pairs::<K, V, A, B>(value.iter(), out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        plan_map::<K, V, A, B>(planner, sender)
    }

    fn decode(into: &mut BTreeMap<A, B>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        let (count, _) = from.count(size_of::<(A, B)>())?;
        decode_pairs::<K, V, A, B>(from, plan, count, |key, value| {
            into.insert(key, value);
        })
    }
}

impl<K, V, A, B, S> Codec<HashMap<A, B, S>> for Map<K, V>
where
    K: Codec<A>,
    V: Codec<B>,
    A: Default + Eq + Hash,
    B: Default,
    S: BuildHasher + Default + 'static,
{
    fn wire_type(types: &mut TypeTable) -> TypeId {
        map_type::<K, V, A, B>(types)
    }

    #[inline]
    fn presence(value: &HashMap<A, B, S>) -> Presence {
        Presence::of(value.is_empty())
    }

    fn encode(value: &HashMap<A, B, S>, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_pairs::<K, V, A, B>(value.iter(), out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        plan_map::<K, V, A, B>(planner, sender)
    }

    fn decode(into: &mut HashMap<A, B, S>, from: &mut ValueReader<'_>, plan: Plan) -> Result<(), DecodeError> {
        let (count, room) = from.count(size_of::<(A, B)>())?;
        into.reserve(room);
        decode_pairs::<K, V, A, B>(from, plan, count, |key, value| {
            into.insert(key, value);
        })
    }
}
