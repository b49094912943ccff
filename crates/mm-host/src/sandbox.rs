//! What the plugin's process may use of the machine: limits, and a read-only view of the files.
//!
//! The manifest asks for it ([`ProcessLimits`], [`SandboxLevel`]); [`prepare`] does before the process is made what needs memory and
//! files, and [`Confinement::enter`] does the rest in the child, between fork and exec, where only a few calls of the system are
//! allowed. What the system cannot enforce is said in [`Confinement::said`], never passed over.
//!
//! | Wish | Enforced by |
//! |---|---|
//! | `limits.memory` | the control group, where there is one; else `RLIMIT_DATA`, for each process by itself |
//! | `limits.open_files` | `RLIMIT_NOFILE` |
//! | `limits.processes`, `limits.cpu` | the control group |
//! | `sandbox: "files"` | Landlock |

mod cgroup;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(not(target_os = "linux"))]
#[path = "sandbox/no_landlock.rs"]
mod landlock;
mod memory;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, setrlimit};

use self::cgroup::Cgroup;
pub(crate) use self::memory::explain;
use crate::manifest::{Bytes, ProcessLimits, SandboxLevel};

/// What a manifest asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) limits: ProcessLimits,
    pub(crate) sandbox: SandboxLevel,
}

/// Where the system offers what.
#[derive(Clone, Debug)]
pub(crate) struct System {
    /// Where control groups of our own can be made.
    pub(crate) cgroup: Option<PathBuf>,
    /// Whether to use Landlock, if the kernel has it.
    pub(crate) landlock: bool,
}

/// What one process is put into. Its control group goes with it.
#[derive(Debug, Default)]
pub(crate) struct Confinement {
    rlimits: Vec<(Resource, u64)>,
    ruleset: Option<OwnedFd>,
    cgroup: Option<Cgroup>,
    said: Vec<String>,
    memory: Option<Bytes>,
}

impl System {
    /// This machine.
    pub(crate) fn here() -> Self {
        Self { cgroup: cgroup::delegated(), landlock: true }
    }
}

/// Prepares the confinement of one process, whose own folder is `folder`: only there it may write in a sandbox.
///
/// # Errors
/// When the system has what is needed and it fails.
pub(crate) fn prepare(wishes: &Wishes, system: &System, folder: &Path, name: &str) -> io::Result<Confinement> {
    let mut made = Confinement::default();
    made.limit(&wishes.limits, system, name)?;
    if wishes.sandbox == SandboxLevel::Files {
        made.ruleset = if system.landlock { landlock::read_only_but(folder, &mut made.said)? } else { None };
        if made.ruleset.is_none() {
            made.said.push("sandbox: not enforced, since this kernel has no Landlock".to_owned());
        }
    }
    Ok(made)
}

impl Confinement {
    fn limit(&mut self, limits: &ProcessLimits, system: &System, name: &str) -> io::Result<()> {
        let wanted = limits.memory.is_some() || limits.processes.is_some() || limits.cpu.is_some();
        self.cgroup = match &system.cgroup {
            Some(parent) if wanted => Cgroup::create(parent, name).ok(),
            _ => None,
        };
        self.memory = limits.memory;
        let group = |file: &str, value: String| self.cgroup.as_ref().is_some_and(|it| it.set(file, &value));
        const NO_GROUP: &str = "not enforced, since no control group (version 2) is delegated to the server";
        if let Some(memory) = limits.memory {
            if group("memory.max", memory.0.to_string()) {
                // Without it the kernel moves to the swap what is over the limit, and nothing ever ends.
                group("memory.swap.max", "0".to_owned());
                self.said.push(format!("limits.memory: {memory} for the plugin's processes together (control group)"));
            } else {
                self.rlimits.push((Resource::RLIMIT_DATA, memory.0));
                self.said.push(format!(
                    "limits.memory: {memory} for each of the plugin's processes by itself (RLIMIT_DATA)"
                ));
            }
        }
        if let Some(processes) = limits.processes {
            self.said.push(if group("pids.max", processes.to_string()) {
                format!("limits.processes: {processes} processes and threads (control group)")
            } else {
                format!("limits.processes: {NO_GROUP}")
            });
        }
        if let Some(cpu) = limits.cpu {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be a small positive number"
            )]
            let quota = (cpu * 100_000.0) as u64;
            self.said.push(if group("cpu.max", format!("{quota} 100000")) {
                format!("limits.cpu: {cpu} of a processor (control group)")
            } else {
                format!("limits.cpu: {NO_GROUP}")
            });
        }
        if let Some(files) = limits.open_files {
            self.rlimits.push((Resource::RLIMIT_NOFILE, files));
            self.said.push(format!("limits.open_files: {files} in each process (RLIMIT_NOFILE)"));
        }
        Ok(())
    }

    /// What is enforced how, and what is not; a line each.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// What the child needs of this between fork and exec.
    pub(crate) fn child(&self) -> Child {
        Child {
            rlimits: self.rlimits.clone(),
            ruleset: self.ruleset.as_ref().map(AsRawFd::as_raw_fd),
            cgroup: self.cgroup.as_ref().map(Cgroup::procs),
        }
    }

    /// The limit of memory, and whether a process was killed for it, as far as that is known.
    pub(crate) fn memory(&self) -> Option<MemoryLimit> {
        let killed = self.cgroup.as_ref().is_some_and(Cgroup::was_out_of_memory);
        self.memory.map(|limit| MemoryLimit { limit, killed })
    }
}

/// What is known of a process and its memory when it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MemoryLimit {
    pub(crate) limit: Bytes,
    /// The kernel has killed something in its control group.
    pub(crate) killed: bool,
}

/// What a child does to itself. Its descriptors are open as long as the [`Confinement`] lives.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    rlimits: Vec<(Resource, u64)>,
    ruleset: Option<i32>,
    cgroup: Option<i32>,
}

impl Child {
    /// Enters the confinement, for good. Makes only calls that are allowed between fork and exec, and allocates nothing.
    pub(crate) fn enter(&self) -> io::Result<()> {
        if let Some(procs) = self.cgroup {
            cgroup::enter(procs)?;
        }
        for (resource, limit) in &self.rlimits {
            setrlimit(*resource, *limit, *limit)?;
        }
        match self.ruleset {
            Some(ruleset) => landlock::enter(ruleset),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(json: &str, sandbox: SandboxLevel) -> Wishes {
        Wishes { limits: serde_json::from_str(json).unwrap(), sandbox }
    }

    const ALL: &str = r#"{"memory": "512M", "open_files": 256, "processes": 32, "cpu": 0.5}"#;

    #[test]
    fn a_system_that_has_nothing_says_so() {
        let nothing = System { cgroup: None, landlock: false };
        let dir = tempfile::tempdir().unwrap();
        let made = prepare(&wishes(ALL, SandboxLevel::Files), &nothing, dir.path(), "x").unwrap();
        let none = "not enforced, since no control group (version 2) is delegated to the server";
        assert_eq!(
            made.said(),
            [
                "limits.memory: 512M for each of the plugin's processes by itself (RLIMIT_DATA)",
                &format!("limits.processes: {none}"),
                &format!("limits.cpu: {none}"),
                "limits.open_files: 256 in each process (RLIMIT_NOFILE)",
                "sandbox: not enforced, since this kernel has no Landlock",
            ]
        );
        assert!(made.child().ruleset.is_none() && made.child().cgroup.is_none());
    }

    #[test]
    fn nothing_is_done_and_said_unless_it_is_wished() {
        let dir = tempfile::tempdir().unwrap();
        let made = prepare(&Wishes::default(), &System::here(), dir.path(), "x").unwrap();
        assert!(made.said().is_empty() && made.rlimits.is_empty() && made.ruleset.is_none() && made.cgroup.is_none());
    }

    /// The files of a control group's folder, as a kernel would make them in a new one.
    #[test]
    fn a_delegated_control_group_enforces_the_rest() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("mm-host-x");
        std::fs::create_dir(&folder).unwrap();
        for file in ["cgroup.procs", "memory.max", "memory.swap.max", "pids.max", "cpu.max"] {
            std::fs::write(folder.join(file), "").unwrap();
        }
        std::fs::write(folder.join("memory.events"), "low 0\noom 1\noom_kill 1\n").unwrap();
        let system = System { cgroup: Some(parent.path().to_owned()), landlock: false };
        let made = prepare(&wishes(ALL, SandboxLevel::Off), &system, parent.path(), "mm-host-x").unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read("memory.max"), (512u64 << 20).to_string());
        assert_eq!((read("pids.max"), read("cpu.max")), ("32".to_owned(), "50000 100000".to_owned()));
        assert!(made.said().iter().take(3).all(|it| it.ends_with("(control group)")), "{:?}", made.said());
        assert_eq!(made.memory(), Some(MemoryLimit { limit: Bytes(512 << 20), killed: true }));
        assert_eq!(made.rlimits, [(Resource::RLIMIT_NOFILE, 256)]);
    }
}
