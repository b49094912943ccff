//! A file descriptor that becomes readable when there is news for an event loop.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by any thread, read by the one with the event loop.
pub(crate) struct Wake {
    /// An eventfd is both ends; elsewhere than on Linux this is a pipe.
    reader: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    writer: OwnedFd,
    /// Whether it was set since the last `clear`: saves system calls when news come faster than they are read.
    set: AtomicBool,
}

impl Wake {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> io::Result<Self> {
        use nix::sys::eventfd::{EfdFlags, EventFd};
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { reader: event.into(), set: AtomicBool::new(false) })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> io::Result<Self> {
        use std::os::unix::net::UnixStream;
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader: reader.into(), writer: writer.into(), set: AtomicBool::new(false) })
    }

    /// For `loop.add_reader`.
    pub(crate) fn fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Makes it readable. The news must be where the reader finds them before this is called.
    pub(crate) fn set(&self) {
        if self.set.swap(true, Ordering::AcqRel) {
            return;
        }
        #[cfg(target_os = "linux")]
        let writer = self.reader.as_fd();
        #[cfg(not(target_os = "linux"))]
        let writer = self.writer.as_fd();
        // It can only fail when it is full, and then it is readable already.
        let _ = nix::unistd::write(writer, &1u64.to_ne_bytes());
    }

    /// Makes it unreadable; to be called before looking for the news, so that none are missed.
    pub(crate) fn clear(&self) {
        let mut buffer = [0u8; 8];
        let _ = nix::unistd::read(self.reader.as_fd(), &mut buffer);
        self.set.store(false, Ordering::Release);
    }
}
