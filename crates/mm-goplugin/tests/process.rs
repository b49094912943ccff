//! The example plugin as a process: how it starts, and how it ends. The host is ours; `interop.rs` has Go's.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use common::plugin;
use mm_gob::codec::Str;
use mm_goplugin::testing::{Host, address};

/// The plugin, killed at the latest when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn ended(&mut self) -> ExitStatus {
        // 2 s at least. Looks are counted, not time: the machine may stand still meanwhile.
        for _ in 0..400 {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the plugin lives");
    }
}

fn started(temporary: &Path) -> (Running, PathBuf) {
    let mut child = Command::new(plugin())
        .env("INTEROP_PLUGIN", "yes")
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let fields: Vec<&str> = line.trim_end_matches('\n').split('|').collect();
    assert!(matches!(fields[..], ["1", "1", "unix", _, "netrpc", ""]), "{line:?}");
    (Running(child), address(&line).expect("an address").to_owned())
}

#[test]
fn without_the_cookie_it_says_what_it_is() {
    for cookie in [None, Some("no")] {
        let output =
            Command::new(plugin()).env_remove("INTEROP_PLUGIN").envs(cookie.map(|c| ("INTEROP_PLUGIN", c))).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("This program is a plugin. It cannot be run by hand"), "{text}");
    }
}

#[test]
fn a_host_that_wants_tls_is_told() {
    let mut command = Command::new(plugin());
    let output = command.env("INTEROP_PLUGIN", "yes").env("PLUGIN_CLIENT_CERT", "-----BEGIN").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("TLS"));
}

#[tokio::test]
async fn it_quits_when_asked_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut running, address) = started(temporary.path());
    let host = Host::connect(&address).await.unwrap();
    let plugin = host.dispense("interop").await.unwrap();
    let echo: String = plugin.call::<Str, _, Str, _>("Plugin.Echo", &"hello".to_owned()).await.unwrap();
    assert_eq!(echo, "hello");
    host.ping().await.unwrap();
    // While it lives already: a process that is killed has no chance to tidy up.
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    host.quit().await.unwrap();
    assert_eq!(running.ended().code(), Some(0));
}

#[tokio::test]
async fn it_ends_when_the_host_is_gone() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut running, address) = started(temporary.path());
    let host = Host::connect(&address).await.unwrap();
    host.ping().await.unwrap();
    host.close().await;
    assert_eq!(running.ended().code(), Some(1));
}

#[test]
fn it_ends_when_the_host_is_gone_before_it_connects() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut running, _) = started(temporary.path());
    drop(running.0.stdout.take());
    assert_eq!(running.ended().code(), Some(1));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn ctrl_c_at_the_host_s_terminal_does_not_end_it() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut running, address) = started(temporary.path());
    let host = Host::connect(&address).await.unwrap();
    host.ping().await.unwrap();
    let pid = nix::unistd::Pid::from_raw(running.0.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    host.ping().await.unwrap();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(running.ended().code(), None, "SIGTERM is not ignored");
}
