//! Standard output that may end early: `cargo xtask ir | head` closes the pipe when it has seen enough, which is no mistake.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

/// Writes a text to standard output. Nothing happens when nobody reads it any more.
///
/// # Errors
/// When it cannot be written for another reason, such as a full disk.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let _ = reading(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(())
}

/// Whether there is still a reader after a write: `Break` when the other end of the pipe is closed.
///
/// # Errors
/// When the write failed for another reason.
pub(crate) fn reading(written: io::Result<()>) -> io::Result<ControlFlow<()>> {
    match written {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_pipe_is_no_failure() {
        assert!(reading(Ok(())).unwrap().is_continue());
        assert!(reading(Err(ErrorKind::BrokenPipe.into())).unwrap().is_break());
        assert_eq!(reading(Err(ErrorKind::StorageFull.into())).unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
