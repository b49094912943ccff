//! Against Go itself: `tests/interop-go/gob` makes up types and values, sends them here, and compares what comes back.
//!
//! Needs Go. Without it the test says so and passes, except where `CI=true`: there it fails.

mod twin;

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mm_gob::codec::Struct;
use mm_gob::{Decoder, Encoder, Zeros};

use crate::twin::Twin;

/// Where the Go module is, seen from this crate.
fn go_module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop-go")
}

/// Builds the Go program; `None` if there is no Go here.
fn go_program() -> Option<PathBuf> {
    if Command::new("go").arg("version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "Go is needed for this test, and CI must have it");
        println!("NOT TESTED: this test needs Go (https://go.dev/dl), which is not on the PATH");
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-gob");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg("./gob").current_dir(go_module()).status();
    assert!(built.expect("go runs").success(), "the Go program does not build");
    Some(program)
}

/// Feeds `bytes` in pieces of many sizes, asking after each; returns all values that came out.
fn in_pieces<T>(bytes: &[u8], decoder: &mut Decoder, mut ask: impl FnMut(&mut Decoder) -> Option<T>) -> Vec<T> {
    let mut values = Vec::new();
    let mut size = 1;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        decoder.push(piece);
        rest = after;
        size = size * 3 % 1021;
        while let Some(value) = ask(decoder) {
            values.push(value);
        }
    }
    assert!(decoder.is_idle(), "the stream ends within a value");
    values
}

/// Reads every value without knowing its type and writes it again; reads the result once more; passes over all of it.
fn dynamic(bytes: &[u8], count: usize) -> Vec<u8> {
    let values =
        in_pieces(bytes, &mut Decoder::new(), |decoder| decoder.decode_dynamic().expect("Go's stream is read"));
    assert_eq!(values.len(), count);
    let mut out = Vec::new();
    let mut encoder = Encoder::new();
    for value in &values {
        encoder.encode_dynamic(value, &mut out).expect("what was read can be written");
    }
    let again = in_pieces(&out, &mut Decoder::new(), |decoder| decoder.decode_dynamic().expect("our stream is read"));
    // Go's random floats hold no NaN, so values can be compared.
    assert!(values.iter().map(|value| &value.value).eq(again.iter().map(|value| &value.value)));
    let skipped = in_pieces(bytes, &mut Decoder::new(), |decoder| decoder.skip().expect("Go's stream is passed over"));
    assert_eq!(skipped.len(), count);
    out
}

/// Reads every value as a [`Twin`] and writes it, with its zeros or without.
fn twins(bytes: &[u8], count: usize, zeros: &Zeros) -> Vec<u8> {
    let values = in_pieces(bytes, &mut Decoder::new(), |decoder| {
        decoder.decode::<Struct<Twin>, Twin>().expect("Go's stream is read")
    });
    assert_eq!(values.len(), count);
    let mut out = Vec::new();
    let mut encoder = Encoder::new();
    for value in &values {
        encoder.encode_with::<Struct<Twin>, _>(value, zeros, &mut out).expect("what was read can be written");
    }
    out
}

#[test]
fn random_values_of_random_types_go_both_ways() {
    let Some(program) = go_program() else { return };
    let seed = std::env::var("MM_GOB_SEED").unwrap_or_else(|_| "1".to_owned());
    let mut child = Command::new(program)
        .args(["-seed", &seed, "-streams", "400", "-values", "30"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Go program starts");
    let mut answers = child.stdin.take().expect("piped");
    let mut streams = BufReader::new(child.stdout.take().expect("piped"));
    let (mut values, mut bytes) = (0, 0);
    loop {
        let mut head = [0; 9];
        if streams.read_exact(&mut head).is_err() {
            // It has told on stderr what differs.
            break;
        }
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("4 bytes")) as usize;
        let (count, length) = (number(1), number(5));
        let mut stream = vec![0; length];
        streams.read_exact(&mut stream).expect("the whole stream");
        let answer = match head[0] {
            b'D' => dynamic(&stream, count),
            b'T' => twins(&stream, count, &Zeros::Omit),
            b'Z' => twins(&stream, count, &Zeros::Explicit),
            _ => break,
        };
        values += count;
        bytes += length;
        answers.write_all(&(answer.len() as u32).to_be_bytes()).expect("Go reads");
        answers.write_all(&answer).expect("Go reads");
    }
    drop(answers);
    assert!(child.wait().expect("it ends").success(), "Go found a difference (seed {seed}); see above");
    println!("{values} values ({bytes} bytes) the same both ways");
    assert!(values >= 10_000);
}
