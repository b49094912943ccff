//! Keeps a connection answering when a handler blocks the thread that reads.
//!
//! In tokio's multi-threaded runtime one idle worker waits for the kernel's events. When that worker gets an event it goes and
//! handles it, and no other worker takes its place before there is more work than it can do. If what it handles blocks, nobody
//! learns of what comes in meanwhile, even though other workers are idle: keep-alives and health checks go unanswered, and the host
//! gives the plugin up. Work that comes from outside of the runtime wakes an idle worker, which then waits for events. So this
//! thread looks at the socket; when something is there for a while and nobody reads, it hands the runtime an empty task.
//!
//! When that does not help, because every thread of the runtime is blocked or because there is one only, it reads itself: it
//! answers pings, acknowledges streams, and puts payload where the tasks will find it. So a host may wait for the answer of a call,
//! as it would anyway, but it does not take the plugin for dead.
//!
//! It sleeps as long as nothing comes, and wakes at most once in [`PATIENCE`] when much does.

use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as Socket;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::UnixStream;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::yamux::Pulse;

/// How long something may be there to be read. What the host allows is 10 s for keep-alives; people notice less.
const PATIENCE: Duration = Duration::from_millis(20);

/// How often the thread looks whether the connection is over, in milliseconds: a socket that this side has closed need not wake it.
const LOOK_UP: u16 = 5000;

/// Copies the socket's descriptor, before the connection takes the socket itself.
pub(crate) fn watchable(stream: &UnixStream) -> io::Result<Socket> {
    stream.as_fd().try_clone_to_owned().map(Socket::from)
}

/// Watches the socket until the connection is over.
pub(crate) fn start(socket: Socket, pulse: Pulse) -> io::Result<()> {
    let runtime = Handle::current();
    let has_others = runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
    let watch = move || {
        while !pulse.has_ended() {
            let reads = pulse.reads();
            if !readable(&socket, PollTimeout::from(LOOK_UP)) {
                continue;
            }
            // A connection that is merely busy is left alone: a second reader would be in the way.
            let is_left_alone = || {
                thread::sleep(PATIENCE);
                pulse.reads() == reads && readable(&socket, PollTimeout::ZERO)
            };
            if !is_left_alone() {
                continue;
            }
            if has_others {
                drop(runtime.spawn(async {}));
                if !is_left_alone() {
                    continue;
                }
            }
            // Never waits: the runtime has made the socket one that does not.
            pulse.take_in(|buffer| (&socket).read(buffer));
        }
    };
    // No more than a few calls deep.
    thread::Builder::new().name("goplugin-guard".into()).stack_size(64 * 1024).spawn(watch).map(drop)
}

fn readable(socket: &Socket, wait: PollTimeout) -> bool {
    let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut sockets, wait).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::yamux::{Connection, Limits, Role};

    /// A ping of yamux with this number, and its answer.
    fn ping(number: u8) -> ([u8; 12], [u8; 12]) {
        ([0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, number], [0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, number])
    }

    /// Blocks every thread of a runtime, and sees whether pings are answered.
    fn pings_of_a_blocked(runtime: tokio::runtime::Runtime, threads: usize) {
        let (ours, mut theirs) = Socket::pair().unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.write_all(&ping(0).0).unwrap();
        let (blocked, is_blocked) = std::sync::mpsc::channel();
        let (unblock, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        let run = thread::spawn(move || {
            runtime.block_on(async move {
                let stream = UnixStream::from_std(ours).unwrap();
                let socket = watchable(&stream).unwrap();
                let (read, write) = stream.into_split();
                let connection = Connection::new(read, write, Role::Server, Limits::default());
                start(socket, connection.pulse()).unwrap();
                // Until the connection is at work: a runtime that has never looked for events does not know what it can write to.
                while connection.pulse().reads() == 0 {
                    tokio::task::yield_now().await;
                }
                for _ in 0..threads {
                    let (blocked, wait) = (blocked.clone(), wait.clone());
                    tokio::spawn(async move {
                        blocked.send(()).unwrap();
                        // Until the test drops the other end.
                        let _ = wait.lock().unwrap().recv();
                    });
                }
                connection.closed().await
            })
        });
        for _ in 0..threads {
            is_blocked.recv().unwrap();
        }
        for number in 0..5 {
            let (ping, pong) = ping(number);
            // The first was sent.
            if number > 0 {
                theirs.write_all(&ping).unwrap();
            }
            let mut answer = [0; 12];
            theirs.read_exact(&mut answer).unwrap();
            assert_eq!(answer, pong);
        }
        drop(unblock);
        drop(theirs);
        run.join().unwrap();
    }

    #[test]
    fn the_only_thread_is_blocked() {
        pings_of_a_blocked(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), 1);
    }

    #[test]
    fn all_threads_are_blocked() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        pings_of_a_blocked(runtime, 2);
    }
}
