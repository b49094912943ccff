//! The thread that starts processes.
//!
//! Linux ends a child with its parent (`PR_SET_PDEATHSIG`) when the *thread* that started it ends, and threads of the runtime come
//! and go. So all children are started by one thread that lives as long as this process.

use std::io;
use std::sync::LazyLock;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Job {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

static JOBS: LazyLock<io::Result<mpsc::Sender<Job>>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new().name("mm-host-spawner".to_owned()).spawn(move || {
        for mut job in jobs {
            // tokio watches for the end of a child from the runtime that is entered here.
            let _entered = job.runtime.enter();
            // Nobody waits for the reply any more: the child must not live on without an owner. `kill_on_drop` sees to that.
            let _ = job.reply.send(job.command.spawn());
        }
    })?;
    Ok(sender)
});

/// Starts `command` from the thread that never ends.
pub(super) async fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = oneshot::channel();
    let job = Job { command, runtime: Handle::current(), reply };
    let gone = || io::Error::other("the thread that starts processes is gone");
    let jobs = JOBS.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    jobs.send(job).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}
