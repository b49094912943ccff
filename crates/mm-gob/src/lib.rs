#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod codec;
mod decoder;
mod definition;
pub mod dynamic;
mod encoder;
mod error;
mod limits;
mod plan;
mod read;
mod structure;
mod table;
mod time;
mod types;
mod wire;
mod write;

pub use codec::{Codec, InterfaceValue, Marshaled, Presence};
pub use decoder::{Decoder, ReadError, Reader};
pub use encoder::{Checkpoint, Encoder};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use limits::Limits;
pub use plan::{Plan, Planner};
pub use read::{InterfaceReader, ValueReader};
pub use structure::{Field, GobStruct};
pub use table::TypeTable;
pub use time::Time;
pub use types::{Kind, Marshaler, TypeId, WireField, WireType};
pub use write::{FieldSet, StructWriter, ValueWriter, Zeros};
