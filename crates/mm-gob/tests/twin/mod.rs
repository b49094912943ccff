//! The Rust twin of `Twin` in `tests/interop-go/gob/types.go`, with its fields in another order.

use std::collections::{BTreeMap, HashMap};

use mm_gob::codec::*;
use mm_gob::{Time, dynamic, gob_struct};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inner {
    pub(crate) code: i32,
    pub(crate) err: Vec<u8>,
}
gob_struct! { Inner as "Inner" { "Err" => err: StrBytes, "Code" => code: Int } }

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Embedded {
    pub(crate) depth: u8,
    pub(crate) width: i16,
}
gob_struct! { Embedded as "Embedded" { "Depth" => depth: Uint, "Width" => width: Int } }

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Twin {
    pub(crate) tree: Vec<Twin>,
    pub(crate) next: Option<Box<Twin>>,
    pub(crate) any: Option<dynamic::Interface>,
    pub(crate) embedded: Embedded,
    pub(crate) bool: bool,
    pub(crate) i8: i8,
    pub(crate) i64: i64,
    pub(crate) u16: u16,
    pub(crate) u64: u64,
    pub(crate) f32: f32,
    pub(crate) f64: f64,
    pub(crate) c: (f64, f64),
    pub(crate) s: Vec<u8>,
    pub(crate) b: bytes::Bytes,
    pub(crate) l: Vec<bytes::Bytes>,
    pub(crate) m: Option<BTreeMap<Vec<u8>, i64>>,
    pub(crate) mm: Option<HashMap<Vec<u8>, Vec<Vec<u8>>>>,
    pub(crate) a: [i64; 3],
    pub(crate) hash: Vec<u8>,
    pub(crate) pb: Option<bool>,
    pub(crate) pi: Option<i64>,
    pub(crate) ps: Option<Vec<u8>>,
    pub(crate) time: Time,
    pub(crate) p_time: Option<Time>,
    pub(crate) url: Option<String>,
    pub(crate) version: Option<Vec<u8>>,
    pub(crate) inner: Option<Inner>,
    pub(crate) p_inner: Option<Inner>,
    pub(crate) inners: Vec<Inner>,
    pub(crate) by_name: Option<BTreeMap<Vec<u8>, Inner>>,
}

gob_struct! {
    Twin as "Twin" {
        "Tree" => tree: Slice<Struct<Twin>>,
        "Next" => next: Ptr<Boxed<Struct<Twin>>>,
        "Any" => any: Interface,
        "Embedded" => embedded: Struct<Embedded>,
        "Bool" => bool: Bool,
        "I8" => i8: Int,
        "I64" => i64: Int,
        "U16" => u16: Uint,
        "U64" => u64: Uint,
        "F32" => f32: Float,
        "F64" => f64: Float,
        "C" => c: Complex,
        "S" => s: StrBytes,
        "B" => b: Bytes,
        "L" => l: Slice<StrBytes>,
        "M" => m: Nilable<Map<StrBytes, Int>>,
        "MM" => mm: Nilable<Map<StrBytes, Slice<StrBytes>>>,
        "A" => a: Array<Int, 3>,
        "Hash" => hash: Array<Uint, 4>,
        "Pb" => pb: Ptr<Bool>,
        "Pi" => pi: Ptr<Int>,
        "Ps" => ps: Ptr<StrBytes>,
        "Time" => time: GobEncoded,
        "PTime" => p_time: Ptr<GobEncoded>,
        "URL" => url: Nilable<BinaryMarshaled>,
        "V" => version: Nilable<GobEncoded>,
        "Inner" => inner: ByValue<Struct<Inner>>,
        "PInner" => p_inner: Ptr<Struct<Inner>>,
        "Inners" => inners: Slice<Struct<Inner>>,
        "ByName" => by_name: Nilable<Map<StrBytes, Struct<Inner>>>,
    }
}
