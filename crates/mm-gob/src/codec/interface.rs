//! Interface values.

use super::{Codec, Presence};
use crate::error::{DecodeError, EncodeError};
use crate::plan::{Plan, Planner};
use crate::read::{InterfaceReader, ValueReader};
use crate::table::TypeTable;
use crate::types::TypeId;
use crate::write::ValueWriter;

/// A Go interface, such as `any` or `error`.
#[derive(Debug)]
pub struct Interface;

/// A Rust type that stands for the content of a Go interface, typically an enum of what may be in it.
///
/// For any content at all there is [`dynamic::Interface`](crate::dynamic::Interface). `Option<T>` serves where `T` has no
/// nil of its own.
pub trait InterfaceValue: Default + 'static {
    /// Whether this stands for Go's nil.
    fn is_nil(&self) -> bool;

    /// Writes the value, by exactly one call of [`ValueWriter::interface`], [`ValueWriter::nil_interface`] or
    /// [`ValueWriter::dynamic`]. Not called for nil.
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError>;

    /// What stands for Go's nil.
    fn nil() -> Self {
        Self::default()
    }

    /// Reads a value that is not nil. The old value is gone, as in Go.
    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError>;
}

impl<T: InterfaceValue> InterfaceValue for Option<T> {
    fn is_nil(&self) -> bool {
        self.as_ref().is_none_or(T::is_nil)
    }

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode(out),
            None => out.nil_interface(),
        }
    }

    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        T::decode(content).map(Some)
    }
}

impl<T: InterfaceValue> InterfaceValue for Box<T> {
    fn is_nil(&self) -> bool {
        T::is_nil(self)
    }

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        T::encode(self, out)
    }

    fn nil() -> Self {
        Self::new(T::nil())
    }

    fn decode(content: InterfaceReader<'_, '_>) -> Result<Self, DecodeError> {
        T::decode(content).map(Self::new)
    }
}

impl<T: InterfaceValue> Codec<T> for Interface {
    #[inline]
    fn wire_type(_: &mut TypeTable) -> TypeId {
        TypeId::INTERFACE
    }

    /// Nil is written explicitly where asked for: a receiver then forgets its old value.
    fn presence(value: &T) -> Presence {
        Presence::of(value.is_nil())
    }

    fn encode(value: &T, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        if value.is_nil() {
            return out.nil_interface();
        }
        value.encode(out)
    }

    fn plan(planner: &mut Planner<'_>, sender: TypeId) -> Result<Plan, DecodeError> {
        planner.expect(sender, TypeId::INTERFACE)
    }

    fn decode(into: &mut T, from: &mut ValueReader<'_>, _: Plan) -> Result<(), DecodeError> {
        from.enter()?;
        *into = match from.interface()? {
            Some(content) => T::decode(content)?,
            None => T::nil(),
        };
        from.leave();
        Ok(())
    }
}
