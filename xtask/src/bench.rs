//! `cargo xtask bench`: builds everything for release and runs the benchmark, `benches/`. With Go on the PATH it measures against Go too.
//!
//! The native module in the Python package is the release build afterwards; `cargo xtask python` puts the other one back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{python, venv, workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fewer calls: to see that everything works
    #[arg(long)]
    quick: bool,
    /// Folder `server/public` of a Mattermost checkout, to measure how fast it is read
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Writes everything to this file as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// More options for `mm-bench run`, such as `--only sdk --directions hook`
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds and measures; fails when a target is missed.
pub(crate) fn run(args: Args) -> Result<()> {
    let root = workspace::root();
    let interpreter = venv::python(root)?;
    python::run(python::Args { release: true })?;
    let programs = build()?;
    let program = |name: &str| programs.get(name).with_context(|| format!("cargo built no {name}"));

    let mut command = std::process::Command::new(program("mm-bench")?);
    command.arg("run").arg("--root").arg(root);
    command.arg("--python").arg(interpreter);
    command.arg("--sdk").arg(workspace::path("python/src"));
    command.arg("--xtask").arg(program("xtask")?);
    command.arg("--host").arg(program("mm-host")?);
    if let Some(go) = go_programs()? {
        command.arg("--go").arg(go);
    }
    if let Some(source) = &args.source {
        command.arg("--source").arg(source.canonicalize().with_context(|| source.display().to_string())?);
    }
    if let Some(json) = &args.json {
        command.arg("--json").arg(json);
    }
    if args.quick {
        command.arg("--quick");
    }
    command.args(args.more);
    if !command.status().context("cannot start the benchmark")?.success() {
        bail!("the benchmark failed, or a target was missed");
    }
    Ok(())
}

/// Builds the programs written in Go; gives their folder, if there is Go.
fn go_programs() -> Result<Option<PathBuf>> {
    if std::process::Command::new("go").arg("version").output().is_err() {
        eprintln!("note: no Go on the PATH, so nothing is measured against Go");
        return Ok(None);
    }
    let folder = workspace::target().join("interop");
    for program in ["minimost", "refplugin", "gobbench"] {
        let mut build = std::process::Command::new("go");
        build.current_dir(workspace::path("tests/interop-go")).args(["build", "-o"]);
        venv::run(build.arg(folder.join(program)).arg(format!("./cmd/{program}")))?;
    }
    Ok(Some(folder))
}

/// Builds the programs that are measured or measure; gives their paths by name, whatever target folder is in use.
fn build() -> Result<BTreeMap<String, PathBuf>> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--locked", "--message-format", "json-render-diagnostics"]);
    command.args(["--package", "mm-bench", "--package", "mm-host", "--package", "xtask"]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the build failed; the messages are above");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages
        .filter_map(|it| Some((it["target"]["name"].as_str()?.into(), it["executable"].as_str()?.into())))
        .collect())
}
