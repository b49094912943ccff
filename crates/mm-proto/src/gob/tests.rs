//! Every struct there and back, and by hand what random values do not reach.
//!
//! The random values are made on the wire: what a struct's own definition allows, every field filled or left out. Read,
//! written and read again they must be the same. Zeros are not sent, as Go does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use mm_gob::codec::{Codec, Interface, Struct};
use mm_gob::{Decoder, Encoder, Marshaler, TypeId, WireType, Zeros};
use prost_types::Timestamp;

use super::{GoTime, Model, Returned, Visitor, api, hooks, types};
use crate::plugin::v1::value::Kind;
use crate::plugin::v1::{self, Value};

fn encode<C: Codec<T>, T>(value: &T, zeros: &Zeros) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode_with::<C, T>(value, zeros, &mut out).unwrap();
    out
}

fn decode<C: Codec<T>, T: Default>(bytes: &[u8]) -> T {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    decoder.decode::<C, T>().unwrap().unwrap()
}

fn there_and_back<C: Codec<T>, T: Default>(value: &T) -> T {
    decode::<C, T>(&encode::<C, T>(value, &Zeros::Omit))
}

/// Random values of the types that a decoder knows.
struct Random<'a> {
    state: u64,
    definitions: &'a Decoder,
    out: Vec<u8>,
}

impl Random<'_> {
    fn next(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % below
    }

    fn uint(&mut self, value: u64) {
        match value {
            0..128 => self.out.push(value as u8),
            _ => {
                self.out.push(0xf8);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn word(&mut self) -> String {
        format!("wört {}", self.next(1 << 20))
    }

    /// Whether a type holds another, through whatever else.
    fn reaches(&self, from: TypeId, to: TypeId, seen: &mut BTreeSet<TypeId>) -> bool {
        let inner = match self.definitions.definition(from) {
            Some(WireType::Struct { fields, .. }) => fields.iter().map(|field| field.id).collect(),
            Some(WireType::Slice { elem, .. } | WireType::Array { elem, .. } | WireType::Map { elem, .. }) => {
                vec![*elem]
            }
            Some(WireType::Marshaled { .. }) | None => Vec::new(),
        };
        inner.into_iter().any(|it| it == to || (seen.insert(it) && self.reaches(it, to, seen)))
    }

    fn value(&mut self, id: TypeId, depth: u32) {
        match id {
            TypeId::BOOL => self.uint(1),
            // Any `int32` but 0, and an unsigned number that fits a byte, since the wire does not tell widths.
            TypeId::INT => {
                let value = 1 + self.next((1 << 32) - 1);
                self.uint(value);
            }
            TypeId::UINT => {
                let value = 1 + self.next(255);
                self.uint(value);
            }
            TypeId::FLOAT => {
                let value = 1.0 + self.next(1000) as f64 / 8.0;
                self.uint(value.to_bits().swap_bytes());
            }
            TypeId::STRING | TypeId::BYTES => {
                let word = self.word();
                self.bytes(word.as_bytes());
            }
            TypeId::INTERFACE => {
                let word = self.word();
                self.bytes(b"string");
                self.out.push(12);
                self.uint(word.len() as u64 + 2);
                self.out.push(0);
                self.bytes(word.as_bytes());
            }
            _ => self.defined(id, depth),
        }
    }

    fn defined(&mut self, id: TypeId, depth: u32) {
        match self.definitions.definition(id).unwrap().clone() {
            WireType::Struct { fields, .. } => {
                let mut last = 0;
                for (number, field) in fields.iter().enumerate() {
                    // A struct by value is always sent. What leads back to its own type is a pointer, which may be nil.
                    let is_struct = matches!(self.definitions.definition(field.id), Some(WireType::Struct { .. }));
                    let may_be_absent = !is_struct || self.reaches(field.id, field.id, &mut BTreeSet::new());
                    if may_be_absent && (depth > 6 || self.next(8) == 0) {
                        continue;
                    }
                    self.uint(number as u64 + 1 - last);
                    last = number as u64 + 1;
                    self.value(field.id, depth + 1);
                }
                self.uint(0);
            }
            WireType::Slice { elem, .. } => {
                let count = 1 + self.next(2);
                self.uint(count);
                (0..count).for_each(|_| self.value(elem, depth + 1));
            }
            WireType::Array { elem, length, .. } => {
                self.uint(length);
                (0..length).for_each(|_| self.value(elem, depth + 1));
            }
            WireType::Map { key, elem, .. } => {
                self.uint(1);
                self.value(key, depth + 1);
                self.value(elem, depth + 1);
            }
            WireType::Marshaled { by: Marshaler::Gob, .. } => {
                let mut time = vec![1];
                time.extend_from_slice(&(63_000_000_000 + self.next(1 << 30)).to_be_bytes());
                time.extend_from_slice(&(self.next(1_000_000_000) as u32).to_be_bytes());
                time.extend_from_slice(&[0xff, 0xff]);
                self.bytes(&time);
            }
            WireType::Marshaled { .. } => self.bytes(b"/a?b=c"),
        }
    }
}

#[derive(Default)]
struct EveryStruct {
    names: Vec<&'static str>,
    fields: usize,
}

impl Visitor for EveryStruct {
    fn visit<C, T>(&mut self, go: &'static str)
    where
        C: Codec<T>,
        T: Default + PartialEq + Debug,
    {
        let mut decoder = Decoder::new();
        decoder.push(&encode::<C, T>(&T::default(), &Zeros::Omit));
        let id = decoder.next_value_type().unwrap().unwrap();
        decoder.skip().unwrap().unwrap();
        for seed in 1..=8 {
            let state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed) + go.len() as u64;
            let mut random = Random { state, definitions: &decoder, out: Vec::new() };
            random.uint(id.0 as u64 * 2);
            random.value(id, 0);
            let content = std::mem::take(&mut random.out);
            random.bytes(&content);
            let message = random.out;
            decoder.push(&message);
            let value = decoder.decode::<C, T>().unwrap_or_else(|error| panic!("{go}: {error}")).unwrap();
            assert_eq!(there_and_back::<C, T>(&value), value, "{go}");
        }
        if let Some(WireType::Struct { fields, name }) = decoder.definition(id) {
            assert_eq!(&**name, go);
            self.fields += fields.len();
        }
        self.names.push(go);
    }
}

#[test]
fn every_struct_comes_back_as_it_went() {
    let mut models = EveryStruct::default();
    types::visit(&mut models);
    assert!(models.names.len() > 150 && models.fields > 1500, "{} {}", models.names.len(), models.fields);
    let mut calls = EveryStruct::default();
    api::visit(&mut calls);
    hooks::visit(&mut calls);
    // All methods and hooks but those that stream, and OnActivate and LoadPluginConfiguration.
    let streams = 6;
    let methods = crate::API_METHODS.len() + crate::HOOKS.len() - streams - 2;
    assert_eq!(calls.names.len(), 2 * methods);
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

#[test]
fn interfaces_hold_what_go_has_registered() {
    let text = value(Kind::StringValue("x".into()));
    let list = v1::ValueList { values: vec![text.clone(), Value::default(), value(Kind::DoubleValue(1.5))] };
    let map = v1::ValueMap { values: BTreeMap::from([("k".to_owned(), value(Kind::ListValue(list.clone())))]) };
    let attachment = v1::MessageAttachment { text: "t".into(), timestamp: Some(text.clone()), ..Default::default() };
    let app = v1::AppError { id: "a.b".into(), message: "m".into(), status_code: 404, ..Default::default() };
    let error = v1::ErrorValue { code: 1, message: "EOF".into(), ..Default::default() };
    for kind in [
        Kind::BoolValue(false),
        Kind::IntValue(i64::MIN),
        Kind::UintValue(u64::MAX),
        Kind::DoubleValue(0.0),
        Kind::StringValue(String::new()),
        Kind::BytesValue(vec![0, 255].into()),
        Kind::ListValue(list),
        Kind::MapValue(map),
        Kind::ErrorValue(Box::new(error)),
        Kind::ErrorValue(Box::new(v1::ErrorValue { app_error: Some(Box::new(app)), ..Default::default() })),
        Kind::PreviewPost(Box::new(v1::PreviewPost { post_id: "p".into(), ..Default::default() })),
        Kind::MessageAttachments(v1::MessageAttachmentList { values: vec![attachment] }),
        Kind::PropertyOptions(v1::PluginPropertyOptionList { values: vec![v1::PluginPropertyOption::default()] }),
    ] {
        let embed = v1::PostEmbed { data: Some(value(kind)), ..Default::default() };
        assert_eq!(there_and_back::<Model<v1::PostEmbed>, _>(&embed), embed);
    }
}

#[test]
fn a_null_is_left_out() {
    let null = v1::PostEmbed { data: Some(value(Kind::NullValue(0))), ..Default::default() };
    assert_eq!(there_and_back::<Model<v1::PostEmbed>, _>(&null).data, None);
}

#[test]
fn errors_stand_behind_the_results() {
    type Reply = Returned<v1::KvGetResponse, v1::AppError>;
    let found: Reply = Ok(v1::KvGetResponse { value: Some(vec![1].into()) }).into();
    assert_eq!(there_and_back::<Struct<api::KvGetReturns>, _>(&found), found);
    // No value at all, and Go's empty one, are the same on the wire.
    let empty: Reply = Ok(v1::KvGetResponse { value: Some(Default::default()) }).into();
    assert_eq!(there_and_back::<Struct<api::KvGetReturns>, _>(&empty).value.value, None);
    let failed: Reply = Err(v1::AppError { id: "x".into(), ..Default::default() }).into();
    assert_eq!(there_and_back::<Struct<api::KvGetReturns>, _>(&failed), failed);
    let plain = v1::ErrorValue { message: "no python".into(), ..Default::default() };
    let hook = Returned { value: v1::OnDeactivateResponse {}, error: Some(plain) };
    assert_eq!(there_and_back::<Struct<hooks::OnDeactivateReturns>, _>(&hook), hook);
}

#[test]
fn go_loses_pointers_to_zero_unless_asked_not_to() {
    let post = v1::Post { is_following: Some(false), remote_id: Some(String::new()), ..Default::default() };
    let back = there_and_back::<Model<v1::Post>, _>(&post);
    assert_eq!((back.is_following, back.remote_id), (None, None));
    let explicit = decode::<Model<v1::Post>, v1::Post>(&encode::<Model<v1::Post>, _>(&post, &Zeros::Explicit));
    assert_eq!((explicit.is_following, explicit.remote_id), (post.is_following, post.remote_id));
}

#[test]
fn an_explicit_zero_clears_what_a_merge_would_keep() {
    let mut old = v1::Post { message: "old".into(), file_ids: vec!["f".into()], ..Default::default() };
    let mut decoder = Decoder::new();
    decoder.push(&encode::<Model<v1::Post>, _>(&v1::Post::default(), &Zeros::Omit));
    decoder.decode_into::<Model<v1::Post>, _>(&mut old).unwrap().unwrap();
    assert_eq!(old.message, "old");
    let mut decoder = Decoder::new();
    decoder.push(&encode::<Model<v1::Post>, _>(&v1::Post::default(), &Zeros::Explicit));
    decoder.decode_into::<Model<v1::Post>, _>(&mut old).unwrap().unwrap();
    assert_eq!((old.message.as_str(), old.file_ids.len()), ("", 0));
}

#[test]
fn the_zero_time_is_no_time() {
    let status = v1::CustomStatus { expires_at: None, emoji: "x".into(), ..Default::default() };
    assert_eq!(there_and_back::<Model<v1::CustomStatus>, _>(&status), status);
    let epoch = Some(Timestamp { seconds: 0, nanos: 0 });
    assert_eq!(there_and_back::<GoTime, Option<Timestamp>>(&epoch), epoch);
}

#[test]
fn numbers_in_interfaces_need_no_registered_name() {
    // `any` that holds an `int`, as Go plugins put it into props.
    let bytes = encode::<Interface, _>(
        &Some(mm_gob::dynamic::Interface { name: "int".into(), ..mm_gob::dynamic::Interface::from(7_i64) }),
        &Zeros::Omit,
    );
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let read = decoder.decode::<Interface, Value>().unwrap().unwrap();
    assert_eq!(read, value(Kind::IntValue(7)));
}
