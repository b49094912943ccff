//! Who is at the other end of a Unix socket.

use tokio::net::unix::UCred;

/// Whether the peer is the process with this id, run by this user; if not, what to say of it. A system that does not tell the
/// process id is taken at its word for the user. An error is its kind and a sentence.
pub(super) fn check(peer: std::io::Result<UCred>, pid: i32) -> Result<(), (&'static str, String)> {
    let peer =
        peer.map_err(|error| ("unknown", format!("a connection from nobody knows whom was refused: {error}")))?;
    let own = nix::unistd::geteuid().as_raw();
    if peer.uid() != own {
        return Err(("user", format!("a connection from another user (uid {}) was refused", peer.uid())));
    }
    match peer.pid() {
        Some(other) if other != pid => {
            Err(("process", format!("a connection from another process (pid {other}) was refused")))
        }
        _ => Ok(()),
    }
}
