//! `cargo xtask surface`: reads a Go source tree from disk, lets `mm_surface` describe it, writes the description.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io};

use anyhow::Context as _;
use mm_surface::{Diagnostic, Externals};

use crate::workspace;

/// Where the types of other modules are declared.
const OVERRIDES: &str = "surface/overrides.toml";
/// What is written unless told otherwise.
const SURFACE: &str = "surface/surface.json";
/// Where the plugin interface is in a checkout of Mattermost.
const INSIDE_CHECKOUT: &[&str] = &["server/public", "public", "mattermost/server/public"];

/// Arguments of `cargo xtask surface`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder `server/public` of a Mattermost checkout
    #[arg(long, value_name = "DIR")]
    source: PathBuf,
    /// File to write, `-` for standard output [default: surface/surface.json of this repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let started = Instant::now();
    let source = read_tree(&args.source)?;
    let overrides = workspace::path(OVERRIDES);
    let overrides = fs::read_to_string(&overrides).with_context(|| format!("cannot read {}", overrides.display()))?;
    let externals = Externals::from_toml(OVERRIDES, &overrides).map_err(|it| complaint(&it))?;
    let surface = mm_surface::read(&source, &externals).map_err(|it| complaint(&it))?;
    let json = surface.to_json();
    let took = started.elapsed();

    let out = args.out.unwrap_or_else(|| workspace::path(SURFACE));
    if out.as_os_str() == "-" {
        print!("{json}");
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
    read_folder(root, "", &mut files).with_context(|| format!("cannot read {}", root.display()))?;
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, into: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
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
            into.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}
