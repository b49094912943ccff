//! `cargo xtask ci`: exactly what CI runs, so that nobody learns it from CI.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::venv::{self, run};
use crate::{test, workspace};

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run_ci(_: Args) -> Result<()> {
    let root = workspace::root();
    step("cargo fmt", || run(cargo(&root).args(["fmt", "--all", "--check"])))?;
    step("cargo clippy", || {
        run(cargo(&root).args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    step("cargo xtask regenerate --check", || run(cargo(&root).args(["xtask", "regenerate", "--check"])))?;
    step("cargo xtask test", || run(cargo(&root).args(["xtask", "test"])))?;
    let interpreter = venv::python(&root)?;
    for check in PYTHON_CHECKS {
        step(check.name, || {
            run(Command::new(&interpreter).current_dir(&root).env("PYTHONPATH", root.join("python/src")).args(check.args))
        })?;
    }
    Ok(())
}

struct Check {
    name: &'static str,
    args: &'static [&'static str],
}

/// Configuration of all three tools is in `python/pyproject.toml`.
const PYTHON_CHECKS: &[Check] = &[
    Check { name: "ruff check", args: &["-m", "ruff", "check", "--config", "python/pyproject.toml", "python", "examples", "tests"] },
    Check {
        name: "ruff format",
        args: &["-m", "ruff", "format", "--check", "--config", "python/pyproject.toml", "python", "examples", "tests"],
    },
];

/// Runs one step and says how long it took.
fn step(name: &str, action: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n=== {name}");
    let start = Instant::now();
    action().with_context(|| format!("step `{name}`"))?;
    eprintln!("=== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}
