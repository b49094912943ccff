//! `cargo xtask python`: builds the native module and puts it into the Python package.
//!
//! That makes `python/src` usable as it is: put it on `PYTHONPATH`, or let a tool install it in place. Wheels are made by maturin.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// Where the module belongs, and its name: `abi3` means that one file serves every Python from 3.10 on.
const MODULE: &str = "python/src/mattermost_plugin/_native.abi3.so";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimise: slower to build, several times faster to run
    #[arg(long)]
    pub(crate) release: bool,
}

/// Builds the module; cargo does nothing when it is up to date.
pub(crate) fn run(args: Args) -> Result<()> {
    let built = build(args.release)?;
    let target = workspace::path(MODULE);
    // Running processes have the old file mapped into memory, so it is replaced by name and never written over.
    let fresh = target.with_extension("new");
    std::fs::copy(&built, &fresh).with_context(|| format!("cannot copy {} to {}", built.display(), fresh.display()))?;
    std::fs::rename(&fresh, &target).with_context(|| format!("cannot put {} in place", target.display()))?;
    eprintln!("{MODULE} is up to date");
    Ok(())
}

/// Runs cargo and reads from its messages where the library is, whatever target folder is in use.
fn build(release: bool) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace::root());
    command.args(["build", "--package", "mm-pyrt", "--message-format", "json-render-diagnostics"]);
    if release {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("building mm-pyrt failed; the messages are above");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let library = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(library_of);
    library.context("cargo built mm-pyrt but named no library")
}

/// The library's path, if this message announces it.
fn library_of(message: Value) -> Option<PathBuf> {
    if message["reason"] != "compiler-artifact" || message["target"]["name"] != "_native" {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    files.map(PathBuf::from).find(|file| file.extension().is_some_and(|it| it == "so" || it == "dylib"))
}
