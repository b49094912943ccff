//! Nothing outlives a host that is killed, or whose server is: no Python, nothing that Python started, no janitor, no socket.

mod common;
mod server;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use common::{HEAD, TAIL, is_alive, wait_until};
use mm_goplugin::testing::Host;
use server::Bundle;

/// How long anything may be left.
const GONE: Duration = Duration::from_secs(2);

/// How many hosts are killed, and how many at the same time.
const TIMES: usize = 200;
const TASKS: usize = 4;

/// A plugin that has started something before it says hello.
fn with_child() -> Bundle {
    Bundle::raw(&format!(
        "import subprocess\nsubprocess.Popen(['sleep', '1000'])\n{HEAD}\nclass P(Plugin):\n    pass\n{TAIL}"
    ))
}

/// Processes in whose environment this folder is: the host's, its janitor, Python, and what that started.
fn processes(folder: &Path) -> Vec<i32> {
    let mark = folder.as_os_str().as_bytes();
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|it| it.file_name().to_str()?.parse().ok());
    let marked = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|it| it == mark)
    };
    pids.filter(marked).filter(|it| is_alive(*it)).collect()
}

/// What is left in a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().flatten().map(|it| it.path()).collect()
}

/// Starts a host and ends it in the way that `n` says; gives how many processes there were by then, and how long they were left.
async fn end_one(bundle: &Bundle, n: usize) -> (usize, Duration) {
    let folder = bundle.temporary.path();
    let mut started = bundle.start();
    let connection = Host::connect(&started.socket).await.unwrap();
    if n.is_multiple_of(2) {
        // Host, janitor, Python, and its child.
        let all = wait_until(Duration::from_secs(20), || processes(folder).len() >= 4).await;
        assert!(all.is_some(), "{:?}", processes(folder));
    } else {
        tokio::time::sleep(Duration::from_millis(n as u64 * 7 % 60)).await;
    }
    let n_processes = processes(folder).len();
    if (n / 2).is_multiple_of(2) {
        started.child.kill().unwrap();
    } else {
        // What a server that is killed leaves to see.
        drop(started.child.stdout.take());
        connection.close().await;
    }
    let gone = wait_until(GONE, || {
        let _ = started.child.try_wait();
        processes(folder).is_empty() && files(folder).is_empty()
    });
    let gone = gone.await;
    (n_processes, gone.unwrap_or_else(|| panic!("{n}: {:?} {:?}", processes(folder), files(folder))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hosts_that_are_killed_leave_nothing() {
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            tokio::spawn(async move {
                let bundle = with_child();
                let (mut n_whole, mut longest) = (0, Duration::ZERO);
                for n in (task..TIMES).step_by(TASKS) {
                    // The way is another one each time, also within a task.
                    let (n_processes, left) = end_one(&bundle, n / TASKS).await;
                    n_whole += usize::from(n_processes >= 4);
                    longest = longest.max(left);
                }
                (n_whole, longest)
            })
        })
        .collect();
    let (mut n_whole, mut longest) = (0, Duration::ZERO);
    for task in tasks {
        let (n, left) = task.await.unwrap();
        (n_whole, longest) = (n_whole + n, longest.max(left));
    }
    println!("{TIMES} hosts, {n_whole} of them with all their processes: gone after {longest:?} at the latest");
    assert!(n_whole >= TIMES / 2, "in {n_whole} of them there was something to leave");
}

#[tokio::test]
async fn a_janitor_does_its_work_after_an_orderly_end_too_and_is_gone_before_its_host() {
    let bundle = with_child();
    let server = bundle.activate().await;
    assert_eq!(processes(bundle.temporary.path()).len(), 4);
    server.quit().await;
    assert_eq!(processes(bundle.temporary.path()), Vec::<i32>::new());
    assert_eq!(files(bundle.temporary.path()), Vec::<std::path::PathBuf>::new());
}
