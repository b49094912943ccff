//! Streams as Go writes them, byte for byte, in both directions.

use std::collections::BTreeMap;

use mm_gob::codec::*;
use mm_gob::{Decoder, Encoder, Time, TypeId, Zeros, dynamic, gob_struct};

/// Bytes from hexadecimal text with blanks.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn encode<C: Codec<T>, T>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode::<C, T>(value, &mut out).expect("it can be encoded");
    out
}

fn decode<C: Codec<T>, T: Default>(bytes: &[u8]) -> T {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    let value = decoder.decode::<C, T>().expect("it can be decoded").expect("it is whole");
    assert!(decoder.is_idle());
    value
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Point {
    x: i64,
    y: i64,
}
gob_struct! { Point as "Point" { "X" => x: Int, "Y" => y: Int } }

#[test]
fn example_1_a_struct_with_its_definition() {
    let wire = hex("1e 7f 03 01 01 05 506f696e74 01 ff80 00 01 02 01 01 58 01 04 00 01 01 59 01 04 00 00 00
                    09 ff80 01 2c 01 fe0101 00");
    let point = Point { x: 22, y: -129 };
    assert_eq!(encode::<Struct<Point>, _>(&point), wire);
    assert_eq!(decode::<Struct<Point>, Point>(&wire), point);
}

#[test]
fn example_2_scalars_at_top_level() {
    #[derive(Debug, Default, PartialEq)]
    struct Empty;
    gob_struct! { Empty as "" {} }

    assert_eq!(encode::<Bool, _>(&true), hex("03 02 00 01"));
    assert!(decode::<Bool, bool>(&hex("03 02 00 01")));
    assert_eq!(encode::<Str, _>(&"hooks".to_owned()), hex("08 0c 00 05 686f6f6b73"));
    assert_eq!(decode::<Str, String>(&hex("08 0c 00 05 686f6f6b73")), "hooks");
    assert_eq!(encode::<Uint, u32>(&1), hex("03 06 00 01"));
    assert_eq!(encode::<Int, i32>(&0), hex("03 04 00 00"));
    assert_eq!(decode::<Int, i32>(&hex("03 04 00 00")), 0);

    let mut encoder = Encoder::with_first_type_id(TypeId(65));
    let mut out = Vec::new();
    encoder.encode::<Struct<Empty>, _>(&Empty, &mut out).unwrap();
    assert_eq!(out, hex("0a ff81 03 01 02 ff82 00 00 00  03 ff82 00"));
    decode::<Struct<Empty>, Empty>(&out);
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Request {
    method: String,
    seq: u64,
}
gob_struct! { Request as "Request" { "ServiceMethod" => method: Str, "Seq" => seq: Uint } }

#[derive(Clone, Debug, Default, PartialEq)]
struct Response {
    method: String,
    seq: u64,
    error: String,
}
gob_struct! { Response as "Response" { "ServiceMethod" => method: Str, "Seq" => seq: Uint, "Error" => error: Str } }

const REQUEST: &str = "2e 7f 03 01 01 07 52657175657374 01 ff80 00 01 02
    01 0d 536572766963654d6574686f64 01 0c 00
    01 03 536571 01 06 00 00 00
    17 ff80 01 12 44697370656e7365722e44697370656e7365 00
    08 0c 00 05 686f6f6b73";

#[test]
fn example_3_a_call_and_its_reply() {
    let request = Request { method: "Dispenser.Dispense".into(), seq: 0 };
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    encoder.encode::<Struct<Request>, _>(&request, &mut out).unwrap();
    encoder.encode::<Str, _>(&"hooks".to_owned(), &mut out).unwrap();
    assert_eq!(out, hex(REQUEST));

    let mut decoder = Decoder::new();
    decoder.push(&out);
    assert_eq!(decoder.decode::<Struct<Request>, Request>().unwrap(), Some(request));
    assert_eq!(decoder.decode::<Str, String>().unwrap().as_deref(), Some("hooks"));

    let response = Response { method: "Dispenser.Dispense".into(), ..Response::default() };
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    encoder.encode::<Struct<Response>, _>(&response, &mut out).unwrap();
    encoder.encode::<Uint, u32>(&1, &mut out).unwrap();
    assert_eq!(
        out,
        hex("39 7f 03 01 01 08 526573706f6e7365 01 ff80 00 01 03
             01 0d 536572766963654d6574686f64 01 0c 00  01 03 536571 01 06 00  01 05 4572726f72 01 0c 00 00 00
             17 ff80 01 12 44697370656e7365722e44697370656e7365 00  03 06 00 01")
    );
}

#[test]
fn a_stream_may_come_byte_by_byte() {
    let bytes = hex(REQUEST);
    let mut decoder = Decoder::new();
    let mut got = None;
    let mut text = None;
    for (index, byte) in bytes.iter().enumerate() {
        decoder.push(&[*byte]);
        if got.is_none() {
            got = decoder.decode::<Struct<Request>, Request>().unwrap();
        } else {
            text = decoder.decode::<Str, String>().unwrap();
        }
        assert_eq!(text.is_some(), index + 1 == bytes.len());
    }
}

#[test]
fn a_rolled_back_definition_is_sent_again() {
    let mut encoder = Encoder::new();
    let checkpoint = encoder.checkpoint();
    encoder.encode::<Struct<Request>, _>(&Request::default(), &mut Vec::new()).unwrap();
    encoder.rollback(checkpoint);
    let mut out = Vec::new();
    encoder.encode::<Struct<Request>, _>(&Request { method: "Dispenser.Dispense".into(), seq: 0 }, &mut out).unwrap();
    assert!(hex(REQUEST).starts_with(&out));
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Omission {
    p: Option<bool>,
    q: Option<i64>,
    s: Vec<String>,
    m: Option<BTreeMap<String, String>>,
    b: Vec<u8>,
    f: f64,
    u: u32,
    arr: [i64; 2],
}
gob_struct! {
    Omission as "" {
        "P" => p: Ptr<Bool>, "Q" => q: Ptr<Int>, "S" => s: Slice<Str>, "M" => m: Nilable<Map<Str, Str>>,
        "B" => b: Bytes, "F" => f: Float, "U" => u: Uint, "Arr" => arr: Array<Int, 2>,
    }
}

#[test]
fn example_4_what_go_leaves_out() {
    let value = Omission { p: Some(false), q: Some(0), m: Some(BTreeMap::new()), ..Omission::default() };
    let mut encoder = Encoder::with_first_type_id(TypeId(69));
    let mut out = Vec::new();
    encoder.encode::<Struct<Omission>, _>(&value, &mut out).unwrap();
    assert!(out.ends_with(&hex("09 ff8a 04 00  04 02 00 00  00")));

    // Written explicitly, everything but nil is there, and arrives.
    let mut out = Vec::new();
    encoder.encode_with::<Struct<Omission>, _>(&value, &Zeros::Explicit, &mut out).unwrap();
    assert_eq!(out, hex("15 ff8a 01 00 01 00 01 00 01 00 01 00 01 00 01 00 01 02 00 00  00"));
}

#[derive(Clone, Debug, Default, PartialEq)]
struct ErrorString {
    code: i64,
    err: String,
}
gob_struct! { ErrorString as "ErrorString" { "Code" => code: Int, "Err" => err: Str } }

/// The errors of the examples, as an interface's content.
#[derive(Clone, Debug, Default, PartialEq)]
enum Failure {
    #[default]
    None,
    Text(&'static str, ErrorString),
    Inner(Box<Inner>),
}

impl InterfaceValue for Failure {
    fn is_nil(&self) -> bool {
        matches!(self, Self::None)
    }

    fn encode(&self, out: &mut mm_gob::ValueWriter<'_>) -> Result<(), mm_gob::EncodeError> {
        match self {
            Self::None => out.nil_interface(),
            Self::Text(name, error) => out.interface::<Struct<ErrorString>, _>(name, error),
            Self::Inner(inner) => out.interface::<Boxed<Struct<Inner>>, _>("*main.Inner", inner),
        }
    }

    fn decode(content: mm_gob::InterfaceReader<'_, '_>) -> Result<Self, mm_gob::DecodeError> {
        match content.name() {
            "*main.ErrorString" => Ok(Self::Text("*main.ErrorString", content.read::<Struct<ErrorString>, _>()?)),
            "*plugin.ErrorString" => Ok(Self::Text("*plugin.ErrorString", content.read::<Struct<ErrorString>, _>()?)),
            "*main.Inner" => Ok(Self::Inner(content.read::<Boxed<Struct<Inner>>, _>()?)),
            name => Err(mm_gob::DecodeError::unknown_concrete_type(name)),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Inner {
    v: Failure,
}
gob_struct! { Inner as "Inner" { "V" => v: Interface } }

#[derive(Clone, Debug, Default, PartialEq)]
struct Returns {
    a: Failure,
}
gob_struct! { Returns as "Z_OnActivateReturns" { "A" => a: Interface } }

/// The definition of a struct with one interface field, as a message.
fn define(id: i32, name: &str, field: &str) -> Vec<u8> {
    #[derive(Debug, Default)]
    struct Any {
        v: Option<dynamic::Interface>,
    }
    gob_struct! { Any as "" { "" => v: Interface } }
    let mut out = Vec::new();
    Encoder::with_first_type_id(TypeId(id)).encode::<Struct<Any>, _>(&Any::default(), &mut out).unwrap();
    // Only its form was wanted: the names are put in by hand.
    let id = &out[out.len() - 3..out.len() - 1];
    let minus = [0xff, id[1] - 1];
    let mut body = hex("03 01");
    body.splice(0..0, minus);
    body.extend([1, name.len() as u8]);
    body.extend(name.bytes());
    body.push(1);
    body.extend(id);
    body.extend([0, 1, 1, 1, field.len() as u8]);
    body.extend(field.bytes());
    body.extend(hex("01 10 00 00 00"));
    body.insert(0, body.len() as u8);
    body
}

const DEFINE_ERROR_STRING: &str = "ff87 03 01 01 0b 4572726f72537472696e67 01 ff88 00 01 02
    01 04 436f6465 01 04 00 01 03 457272 01 0c 00 00 00";

#[test]
fn example_5_a_value_split_at_a_new_type() {
    let mut wire = define(67, "Ret", "A");
    wire.extend(hex("3f ff86 01 11 2a6d61696e2e4572726f72537472696e67"));
    wire.extend(hex(DEFINE_ERROR_STRING));
    let first_message = wire.len();
    wire.extend(hex("0b ff88 07 02 04 626f6f6d 00  00"));
    let error = ErrorString { code: 0, err: "boom".into() };
    let expected = Returns { a: Failure::Text("*main.ErrorString", error.clone()) };
    assert_eq!(decode::<Struct<Returns>, Returns>(&wire), expected);

    // The second half may be late, and the value may be unwanted.
    let mut decoder = Decoder::new();
    decoder.push(&wire[..first_message]);
    assert_eq!(decoder.decode::<Struct<Returns>, Returns>().unwrap(), None);
    assert_eq!(decoder.skip().unwrap(), None);
    decoder.push(&wire[first_message..]);
    assert_eq!(decoder.skip().unwrap(), Some(()));
    assert!(decoder.is_idle());

    // Of the wrong kind, it is passed over to its very end.
    let mut decoder = Decoder::new();
    decoder.push(&wire);
    decoder.push(&hex("03 02 00 01"));
    let mismatch = decoder.decode::<Struct<Request>, Request>().unwrap_err();
    assert!(!mismatch.is_fatal(), "{mismatch}");
    assert_eq!(decoder.decode::<Bool, bool>().unwrap(), Some(true));
}

#[test]
fn example_6_the_same_in_our_form() {
    // The order of the definitions is the one in which the types are first met.
    let mut encoder = Encoder::with_first_type_id(TypeId(65));
    let mut out = Vec::new();
    let response = Response { method: "Plugin.OnActivate".into(), seq: 1, error: String::new() };
    encoder.encode::<Struct<Response>, _>(&response, &mut out).unwrap();
    encoder.types().struct_of::<ErrorString, ErrorString>();
    let error = ErrorString { code: 0, err: "no python".into() };
    let returns = Returns { a: Failure::Text("*plugin.ErrorString", error) };
    encoder.encode::<Struct<Returns>, _>(&returns, &mut out).unwrap();

    let mut expected = hex("3a ff81 03 01 01 08 526573706f6e7365 01 ff82 00 01 03
        01 0d 536572766963654d6574686f64 01 0c 00  01 03 536571 01 06 00  01 05 4572726f72 01 0c 00 00 00
        18 ff82 01 11 506c7567696e2e4f6e4163746976617465 01 01 00
        2a ff83 03 01 01 0b 4572726f72537472696e67 01 ff84 00 01 02
        01 04 436f6465 01 04 00 01 03 457272 01 0c 00 00 00");
    expected.extend(define(67, "Z_OnActivateReturns", "A"));
    expected.extend(hex("27 ff86 01 13 2a706c7567696e2e4572726f72537472696e67
        ff84 0c 02 09 6e6f20707974686f6e 00  00"));
    assert_eq!(out, expected);

    let mut decoder = Decoder::new();
    decoder.push(&out);
    assert_eq!(decoder.decode::<Struct<Response>, Response>().unwrap(), Some(response));
    assert_eq!(decoder.decode::<Struct<Returns>, Returns>().unwrap(), Some(returns));
}

#[test]
fn example_7_a_value_split_within_another_interface() {
    let mut wire = define(74, "Inner", "V");
    wire.extend(hex("5d ff94 01 0b 2a6d61696e2e496e6e6572 ff94
        3d 01 11 2a6d61696e2e4572726f72537472696e67"));
    wire.extend(hex(DEFINE_ERROR_STRING));
    wire.extend(hex("0c ff88 08 01 02 01 03 454f46 00 00  00"));
    let error = ErrorString { code: 1, err: "EOF".into() };
    let inner = Inner { v: Failure::Text("*main.ErrorString", error) };
    let expected = Inner { v: Failure::Inner(Box::new(inner)) };
    assert_eq!(decode::<Struct<Inner>, Inner>(&wire), expected);

    let mut decoder = Decoder::new();
    decoder.push(&wire);
    assert_eq!(decoder.skip().unwrap(), Some(()));
    assert!(decoder.is_idle());
}

/// What JSON can say, straight from and to interfaces.
#[derive(Clone, Debug, Default, PartialEq)]
enum Json {
    #[default]
    Null,
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Dict(BTreeMap<String, Json>),
}

impl InterfaceValue for Json {
    fn is_nil(&self) -> bool {
        *self == Self::Null
    }

    fn encode(&self, out: &mut mm_gob::ValueWriter<'_>) -> Result<(), mm_gob::EncodeError> {
        match self {
            Self::Null => out.nil_interface(),
            Self::Int(value) => out.interface::<Int, _>("int64", value),
            Self::Float(value) => out.interface::<Float, _>("float64", value),
            Self::Text(value) => out.interface::<Str, _>("string", value),
            Self::List(values) => out.interface::<Slice<Interface>, _>("[]interface {}", values),
            Self::Dict(pairs) => out.interface::<Map<Str, Interface>, _>("map[string]interface {}", pairs),
        }
    }

    fn decode(content: mm_gob::InterfaceReader<'_, '_>) -> Result<Self, mm_gob::DecodeError> {
        match content.kind()? {
            mm_gob::Kind::Int => content.read::<Int, _>().map(Self::Int),
            mm_gob::Kind::Float => content.read::<Float, _>().map(Self::Float),
            mm_gob::Kind::String => content.read::<Str, _>().map(Self::Text),
            mm_gob::Kind::Slice => content.read::<Slice<Interface>, _>().map(Self::List),
            mm_gob::Kind::Map => content.read::<Map<Str, Interface>, _>().map(Self::Dict),
            _ => Err(mm_gob::DecodeError::unknown_concrete_type(content.name())),
        }
    }
}

#[test]
fn example_8_lists_and_maps_of_anything() {
    let inner = BTreeMap::from([("k".to_owned(), Json::Int(7))]);
    let list = Json::List(vec![Json::Text("x".into()), Json::Float(1.5), Json::Null, Json::Dict(inner)]);
    let dict = BTreeMap::from([("a".to_owned(), list)]);
    let mut encoder = Encoder::with_first_type_id(TypeId(72));
    let mut ours = Vec::new();
    encoder.encode::<Map<Str, Interface>, _>(&dict, &mut ours).unwrap();

    let define_map =
        hex("27 ff8f 04 01 01 17 6d61705b737472696e675d696e74657266616365207b7d 01 ff90 00 01 0c 01 10 00 00");
    let define_list = hex("ff91 02 01 01 0e 5b5d696e74657266616365207b7d 01 ff92 00 01 10 00 00");
    let head = hex("ff90 00 01 01 61 0e 5b5d696e74657266616365207b7d");
    let tail = hex("ff92 46 00 04
        06 737472696e67 0c 03 00 01 78
        07 666c6f61743634 08 04 00 fef83f  00
        17 6d61705b737472696e675d696e74657266616365207b7d ff90 0e 00 01 01 6b 05 696e743634 04 02 00 0e");
    let message = |content: Vec<u8>| [vec![content.len() as u8], content].concat();

    // All definitions first, then one message.
    let expected = [&define_map[..], &message(define_list.clone()), &message([&head[..], &tail].concat())].concat();
    assert_eq!(ours, expected);

    // Go breaks the value off at the list's type.
    let split = [&define_map[..], &message([head, define_list].concat()), &message(tail)].concat();
    for wire in [&ours, &split] {
        assert_eq!(decode::<Map<Str, Interface>, BTreeMap<String, Json>>(wire), dict);
        let mut decoder = Decoder::new();
        decoder.push(wire);
        let typed = decoder.decode_dynamic().unwrap().unwrap();
        let mut again = Vec::new();
        Encoder::with_first_type_id(TypeId(72)).encode_dynamic(&typed, &mut again).unwrap();
        assert_eq!(decode::<Map<Str, Interface>, BTreeMap<String, Json>>(&again), dict);
    }
}

#[test]
fn example_9_a_time() {
    let wire = hex("10 ff9d 05 01 01 04 54696d65 01 ff9e 00 00 00
                    13 ff9e 00 0f 01 0000000edd257425 00000006 ffff");
    let utc = Time::from_unix(1_704_164_645, 6);
    let mut out = Vec::new();
    Encoder::with_first_type_id(TypeId(79)).encode::<GobEncoded, _>(&utc, &mut out).unwrap();
    assert_eq!(out, wire);
    assert_eq!(decode::<GobEncoded, Time>(&wire), utc);

    let mut kolkata = wire.clone();
    kolkata.truncate(wire.len() - 2);
    kolkata.extend(hex("014a"));
    let time = decode::<GobEncoded, Time>(&kolkata);
    assert_eq!(time, Time { offset: Some(330 * 60), ..utc });
    let mut out = Vec::new();
    Encoder::with_first_type_id(TypeId(79)).encode::<GobEncoded, _>(&time, &mut out).unwrap();
    assert_eq!(out, kolkata);
}
