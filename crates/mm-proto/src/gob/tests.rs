//! Every struct there and back, and by hand what random values do not reach.
//!
//! Random values, written and read again, must be the same. Zeros are not sent, as Go does not.

use std::collections::BTreeMap;
use std::fmt::Debug;

use mm_gob::codec::{Codec, Interface, Struct};
use mm_gob::{Decoder, Encoder, WireType, Zeros};
use prost_types::Timestamp;

use super::{Fill as _, GoTime, Model, Noted, Noting, Returned, Visitor, api, hooks, random, types};
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
        for seed in 1..=8 {
            let value = random::filled::<C, T>(go, seed);
            assert_eq!(there_and_back::<C, T>(&value), value, "{go}");
        }
        let (decoder, id) = random::definitions::<C, T>();
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
    let database = v1::PostgresError { message: "duplicate key".into(), ..Default::default() };
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
        // The text of an error stands beside it, for those who look at that only.
        Kind::ErrorValue(Box::new(v1::ErrorValue {
            message: app.message.clone(),
            app_error: Some(Box::new(app)),
            ..Default::default()
        })),
        Kind::ErrorValue(Box::new(v1::ErrorValue {
            message: "pq: duplicate key".into(),
            postgres_error: Some(Box::new(database)),
            ..Default::default()
        })),
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
fn a_pointer_to_zero_is_sent_though_go_would_lose_it() {
    let post = v1::Post { is_following: Some(false), remote_id: Some(String::new()), ..Default::default() };
    assert_eq!(there_and_back::<Model<v1::Post>, _>(&post), post);
}

/// A `Post` as a newer server may have it.
#[derive(Default)]
struct NewerPost {
    message: String,
    mood: String,
    metadata: Option<NewerMetadata>,
}

#[derive(Default)]
struct NewerMetadata {
    weight: i64,
}

mm_gob::gob_struct! {
    NewerPost as "Post" {
        "Message" => message: mm_gob::codec::Str,
        "Mood" => mood: mm_gob::codec::Str,
        "Metadata" => metadata: mm_gob::codec::Ptr<Struct<NewerMetadata>>,
    }
}

mm_gob::gob_struct! {
    NewerMetadata as "PostMetadata" { "Weight" => weight: mm_gob::codec::Int }
}

#[test]
fn fields_that_are_unknown_here_are_told_whether_sent_or_not() {
    type Codec = Noting<Model<v1::Post>>;
    for metadata in [None, Some(NewerMetadata { weight: 1 })] {
        let newer = NewerPost { message: "m".into(), mood: "sad".into(), metadata };
        let noted: Noted<v1::Post> = decode::<Codec, _>(&encode::<Struct<NewerPost>, _>(&newer, &Zeros::Omit));
        assert_eq!(noted.value.message, "m");
        assert_eq!(noted.unknown, ["Post.Mood", "PostMetadata.Weight"]);
    }
    let same: Noted<v1::Post> = decode::<Codec, _>(&encode::<Model<v1::Post>, _>(&v1::Post::default(), &Zeros::Omit));
    assert!(same.unknown.is_empty());
}

#[test]
fn a_nil_interface_is_never_written() {
    let embed = v1::PostEmbed { r#type: "x".into(), ..Default::default() };
    let names = |bytes: &[u8]| {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        let mm_gob::dynamic::Value::Struct(fields) = decoder.decode_dynamic().unwrap().unwrap().value else { panic!() };
        fields.into_iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&encode::<Model<v1::PostEmbed>, _>(&embed, &Zeros::Explicit)), ["Type", "URL"]);
}

#[test]
fn settings_that_gob_has_left_out_were_zero() {
    let mut config = v1::Config {
        service_settings: Some(v1::ServiceSettings::default()),
        auto_translation_settings: Some(v1::AutoTranslationSettings::default()),
        ..Default::default()
    };
    config.fill();
    let service = config.service_settings.unwrap();
    // A pointer to an empty list is one to a zero.
    let languages = config.auto_translation_settings.unwrap().target_languages;
    assert_eq!(languages.map(|it| it.values), Some(Vec::new()));
    assert_eq!((service.site_url, service.enable_developer), (Some(String::new()), Some(false)));
    assert_eq!(config.team_settings, None, "a section that an older server lacks is not made up");
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
