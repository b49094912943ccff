//! `cargo xtask ci`: exactly what CI runs, so that nobody learns it from CI.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::venv::{self, run};
use crate::workspace::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run_ci(_: Args) -> Result<()> {
    let root = workspace::root();
    step("cargo fmt", || run(cargo().args(["fmt", "--all", "--check"])))?;
    step("cargo clippy", || {
        run(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    step("cargo xtask regenerate --check", || run(cargo().args(["xtask", "regenerate", "--check"])))?;
    step("cargo xtask test", || run(cargo().args(["xtask", "test"])))?;
    step("cargo package", || {
        let mut package = cargo();
        package.args(["package", "--locked", "--allow-dirty", "--all-features"]);
        // One command for all, since the last needs the others and no registry has them.
        run(package.args(PUBLISHED.iter().flat_map(|it| ["--package", it])))
    })?;
    let interpreter = venv::python(root)?;
    for check in PYTHON_CHECKS {
        step(check.name, || run(&mut tool(&interpreter, root, check.args)))?;
    }
    step("mypy and pyright on the examples", || examples(&interpreter, root))
}

/// The crates that others may use by themselves: each has to build of what its package holds.
const PUBLISHED: [&str; 3] = ["mm-gob", "mm-goplugin", "mm-proto"];

/// The programs of PyPI that judge Python code. Their configuration is in `python/pyproject.toml`.
const PYTHON_CHECKS: &[Check] = &[
    Check { name: "ruff check", args: &["ruff", "check", "python", "examples", "tests", "benches"] },
    Check { name: "ruff format", args: &["ruff", "format", "--check", "python", "examples", "tests", "benches"] },
    Check { name: "mypy", args: &["mypy", "--config-file", CONFIG] },
    Check { name: "pyright", args: &["pyright", "--project", CONFIG] },
];

const CONFIG: &str = "python/pyproject.toml";

struct Check {
    name: &'static str,
    args: &'static [&'static str],
}

/// Each example is a program of its own, so each is checked by itself.
fn examples(interpreter: &Path, root: &Path) -> Result<()> {
    for example in std::fs::read_dir(root.join("examples"))? {
        let folder = example?.path();
        if folder.join("plugin.py").exists() {
            run(tool(interpreter, root, &["mypy", "--strict", "--python-version", "3.10", "plugin.py"])
                .current_dir(&folder))?;
            run(tool(interpreter, root, &["pyright", "--pythonversion", "3.10", "plugin.py"]).current_dir(&folder))?;
        }
    }
    Ok(())
}

/// `python -m TOOL …`, where the SDK is found.
fn tool(interpreter: &Path, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(interpreter);
    let sdk = root.join("python/src");
    command.current_dir(root).arg("-m").args(arguments).env("PYTHONPATH", &sdk).env("MYPYPATH", &sdk);
    command
}

/// Runs one step and says how long it took.
fn step(name: &str, action: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("\n=== {name}");
    let start = Instant::now();
    action().with_context(|| format!("step `{name}`"))?;
    eprintln!("=== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
