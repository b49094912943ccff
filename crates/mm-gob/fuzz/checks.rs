// What holds for any bytes. Included by the fuzz targets and by `tests/hostile.rs`, which runs it on the corpus.

use mm_gob::codec::*;
use mm_gob::{Decoder, Encoder, Limits, dynamic, gob_struct};

/// A static type with something of everything, to be read from bytes that mean something else.
#[derive(Debug, Default)]
struct Everything {
    flag: bool,
    small: i8,
    count: u16,
    ratio: f32,
    text: String,
    raw: Vec<u8>,
    list: Vec<String>,
    pair: [i64; 2],
    map: std::collections::BTreeMap<String, Vec<u8>>,
    pointer: Option<i64>,
    time: mm_gob::Time,
    next: Option<Box<Everything>>,
    any: Option<dynamic::Interface>,
}

gob_struct! {
    Everything as "Everything" {
        "A" => flag: Bool, "B" => small: Int, "C" => count: Uint, "D" => ratio: Float, "E" => text: Str,
        "F" => raw: Bytes, "G" => list: Slice<Str>, "H" => pair: Array<Int, 2>, "I" => map: Map<Str, Bytes>,
        "J" => pointer: Ptr<Int>, "K" => time: GobEncoded, "L" => next: Ptr<Boxed<Struct<Everything>>>,
        "V" => any: Interface,
    }
}

fn decoder(bytes: &[u8]) -> Decoder {
    let limits = Limits { max_message_bytes: 1 << 20, max_types: 500, ..Limits::default() };
    let mut decoder = Decoder::with_limits(limits);
    decoder.push(bytes);
    decoder
}

/// Asks for values until there are no more, or the stream is lost. Errors that concern one value only are passed over.
fn drain<T>(
    mut decoder: Decoder,
    mut ask: impl FnMut(&mut Decoder) -> Result<Option<T>, mm_gob::DecodeError>,
) -> Vec<T> {
    let mut values = Vec::new();
    loop {
        match ask(&mut decoder) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return values,
            Err(error) if error.is_fatal() => {
                let _ = error.to_string();
                return values;
            }
            Err(_) => {}
        }
    }
}

/// Any bytes give values or errors, in every way of asking.
pub(crate) fn decode(bytes: &[u8]) {
    drain(decoder(bytes), Decoder::decode::<Struct<Everything>, Everything>);
    drain(
        decoder(bytes),
        Decoder::decode::<Map<Str, Interface>, std::collections::HashMap<String, Option<dynamic::Interface>>>,
    );
    drain(decoder(bytes), Decoder::decode::<Slice<Int>, Vec<i64>>);
    let dynamic = drain(decoder(bytes), Decoder::decode_dynamic).len();
    let skipped = drain(decoder(bytes), Decoder::skip).len();
    // Passing over is as strict as reading but for the lengths of arrays.
    assert!(skipped >= dynamic);
}

/// What was decoded can be encoded, and gives the same again.
pub(crate) fn roundtrip(bytes: &[u8]) {
    let (once, count) = encode(&drain(decoder(bytes), Decoder::decode_dynamic));
    let values = drain(larger_decoder(&once), Decoder::decode_dynamic);
    assert_eq!(values.len(), count);
    // The first time, types of values that could not be encoded went along.
    let (twice, count) = encode(&values);
    assert_eq!(values.len(), count);
    let values = drain(larger_decoder(&twice), Decoder::decode_dynamic);
    assert_eq!(encode(&values), (twice, count));
}

/// For what we encoded ourselves: lengths that were left out are written, so that it can be longer.
fn larger_decoder(bytes: &[u8]) -> Decoder {
    let mut decoder = Decoder::with_limits(Limits { max_depth: 400, ..Limits::default() });
    decoder.push(bytes);
    decoder
}

/// The stream of all values that can be encoded, and how many they are. A type that came may refer to one that did not,
/// and a struct may have two fields of one name: such values cannot.
fn encode(values: &[dynamic::Typed]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut encoder = Encoder::new();
    let mut encoded = 0;
    for value in values {
        encoded += usize::from(encoder.encode_dynamic(value, &mut out).is_ok());
    }
    (out, encoded)
}
