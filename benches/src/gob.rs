//! Values of the API in Go's gob: `mm-gob` with the generated schemas against Go's own `encoding/gob`, which makes the values and takes
//! turns (`tests/interop-go/cmd/gobbench`).

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mm_proto::gob::Model;
use mm_proto::gob::mm_gob::{Codec, Decoder, Encoder};
use mm_proto::plugin::v1;
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::report::{Report, Target};
use crate::startup::middle;

/// A value as Go writes it.
#[derive(Deserialize)]
struct Subject {
    r#type: String,
    /// By a fresh encoder: with all definitions.
    first: String,
    /// By the same encoder once more.
    again: String,
}

#[derive(Serialize)]
struct Wanted<'a> {
    r#type: &'a str,
    decode: bool,
    times: usize,
}

#[derive(Deserialize)]
struct Timed {
    ns: f64,
}

/// Measures Post, User and Config, both ways.
pub(crate) fn measure(gobbench: &Path, rounds: usize, report: &mut Report) -> Result<()> {
    let mut command = Command::new(gobbench);
    let mut go = Lines::start(command.stderr(Stdio::inherit()))?;
    let subjects: Vec<Subject> = (0..3).map(|_| go.read()).collect::<Result<_>>()?;
    for subject in subjects {
        match subject.r#type.as_str() {
            "Post" => one::<v1::Post>(&mut go, &subject, rounds, report)?,
            "User" => one::<v1::User>(&mut go, &subject, rounds, report)?,
            "Config" => one::<v1::Config>(&mut go, &subject, rounds, report)?,
            other => anyhow::bail!("gobbench measures {other}, which this does not"),
        }
    }
    Ok(())
}

fn one<T>(go: &mut Lines, subject: &Subject, rounds: usize, report: &mut Report) -> Result<()>
where
    T: Default,
    Model<T>: Codec<T>,
{
    let mut own = Own::<T>::new(&STANDARD.decode(&subject.first)?, STANDARD.decode(&subject.again)?)?;
    for decode in [false, true] {
        let what = if decode { "decode" } else { "encode" };
        // About 20 ms a turn.
        let per_call = own.run(decode, 10)?;
        let times = ((2e7 / per_call) as usize).clamp(10, 100_000);
        let (mut ratios, mut nanos) = (Vec::new(), Vec::new());
        // The first round warms up and does not count.
        for round in 0..=rounds {
            let own = own.run(decode, times)?;
            let other: Timed = go.ask(&Wanted { r#type: &subject.r#type, decode, times })?;
            if round > 0 {
                ratios.push(own / other.ns);
                nanos.push((own, other.ns));
            }
        }
        let name = format!("gob: {what} a filled {}", subject.r#type);
        report.add(&name, middle(nanos.iter().map(|it| it.0).collect()) / 1e3, "µs", None);
        report.add(format!("{name}, Go"), middle(nanos.iter().map(|it| it.1).collect()) / 1e3, "µs", None);
        report.add(format!("{name}, against Go"), middle(ratios), "×", Some(Target::AtMost(1.0)));
    }
    Ok(())
}

/// This side: one encoder and one decoder, as a connection has them.
struct Own<T> {
    value: T,
    again: Vec<u8>,
    encoder: Encoder,
    decoder: Decoder,
    out: Vec<u8>,
}

impl<T> Own<T>
where
    T: Default,
    Model<T>: Codec<T>,
{
    fn new(first: &[u8], again: Vec<u8>) -> Result<Self> {
        let (mut decoder, mut encoder, mut out) = (Decoder::new(), Encoder::new(), Vec::new());
        decoder.push(first);
        let value = decoder.decode::<Model<T>, T>()?.context("Go's stream ends early")?;
        encoder.encode::<Model<T>, T>(&value, &mut out)?;
        // The same values make messages of about the same length.
        out.clear();
        encoder.encode::<Model<T>, T>(&value, &mut out)?;
        let ratio = out.len() as f64 / again.len() as f64;
        ensure!((0.95..1.05).contains(&ratio), "Go writes {} bytes, this {}", again.len(), out.len());
        Ok(Self { value, again, encoder, decoder, out })
    }

    /// Nanoseconds for one.
    fn run(&mut self, decode: bool, times: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..times {
            if decode {
                self.decoder.push(&self.again);
                black_box(self.decoder.decode::<Model<T>, T>()?.context("the message ends early")?);
            } else {
                self.out.clear();
                self.encoder.encode::<Model<T>, T>(black_box(&self.value), &mut self.out)?;
                black_box(&self.out);
            }
        }
        Ok(start.elapsed().as_nanos() as f64 / times as f64)
    }
}
