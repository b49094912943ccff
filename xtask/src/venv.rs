//! The virtual environment of this repository's own Python tools (pytest, mypy, ruff, …), under `target/`.
//!
//! Made when it is missing and again when `python/requirements-dev.txt` changes; nothing outside `target/` is touched.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// The oldest Python that the SDK supports.
const OLDEST: (u32, u32) = (3, 10);

/// Returns the interpreter of the environment, after making sure that it holds every pinned tool.
pub(crate) fn python(root: &Path) -> Result<PathBuf> {
    prepare(&root.join("target/venv"), &root.join("python/requirements-dev.txt"))
}

/// As [`python`], for another folder and another list of tools, both given relative to the repository.
pub(crate) fn with(folder: &str, requirements: &str) -> Result<PathBuf> {
    prepare(&workspace::path(folder), &workspace::path(requirements))
}

fn prepare(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let interpreter = folder.join("bin/python");
    let wanted = std::fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
    let stamp = folder.join("installed.txt");
    if interpreter.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    eprintln!("preparing the Python tools in {} (once, and when {} changes)", folder.display(), requirements.display());
    run(Command::new(system_python()?).args(["-m", "venv", "--clear"]).arg(folder))?;
    run(Command::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement"])
        .arg(requirements))?;
    std::fs::write(stamp, wanted)?;
    Ok(interpreter)
}

/// Runs a command with the terminal's own streams; a failure names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// `python3` or `python`, whichever is new enough.
fn system_python() -> Result<&'static str> {
    let check = format!("import sys; sys.exit(sys.version_info < ({}, {}))", OLDEST.0, OLDEST.1);
    for name in ["python3", "python"] {
        if Command::new(name).args(["-c", &check]).status().is_ok_and(|status| status.success()) {
            return Ok(name);
        }
    }
    bail!(
        "no Python {}.{} or newer found as `python3` or `python`; install one (Debian: `apt install python3 python3-venv`)",
        OLDEST.0,
        OLDEST.1
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::workspace;

    #[test]
    fn the_lock_has_every_tool_in_the_version_asked_for() {
        pinned("python/requirements-dev");
        pinned("python/requirements-dist");
    }

    fn pinned(list: &str) {
        let read = |suffix: &str| fs::read_to_string(workspace::path(&format!("{list}{suffix}"))).unwrap();
        let (asked, locked) = (read(".in"), read(".txt"));
        let tools: Vec<&str> = asked.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).collect();
        assert!(!tools.is_empty());
        for tool in tools {
            let (name, version) = tool.split_once("==").expect("each tool is pinned");
            let name = name.split('[').next().unwrap_or_default();
            let line = format!("\n{name}=={version} \\\n    --hash=sha256:");
            assert!(locked.contains(&line), "{tool}: make {list}.txt again as its first lines say");
        }
    }
}
