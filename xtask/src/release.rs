//! `cargo xtask dist`: the files of a release, in one folder.
//!
//! ```text
//! mm-host-<version>-<target>            static, so that it runs on every Linux      one a target
//! mattermost_plugin_sdk-<version>-….whl the SDK                                     one a target
//! mattermost_plugin_sdk-<version>.tar.gz its source
//! mm-host-<version>.cdx.json            what is in the programs (CycloneDX)
//! RELEASE_NOTES.md                      this version's part of CHANGELOG.md
//! SHA256SUMS                            of all the others
//! ```
//!
//! Nothing is uploaded: `.github/workflows/release.yml` does that with the folder. Every target is made on every machine ([`zig`]).

mod checksums;
mod notes;
mod sbom;
mod targets;
mod zig;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use self::targets::Target;
use self::zig::Zig;
use crate::venv::{self, run};
use crate::workspace::{self, cargo};

/// maturin and zig, by hash.
const TOOLS: &str = "python/requirements-dist.txt";

/// The oldest system that a wheel must run on, which is also the newest that `mm-host bundle` takes wheels for. zig links for it, and
/// maturin refuses a module that needs a newer one.
const PLATFORM: &str = "manylinux_2_28";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the files go; its old ones of the same names are replaced
    #[arg(long, value_name = "DIR", default_value = "target/dist")]
    output: PathBuf,
    /// For which servers: linux-amd64, linux-arm64; this machine's unless given
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    target: Vec<Target>,
    /// Only this part: the others are left as they are
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// mm-host
    Host,
    /// The SDK as wheels
    Wheels,
    /// The SDK's source
    Sdist,
    /// What is in them, and what is new
    Papers,
}

/// Makes the parts. All that can be refused is refused before anything is built.
pub(crate) fn run_dist(args: Args) -> Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let targets = if args.target.is_empty() { vec![Target::here()?] } else { args.target.clone() };
    let version = env!("CARGO_PKG_VERSION");
    let notes = notes::of(&read("CHANGELOG.md")?, version)?;
    targets::check_installed(&triples(&targets, wanted(Part::Host), wanted(Part::Wheels)))?;
    let output = workspace::root().join(&args.output);
    fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
    let python = || venv::with("target/venv-dist", TOOLS);

    if wanted(Part::Host) {
        let zig = Zig::of(&python()?)?;
        for target in &targets {
            host(target, &zig, &output.join(format!("mm-host-{version}-{target}")))?;
        }
    }
    if wanted(Part::Wheels) {
        let interpreter = python()?;
        let zig = Zig::of(&interpreter)?;
        for target in &targets {
            let what =
                ["build", "--release", "--locked", "--zig", "--target", target.gnu(), "--compatibility", PLATFORM];
            run(maturin(&interpreter, &output, &what).envs(zig.for_wheels()))?;
            let wheel = output.join(target.wheel(version, PLATFORM));
            ensure!(wheel.is_file(), "maturin made no {}: see what it said above", wheel.display());
        }
    }
    if wanted(Part::Sdist) {
        run(&mut maturin(&python()?, &output, &["sdist"]))?;
    }
    if wanted(Part::Papers) {
        let bom = sbom::of(&["mm-host", "mm-pyrt"], version)?;
        fs::write(output.join(format!("mm-host-{version}.cdx.json")), bom)?;
        fs::write(output.join("RELEASE_NOTES.md"), notes)?;
    }
    let n_files = checksums::write(&output)?;
    eprintln!("{n_files} files in {}", output.display());
    Ok(())
}

/// The targets, as Rust calls them, that these parts are built for.
fn triples(targets: &[Target], programs: bool, wheels: bool) -> Vec<&'static str> {
    let of = |wanted: bool, triple: fn(&Target) -> &'static str| targets.iter().filter(move |_| wanted).map(triple);
    of(programs, Target::musl).chain(of(wheels, Target::gnu)).collect()
}

/// Builds the host for a target, and sees that it needs no library of the system.
fn host(target: &Target, zig: &Zig, file: &Path) -> Result<()> {
    let triple = target.musl();
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--package", "mm-host", "--target", triple]);
    run(build.envs(zig.for_programs(target)?))?;
    let built = workspace::target().join(triple).join("release/mm-host");
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    targets::check_static(&bytes).with_context(|| built.display().to_string())?;
    fs::copy(&built, file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}

fn maturin(interpreter: &Path, output: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(interpreter);
    command.current_dir(workspace::path("python")).args(["-m", "maturin"]).args(arguments).arg("--out").arg(output);
    command
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(workspace::path(path)).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_built_needs_a_standard_library() {
        let targets = ["linux-amd64", "linux-arm64"].map(|it| it.parse().unwrap());
        assert_eq!(triples(&targets, true, false), ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"]);
        assert_eq!(triples(&targets[1..], true, true), ["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"]);
        assert!(triples(&targets, false, false).is_empty());
    }
}
