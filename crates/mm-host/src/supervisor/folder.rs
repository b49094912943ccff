//! The private folder of a host: its sockets, in a folder each for each process.
//!
//! ```text
//! <temporary folder>/mm-host-<plugin id>-<random>/
//!     status.sock          what `mm-host status` asks
//!     <n>/host.sock        what the n-th process calls
//!     <n>/plugin.sock      what the host calls
//!     <n>/tmp              its temporary folder, in a sandbox
//! ```

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::janitor;

/// Longest path of a Unix socket that every supported system accepts, its closing zero byte left out.
const MAX_SOCKET_PATH: usize = 103;

/// Longest part of the folder's name that is the plugin's id.
const MAX_ID: usize = 32;

/// What the longest path in the folder adds to its own.
const LONGEST_INSIDE: &str = "/4294967295/plugin.sock";

/// The folder; removed when dropped. When the process is killed, the janitor removes it.
#[derive(Debug)]
pub(crate) struct HostFolder {
    path: PathBuf,
    /// Whether it is there. Held while that changes.
    exists: Mutex<bool>,
}

/// The private folder of one process, in that of its host; removed when dropped.
#[derive(Debug)]
pub(crate) struct SocketDir {
    path: PathBuf,
}

impl HostFolder {
    /// A new folder that only this user can enter.
    pub(crate) fn create(plugin_id: &str) -> io::Result<Self> {
        let id: String = plugin_id.chars().filter(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it)).collect();
        let prefix = format!("mm-host-{}-", &id[..id.len().min(MAX_ID)]);
        let private = std::fs::Permissions::from_mode(0o700);
        let make =
            |parent: &Path| tempfile::Builder::new().prefix(&prefix).permissions(private.clone()).tempdir_in(parent);
        let dir = make(&std::env::temp_dir())?;
        let fits = dir.path().as_os_str().len() + LONGEST_INSIDE.len() <= MAX_SOCKET_PATH;
        let dir = if fits { dir } else { make(Path::new("/tmp"))? };
        let path = dir.keep();
        janitor::tell(&janitor::Note::Folder(&path));
        Ok(Self { path, exists: Mutex::new(true) })
    }

    /// Where it is.
    #[allow(dead_code, reason = "for what else belongs to the process or its host")]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the host tells how it is.
    #[allow(dead_code, reason = "for the status of a running host")]
    pub(crate) fn status_socket(&self) -> PathBuf {
        self.path.join("status.sock")
    }

    /// The folder of the process with this number.
    pub(crate) fn of_process(&self, number: u64) -> io::Result<SocketDir> {
        let mut exists = self.exists.lock().unwrap_or_else(PoisonError::into_inner);
        let private = |path: &Path| std::fs::DirBuilder::new().mode(0o700).create(path);
        if !*exists {
            private(&self.path)?;
            *exists = true;
        }
        let path = self.path.join(number.to_string());
        private(&path)?;
        Ok(SocketDir { path })
    }

    /// Removes it until it is needed again.
    pub(crate) fn remove(&self) {
        let mut exists = self.exists.lock().unwrap_or_else(PoisonError::into_inner);
        if *exists && std::fs::remove_dir_all(&self.path).is_ok() {
            *exists = false;
        }
    }
}

impl Drop for HostFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

impl SocketDir {
    /// Where it is: the only place where a process in a sandbox may write.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the host listens.
    pub(crate) fn host_socket(&self) -> PathBuf {
        self.path.join("host.sock")
    }

    /// The temporary folder of a process in a sandbox.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Where the process listens.
    pub(crate) fn plugin_socket(&self) -> PathBuf {
        self.path.join("plugin.sock")
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        // What cannot be removed now goes with the host's folder.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_private_and_go_away_and_come_back() {
        let host = HostFolder::create("com.example.test").unwrap();
        let path = host.path().to_owned();
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with("mm-host-com.example.test-"));
        let process = host.of_process(1).unwrap();
        let inside = process.path().to_owned();
        assert_eq!((mode(&path), mode(&inside)), (0o700, 0o700));
        std::fs::write(process.plugin_socket(), "").unwrap();
        drop(process);
        assert!(!inside.exists() && path.exists());
        host.remove();
        assert!(!path.exists());
        let process = host.of_process(2).unwrap();
        assert_eq!((mode(&path), mode(process.path())), (0o700, 0o700));
        drop((process, host));
        assert!(!path.exists());
    }

    #[test]
    fn a_path_fits_into_a_socket_s_address_whatever_the_id_is() {
        for id in ["a".repeat(190), "../../etc".to_owned(), String::new()] {
            let host = HostFolder::create(&id).unwrap();
            assert!(host.path().as_os_str().len() + LONGEST_INSIDE.len() <= MAX_SOCKET_PATH, "{id}");
            assert_eq!(host.path().parent(), Some(&*std::env::temp_dir()), "{id}");
        }
    }
}
