//! `cargo xtask regenerate`: everything below the surface, written, checked or printed.
//!
//! The generators return files in memory; here they meet the disk. A generated folder holds nothing else: what a run no
//! longer makes is deleted (and reported by `--check`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum;
use mm_codegen::{Compiled, Files, Inputs};
use similar::TextDiff;

use crate::workspace;

/// The hand-written proto that is compiled along.
const HOST_PROTO: &str = "proto/mattermost/host/v1/host.proto";

/// Arguments of `cargo xtask regenerate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Writes nothing; fails with the difference if a file is not up to date
    #[arg(long, conflicts_with = "print")]
    check: bool,
    /// Writes nothing; prints all files
    #[arg(long)]
    print: bool,
    /// Only this part
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// Leaves missing docs empty instead of failing
    #[arg(long)]
    allow_missing_docs: bool,
}

/// A part of what is generated, and the folders that hold nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Proto,
    Rust,
    Python,
    Docs,
}

impl Part {
    const ALL: [Part; 4] = [Part::Proto, Part::Rust, Part::Python, Part::Docs];

    fn folder(self) -> &'static str {
        match self {
            Part::Proto => "proto/mattermost/plugin/v1",
            Part::Rust => "crates/mm-proto/src/generated",
            Part::Python => "python/src/mattermost_plugin/_generated",
            Part::Docs => "docs/reference",
        }
    }
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let started = Instant::now();
    let parts = args.only.map_or(Part::ALL.to_vec(), |it| vec![it]);
    let compiled = compile(args.allow_missing_docs)?;
    let mut files = Files::new();
    for part in &parts {
        files.extend(generate(*part, &compiled)?);
    }
    if args.only.is_none() {
        files.insert(mm_codegen::WIRE_LOCK, compiled.wire_lock.clone());
    }
    if args.print {
        files.iter().for_each(|(path, text)| println!("==> {path} <==\n{text}"));
        return Ok(());
    }
    let changes = changes(&files, &parts)?;
    if args.check {
        return check(&changes);
    }
    for change in &changes {
        change.apply()?;
    }
    eprintln!("{} files, {} changed, in {} ms", files.len(), changes.len(), started.elapsed().as_millis());
    Ok(())
}

/// The IR and the ledger, from the files in `surface`.
pub(crate) fn compile(allow_missing_docs: bool) -> anyhow::Result<Compiled> {
    mm_codegen::compile(&inputs(allow_missing_docs)?).map_err(|diagnostics| complaint(&diagnostics))
}

/// The files in `surface`.
pub(crate) fn inputs(allow_missing_docs: bool) -> anyhow::Result<Inputs> {
    let read = |path: &str| {
        fs::read_to_string(workspace::path(path)).with_context(|| format!("cannot read {path}"))
    };
    let wire_lock = if workspace::path(mm_codegen::WIRE_LOCK).exists() { read(mm_codegen::WIRE_LOCK)? } else { String::new() };
    Ok(Inputs {
        surface: read("surface/surface.json")?,
        overrides: read("surface/overrides.toml")?,
        docs: read("surface/docs.toml")?,
        wire_lock,
        allow_missing_docs,
    })
}

pub(crate) fn complaint(diagnostics: &[mm_codegen::Diagnostic]) -> anyhow::Error {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{} to mend\n{}", lines.len(), lines.join("\n"))
}

fn generate(part: Part, compiled: &Compiled) -> anyhow::Result<Files> {
    let ir = &compiled.ir;
    match part {
        Part::Proto => Ok(mm_codegen::proto::generate(ir)),
        Part::Rust => {
            let host = fs::read_to_string(workspace::path(HOST_PROTO)).with_context(|| format!("cannot read {HOST_PROTO}"))?;
            let mut files = mm_codegen::rust::generate(ir).map_err(anyhow::Error::msg)?;
            files.extend(mm_codegen::rust::generate_host(&host, &ir.upstream_version).map_err(anyhow::Error::msg)?);
            Ok(files)
        }
        Part::Python | Part::Docs => Ok(Files::new()),
    }
}

/// A file that is not as it should be.
struct Change {
    path: String,
    old: Option<String>,
    /// `None`: the file should not be there.
    new: Option<String>,
}

impl Change {
    fn apply(&self) -> anyhow::Result<()> {
        let path = workspace::path(&self.path);
        let done = match &self.new {
            Some(text) => {
                let folder = path.parent().expect("a file is in a folder");
                fs::create_dir_all(folder).and_then(|()| fs::write(&path, text))
            }
            None => fs::remove_file(&path),
        };
        done.with_context(|| format!("cannot write {}", self.path))
    }

    fn diff(&self) -> String {
        let (old, new) = (self.old.as_deref().unwrap_or_default(), self.new.as_deref().unwrap_or_default());
        let diff = TextDiff::from_lines(old, new);
        diff.unified_diff().context_radius(2).header(&self.path, "regenerated").to_string()
    }
}

fn changes(files: &Files, parts: &[Part]) -> anyhow::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (path, text) in files.iter() {
        let old = read_existing(&workspace::path(path))?;
        if old.as_deref() != Some(text) {
            changes.push(Change { path: path.to_owned(), old, new: Some(text.to_owned()) });
        }
    }
    let expected: BTreeSet<&str> = files.iter().map(|(path, _)| path).collect();
    for part in parts {
        let mut present = BTreeSet::new();
        list(&workspace::path(part.folder()), part.folder(), &mut present)?;
        for path in present.into_iter().filter(|it| !expected.contains(it.as_str())) {
            let old = read_existing(&workspace::path(&path))?;
            changes.push(Change { path, old, new: None });
        }
    }
    Ok(changes)
}

fn read_existing(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// All files below a folder, but those that Python leaves behind.
fn list(folder: &Path, prefix: &str, into: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "__pycache__" {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &path, into)?;
        } else {
            into.insert(path);
        }
    }
    Ok(())
}

/// How much of the difference is shown: enough to see what it is.
const MOST_DIFF_LINES: usize = 200;

fn check(changes: &[Change]) -> anyhow::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let diff: String = changes.iter().map(Change::diff).collect();
    let lines: Vec<&str> = diff.lines().collect();
    let shown = lines[..lines.len().min(MOST_DIFF_LINES)].join("\n");
    let more = lines.len().saturating_sub(MOST_DIFF_LINES);
    let rest = if more > 0 { format!("\n… and {more} lines more") } else { String::new() };
    anyhow::bail!("{} generated files are not up to date\n{shown}{rest}\nrun `cargo xtask regenerate`", changes.len())
}
