//! `cargo xtask test`: every test of the repository, the fast ones first.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::python;
use crate::venv::{self, run};
use crate::workspace::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Passed on to pytest, such as `-k kv`
    #[arg(last = true)]
    pytest: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The crates
    Rust,
    /// The SDK, the examples and the documentation, against real peers
    Python,
    /// The peers written in Go; they need Go on the PATH
    Go,
}

pub(crate) fn run_tests(args: Args) -> Result<()> {
    let root = workspace::root();
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Rust) {
        rust()?;
    }
    if wanted(Part::Go) {
        go(root, args.only == Some(Part::Go))?;
    }
    if wanted(Part::Python) {
        python_tests(root, &args.pytest)?;
    }
    Ok(())
}

/// The crates' tests. `mm-host`'s start real Python plugins, so the SDK's native module is built first.
fn rust() -> Result<()> {
    python::run(python::Args { release: false })?;
    run(cargo().args(["test", "--workspace", "--locked"]))
}

fn python_tests(root: &Path, arguments: &[String]) -> Result<()> {
    let interpreter = venv::python(root)?;
    python::run(python::Args { release: false })?;
    run(cargo().args(["build", "--locked", "--package", "mm-host"]))?;
    run(Command::new(interpreter)
        .current_dir(root)
        .args(["-m", "pytest", "-c", "python/pyproject.toml", "--rootdir", ".", "python/tests", "tests"])
        .args(arguments)
        .env("PYTHONPATH", root.join("python/src"))
        .env("MM_HOST", root.join("target/debug/mm-host")))
}

/// The tests of `tests/interop-go`. Without Go they are left out and said to be, unless they were asked for or this is CI.
fn go(root: &Path, asked: bool) -> Result<()> {
    if Command::new("go").arg("version").output().is_err() {
        if asked || std::env::var_os("CI").is_some() {
            bail!("the tests of tests/interop-go need Go on the PATH; https://go.dev/doc/install");
        }
        eprintln!("note: no Go on the PATH, so the tests of tests/interop-go are left out; CI runs them");
        return Ok(());
    }
    for arguments in [["vet", "./..."], ["test", "./..."]] {
        run(Command::new("go").args(arguments).current_dir(root.join("tests/interop-go")))?;
    }
    Ok(())
}
