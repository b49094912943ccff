//! What holds for all values: random ones of random types, made here, from a fixed seed.

use std::collections::BTreeMap;

use mm_gob::codec::*;
use mm_gob::dynamic::{self, Type, Typed, Types, Value};
use mm_gob::{Decoder, Encoder, Kind, Marshaler, Time, TypeId, WireField, WireType, Zeros, gob_struct};

/// A small random number generator (xorshift64*); the tests need no better one, and no dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    /// A number of any magnitude.
    fn number(&mut self) -> u64 {
        let shift = self.below(65) as u32;
        self.next().checked_shr(shift).unwrap_or(0)
    }

    fn text(&mut self) -> String {
        let length = if self.below(40) == 0 { 130 } else { self.below(5) };
        (0..length).map(|_| ['a', 'ß', '日', '\0'][self.below(4) as usize]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(6)).map(|_| self.next() as u8).collect()
    }
}

/// A random type in `types`, of at most `depth` levels.
fn random_type(random: &mut Random, types: &Types, depth: u32) -> TypeId {
    if depth == 0 || random.below(3) == 0 {
        return TypeId(1 + random.below(8) as i32);
    }
    let name = random.text().into();
    let inner = |random: &mut Random| random_type(random, types, depth - 1);
    let definition = match random.below(5) {
        0 => WireType::Array { name, elem: inner(random), length: random.below(4) },
        1 => WireType::Slice { name, elem: inner(random) },
        2 => WireType::Map { name, key: TypeId::STRING, elem: inner(random) },
        3 => {
            let by = [Marshaler::Gob, Marshaler::Binary, Marshaler::Text][random.below(3) as usize];
            WireType::Marshaled { name, by }
        }
        _ => {
            let field = |number| WireField { name: format!("F{number}").into(), id: inner(random) };
            WireType::Struct { name, fields: (0..5).map(field).collect() }
        }
    };
    types.add(definition)
}

fn random_value(random: &mut Random, ty: &Type, depth: u32) -> Value {
    let of = |random: &mut Random, id| random_value(random, &ty.types().get(id), depth.saturating_sub(1));
    let Some(definition) = ty.definition() else { return random_basic(random, ty, depth) };
    let count = if depth == 0 { 0 } else { random.below(4) };
    match &*definition {
        WireType::Array { elem, length, .. } => Value::List((0..*length).map(|_| of(random, *elem)).collect()),
        WireType::Slice { elem, .. } => Value::List((0..count).map(|_| of(random, *elem)).collect()),
        WireType::Map { key, elem, .. } => {
            Value::Map((0..count).map(|_| (of(random, *key), of(random, *elem))).collect())
        }
        WireType::Struct { fields, .. } => {
            let mut values = Vec::new();
            for field in fields {
                if random.below(3) > 0 {
                    values.push((field.name.clone(), of(random, field.id)));
                }
            }
            Value::Struct(values)
        }
        WireType::Marshaled { .. } => Value::Marshaled(random.bytes()),
    }
}

fn random_basic(random: &mut Random, ty: &Type, depth: u32) -> Value {
    match ty.id() {
        TypeId::BOOL => Value::Bool(random.below(2) == 0),
        TypeId::INT => Value::Int(random.number() as i64 * (1 - 2 * random.below(2) as i64)),
        TypeId::UINT => Value::Uint(random.number()),
        TypeId::FLOAT => Value::Float(random.number() as f64 / 8.0),
        TypeId::BYTES => Value::Bytes(random.bytes()),
        TypeId::STRING => Value::String(random.text()),
        TypeId::COMPLEX => Value::Complex(random.number() as f64, -1.5),
        _ if depth == 0 || random.below(3) == 0 => Value::Interface(None),
        _ => {
            // As often a type of another set as one of this one.
            let types = if random.below(2) == 0 { Types::new() } else { ty.types().clone() };
            let ty = types.get(random_type(random, &types, 2));
            let value = random_value(random, &ty, depth - 1);
            Value::Interface(Some(Box::new(dynamic::Interface { name: "random".into(), ty, value })))
        }
    }
}

#[test]
fn what_is_written_is_read_whatever_it_is() {
    let mut random = Random(1);
    let (mut values, mut types_sent) = (0, 0);
    for _ in 0..300 {
        let types = Types::new();
        let mut encoder = Encoder::new();
        let mut stream = Vec::new();
        let sent: Vec<Typed> = (0..20)
            .map(|_| {
                let ty = types.get(random_type(&mut random, &types, 4));
                let value = random_value(&mut random, &ty, 5);
                Typed { ty, value }
            })
            .collect();
        for value in &sent {
            encoder.encode_dynamic(value, &mut stream).expect("it can be encoded");
        }
        let mut decoder = Decoder::new();
        decoder.push(&stream);
        for value in &sent {
            let read = decoder.decode_dynamic().expect("it can be decoded").expect("it is whole");
            assert_eq!(read.value, value.value);
            assert_eq!(kind(&read.ty), kind(&value.ty));
            values += 1;
            types_sent += usize::from(read.ty.definition().is_some());
        }
        assert!(decoder.is_idle());
    }
    assert!(values == 6000 && types_sent > 2000);
}

fn kind(ty: &Type) -> Option<Kind> {
    ty.definition().map(|definition| definition.kind())
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Record {
    id: String,
    number: i64,
    count: u32,
    flag: Option<bool>,
    raw: Vec<u8>,
    list: Vec<Record>,
    map: BTreeMap<String, f64>,
    pair: [u16; 2],
    time: Time,
    next: Option<Box<Record>>,
    any: Option<dynamic::Interface>,
}

gob_struct! {
    Record as "Record" {
        "Id" => id: Str, "Number" => number: Int, "Count" => count: Uint, "Flag" => flag: Nilable<Bool>,
        "Raw" => raw: Bytes, "List" => list: Slice<Struct<Record>>, "Map" => map: Map<Str, Float>,
        "Pair" => pair: Array<Uint, 2>, "Time" => time: GobEncoded, "Next" => next: Ptr<Boxed<Struct<Record>>>,
        "Any" => any: Interface,
    }
}

fn random_record(random: &mut Random, depth: u32) -> Record {
    let some = |random: &mut Random| random.below(3) > 0;
    Record {
        id: random.text(),
        number: random.number() as i64,
        count: random.number() as u32,
        flag: some(random).then(|| random.below(2) == 0),
        raw: random.bytes(),
        list: (0..if depth == 0 { 0 } else { random.below(3) }).map(|_| random_record(random, depth - 1)).collect(),
        map: (0..random.below(3)).map(|_| (random.text(), random.number() as f64)).collect(),
        pair: [random.number() as u16, 0],
        time: Time::from_unix(random.number() as i64 >> 8, random.below(1_000_000_000) as u32),
        next: (depth > 0 && some(random)).then(|| Box::new(random_record(random, depth - 1))),
        any: some(random).then(|| random.text().as_str().into()),
    }
}

#[test]
fn static_values_come_back_with_zeros_left_out_or_not() {
    let mut random = Random(2);
    let mut encoders = [Encoder::new(), Encoder::new()];
    let mut decoders = [Decoder::new(), Decoder::new()];
    for _ in 0..1000 {
        let record = random_record(&mut random, 3);
        let mut lengths = [0; 2];
        for (at, zeros) in [Zeros::Omit, Zeros::Explicit].iter().enumerate() {
            let mut out = Vec::new();
            encoders[at].encode_with::<Struct<Record>, _>(&record, zeros, &mut out).expect("it can be encoded");
            lengths[at] = out.len();
            decoders[at].push(&out);
            let read = decoders[at].decode::<Struct<Record>, Record>().expect("it can be decoded");
            assert_eq!(read.as_ref(), Some(&record));
        }
        assert!(lengths[0] <= lengths[1]);
    }
}

#[test]
fn a_full_value_erases_any_old_one_but_for_map_keys() {
    let mut random = Random(3);
    for _ in 0..300 {
        let (mut old, new) = (random_record(&mut random, 2), random_record(&mut random, 2));
        let mut out = Vec::new();
        Encoder::new().encode_with::<Struct<Record>, _>(&new, &Zeros::Explicit, &mut out).expect("it can be encoded");
        let mut decoder = Decoder::new();
        decoder.push(&out);
        // Nil cannot be sent, and keys cannot be removed.
        forget_what_stays(&mut old);
        decoder.decode_into::<Struct<Record>, _>(&mut old).expect("it can be decoded").expect("it is whole");
        assert_eq!(old, new);
    }
}

fn forget_what_stays(record: &mut Record) {
    record.flag = None;
    record.next = None;
    record.map.clear();
    record.list.iter_mut().for_each(forget_what_stays);
}
