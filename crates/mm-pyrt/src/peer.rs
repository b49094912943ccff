//! Who is at the other end of a Unix socket.

use std::io;

use tokio::net::unix::UCred;

/// Who may be there: this user, and, when it is known, one process.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) pid: Option<i32>,
}

impl Expected {
    /// Refuses everybody else.
    pub(crate) fn check(self, found: &UCred) -> io::Result<()> {
        let own = nix::unistd::geteuid().as_raw();
        if found.uid() != own {
            return Err(refused(format!("the process at the other end is of user {}, not of {own}", found.uid())));
        }
        match (self.pid, found.pid()) {
            (Some(wanted), Some(pid)) if wanted != pid => {
                Err(refused(format!("the process at the other end is {pid}, expected {wanted}")))
            }
            // Not every system tells the process id.
            _ => Ok(()),
        }
    }
}

fn refused(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}
