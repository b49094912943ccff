//! The type table of proto.

use crate::ir::Ty;

/// How proto spells a type; lists as `repeated T`.
pub fn field_type(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "bool".to_owned(),
        Ty::Int32 => "int32".to_owned(),
        Ty::Int64 | Ty::IntEnum(_) => "int64".to_owned(),
        Ty::UInt32 => "uint32".to_owned(),
        Ty::UInt64 => "uint64".to_owned(),
        Ty::Float => "float".to_owned(),
        Ty::Double => "double".to_owned(),
        Ty::String | Ty::StringEnum(_) => "string".to_owned(),
        Ty::Bytes | Ty::Json => "bytes".to_owned(),
        Ty::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Ty::Value => "Value".to_owned(),
        Ty::Error => "ErrorValue".to_owned(),
        Ty::Message(name) | Ty::Wrapped(name) => name.clone(),
        Ty::List(element) => format!("repeated {}", field_type(element)),
        Ty::Map(key, value) => format!("map<{}, {}>", field_type(key), field_type(value)),
    }
}

/// The file of protobuf's own that the type needs.
pub(super) fn well_known_import(ty: &Ty) -> Option<&'static str> {
    (*ty.leaf() == Ty::Timestamp).then_some("google/protobuf/timestamp.proto")
}
