//! A plugin in Rust on the same bridge: the example `rust_plugin`, which `cargo test` builds beside this test.

mod common;
mod server;

use std::process::Command;
use std::time::Duration;

use server::{COOKIE, GONE, Server, Started};

fn plugin() -> std::path::PathBuf {
    let own = std::env::current_exe().expect("the test knows where it is");
    let profile = own.parent().and_then(|deps| deps.parent()).expect("tests are built into target/<profile>/deps");
    let plugin = profile.join("examples/rust_plugin");
    assert!(plugin.exists(), "missing: run `cargo build -p mm-host --example rust_plugin`");
    plugin
}

#[tokio::test]
async fn it_lives_like_any_other_plugin() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(plugin());
    command.env(COOKIE.0, COOKIE.1).env("TMPDIR", temporary.path());
    let server = Server::connect(Started::new(command)).await;
    assert_eq!(server.implemented().await, ["OnActivate", "OnDeactivate", "UserWillLogIn"]);
    server.activate().await.unwrap();
    server.api.wait_for("the door of 9.8.1 is watched").await;
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "");
    assert_eq!(server.user_will_log_in("berta").await.unwrap(), "berta is not anna.");
    assert_eq!(server.started.descendants(), [0; 0]);
    server.deactivate().await;
    let api = server.api.clone();
    server.quit().await;
    assert_eq!(api.logged().iter().filter(|it| it.message == "the door is left").count(), 1);
}

#[tokio::test]
async fn sigterm_deactivates_it() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(plugin());
    command.env(COOKIE.0, COOKIE.1).env("TMPDIR", temporary.path());
    let mut server = Server::connect(Started::new(command)).await;
    server.activate().await.unwrap();
    let pid = nix::unistd::Pid::from_raw(server.started.pid());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(server.started.ended(GONE).await.code(), Some(0));
    assert_eq!(server.api.logged().iter().filter(|it| it.message == "the door is left").count(), 1);
}

#[tokio::test]
async fn its_own_records_before_and_after_the_api_are_lines() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(plugin());
    command.env(COOKIE.0, COOKIE.1).env("TMPDIR", temporary.path());
    let mut server = Server::connect(Started::new(command)).await;
    server.activate().await.unwrap();
    server.api_task.lock().unwrap().take().unwrap().abort();
    let status = server.started.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(1));
    server.wait_for_line("the connection to the server's plugin API is over").await;
}
