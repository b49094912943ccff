//! For which machines a release is, and whether the toolchain can build for them.

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

    /// What zig calls the same as [`Target::musl`].
    pub(crate) fn zig(&self) -> String {
        format!("{}-linux-musl", self.machine)
    }

    /// The file that maturin makes for it: of a package that serves every Python from 3.10 on.
    pub(crate) fn wheel(&self, version: &str, platform: &str) -> String {
        format!("mattermost_plugin_sdk-{version}-cp310-abi3-{platform}_{}.whl", self.machine)
    }
}

/// Fails if the toolchain has no standard library for one of these targets of Rust's, with the command that gets what is missing.
pub(crate) fn check_installed(triples: &[&str]) -> Result<()> {
    let mut missing = Vec::new();
    for triple in triples {
        let output = Command::new("rustc").args(["--print", "target-libdir", "--target", triple]).output();
        let output = output.context("cannot start rustc")?;
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || !std::path::Path::new(&folder).is_dir() {
            missing.push(*triple);
        }
    }
    match missing.join(" ").as_str() {
        "" => Ok(()),
        names => bail!(
            "the toolchain has no standard library for {}: run `rustup target add {names}`, or make the other parts only (--only, --target)",
            missing.join(", ")
        ),
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
    fn what_is_missing_is_named_with_the_command_that_gets_it() {
        let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        if cfg!(target_env = "gnu") {
            check_installed(&[&here]).unwrap();
        }
        let error = check_installed(&["m68k-unknown-none", "x86_64-no-such-system"]).unwrap_err().to_string();
        assert!(error.contains("`rustup target add m68k-unknown-none x86_64-no-such-system`"), "{error}");
    }

    #[test]
    fn targets_are_those_of_bundles() {
        let arm64: Target = "linux-arm64".parse().unwrap();
        assert_eq!((arm64.musl(), arm64.zig().as_str()), ("aarch64-unknown-linux-musl", "aarch64-linux-musl"));
        let wheel = "mattermost_plugin_sdk-0.2.0-cp310-abi3-manylinux_2_28_aarch64.whl";
        assert_eq!(arm64.wheel("0.2.0", "manylinux_2_28"), wheel);
        assert_eq!("windows".parse::<Target>().unwrap_err(), "write one of linux-amd64, linux-arm64");
    }
}
