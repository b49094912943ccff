//! `cargo xtask test`: every test of the repository, the fast ones first.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::venv::{self, run};
use crate::workspace::{self, cargo};
use crate::{older_peer, python};

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
    /// The peers written in Go, and plugins as bundles under a miniature Mattermost; they need Go on the PATH
    Go,
}

pub(crate) fn run_tests(args: Args) -> Result<()> {
    let root = workspace::root();
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Rust) {
        rust()?;
    }
    if wanted(Part::Go) {
        let asked = args.only == Some(Part::Go);
        go(root, asked, if asked { &args.pytest } else { &[] })?;
    }
    if wanted(Part::Python) {
        python_tests(root, &args.pytest)?;
    }
    Ok(())
}

/// Builds the miniature Mattermost.
pub(crate) fn minimost(root: &Path) -> Result<PathBuf> {
    let program = workspace::target().join("interop/minimost");
    run(go_command(root).args(["build", "-o"]).arg(&program).arg("./cmd/minimost"))?;
    Ok(program)
}

fn go_command(root: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(root.join("tests/interop-go"));
    command
}

/// The crates' tests. `mm-host`'s start real Python plugins, so the SDK's native module is built first.
fn rust() -> Result<()> {
    python::run(python::Args { release: false })?;
    run(cargo().args(["test", "--workspace", "--locked"]))
}

fn python_tests(root: &Path, arguments: &[String]) -> Result<()> {
    // What needs a program written in Go is not collected without it; see `tests/server/conftest.py` and `tests/sql/conftest.py`.
    run(pytest(root)?.args(["python/tests", "tests"]).args(arguments).env_remove("MINIMOST"))
}

/// pytest with the SDK and the host as they are now.
pub(crate) fn pytest(root: &Path) -> Result<Command> {
    let mut command = Command::new(venv::python(root)?);
    python::run(python::Args { release: false })?;
    run(cargo().args(["build", "--locked", "--package", "mm-host"]))?;
    command
        .current_dir(root)
        .args(["-m", "pytest", "-c", "python/pyproject.toml", "--rootdir", "."])
        .env("PYTHONPATH", root.join("python/src"))
        .env("MM_HOST", workspace::target().join("debug/mm-host"));
    Ok(command)
}

/// The tests of `tests/interop-go`, `tests/server` and `tests/sql`. Without Go they are left out and said to be, unless they were asked for or this
/// is CI.
fn go(root: &Path, asked: bool, arguments: &[String]) -> Result<()> {
    if Command::new("go").arg("version").output().is_err() {
        if asked || std::env::var_os("CI").is_some() {
            bail!(
                "the tests of tests/interop-go, tests/server and tests/sql need Go on the PATH; https://go.dev/doc/install"
            );
        }
        eprintln!(
            "note: no Go on the PATH, so the tests of tests/interop-go, tests/server and tests/sql are left out; CI runs them"
        );
        return Ok(());
    }
    let go = || go_command(root);
    run(go().args(["vet", "./..."]))?;
    run(go().args(["test", "./..."]))?;
    let newest = minimost(root)?;
    let folder = workspace::target().join("interop");
    let older = folder.join(format!("minimost-{}", older_peer::VERSION));
    let flags = older_peer::flags(&folder)?;
    run(go().args(["vet", "./mattermost/...", "./cmd/..."]).env("GOFLAGS", &flags))?;
    run(go().args(["test", "./mattermost/...", "./cmd/..."]).env("GOFLAGS", &flags))?;
    run(go().args(["build", "-o"]).arg(&older).arg("./cmd/minimost").env("GOFLAGS", &flags))?;
    let mut command = pytest(root)?;
    run(command.args(["tests/server", "tests/sql"]).args(arguments).env("MINIMOST", newest).env("MINIMOST_9_8", older))
}
