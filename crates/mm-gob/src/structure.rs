//! Structs with a fixed shape: the [`GobStruct`] trait and the [`gob_struct!`](crate::gob_struct) macro that implements it.

use crate::codec::Codec;
use crate::error::{DecodeError, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::ValueReader;
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::StructWriter;

/// How a Rust struct `T` travels as a Go struct. Usually a type implements it for itself, by
/// [`gob_struct!`](crate::gob_struct); for a type of another crate, or a second shape of the same type, an empty type of
/// one's own does.
pub trait GobStruct<T: 'static = Self>: 'static {
    /// The Go type's name. Informative: nothing is decided by it.
    const NAME: &'static str;
    /// The fields in the order of the definition. Go matches fields by name.
    const FIELDS: &'static [Field<T>];
    /// Passes every field to `out`, in the order of [`FIELDS`](Self::FIELDS).
    fn encode(value: &T, out: &mut StructWriter<'_, '_>) -> Result<(), EncodeError>;
}

/// One field of a [`GobStruct`].
#[derive(Debug)]
pub struct Field<T> {
    pub(crate) name: &'static str,
    pub(crate) wire_type: fn(&mut TypeTable) -> TypeId,
    pub(crate) plan: fn(&mut Planner<'_>, TypeId) -> Result<Plan, DecodeError>,
    pub(crate) decode: DecodeField<T>,
}

type DecodeField<T> = fn(&mut T, &mut ValueReader<'_>, Plan) -> Result<(), DecodeError>;

impl<T> Field<T> {
    /// A field called `name` in Go. `place` finds it in the Rust value; `decode` is [`Codec::decode`] at that place.
    pub const fn new<C: Codec<V>, V>(name: &'static str, place: fn(&mut T) -> &mut V, decode: DecodeField<T>) -> Self {
        let _ = place;
        Self { name, wire_type: C::wire_type, plan: C::plan, decode }
    }
}

/// Implements [`GobStruct`]: which Go field is which Rust field, by which codec.
///
/// ```
/// use mm_gob::codec::*;
///
/// #[derive(Default)]
/// struct Post {
///     id: String,
///     create_at: i64,
///     file_ids: Vec<String>,
///     parent: Option<Box<Post>>,
/// }
///
/// mm_gob::gob_struct! {
///     Post as "Post" {
///         "Id" => id: Str,
///         "CreateAt" => create_at: Int,
///         "FileIds" => file_ids: Slice<Str>,
///         "Parent" => parent: Ptr<Boxed<Struct<Post>>>,
///     }
/// }
/// ```
///
/// For a type of another crate an empty type of one's own stands in: `PostShape => other::Post as "Post" { … }`, used as
/// `Struct<PostShape>`. A field may be a path (`inner.name`).
#[macro_export]
macro_rules! gob_struct {
    ($type:ty as $name:literal { $($fields:tt)* }) => {
        $crate::gob_struct! { $type => $type as $name { $($fields)* } }
    };
    ($shape:ty => $type:ty as $name:literal {
        $($go:literal => $($field:tt).+ : $codec:ty),* $(,)?
    }) => {
        impl $crate::GobStruct<$type> for $shape {
            const NAME: &'static str = $name;
            const FIELDS: &'static [$crate::Field<$type>] = &[
                $($crate::Field::new::<$codec, _>(
                    $go,
                    |value| &mut value.$($field).+,
                    |value, from, plan| <$codec as $crate::Codec<_>>::decode(&mut value.$($field).+, from, plan),
                )),*
            ];
            #[allow(unused_variables)]
            fn encode(
                value: &$type,
                out: &mut $crate::StructWriter<'_, '_>,
            ) -> ::core::result::Result<(), $crate::EncodeError> {
                $(out.field::<$codec, _>($go, &value.$($field).+)?;)*
                ::core::result::Result::Ok(())
            }
        }
    };
}
