//! `cargo xtask gob`: looks inside gob streams, and makes them, with the surface's types and Go's names.
//!
//! A line is one value: `{"type": "model.User", "hex": "…"}`, a whole stream of definitions and one value, becomes
//! `{"type": "model.User", "value": {…}}` and the other way round. JSON has fewer types than Go:
//!
//! | Go | JSON |
//! |---|---|
//! | `[]byte` | base64 |
//! | `time.Time` | RFC 3339, `2024-01-02T03:04:05.000000006Z` |
//! | `*url.URL` | its text |
//! | `any` holding nil, `bool`, `int64`, `float64`, `string`, `[]any`, `map[string]any` | the bare value; a float has a point or an exponent |
//! | `any` holding another type | `{"$type": "*model.AppError", "value": {…}}` |
//! | a float that is no number | `"NaN"`, `"Infinity"`, `"-Infinity"` |

mod decode;
mod encode;
mod schema;
mod text;

use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use mm_gob::{Decoder, Encoder};
use mm_surface::Surface;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{output, regenerate};
use schema::Schema;

/// Arguments of `cargo xtask gob`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Reads `{"type": …, "hex": …}` lines, writes `{"type": …, "value": …}` lines
    Decode,
    /// Reads `{"type": …, "value": …}` lines, writes `{"type": …, "hex": …}` lines
    Encode,
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    #[serde(rename = "type")]
    ty: String,
    hex: String,
}

#[derive(Serialize, Deserialize)]
struct Decoded {
    #[serde(rename = "type")]
    ty: String,
    value: Json,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let surface: Surface = serde_json::from_str(&regenerate::inputs()?.surface).context("surface/surface.json")?;
    let schema = Schema::new(&surface);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let converted = match args.direction {
            Direction::Decode => decode_line(&schema, &line),
            Direction::Encode => encode_line(&schema, &line),
        };
        let converted = converted.with_context(|| format!("line {}", number + 1))?;
        if output::reading(writeln!(out, "{converted}"))?.is_break() {
            return Ok(());
        }
    }
    let _ = output::reading(out.flush())?;
    Ok(())
}

fn decode_line(schema: &Schema<'_>, line: &str) -> Result<String> {
    let Encoded { ty, hex } = serde_json::from_str(line)?;
    schema.check(&ty)?;
    let mut decoder = Decoder::new();
    decoder.push(&text::from_hex(&hex)?);
    let value = decoder.decode_dynamic()?.context("the stream ends before its value does")?;
    ensure!(decoder.is_idle(), "the stream goes on after its first value");
    let value = decode::json(&value)?;
    Ok(serde_json::to_string(&Decoded { ty, value })?)
}

fn encode_line(schema: &Schema<'_>, line: &str) -> Result<String> {
    let Decoded { ty, value } = serde_json::from_str(line)?;
    let typed = encode::typed(schema, &ty, &value)?;
    let mut bytes = Vec::new();
    Encoder::new().encode_dynamic(&typed, &mut bytes)?;
    Ok(serde_json::to_string(&Encoded { ty, hex: text::to_hex(&bytes) })?)
}

#[cfg(test)]
mod tests;
