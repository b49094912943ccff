//! Where sockets of hosts may be: in the temporary folders, and wherever the kernel knows of one.
//!
//! A server may have a temporary folder of its own, by `TMPDIR` or because its service has a private `/tmp` (another mount namespace).
//! The kernel lists the paths of all sockets of a network namespace (`/proc/<pid>/net/unix`), as whoever bound them sees them, and
//! `/proc/<pid>/root` leads to the files as a process sees them. Of that only what this user may look at is looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FOLDER_PREFIX, SOCKET};

/// Folders that hosts may have made, some of them perhaps twice by different paths.
pub(super) fn folders() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        [std::env::temp_dir(), PathBuf::from("/tmp")].iter().flat_map(|it| in_folder(it)).collect();
    for process in namespaces() {
        let listed = fs::read_to_string(process.join("net/unix")).unwrap_or_default();
        let root = process.join("root");
        let as_it_sees = |it: PathBuf| root.join(it.strip_prefix("/").unwrap_or(&it));
        found.extend(in_list(&listed).map(as_it_sees));
    }
    found
}

/// The folders of hosts in this one.
pub(super) fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|it| it.file_name().to_string_lossy().starts_with(FOLDER_PREFIX)).map(|it| it.path()).collect()
}

/// The folders of hosts in the kernel's list of sockets, whose last column is the path.
fn in_list(list: &str) -> impl Iterator<Item = PathBuf> {
    let folder_of = |line: &str| {
        let folder = line.get(line.find(" /")? + 1..)?.strip_suffix(SOCKET)?.strip_suffix('/')?;
        let name = folder.rsplit('/').next()?;
        name.starts_with(FOLDER_PREFIX).then(|| PathBuf::from(folder))
    };
    // A connection that was accepted has the path too.
    list.lines().filter_map(folder_of).collect::<BTreeSet<_>>().into_iter()
}

/// One process in `/proc` for each view of files and sockets that there is, this one's own first.
fn namespaces() -> Vec<PathBuf> {
    let own = PathBuf::from("/proc/self");
    let view = |process: &Path| {
        let link = |name: &str| fs::read_link(process.join("ns").join(name)).ok();
        Some((link("mnt")?, link("net")?))
    };
    let mut seen: BTreeSet<_> = view(&own).into_iter().collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = processes.filter(|it| it.file_name().to_string_lossy().starts_with(|it: char| it.is_ascii_digit()));
    let others = numbered.map(|it| it.path()).filter(|it| view(it).is_some_and(|it| seen.insert(it))).collect();
    [vec![own], others].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_names_the_folders_of_hosts() {
        let list = "Num       RefCount Protocol Flags    Type St Inode Path\n\
                    0000000000000000: 00000002 00000000 00010000 0001 01 21 /tmp/mm-host-com.example.a-x1/status.sock\n\
                    0000000000000000: 00000003 00000000 00000000 0001 03 22 /tmp/mm-host-com.example.a-x1/status.sock\n\
                    0000000000000000: 00000002 00000000 00010000 0001 01 23 /var/tmp/a b/mm-host-b-y/status.sock\n\
                    0000000000000000: 00000002 00000000 00010000 0001 01 24 /tmp/mm-host-a-x/1/host.sock\n\
                    0000000000000000: 00000002 00000000 00010000 0001 01 25 /run/other/status.sock\n\
                    0000000000000000: 00000002 00000000 00010000 0001 01 26 @/abstract/mm-host-a/status.sock\n\
                    0000000000000000: 00000003 00000000 00000000 0001 03 27\n";
        let found: Vec<_> = in_list(list).collect();
        assert_eq!(found, ["/tmp/mm-host-com.example.a-x1", "/var/tmp/a b/mm-host-b-y"].map(PathBuf::from));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_that_is_bound_anywhere_is_found() {
        let parent = tempfile::Builder::new().prefix("elsewhere").tempdir().unwrap();
        let folder = parent.path().join("mm-host-a-x");
        fs::create_dir(&folder).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join(SOCKET)).unwrap();
        assert!(folders().iter().any(|it| it.ends_with(folder.strip_prefix("/").unwrap())), "{:?}", folders());
        assert_eq!(in_folder(parent.path()), [folder]);
    }
}
