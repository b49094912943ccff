//! Keeps tokio reading when a handler blocks its thread.
//!
//! In tokio's multi-threaded runtime one idle worker waits for the kernel's events. When that worker gets an event it goes and
//! handles it, and no other worker takes its place before there is more work than it can do. If what it handles blocks, nobody
//! learns of what comes in meanwhile, even though other workers are idle: keep-alives and health checks go unanswered, and the host
//! gives the plugin up. Work that comes from outside of the runtime wakes an idle worker, which then waits for events. So this
//! thread looks at the socket; when something is there for a while and nobody reads, it hands the runtime an empty task.
//!
//! It sleeps as long as nothing comes, and wakes at most once in [`PATIENCE`] when much does. When all workers are blocked it
//! cannot help.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::UnixStream;
use tokio::runtime::Handle;

use crate::yamux::Pulse;

/// How long something may be there to be read. What the host allows is 10 s for keep-alives; people notice less.
const PATIENCE: Duration = Duration::from_millis(20);

/// How often the thread looks whether the connection is over, in milliseconds: a socket that this side has closed need not wake it.
const LOOK_UP: u16 = 5000;

/// Copies the socket's descriptor, before the connection takes the socket itself.
pub(crate) fn watchable(stream: &UnixStream) -> io::Result<OwnedFd> {
    stream.as_fd().try_clone_to_owned()
}

/// Watches the socket until the connection is over.
pub(crate) fn start(socket: OwnedFd, pulse: Pulse) -> io::Result<()> {
    let runtime = Handle::current();
    let watch = move || {
        while !pulse.has_ended() {
            let reads = pulse.reads();
            if !readable(&socket, PollTimeout::from(LOOK_UP)) {
                continue;
            }
            thread::sleep(PATIENCE);
            // A connection that is merely busy is left alone: a second worker would be in the way.
            if pulse.reads() == reads && readable(&socket, PollTimeout::ZERO) {
                drop(runtime.spawn(async {}));
            }
        }
    };
    // No more than a few calls deep.
    thread::Builder::new().name("goplugin-guard".into()).stack_size(64 * 1024).spawn(watch).map(drop)
}

fn readable(socket: &OwnedFd, wait: PollTimeout) -> bool {
    let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut sockets, wait).is_ok_and(|ready| ready > 0)
}
