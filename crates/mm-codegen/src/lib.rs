//! Surface to IR, and IR to proto and Rust; and surface to Go, for tests.
//!
//! ```text
//! surface.json + versions/*.json + overrides.toml + docs.toml + wire.lock
//!    │  load → lower → passes
//!    ▼
//! ir::Ir ──► proto::generate ──► rust::generate        (and mm-pysdk-gen: Python, reference pages)
//! ```
//!
//! This crate never touches the disk, the clock or the network: inputs come as text, outputs go as [`Files`].

pub mod breaking;
mod diagnostic;
mod docs;
mod files;
pub mod go;
pub mod ir;
mod lower;
pub mod names;
mod older;
mod overrides;
mod pass;
pub mod policy;
pub mod proto;
mod render;
pub mod rust;
mod wire_lock;

pub use diagnostic::Diagnostic;
pub use files::{Files, header, markdown_header};
pub use older::union;

use docs::Docs;
use ir::Ir;
use overrides::Overrides;
use wire_lock::WireLock;

/// Where [`Compiled::wire_lock`] belongs.
pub const WIRE_LOCK: &str = wire_lock::FILE;

/// What [`Inputs::docs`] is the text of.
pub const DOCS: &str = docs::FILE;

/// The texts of the inputs.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// `surface/surface.json`
    pub surface: String,
    /// The surfaces of older servers in `surface/versions`, whose fields are added; see [`union`].
    pub older: Vec<String>,
    /// `surface/overrides.toml`
    pub overrides: String,
    /// `surface/docs.toml`
    pub docs: String,
    /// `surface/wire.lock`; empty when there is none yet.
    pub wire_lock: String,
    /// Leaves missing docs empty and lists them in [`Compiled::missing_docs`] instead of complaining: for tests of small inputs,
    /// and for a move to another version of upstream. What is generated is never made with it.
    pub allow_missing_docs: bool,
}

/// What the inputs come to.
#[derive(Debug)]
pub struct Compiled {
    pub ir: Ir,
    /// The ledger with the new numbers, to be written back to `surface/wire.lock`.
    pub wire_lock: String,
    /// What `docs.toml` does not say yet, sorted; only with [`Inputs::allow_missing_docs`].
    pub missing_docs: Vec<MissingDoc>,
}

/// Words that `docs.toml` lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingDoc {
    /// The table, as its header spells it: `api.GetUser`, `type."model.Post"`.
    pub entry: String,
    /// The key in it: `doc`, `returns`, `params.userID`, `fields.Props`.
    pub key: String,
}

/// The IR as it is after lowering or after a pass.
#[derive(Debug)]
pub struct Stage {
    /// `lower`, or the pass's name.
    pub name: &'static str,
    pub ir: Ir,
}

/// Reads the inputs and runs all passes.
///
/// # Errors
/// Every mistake that was found in the inputs.
pub fn load(inputs: &Inputs) -> Result<Ir, Vec<Diagnostic>> {
    compile(inputs).map(|it| it.ir)
}

/// As [`load`], and gives the ledger of numbers too.
///
/// # Errors
/// As [`load`].
pub fn compile(inputs: &Inputs) -> Result<Compiled, Vec<Diagnostic>> {
    let mut last = None;
    let (wire_lock, missing_docs) = run(inputs, |_, ir| last = Some(ir.clone()))?;
    Ok(Compiled { ir: last.expect("lowering is a stage"), wire_lock, missing_docs })
}

/// The IR after every stage, in order, for people who look for the pass that did something.
///
/// # Errors
/// As [`load`].
pub fn stages(inputs: &Inputs) -> Result<Vec<Stage>, Vec<Diagnostic>> {
    let mut stages = Vec::new();
    run(inputs, |name, ir| stages.push(Stage { name, ir: ir.clone() }))?;
    Ok(stages)
}

/// Runs everything, showing the IR to `watch` after every stage; gives the new ledger and the docs that are missing.
fn run(
    inputs: &Inputs,
    mut watch: impl FnMut(&'static str, &Ir),
) -> Result<(String, Vec<MissingDoc>), Vec<Diagnostic>> {
    let (surface, overrides, mut context) = parse(inputs)?;
    let mut ir = lower::lower(&surface, &overrides, &mut context.diagnostics);
    overrides.report_stale(&mut context.diagnostics);
    watch("lower", &ir);
    // Passes rely on what lowering promises.
    if context.diagnostics.is_empty() {
        for pass in pass::PASSES {
            (pass.run)(&mut ir, &mut context);
            watch(pass.name, &ir);
        }
    }
    if context.diagnostics.is_empty() {
        context.missing_docs.sort();
        return Ok((context.lock.print(), context.missing_docs));
    }
    context.diagnostics.sort();
    context.diagnostics.dedup();
    Err(context.diagnostics)
}

fn parse(inputs: &Inputs) -> Result<(mm_surface::Surface, Overrides, pass::Context), Vec<Diagnostic>> {
    let surface = union(inputs);
    let overrides = Overrides::parse(&inputs.overrides);
    let docs = Docs::parse(&inputs.docs);
    let lock = WireLock::parse(&inputs.wire_lock);
    match (surface, overrides, docs, lock) {
        (Ok(surface), Ok(overrides), Ok(docs), Ok(lock)) => {
            let context = pass::Context {
                docs,
                lock,
                allow_missing_docs: inputs.allow_missing_docs,
                missing_docs: Vec::new(),
                diagnostics: Vec::new(),
            };
            Ok((surface, overrides, context))
        }
        (surface, overrides, docs, lock) => {
            let mut diagnostics: Vec<Diagnostic> =
                [surface.err(), overrides.err(), docs.err()].into_iter().flatten().collect();
            diagnostics.extend(lock.err().into_iter().flatten());
            Err(diagnostics)
        }
    }
}
