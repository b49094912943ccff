//! `cargo xtask dev DIR`: builds what is needed, and runs the plugin in DIR in a simulated Mattermost.
//!
//! The same as `mm-host dev DIR` with a host and an SDK from this checkout, brought up to date before.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::python;
use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimise: slower to build, several times faster to run
    #[arg(long)]
    release: bool,
    /// The plugin's folder, such as examples/hello_python
    dir: PathBuf,
    /// Passed on to `mm-host dev`, such as --watch, --trace, --script FILE; `mm-host dev --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds, and becomes the host: it gets the terminal, and its exit code is this one's. Returns only when that fails.
pub(crate) fn run(args: Args) -> Result<()> {
    if !args.dir.is_dir() {
        bail!("{} is no folder: give the folder of a plugin, such as examples/hello_python", args.dir.display());
    }
    python::run(python::Args { release: args.release })?;
    let host = build(args.release)?;
    let error = Command::new(&host)
        .arg("dev")
        .arg(&args.dir)
        .arg("--sdk")
        .arg(workspace::path("python/src"))
        .args(args.options.iter().filter(|it| *it != "--"))
        .exec();
    Err(error).with_context(|| format!("cannot start {}", host.display()))
}

/// Builds the host and reads from cargo's messages where it is, whatever target folder is in use.
fn build(release: bool) -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "--package", "mm-host", "--message-format", "json-render-diagnostics"]);
    if release {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("building mm-host failed; the messages are above");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables =
        messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter_map(executable_of);
    executables.next_back().context("cargo built mm-host but named no executable")
}

/// The executable's path, if this message announces the host's.
fn executable_of(message: Value) -> Option<PathBuf> {
    let is_host = message["target"]["name"] == "mm-host" && message["target"]["kind"][0] == "bin";
    is_host.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}
