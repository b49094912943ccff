//! Where things lie in a bundle, and what its targets are called.
//!
//! ```text
//! com.example.hello/
//!   plugin.json                       rewritten: server.executables, server.python.entry
//!   plugin.py, …                      the plugin's folder as it is
//!   server/linux-amd64/mm-host        what the server starts
//!   server/linux-amd64/packages/      dependencies and the SDK, as plain files
//!   server/linux-amd64/python/        an interpreter, if one was given
//! ```

use std::fmt;
use std::path::Path;

/// A system and a processor that a bundle is made for, by Go's names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Target {
    name: &'static str,
    /// The processor in names of wheels.
    machine: &'static str,
    /// `e_machine` of its ELF files.
    elf_machine: u16,
}

/// What a bundle can be made for: where Mattermost servers run.
const TARGETS: [Target; 2] = [
    Target { name: "linux-amd64", machine: "x86_64", elf_machine: 62 },
    Target { name: "linux-arm64", machine: "aarch64", elf_machine: 183 },
];

/// Names of all targets: the folders of `server/` that a bundle fills itself.
pub(crate) const TARGET_NAMES: [&str; 2] = [TARGETS[0].name, TARGETS[1].name];

/// Newest glibc, as `2.x`, that wheels may need: the one of RHEL 8 and Debian 10, below every image of a supported server.
const GLIBC_MINOR: u32 = 28;

/// Oldest glibc that names of wheels mention.
const OLDEST_GLIBC_MINOR: u32 = 5;

/// Where an ELF file says which processor it is for, and how long a beginning of it must be for that.
const ELF_MACHINE_AT: usize = 18;

impl Target {
    /// The target of this name, such as `linux-amd64`.
    ///
    /// # Errors
    /// Names those that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = TARGETS.into_iter().find(|it| it.name == name);
        found.ok_or_else(|| format!("{name:?} is no target: write one of {}", TARGET_NAMES.join(", ")))
    }

    /// This machine, if servers run on its like.
    pub fn here() -> Option<Self> {
        Self::parse(&crate::manifest::platform()).ok()
    }

    /// Such as `linux-amd64`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Platform tags of wheels that run there, the most wanted first.
    pub(crate) fn wheel_platforms(&self) -> Vec<String> {
        let machine = self.machine;
        let mut tags: Vec<String> =
            (OLDEST_GLIBC_MINOR..=GLIBC_MINOR).rev().map(|minor| format!("manylinux_2_{minor}_{machine}")).collect();
        tags.extend(["manylinux2014", "manylinux2010", "manylinux1", "linux"].map(|it| format!("{it}_{machine}")));
        tags
    }

    /// Whether a wheel with this platform tag runs there. A wheel that wants a newer glibc than [`Target::wheel_platforms`] names is
    /// somebody's own, built for servers that have it.
    pub(crate) fn accepts_tag(&self, tag: &str) -> bool {
        tag == "any" || (tag.contains("linux") && tag.ends_with(self.machine))
    }

    /// What is wrong with a file that starts like this, as machine code of this target; `None` when nothing is.
    pub(crate) fn refuses(&self, head: &[u8]) -> Option<String> {
        if !is_elf(head) {
            return Some("is no Linux executable".to_owned());
        }
        let machine = head.get(ELF_MACHINE_AT..ELF_MACHINE_AT + 2)?;
        let machine = u16::from_le_bytes([machine[0], machine[1]]);
        if machine == self.elf_machine {
            return None;
        }
        let other = TARGETS.iter().find(|it| it.elf_machine == machine).map_or("another processor", |it| it.name);
        Some(format!("is for {other}, not {}", self.name))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// Folder of all that belongs to one target.
pub(crate) fn folder(target: &Target) -> String {
    format!("server/{target}")
}

/// The folder of the bundle in which the host `executable` lies; `None` when it lies elsewhere.
pub fn bundle_of(executable: &Path) -> Option<&Path> {
    let bundle = executable.ancestors().nth(3)?;
    TARGETS.iter().any(|it| bundle.join(host(it)) == executable).then_some(bundle)
}

/// The host, which the server starts.
pub(crate) fn host(target: &Target) -> String {
    format!("server/{target}/mm-host")
}

/// Folder of the dependencies and the SDK.
pub(crate) fn packages(target: &Target) -> String {
    format!("server/{target}/packages")
}

/// Folder of the interpreter's installation.
pub(crate) fn installation(target: &Target) -> String {
    format!("server/{target}/python")
}

/// The interpreter, when the bundle has one.
pub(crate) fn interpreter(target: &Target) -> String {
    format!("server/{target}/python/bin/python3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_is_known_by_its_header() {
        let amd64 = Target::parse("linux-amd64").unwrap();
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
        assert_eq!(amd64.refuses(&head), None);
        head[18] = 183;
        assert_eq!(amd64.refuses(&head).unwrap(), "is for linux-arm64, not linux-amd64");
        assert_eq!(Target::parse("linux-arm64").unwrap().refuses(&head), None);
        assert_eq!(amd64.refuses(b"#!/bin/sh").unwrap(), "is no Linux executable");
    }

    #[test]
    fn tags_of_wheels() {
        let arm64 = Target::parse("linux-arm64").unwrap();
        for tag in ["any", "manylinux2014_aarch64", "manylinux_2_34_aarch64", "linux_aarch64"] {
            assert!(arm64.accepts_tag(tag), "{tag}");
        }
        for tag in ["manylinux2014_x86_64", "macosx_11_0_arm64", "win_amd64"] {
            assert!(!arm64.accepts_tag(tag), "{tag}");
        }
        assert_eq!(arm64.wheel_platforms()[0], "manylinux_2_28_aarch64");
    }

    #[test]
    fn the_host_knows_its_bundle() {
        let host = Path::new("/plugins/com.example.b/server/linux-amd64/mm-host");
        assert_eq!(bundle_of(host), Some(Path::new("/plugins/com.example.b")));
        assert_eq!(bundle_of(Path::new("/usr/local/bin/mm-host")), None);
    }

    #[test]
    fn other_targets_are_refused() {
        assert_eq!(
            Target::parse("linux-x86").unwrap_err(),
            "\"linux-x86\" is no target: write one of linux-amd64, linux-arm64"
        );
    }
}
