//! Control groups, version 2, where the system lets this user make some.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access};

/// How often, and how far apart, it is tried to remove a group whose last process has just ended.
const REMOVALS: (u32, Duration) = (10, Duration::from_millis(20));

/// A group made by this host; removed when dropped.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
    procs: File,
}

/// The folder in which this process may make groups: that of its own group, or the one above, if it may write there and controllers
/// are handed down from it.
pub(super) fn delegated() -> Option<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = own_folder(&own, &mounts)?;
    let candidates = [Some(own.as_path()), own.parent()];
    candidates.into_iter().flatten().find(|it| hands_down(it)).map(Path::to_owned)
}

fn hands_down(folder: &Path) -> bool {
    let controllers = std::fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    let useful = controllers.split_whitespace().any(|it| matches!(it, "cpu" | "memory" | "pids"));
    useful
        && access(folder, AccessFlags::W_OK).is_ok()
        && access(&folder.join("cgroup.procs"), AccessFlags::W_OK).is_ok()
}

/// The folder of this process's group: where the hierarchy is mounted, and its path there.
fn own_folder(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|it| it.strip_prefix("0::/"))?;
    let mount = mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        right.starts_with("cgroup2 ").then(|| left.split(' ').nth(4))?
    })?;
    Some(Path::new(mount).join(path))
}

impl Cgroup {
    /// A new group.
    pub(super) fn create(parent: &Path, name: &str) -> io::Result<Self> {
        let folder = parent.join(name);
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let procs = OpenOptions::new().write(true).open(folder.join("cgroup.procs"));
        match procs {
            Ok(procs) => Ok(Self { folder, procs }),
            Err(error) => {
                let _ = std::fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Sets a limit; `false` when the group does not have the controller for it, or may not be told.
    pub(super) fn set(&self, file: &str, value: &str) -> bool {
        let file = OpenOptions::new().write(true).truncate(true).open(self.folder.join(file));
        file.and_then(|mut it| it.write_all(value.as_bytes())).is_ok()
    }

    /// The descriptor that takes a process into the group.
    pub(super) fn procs(&self) -> i32 {
        self.procs.as_raw_fd()
    }

    /// Whether the kernel has killed a process in it for want of memory.
    pub(super) fn was_out_of_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let killed = events.lines().find_map(|it| it.strip_prefix("oom_kill "));
        killed.is_some_and(|it| it.trim() != "0")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let folder = std::mem::take(&mut self.folder);
        if std::fs::remove_dir(&folder).is_ok() {
            return;
        }
        // What has just been killed is still in it for a moment.
        let remove = move || {
            for _ in 0..REMOVALS.0 {
                std::thread::sleep(REMOVALS.1);
                if std::fs::remove_dir(&folder).is_ok() {
                    return;
                }
            }
        };
        let _ = std::thread::Builder::new().name("mm-host-cgroup".to_owned()).spawn(remove);
    }
}

/// Takes this process into the group. Runs between fork and exec.
pub(super) fn enter(procs: i32) -> io::Result<()> {
    // SAFETY: the descriptor is open, as `Child` promises.
    let procs = unsafe { std::os::fd::BorrowedFd::borrow_raw(procs) };
    nix::unistd::write(procs, b"0")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_among_the_mounts() {
        let mounts = "24 1 0:22 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw\n\
                      25 24 0:23 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup rw,memory\n\
                      26 24 0:24 / /sys/fs/cgroup/unified rw,relatime shared:8 - cgroup2 cgroup2 rw\n";
        let own = "4:memory:/a\n0::/system.slice/mattermost.service\n";
        let expected = Path::new("/sys/fs/cgroup/unified/system.slice/mattermost.service");
        assert_eq!(own_folder(own, mounts).as_deref(), Some(expected));
        assert_eq!(own_folder("4:memory:/a\n", mounts), None, "no version 2");
        assert_eq!(own_folder(own, "24 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"), None, "not mounted");
    }

    #[test]
    fn only_a_folder_that_hands_controllers_down_will_do() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!hands_down(dir.path()));
        std::fs::write(dir.path().join("cgroup.procs"), "").unwrap();
        std::fs::write(dir.path().join("cgroup.subtree_control"), "hugetlb\n").unwrap();
        assert!(!hands_down(dir.path()), "nothing of use");
        std::fs::write(dir.path().join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
        assert!(hands_down(dir.path()));
    }

    #[test]
    fn a_folder_that_is_no_group_is_refused_and_not_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Cgroup::create(dir.path(), "x").is_err());
        assert!(!dir.path().join("x").exists());
    }
}
