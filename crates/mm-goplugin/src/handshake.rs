//! The start of a plugin: the magic cookie, the socket, and the one line that a host reads.

use std::env;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;
use tokio::net::UnixListener;

/// The version of go-plugin's own protocol.
const CORE_PROTOCOL_VERSION: u32 = 1;

/// Where a host with its own runner wants the socket; Go plugins honour it too.
const SOCKET_DIR_VARIABLE: &str = "PLUGIN_UNIX_SOCKET_DIR";

/// Set by hosts that want TLS with certificates made for the occasion.
const CLIENT_CERT_VARIABLE: &str = "PLUGIN_CLIENT_CERT";

/// Longest path of a Unix socket that the kernel takes, in bytes.
const MAX_SOCKET_PATH: usize = 107;

/// What tells a host's child from a program that somebody started by hand. Not a secret.
#[derive(Debug, Clone)]
pub struct Cookie {
    /// Name of the environment variable.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Why a plugin does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The cookie is missing: no host has started this process. The text is for people.
    #[error(
        "This program is a plugin. It cannot be run by hand: a host program starts it and talks to it through a socket.\n\
         Install it in its host as that program's documentation tells."
    )]
    NotStartedByHost,
    /// The host wants TLS, which this crate does not speak.
    #[error("the host asks for TLS (PLUGIN_CLIENT_CERT is set); this plugin only speaks through a private Unix socket")]
    TlsWanted,
    /// No socket could be made.
    #[error("no socket could be made in {}: {error}", directory.display())]
    Socket {
        /// The directory that was tried last.
        directory: PathBuf,
        /// What went wrong there.
        error: io::Error,
    },
    /// The handshake line could not be written, or the streams of the process could not be set up.
    #[error("the handshake line could not be written to standard output: {0}")]
    Announce(io::Error),
}

/// Whether the environment holds the cookie.
pub fn started_by_host(cookie: &Cookie) -> bool {
    env::var_os(&cookie.key).is_some_and(|value| value.as_bytes() == cookie.value.as_bytes())
}

/// Whether the host is one that we can talk to.
pub(crate) fn check(cookie: &Cookie) -> Result<(), StartError> {
    if !started_by_host(cookie) {
        return Err(StartError::NotStartedByHost);
    }
    if env::var_os(CLIENT_CERT_VARIABLE).is_some_and(|value| !value.is_empty()) {
        return Err(StartError::TlsWanted);
    }
    Ok(())
}

/// A listening socket in a directory that only this user can enter. Dropping it removes both.
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    directory: TempDir,
}

impl Socket {
    pub(crate) fn bind() -> Result<Self, StartError> {
        let wanted = env::var_os(SOCKET_DIR_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        // The usual directory may be too deep for a socket's path, or not ours to write to.
        let candidates = wanted.into_iter().chain([env::temp_dir(), PathBuf::from("/tmp")]);
        let mut last = None;
        for directory in candidates {
            match Self::bind_in(&directory) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = Some(StartError::Socket { directory, error }),
            }
        }
        Err(last.expect("there are two candidates at least"))
    }

    fn bind_in(directory: &Path) -> io::Result<Self> {
        let private = tempfile::Builder::new()
            .prefix("plugin")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(directory)?;
        let path = std::path::absolute(private.path().join("s"))?;
        if path.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a socket"));
        }
        // The address is text between bars in the handshake line.
        if path.to_str().is_none_or(|text| text.contains(['|', '\n'])) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path does not fit a handshake line"));
        }
        let listener = UnixListener::bind(&path)?;
        Ok(Self { listener, path, directory: private })
    }

    /// The folder that was made for it.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// The line that tells the host where to connect, with its newline.
    pub(crate) fn handshake_line(&self, protocol_version: u32) -> String {
        format!("{CORE_PROTOCOL_VERSION}|{protocol_version}|unix|{}|netrpc|\n", self.path.display())
    }
}

/// Writes the handshake line, in one piece. Nothing may have been written before: the first line is the handshake.
pub(crate) fn announce(line: &str) -> Result<(), StartError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(StartError::Announce)
}

/// The standard output that the host reads, under another number, for as long as the process lives: hosts take its end for the end
/// of the process.
pub(crate) struct HostPipe(OwnedFd);

impl HostPipe {
    pub(crate) fn open() -> Result<Self, StartError> {
        io::stdout().as_fd().try_clone_to_owned().map(Self).map_err(StartError::Announce)
    }

    /// Whether nobody reads any more: the host is gone.
    pub(crate) fn is_broken(&self) -> bool {
        let mut pipes = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        poll(&mut pipes, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
            && pipes[0].revents().is_some_and(|events| events.intersects(PollFlags::POLLERR | PollFlags::POLLHUP))
    }

    /// Never closes it.
    pub(crate) fn keep(self) {
        std::mem::forget(self.0);
    }
}

/// Lets whatever is printed from now on go nowhere. The host reads standard output line by line and gives up at a line of 64 KiB;
/// whoever printed it would then block for ever.
pub(crate) fn silence_stdout() -> Result<(), StartError> {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").map_err(StartError::Announce)?;
    nix::unistd::dup2_stdout(&null).map_err(|error| StartError::Announce(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_short_and_gone_afterwards() {
        let socket = Socket::bind().unwrap();
        let directory = socket.path.parent().unwrap().to_owned();
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(socket.path.as_os_str().len() <= MAX_SOCKET_PATH);
        assert_eq!(socket.handshake_line(1), format!("1|1|unix|{}|netrpc|\n", socket.path.display()));
        drop(socket);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn a_directory_that_is_too_deep_is_passed_over() {
        let deep = tempfile::tempdir().unwrap();
        let deep = deep.path().join("d".repeat(100));
        std::fs::create_dir(&deep).unwrap();
        assert_eq!(Socket::bind_in(&deep).err().unwrap().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0, "nothing is left behind");
    }
}
