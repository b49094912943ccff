//! For which machines a release is, and whether this one can build for them.

use std::ffi::OsString;
use std::fmt;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// A system and a processor, by the name that bundles have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    name: &'static str,
    /// Rust's processor.
    machine: &'static str,
    musl: &'static str,
    gnu: &'static str,
}

const TARGETS: [Target; 2] = [
    Target {
        name: "linux-amd64",
        machine: "x86_64",
        musl: "x86_64-unknown-linux-musl",
        gnu: "x86_64-unknown-linux-gnu",
    },
    Target {
        name: "linux-arm64",
        machine: "aarch64",
        musl: "aarch64-unknown-linux-musl",
        gnu: "aarch64-unknown-linux-gnu",
    },
];

/// The option for a machine that cannot build static programs.
const WITHOUT_HOST: &str = "--only wheels,sdist,papers";

impl FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = TARGETS.map(|it| it.name).join(", ");
        TARGETS.into_iter().find(|it| it.name == name).ok_or_else(|| format!("write one of {names}"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Target {
    /// This machine's.
    pub(crate) fn here() -> Result<Self> {
        let found = TARGETS.into_iter().find(|it| it.machine == std::env::consts::ARCH);
        found.context("this machine is none that servers run on: name a --target")
    }

    /// Rust's name of it with musl, against which programs are static.
    pub(crate) fn musl(&self) -> &'static str {
        self.musl
    }

    /// Rust's name of it with glibc, which Python has.
    pub(crate) fn gnu(&self) -> &'static str {
        self.gnu
    }

    /// Fails if this machine cannot build static programs of it.
    pub(crate) fn check_installed(&self) -> Result<()> {
        self.check_library()?;
        self.compiler().map(drop)
    }

    /// The variable with the C compiler for musl, as the crate `cc` reads it, and that compiler: SQLite is in C.
    pub(crate) fn compiler(&self) -> Result<(String, OsString)> {
        let variable = format!("CC_{}", self.musl.replace('-', "_"));
        let starts = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
        let compiler = self.choose_compiler(std::env::var_os(&variable), std::env::consts::ARCH, starts);
        let compiler = compiler.with_context(|| {
            format!(
                "there is no C compiler that links with musl for {self}: `apt-get install musl-tools`, name one in {variable}, or leave mm-host out with {WITHOUT_HOST}"
            )
        })?;
        Ok((variable, compiler))
    }

    /// What was `named`, or the first that starts on this `machine`.
    fn choose_compiler(
        &self,
        named: Option<OsString>,
        machine: &str,
        starts: impl Fn(&str) -> bool,
    ) -> Option<OsString> {
        let own = format!("{}-linux-musl-gcc", self.machine);
        // Its wrapper is for the machine's own processor.
        let wrapper = (machine == self.machine).then_some("musl-gcc");
        let found = || [Some(own.as_str()), wrapper].into_iter().flatten().find(|it| starts(it)).map(OsString::from);
        named.or_else(found)
    }

    /// Fails if the toolchain has no standard library for static programs of it.
    fn check_library(&self) -> Result<()> {
        let output = Command::new("rustc").args(["--print", "target-libdir", "--target", self.musl]).output();
        let output = output.context("cannot start rustc")?;
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && std::path::Path::new(&folder).is_dir() {
            return Ok(());
        }
        bail!(
            "the toolchain cannot build static programs for {self}: `rustup target add {}`, or leave mm-host out with {WITHOUT_HOST}",
            self.musl
        )
    }
}

/// The type of the segment of an ELF file that names its dynamic linker.
const PT_INTERP: u32 = 3;

/// Fails if an ELF file needs the dynamic linker: a host is started on systems of every age. A static program that can be loaded anywhere
/// has a dynamic segment, but names no interpreter.
pub(crate) fn check_static(bytes: &[u8]) -> Result<()> {
    let segments = segments(bytes).context("is no 64-bit ELF file")?;
    if segments.contains(&PT_INTERP) {
        bail!("needs the dynamic linker of a system, so it is not static: build it for a musl target");
    }
    Ok(())
}

/// The types of the segments of a little-endian 64-bit ELF file; `None` for any other file.
fn segments(bytes: &[u8]) -> Option<Vec<u32>> {
    let two = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    bytes.starts_with(b"\x7fELF\x02\x01").then_some(())?;
    let table = usize::try_from(u64::from_le_bytes(bytes.get(32..40)?.try_into().ok()?)).ok()?;
    let (size, count) = (usize::from(two(54)?), usize::from(two(56)?));
    let kind = |i: usize| {
        let at = table.checked_add(i.checked_mul(size)?)?;
        Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
    };
    (0..count).map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose program headers are of these types.
    fn elf(types: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = u8::try_from(types.len()).unwrap();
        for kind in types {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    const PT_LOAD: u32 = 1;
    const PT_DYNAMIC: u32 = 2;

    #[test]
    fn a_program_with_an_interpreter_is_not_static() {
        assert!(check_static(&elf(&[PT_LOAD, PT_DYNAMIC])).is_ok());
        assert!(check_static(&elf(&[PT_LOAD, PT_INTERP])).unwrap_err().to_string().contains("is not static"));
        // This test itself is linked as programs usually are.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(check_static(&own).is_err(), cfg!(target_env = "gnu"));
        assert!(check_static(b"#!/bin/sh").is_err() && check_static(&elf(&[PT_LOAD])[..66]).is_err());
    }

    #[test]
    fn a_c_compiler_for_musl_is_looked_for() {
        let [amd64, arm64] = TARGETS;
        let choose = |target: &Target, named: Option<&str>, there: &[&str]| {
            let chosen = target.choose_compiler(named.map(OsString::from), "x86_64", |it| there.contains(&it));
            chosen.map(|it| it.into_string().unwrap())
        };
        let both = ["musl-gcc", "x86_64-linux-musl-gcc"];
        assert_eq!(choose(&amd64, None, &both).as_deref(), Some("x86_64-linux-musl-gcc"));
        assert_eq!(choose(&amd64, None, &both[..1]).as_deref(), Some("musl-gcc"));
        assert_eq!(choose(&amd64, Some("zig-cc"), &both).as_deref(), Some("zig-cc"));
        assert_eq!(choose(&amd64, None, &["gcc"]), None);
        // The wrapper makes programs of the machine that it is on.
        assert_eq!(choose(&arm64, None, &both), None);
        assert_eq!(choose(&arm64, None, &["aarch64-linux-musl-gcc"]).as_deref(), Some("aarch64-linux-musl-gcc"));
    }

    #[test]
    fn targets_are_those_of_bundles() {
        assert_eq!("linux-arm64".parse::<Target>().unwrap().musl(), "aarch64-unknown-linux-musl");
        assert_eq!("windows".parse::<Target>().unwrap_err(), "write one of linux-amd64, linux-arm64");
    }
}
