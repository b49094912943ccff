//! The private folder of a host: its sockets, in a folder each for each process.
//!
//! ```text
//! <temporary folder>/mm-host-<plugin id>-<random>/
//!     status.sock          what `mm-host status` asks
//!     <n>/host.sock        what the n-th process calls
//!     <n>/plugin.sock      what the host calls
//!     <n>/tmp              its temporary folder, in a sandbox
//! ```

use std::fmt;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::janitor;
use crate::status::{Desk, Opening, SOCKET, folder_prefix};

/// Longest path of a Unix socket that every supported system accepts, its closing zero byte left out.
const MAX_SOCKET_PATH: usize = 103;

/// What the longest path in the folder adds to its own.
const LONGEST_INSIDE: &str = "/4294967295/plugin.sock";

/// The folder; removed when dropped. When the process is killed, the janitor removes it.
#[derive(Debug)]
pub(crate) struct HostFolder {
    path: PathBuf,
    state: Mutex<State>,
}

/// What is there of a folder. Its lock is held while that changes, so that the socket in it comes and goes with it.
#[derive(Default)]
struct State {
    exists: bool,
    /// Who tells how the host is, once that is known.
    desk: Option<Desk>,
    /// The socket for that.
    opening: Option<Opening>,
}

/// The private folder of one process, in that of its host; removed when dropped.
#[derive(Debug)]
pub(crate) struct SocketDir {
    path: PathBuf,
}

impl HostFolder {
    /// A new folder that only this user can enter.
    pub(crate) fn create(plugin_id: &str) -> io::Result<Self> {
        let prefix = folder_prefix(plugin_id);
        let private = std::fs::Permissions::from_mode(0o700);
        let make =
            |parent: &Path| tempfile::Builder::new().prefix(&prefix).permissions(private.clone()).tempdir_in(parent);
        let dir = make(&std::env::temp_dir())?;
        let fits = dir.path().as_os_str().len() + LONGEST_INSIDE.len() <= MAX_SOCKET_PATH;
        let dir = if fits { dir } else { make(Path::new("/tmp"))? };
        let path = dir.keep();
        janitor::tell(&janitor::Note::Folder(&path));
        Ok(Self { path, state: Mutex::new(State { exists: true, ..State::default() }) })
    }

    /// From now on the host tells how it is, at a socket in the folder that comes and goes with it. Needs a tokio runtime.
    pub(crate) fn tell_status(&self, desk: Desk) {
        let mut state = self.state();
        state.desk = Some(desk);
        state.open(&self.path);
    }

    /// The folder of the process with this number. Needs a tokio runtime.
    pub(crate) fn of_process(&self, number: u64) -> io::Result<SocketDir> {
        let mut state = self.state();
        let private = |path: &Path| std::fs::DirBuilder::new().mode(0o700).create(path);
        if !state.exists {
            private(&self.path)?;
            state.exists = true;
        }
        state.open(&self.path);
        let path = self.path.join(number.to_string());
        private(&path)?;
        Ok(SocketDir { path })
    }

    /// Removes it until it is needed again.
    pub(crate) fn remove(&self) {
        let mut state = self.state();
        // Nobody is told any more by a socket that is about to go.
        state.opening = None;
        if state.exists && std::fs::remove_dir_all(&self.path).is_ok() {
            state.exists = false;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Opens the socket in the folder at `path`, if there is to be one and both are there.
    fn open(&mut self, path: &Path) {
        let desk = self.desk.as_ref().filter(|_| self.exists && self.opening.is_none());
        if let Some(opening) = desk.and_then(|it| it.open(&path.join(SOCKET))) {
            self.opening = Some(opening);
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("exists", &self.exists).field("open", &self.opening.is_some()).finish()
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
    use std::sync::Arc;

    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::log::LogSink;
    use crate::status::Report;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_for_the_status_comes_and_goes_with_the_folder() {
        let host = HostFolder::create("com.example.test").unwrap();
        let socket = host.path.join(SOCKET);
        let logged = Arc::new(Mutex::new(Vec::new()));
        let kept = logged.clone();
        let sink: LogSink = Arc::new(move |it| kept.lock().unwrap().push(it.message));
        assert!(!socket.exists());
        host.tell_status(Desk::new(Arc::new(Report::default), sink));
        for number in 0..3 {
            let process = host.of_process(number).unwrap();
            assert_eq!(mode(&socket), 0o600);
            let mut answer = String::new();
            tokio::net::UnixStream::connect(&socket).await.unwrap().read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("}\n"), "{answer}");
            host.remove();
            assert!(!host.path.exists());
            drop(process);
        }
        // A name that is taken: without a status, but with a folder.
        std::fs::create_dir_all(&socket).unwrap();
        host.state().exists = true;
        let process = host.of_process(4).unwrap();
        assert!(process.path().exists());
        let logged = logged.lock().unwrap();
        assert!(logged[0].starts_with("mm-host status will not see this plugin: /"), "{logged:?}");
        drop((process, host));
        assert!(!socket.exists());
    }

    #[test]
    fn folders_are_private_and_go_away_and_come_back() {
        let host = HostFolder::create("com.example.test").unwrap();
        let path = host.path.clone();
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
            assert!(host.path.as_os_str().len() + LONGEST_INSIDE.len() <= MAX_SOCKET_PATH, "{id}");
            assert_eq!(host.path.parent(), Some(&*std::env::temp_dir()), "{id}");
        }
    }
}
