//! Finds the hosts that may be asked, and asks them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, geteuid};

use super::{Report, SOCKET, folder_prefix, places};

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that a host says.
const MOST_BYTES: u64 = 16 << 20;

/// What [`find`] found.
#[derive(Debug, Default)]
pub struct Found {
    /// The hosts, by plugin and process.
    pub reports: Vec<Report>,
    /// Hosts that did not answer, with the reason.
    pub silent: Vec<String>,
    /// How many folders belong to other users, who have to ask themselves.
    pub of_others: usize,
}

/// Asks all hosts of this user on this machine; root asks those of everybody. With the id of a plugin only those are asked that may be
/// its, so that it need not wait for others that stand still.
pub fn find(plugin_id: Option<&str>) -> Found {
    ask_all(narrowed(places::folders(), plugin_id), PATIENCE)
}

/// The folders that may be those of this plugin.
pub(super) fn narrowed(mut folders: Vec<PathBuf>, plugin_id: Option<&str>) -> Vec<PathBuf> {
    if let Some(prefix) = plugin_id.map(folder_prefix) {
        folders.retain(|it| it.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&prefix)));
    }
    folders
}

/// Asks the hosts of these folders, each of which may take so long.
pub(super) fn ask_all(folders: Vec<PathBuf>, patience: Duration) -> Found {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    let user = geteuid();
    for folder in folders {
        // One folder may be seen in several ways.
        let Ok(info) = fs::symlink_metadata(&folder) else { continue };
        if !info.is_dir() || !seen.insert((info.dev(), info.ino())) {
            continue;
        }
        if !user.is_root() && Uid::from_raw(info.uid()) != user {
            found.of_others += 1;
            continue;
        }
        match ask(&folder, patience) {
            Ok(report) => found.reports.push(report),
            // A host that is gone and could not tidy up, or one that is just beginning or ending.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
            Err(error) => found.silent.push(format!("{}: {error}", folder.display())),
        }
    }
    found.reports.sort_by(|a, b| (&a.plugin_id, a.host_pid).cmp(&(&b.plugin_id, b.host_pid)));
    found
}

fn ask(folder: &Path, patience: Duration) -> io::Result<Report> {
    let stream = connect(folder)?;
    stream.set_read_timeout(Some(patience))?;
    let mut text = String::new();
    stream.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::other(format!("no answer within {} s: the host stands still", patience.as_secs_f32()))
        }
        _ => error,
    })?;
    if text.is_empty() {
        return Err(io::Error::other("it refused to answer"));
    }
    serde_json::from_str(&text).map_err(io::Error::other)
}

/// Connects to a host's socket. Seen through another process its path may be longer than a socket's address; through a descriptor of
/// its folder it is short.
fn connect(folder: &Path) -> io::Result<UnixStream> {
    if cfg!(target_os = "linux") {
        let folder = File::open(folder)?;
        return UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
    }
    UnixStream::connect(folder.join(SOCKET))
}
