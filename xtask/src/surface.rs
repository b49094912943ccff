//! `cargo xtask surface`: reads a Go source tree from disk, lets `mm_surface` describe it, writes the description.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use mm_surface::{Diagnostic, Externals, Fit, Surface};

use crate::upstream::Which;
use crate::{output, workspace};

/// Where the types of other modules are declared, and all that somebody has decided.
pub(crate) const OVERRIDES: &str = "surface/overrides.toml";
/// What is written unless told otherwise.
pub(crate) const SURFACE: &str = "surface/surface.json";
/// The version that everything in the repository is made from.
pub(crate) const UPSTREAM: &str = "surface/UPSTREAM";
/// Where the plugin interface is in a checkout of Mattermost.
const INSIDE_CHECKOUT: &[&str] = &["server/public", "public", "mattermost/server/public"];

/// Arguments of `cargo xtask surface`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// File to write, `-` for standard output [default: surface/surface.json of this repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let started = Instant::now();
    // Only the version that everything is made from has to use every declaration.
    let fit = if args.out.is_none() { Fit::Exact } else { Fit::AnyVersion };
    let surface = args.which.read(fit)?;
    let json = surface.to_json();
    let took = started.elapsed();

    let out = match args.out {
        Some(out) => out,
        None => pinned(&surface.upstream.version)?,
    };
    if out.as_os_str() == "-" {
        output::print(&json)?;
    } else {
        fs::write(&out, json).with_context(|| format!("cannot write {}", out.display()))?;
    }
    eprintln!(
        "Mattermost {}: {} API methods, {} hooks, {} types, read in {} ms",
        surface.upstream.version,
        surface.api.len(),
        surface.hooks.len(),
        surface.types.len(),
        took.as_millis(),
    );
    Ok(())
}

/// Reads the tree below a folder.
pub(crate) fn read(source: &Path, fit: Fit) -> anyhow::Result<Surface> {
    let source = read_tree(source)?;
    let overrides = workspace::path(OVERRIDES);
    let overrides = fs::read_to_string(&overrides).with_context(|| format!("cannot read {}", overrides.display()))?;
    let externals = Externals::from_toml(OVERRIDES, &overrides).map_err(|it| complaint(&it))?;
    mm_surface::read(&source, &externals.fitting(fit)).map_err(|it| complaint(&it))
}

/// The description in the repository, which is of one version only.
fn pinned(version: &str) -> anyhow::Result<PathBuf> {
    let upstream = fs::read_to_string(workspace::path(UPSTREAM)).with_context(|| format!("cannot read {UPSTREAM}"))?;
    let upstream = upstream.trim();
    anyhow::ensure!(
        version == upstream,
        "this is Mattermost {version}, and {UPSTREAM} says {upstream}: give --out FILE, or move to {version} by writing it there first"
    );
    Ok(workspace::path(SURFACE))
}

/// `11.6.0` → 11, 6, 0.
pub(crate) fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|it| it.parse().ok()).collect()
}

fn complaint(diagnostics: &[Diagnostic]) -> anyhow::Error {
    let lines: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    anyhow::anyhow!("{} to mend\n{}", lines.len(), lines.join("\n"))
}

/// Every Go file below the folder and its `go.mod`, by path relative to it.
fn read_tree(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    if !root.join("go.mod").is_file() {
        let better = INSIDE_CHECKOUT.iter().map(|it| root.join(it)).find(|it| it.join("go.mod").is_file());
        let hint = better.map_or_else(
            || "give the folder `server/public` of a Mattermost checkout".to_owned(),
            |it| format!("did you mean {}?", it.display()),
        );
        anyhow::bail!("{} has no go.mod: {hint}", root.display());
    }
    let mut files = BTreeMap::new();
    read_folder(root, "", &mut files)?;
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, into: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // As for Go itself, these hold no packages.
        let hidden = name.starts_with(['.', '_']) || name == "testdata" || name == "vendor";
        if hidden {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), into)?;
        } else if path == "go.mod" || (name.ends_with(".go") && !name.ends_with("_test.go")) {
            let text =
                fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
            into.insert(path, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_tree_is_its_go_files_and_its_module() {
        let folder = tree(&[
            ("go.mod", "module x\n"),
            ("model/post.go", "package model\n"),
            ("model/post_test.go", "package model\n"),
            ("model/testdata/bad.go", "not Go"),
            ("model/.cache/old.go", "not Go"),
            ("model/README.md", "text"),
            ("shared/go.mod", "module y\n"),
        ]);
        let files = read_tree(folder.path()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["go.mod", "model/post.go"]);
    }

    #[test]
    fn the_root_of_a_checkout_is_told_where_to_look() {
        let folder = tree(&[("server/public/go.mod", "module x\n")]);
        let error = read_tree(folder.path()).unwrap_err().to_string();
        assert!(error.contains("did you mean") && error.ends_with("server/public?"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        let error = read_tree(empty.path()).unwrap_err().to_string();
        assert!(error.contains("has no go.mod: give the folder `server/public`"), "{error}");
    }

    #[test]
    fn another_version_does_not_replace_the_pinned_one() {
        let error = pinned("1.2.3").unwrap_err().to_string();
        assert!(error.contains("this is Mattermost 1.2.3") && error.contains("--out"), "{error}");
    }
}
