//! Bytes that no sender writes: every one of them gives a value or an error, within the limits.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use mm_gob::codec::*;
use mm_gob::dynamic::{self, Types};
use mm_gob::{DecodeErrorKind, Decoder, Encoder, Limits, TypeId, WireType};

/// The seeds of the fuzz targets, by name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is checked in")
        .map(|entry| {
            let entry = entry.expect("it can be listed");
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("it can be read"))
        })
        .collect();
    seeds.sort();
    assert!(seeds.len() > 20);
    seeds
}

#[test]
fn the_seeds_of_the_fuzz_targets_hold() {
    for (name, seed) in corpus() {
        println!("{name}");
        checks::decode(&seed);
        checks::roundtrip(&seed);
    }
}

#[test]
fn every_prefix_and_every_changed_byte_of_the_seeds_holds() {
    // Long ones would take minutes in a debug build, and are there for the fuzzer.
    for (name, seed) in corpus().into_iter().filter(|(_, seed)| seed.len() < 300) {
        println!("{name}");
        for length in 0..seed.len() {
            checks::decode(&seed[..length]);
        }
        let mut changed = seed.clone();
        for at in 0..seed.len() {
            for byte in [0, 0x7f, 0xf8, 0xff, seed[at].wrapping_add(1), seed[at].wrapping_sub(1)] {
                changed[at] = byte;
                checks::decode(&changed);
                checks::roundtrip(&changed);
            }
            changed[at] = seed[at];
        }
    }
}

fn limited(limits: Limits, bytes: &[u8]) -> DecodeErrorKind {
    let mut decoder = Decoder::with_limits(limits);
    decoder.push(bytes);
    let error = decoder.decode_dynamic().expect_err("a limit is exceeded");
    assert!(error.is_fatal());
    assert_eq!(decoder.skip().expect_err("the stream is lost"), error);
    error.kind().clone()
}

/// A list within a list within a list …
fn nested(depth: usize) -> Vec<u8> {
    let types = Types::new();
    let id = types.declare();
    types.define(id, WireType::Slice { name: "".into(), elem: id });
    let mut value = dynamic::Value::List(vec![]);
    for _ in 1..depth {
        value = dynamic::Value::List(vec![value]);
    }
    let mut out = Vec::new();
    let typed = dynamic::Typed { ty: types.get(id), value };
    Encoder::new().encode_dynamic(&typed, &mut out).expect("it can be encoded");
    out
}

#[test]
fn nesting_ends_at_the_limit() {
    let limits = Limits { max_depth: 50, ..Limits::default() };
    assert_eq!(limited(limits.clone(), &nested(51)), DecodeErrorKind::Limit("max_depth", 50));
    let mut decoder = Decoder::with_limits(limits);
    decoder.push(&nested(50));
    assert!(decoder.decode_dynamic().unwrap().is_some());
}

/// Runs `test` on a small stack: threads usually have twice as much.
fn on_a_mebibyte(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(test).expect("it starts").join().expect("it ends well");
}

#[test]
fn the_deepest_values_fit_the_stack() {
    on_a_mebibyte(|| {
        let bytes = nested(400);
        let decoder = || {
            let mut decoder = Decoder::new();
            decoder.push(&bytes);
            decoder
        };
        assert!(decoder().decode_dynamic().unwrap().is_some());
        assert!(decoder().skip().unwrap().is_some());
        let mut too_deep = Decoder::new();
        too_deep.push(&nested(401));
        assert_eq!(*too_deep.skip().unwrap_err().kind(), DecodeErrorKind::Limit("max_depth", 400));
    });
    on_a_mebibyte(|| {
        // An interface and a list are a level each.
        let inner = dynamic::Interface::from(1_i64);
        let deep = (0..199).fold(inner, |value, _| dynamic::Interface::from(vec![Some(value)]));
        let mut out = Vec::new();
        Encoder::new().encode::<Interface, _>(&Some(deep.clone()), &mut out).unwrap();
        let mut decoder = Decoder::new();
        decoder.push(&out);
        let read = decoder.decode::<Interface, Option<dynamic::Interface>>().unwrap();
        assert_eq!(read, Some(Some(deep)));
    });
    on_a_mebibyte(|| {
        let deep = (0..399).fold(Chain::default(), |next, _| Chain { next: Some(Box::new(next)) });
        let mut out = Vec::new();
        Encoder::new().encode::<Struct<Chain>, _>(&deep, &mut out).unwrap();
        let mut decoder = Decoder::new();
        decoder.push(&out);
        assert!(decoder.decode::<Struct<Chain>, Chain>().unwrap().is_some());
    });
}

#[derive(Debug, Default)]
struct Chain {
    next: Option<Box<Chain>>,
}
mm_gob::gob_struct! { Chain as "Chain" { "Next" => next: Ptr<Boxed<Struct<Chain>>> } }

#[test]
fn a_value_in_too_many_pieces_is_refused() {
    // A list of interfaces, each of a new type, each broken off behind its definition.
    let mut bytes = vec![9, 0xff, 0x81, 2, 1, 2, 0xff, 0x82, 0, 1, 0x10, 0, 0];
    bytes[0] = bytes.len() as u8 - 1;
    let mut content = vec![0xff, 0x82, 0, 3];
    for id in [0x83_u8, 0x85, 0x87] {
        content.extend([1, b'x', 0xff, id, 2, 1, 2, 0xff, id + 1, 0, 1, 4, 0, 0]);
        bytes.push(content.len() as u8);
        bytes.append(&mut content);
        content.extend([0xff, id + 1, 2, 0, 0]);
    }
    bytes.push(content.len() as u8);
    bytes.append(&mut content);
    let mut decoder = Decoder::with_limits(Limits { max_pieces: 3, ..Limits::default() });
    decoder.push(&bytes);
    assert!(decoder.decode_dynamic().unwrap().is_some());
    assert!(decoder.is_idle());
    let limits = Limits { max_pieces: 2, ..Limits::default() };
    assert_eq!(limited(limits, &bytes), DecodeErrorKind::Limit("max_pieces", 2));
}

#[test]
fn a_value_too_deep_is_not_written() {
    let deep = (0..2000).fold(dynamic::Interface::from(1_i64), |value, _| dynamic::Interface::from(vec![Some(value)]));
    let mut out = vec![1, 2, 3];
    let error = Encoder::new().encode::<Interface, _>(&Some(deep), &mut out).unwrap_err();
    assert_eq!(*error.kind(), mm_gob::EncodeErrorKind::TooDeep(1000));
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn a_long_message_is_refused_before_it_has_come() {
    let limits = Limits { max_message_bytes: 1000, ..Limits::default() };
    assert_eq!(limited(limits, &[0xfe, 0x03, 0xe9]), DecodeErrorKind::Limit("max_message_bytes", 1000));
}

#[test]
fn too_many_types_are_refused() {
    let mut encoder = Encoder::new();
    for length in 0..20 {
        encoder.types().array_of(TypeId::INT, length);
    }
    let mut out = Vec::new();
    encoder.encode::<Bool, _>(&true, &mut out).unwrap();
    let limits = Limits { max_types: 19, ..Limits::default() };
    assert_eq!(limited(limits, &out), DecodeErrorKind::Limit("max_types", 19));
}

#[test]
fn a_count_without_elements_sets_no_memory_aside() {
    // A list of 2^62 numbers, of which none has come.
    let mut bytes = vec![9, 0xff, 0x81, 2, 1, 2, 0xff, 0x82, 0, 1, 4, 0, 0];
    bytes[0] = bytes.len() as u8 - 1;
    bytes.extend([12, 0xff, 0x82, 0, 0xf8, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let error = decoder.decode::<Slice<Int>, Vec<i64>>().unwrap_err();
    assert_eq!(*error.kind(), DecodeErrorKind::Truncated);
}
