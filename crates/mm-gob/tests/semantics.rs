//! What a receiver makes of what a sender says, as Go's decoder does: old values, missing and unknown fields, kinds that
//! do not fit, zeros.

use std::collections::BTreeMap;

use mm_gob::codec::*;
use mm_gob::{DecodeErrorKind, Decoder, Encoder, FieldSet, GobStruct, Zeros, dynamic, gob_struct};

fn bytes_of<S: GobStruct<T>, T: 'static>(value: &T, zeros: &Zeros) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode_with::<Struct<S>, T>(value, zeros, &mut out).expect("it can be encoded");
    out
}

/// Sends `value`, and reads it over `old`.
fn send_over<S: GobStruct<T>, T: 'static, R: GobStruct<U>, U: 'static>(value: &T, zeros: &Zeros, mut old: U) -> U {
    let mut decoder = Decoder::new();
    decoder.push(&bytes_of::<S, T>(value, zeros));
    decoder.decode_into::<Struct<R>, U>(&mut old).expect("it can be decoded").expect("it is whole");
    assert!(decoder.is_idle());
    old
}

fn error_of<S: GobStruct<T>, T: 'static, R: GobStruct<U>, U: Default + 'static>(value: &T) -> mm_gob::DecodeError {
    let mut decoder = Decoder::new();
    decoder.push(&bytes_of::<S, T>(value, &Zeros::Omit));
    decoder.push(&[3, 2, 0, 1]);
    let error = decoder.decode::<Struct<R>, U>().map(drop).expect_err("it cannot be decoded");
    assert!(!error.is_fatal());
    assert_eq!(decoder.decode::<Bool, bool>(), Ok(Some(true)), "the stream goes on");
    error
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Post {
    id: String,
    message: String,
    create_at: i64,
    file_ids: Vec<String>,
    props: BTreeMap<String, Option<dynamic::Interface>>,
    pinned: Option<bool>,
    metadata: Option<Metadata>,
    extra: Option<dynamic::Interface>,
}
gob_struct! {
    Post as "Post" {
        "Id" => id: Str, "Message" => message: Str, "CreateAt" => create_at: Int, "FileIds" => file_ids: Slice<Str>,
        "Props" => props: Map<Str, Interface>, "Pinned" => pinned: Ptr<Bool>, "Metadata" => metadata: Ptr<Struct<Metadata>>,
        "Extra" => extra: Interface,
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Metadata {
    files: Vec<File>,
    priority: i64,
}
gob_struct! { Metadata as "Metadata" { "Files" => files: Slice<Struct<File>>, "Priority" => priority: Int } }

#[derive(Clone, Debug, Default, PartialEq)]
struct File {
    name: String,
    size: i64,
}
gob_struct! { File as "File" { "Name" => name: Str, "Size" => size: Int } }

fn full() -> Post {
    Post {
        id: "p1".into(),
        message: "old".into(),
        create_at: 7,
        file_ids: vec!["f1".into(), "f2".into()],
        props: BTreeMap::from([("a".into(), Some(1_i64.into())), ("b".into(), None)]),
        pinned: Some(true),
        metadata: Some(Metadata {
            files: vec![File { name: "n1".into(), size: 1 }, File { name: "n2".into(), size: 2 }],
            priority: 3,
        }),
        extra: Some("x".into()),
    }
}

#[test]
fn what_is_not_sent_keeps_its_value() {
    assert_eq!(send_over::<Post, _, Post, _>(&Post::default(), &Zeros::Omit, full()), full());
    let change = Post {
        message: "new".into(),
        props: BTreeMap::from([("c".into(), Some(true.into()))]),
        metadata: Some(Metadata { files: vec![File { name: "n9".into(), size: 0 }], priority: 0 }),
        ..Post::default()
    };
    let merged = send_over::<Post, _, Post, _>(&change, &Zeros::Omit, full());
    assert_eq!(merged.message, "new");
    assert_eq!(merged.props.len(), 3, "keys are added, none removed");
    // The list takes the new length; its elements keep what was not sent.
    assert_eq!(merged.metadata, Some(Metadata { files: vec![File { name: "n9".into(), size: 1 }], priority: 3 }));
}

#[test]
fn explicit_zeros_clear_everything_but_pointers_and_map_keys() {
    let cleared = send_over::<Post, _, Post, _>(&Post::default(), &Zeros::Explicit, full());
    let expected = Post { props: full().props, pinned: Some(true), metadata: full().metadata, ..Post::default() };
    assert_eq!(cleared, expected);
    // A pointer to a zero is sent as such.
    let unpinned = Post { pinned: Some(false), ..Post::default() };
    assert_eq!(send_over::<Post, _, Post, _>(&unpinned, &Zeros::Explicit, full()).pinned, Some(false));
    assert_eq!(send_over::<Post, _, Post, _>(&unpinned, &Zeros::Omit, full()).pinned, Some(true));
}

#[test]
fn chosen_zeros_clear_the_chosen_fields() {
    #[derive(Debug, Default)]
    struct Returns {
        a: Option<Post>,
    }
    gob_struct! { Returns as "Returns" { "A" => a: Ptr<Struct<Post>> } }

    let change = Post { metadata: Some(Metadata { files: vec![File::default(); 2], priority: 0 }), ..Post::default() };
    let change = Returns { a: Some(change) };
    let send = |paths: &[&str]| {
        let zeros = Zeros::Fields(FieldSet::from_paths(paths));
        send_over::<Returns, _, Returns, _>(&change, &zeros, Returns { a: Some(full()) }).a.expect("it was there")
    };
    let post = send(&["A.Message", "A.FileIds", "A.Metadata.Files.Size"]);
    let metadata =
        Metadata { files: vec![File { name: "n1".into(), size: 0 }, File { name: "n2".into(), size: 0 }], priority: 3 };
    let expected = Post { message: String::new(), file_ids: vec![], metadata: Some(metadata), ..full() };
    assert_eq!(post, expected);
    let everything = send(&["A.Metadata.*"]).metadata.expect("it was there");
    assert_eq!(everything, Metadata { files: vec![File::default(); 2], priority: 0 });
    assert_eq!(send(&["A.Metadata.*"]).message, "old");
}

#[test]
fn unknown_fields_are_passed_over_and_order_does_not_matter() {
    #[derive(Debug, Default, PartialEq)]
    struct Few {
        create_at: i32,
        id: String,
        other: u8,
    }
    gob_struct! { Few as "Anything" { "CreateAt" => create_at: Int, "Other" => other: Uint, "Id" => id: Str } }
    let few = send_over::<Post, _, Few, _>(&full(), &Zeros::Omit, Few { other: 9, ..Few::default() });
    assert_eq!(few, Few { create_at: 7, id: "p1".into(), other: 9 });
}

#[derive(Debug, Default, PartialEq)]
struct Empty;
gob_struct! { Empty as "Empty" {} }

#[test]
fn an_empty_struct_fits_any_and_a_stranger_fits_none() {
    assert_eq!(send_over::<Empty, _, Post, _>(&Empty, &Zeros::Omit, full()), full());
    assert_eq!(send_over::<Post, _, Empty, _>(&full(), &Zeros::Omit, Empty), Empty);
    let error = error_of::<Post, _, File, _>(&full());
    assert_eq!(error.to_string(), "gob: the sender's struct Post has no field of File");
}

#[test]
fn a_kind_that_does_not_fit_is_told_with_type_and_field() {
    #[derive(Debug, Default)]
    struct Sender {
        metadata: Option<SenderMetadata>,
    }
    #[derive(Debug, Default)]
    struct SenderMetadata {
        files: Vec<SenderFile>,
    }
    #[derive(Debug, Default)]
    struct SenderFile {
        size: String,
    }
    gob_struct! { Sender as "Post" { "Metadata" => metadata: Ptr<Struct<SenderMetadata>> } }
    gob_struct! { SenderMetadata as "Metadata" { "Files" => files: Slice<Struct<SenderFile>> } }
    gob_struct! { SenderFile as "File" { "Size" => size: Str } }
    let value = Sender { metadata: Some(SenderMetadata { files: vec![SenderFile { size: "big".into() }] }) };
    let error = error_of::<Sender, _, Post, _>(&value);
    assert_eq!(error.to_string(), "gob: File.Size (at Post.Metadata.Files.Size): the sender has string, wanted is int");
}

#[test]
fn a_number_that_does_not_fit_is_told_with_type_and_field() {
    #[derive(Debug, Default)]
    struct Small {
        create_at: i8,
    }
    gob_struct! { Small as "Small" { "CreateAt" => create_at: Int } }
    let value = Post { create_at: 128, ..Post::default() };
    let error = error_of::<Post, _, Small, _>(&value);
    assert_eq!(error.to_string(), "gob: Small.CreateAt: the number does not fit i8");
    assert_eq!(*error.kind(), DecodeErrorKind::OutOfRange("i8"));
}

#[test]
fn nil_is_no_element() {
    let mut out = Vec::new();
    let list = vec![Some(1_i64), None];
    let error = Encoder::new().encode::<Slice<Ptr<Int>>, _>(&list, &mut out).unwrap_err();
    assert_eq!(error.to_string(), "gob: a nil pointer cannot be sent as an element, only as a field");
    assert!(out.is_empty());
    let error = Encoder::new().encode::<Ptr<Int>, _>(&None::<i64>, &mut out).unwrap_err();
    assert_eq!(*error.kind(), mm_gob::EncodeErrorKind::NilElement);
}

#[test]
fn after_a_failed_value_the_encoder_goes_on() {
    #[derive(Debug, Default)]
    struct List {
        list: Vec<Option<i64>>,
    }
    gob_struct! { List as "List" { "List" => list: Slice<Ptr<Int>> } }
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    let error = encoder.encode::<Struct<List>, _>(&List { list: vec![None] }, &mut out).unwrap_err();
    assert_eq!(error.to_string(), "gob: List.List: a nil pointer cannot be sent as an element, only as a field");
    encoder.encode::<Struct<List>, _>(&List { list: vec![Some(4)] }, &mut out).unwrap();
    let mut decoder = Decoder::new();
    decoder.push(&out);
    assert_eq!(decoder.decode::<Struct<List>, List>().unwrap().unwrap().list, [Some(4)]);
}

#[test]
fn strings_that_are_not_utf8() {
    let mut out = Vec::new();
    Encoder::new().encode::<StrBytes, _>(&b"a\xffb".to_vec(), &mut out).unwrap();
    let read = || {
        let mut decoder = Decoder::new();
        decoder.push(&out);
        decoder
    };
    assert_eq!(read().decode::<Str, String>().unwrap().unwrap(), "a\u{fffd}b");
    assert_eq!(read().decode::<StrBytes, Vec<u8>>().unwrap().unwrap(), b"a\xffb");
    assert_eq!(read().decode_dynamic().unwrap().unwrap().value, dynamic::Value::RawString(b"a\xffb".to_vec()));
}

#[test]
fn long_bytes_are_views_of_the_message() {
    let data = bytes::Bytes::from(vec![7; 1 << 20]);
    let mut out = Vec::new();
    Encoder::new().encode::<Bytes, _>(&data, &mut out).unwrap();
    let mut decoder = Decoder::new();
    decoder.push(&out);
    let read = decoder.decode::<Bytes, bytes::Bytes>().unwrap().unwrap();
    assert_eq!(read, data);
    assert!(decoder.is_idle());
}

#[test]
fn a_stream_over_a_reader_ends_cleanly_or_not() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new();
    for number in 0..3 {
        encoder.encode::<Struct<File>, _>(&File { name: "n".into(), size: number }, &mut out).unwrap();
    }
    let mut reader = mm_gob::Reader::new(&out[..]);
    let mut sizes = Vec::new();
    while let Some(file) = reader.decode::<Struct<File>, File>().unwrap() {
        sizes.push(file.size);
    }
    assert_eq!(sizes, [0, 1, 2]);
    let mut cut = mm_gob::Reader::new(&out[..out.len() - 1]);
    cut.skip().unwrap();
    cut.skip().unwrap();
    assert!(matches!(cut.skip(), Err(mm_gob::ReadError::Io(_))));
}

/// A struct within itself, in a list and in a map, as a newer sender has it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tree {
    name: String,
    color: i64,
    parts: Vec<Tree>,
    files: BTreeMap<String, File>,
}

struct Newer;
gob_struct! {
    Newer => Tree as "NewTree" {
        "Name" => name: Str, "Color" => color: Int, "Parts" => parts: Slice<Struct<Newer>>,
        "Files" => files: Map<Str, Struct<File>>,
    }
}

struct Older;
gob_struct! {
    Older => Tree as "Tree" {
        "Name" => name: Str, "Parts" => parts: Slice<Struct<Older>>, "Files" => files: Map<Str, Struct<OlderFile>>,
    }
}

struct OlderFile;
gob_struct! { OlderFile => File as "File" { "Name" => name: Str } }

/// Keeps the sender's fields that the codec `C` passes over, in place of the value.
struct Unknown<C>(std::marker::PhantomData<C>);

impl<C: Codec<Tree>> Codec<Vec<String>> for Unknown<C> {
    fn wire_type(types: &mut mm_gob::TypeTable) -> mm_gob::TypeId {
        C::wire_type(types)
    }

    fn presence(_: &Vec<String>) -> mm_gob::Presence {
        mm_gob::Presence::Present
    }

    fn encode(_: &Vec<String>, out: &mut mm_gob::ValueWriter<'_>) -> Result<(), mm_gob::EncodeError> {
        C::encode(&Tree::default(), out)
    }

    fn plan(planner: &mut mm_gob::Planner<'_>, sender: mm_gob::TypeId) -> Result<mm_gob::Plan, mm_gob::DecodeError> {
        C::plan(planner, sender)
    }

    fn decode(
        into: &mut Vec<String>,
        from: &mut mm_gob::ValueReader<'_>,
        plan: mm_gob::Plan,
    ) -> Result<(), mm_gob::DecodeError> {
        *into = from.unknown_fields(plan);
        C::decode(&mut Tree::default(), from, plan)
    }
}

#[test]
fn a_codec_can_ask_what_is_passed_over() {
    let unknown = |bytes: &[u8]| {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        decoder.push(&[3, 2, 0, 1]);
        let unknown = decoder.decode::<Unknown<Struct<Older>>, _>().expect("it can be decoded").expect("it is whole");
        assert_eq!(decoder.decode::<Bool, bool>(), Ok(Some(true)));
        unknown
    };
    // It is a matter of the types: an empty tree has the same.
    for tree in [Tree::default(), Tree { parts: vec![Tree { color: 1, ..Tree::default() }], ..Tree::default() }] {
        assert_eq!(unknown(&bytes_of::<Newer, _>(&tree, &Zeros::Omit)), ["File.Size", "Tree.Color"]);
    }
    assert_eq!(unknown(&bytes_of::<Older, _>(&Tree::default(), &Zeros::Omit)), [""; 0]);
}
