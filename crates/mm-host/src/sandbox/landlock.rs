//! A read-only view of the files, by Landlock: a process gives up rights for itself and all that it starts, without being root.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
};

/// The version of Landlock whose ways to change a file are taken away, as far as the kernel knows them.
const WANTED: ABI = ABI::V5;

/// The version before which a file can be emptied although it cannot be written.
const TRUNCATES: i64 = 3;

/// Asks for the version, in place of making a set of rules.
const ASK_VERSION: u32 = 1;

/// A file that everybody may write to, since nothing becomes of it.
const NOTHING: &str = "/dev/null";

/// A set of rules under which only `folder` can be changed; `None` when the kernel has no Landlock. Says what it enforces.
pub(super) fn read_only_but(folder: &Path, said: &mut Vec<String>) -> io::Result<Option<OwnedFd>> {
    let Some(version) = version() else { return Ok(None) };
    let ruleset = rules(folder).map_err(io::Error::other)?;
    let Some(ruleset) = Option::<OwnedFd>::from(ruleset) else { return Ok(None) };
    let but = if version < TRUNCATES { "; on this kernel files can still be emptied" } else { "" };
    said.push(format!(
        "sandbox: no file can be changed but in a temporary folder of the process's own (Landlock, version {version}{but})"
    ));
    Ok(Some(ruleset))
}

/// The kernel's version of Landlock; `None` without one, or when it is switched off.
fn version() -> Option<i64> {
    // SAFETY: with this flag the call looks at no memory, and gives a number.
    let version = unsafe {
        nix::libc::syscall(nix::libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, ASK_VERSION)
    };
    (version > 0).then_some(version)
}

fn rules(folder: &Path) -> Result<RulesetCreated, Box<dyn std::error::Error + Send + Sync>> {
    let changes = AccessFs::from_write(WANTED);
    let writes: BitFlags<AccessFs> = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    let ruleset = Ruleset::default().handle_access(changes)?.create()?;
    let ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(folder)?, changes))?;
    Ok(ruleset.add_rule(PathBeneath::new(PathFd::new(NOTHING)?, writes))?)
}

/// Lives by the rules from now on. Runs between fork and exec.
pub(super) fn enter(ruleset: i32) -> io::Result<()> {
    // Without it only root may.
    nix::sys::prctl::set_no_new_privs()?;
    // SAFETY: the call takes two numbers; the descriptor is open, as `Child` promises.
    let result = unsafe { nix::libc::syscall(nix::libc::SYS_landlock_restrict_self, ruleset, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
