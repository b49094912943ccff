//! `mm-host status`, asked as an administrator does: of plugins that run, die, stop and start again.
#![cfg(feature = "dev")]

mod common;
mod server;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use common::TestPlugin;
use mm_host::State;
use mm_host::status::Report;
use mm_proto::plugin::v1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::Bundle;

const PLUGIN: &str = "
    @hook(HookName.OnActivate)
    def up(self):
        self.api.load_plugin_configuration()

    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        if user.username == 'nobody':
            raise ValueError('no')
        return 'no ' + user.username
";

fn mm_host(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    command.arg("status").args(arguments).env("NO_COLOR", "1").output().unwrap()
}

/// The command's standard output, and its code.
fn said(arguments: &[&str]) -> (String, Option<i32>) {
    let output = mm_host(arguments);
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// What is said about the plugin in this folder, among all that run on this machine.
fn reports(dir: &Path) -> Vec<Report> {
    let all: Vec<Report> = serde_json::from_slice(&mm_host(&["--format", "json"]).stdout).unwrap();
    let dir = dir.canonicalize().unwrap();
    all.into_iter().filter(|it| Path::new(&it.bundle) == dir).collect()
}

fn only(dir: &Path) -> Report {
    let mut reports = reports(dir);
    assert_eq!(reports.len(), 1, "{reports:?}");
    reports.remove(0)
}

/// Waits until the plugin in this folder is so.
async fn wait_for(dir: &Path, condition: impl Fn(&[Report]) -> bool) -> Vec<Report> {
    // Looks are counted, not time: the machine may stand still meanwhile.
    for _ in 0..1000 {
        let reports = reports(dir);
        if condition(&reports) {
            return reports;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it stays so: {:?}", reports(dir));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_seen_from_start_to_stop_and_again_after_both() {
    let plugin = TestPlugin::with_body(PLUGIN);
    let id = format!("com.example.status-{}", std::process::id());
    plugin.edit_manifest(|it| it["id"] = id.clone().into());
    let dir = plugin.dir.path();
    assert_eq!(said(&[&id]), (String::new(), Some(1)));
    let nothing = String::from_utf8(mm_host(&[&id]).stderr).unwrap();
    assert!(nothing.contains(&format!("no plugin {id} runs in an mm-host that can be asked")), "{nothing}");

    let host = plugin.builder().workers(2).build().unwrap();
    assert_eq!(only(dir).state, "stopped");
    host.start().await.unwrap();
    host.activate().await.unwrap();
    for name in ["anna", "nobody"] {
        let user = Some(v1::User { username: name.to_owned(), ..Default::default() });
        drop(host.hooks().user_will_log_in(v1::UserWillLogInRequest { context: None, user }).await);
    }
    let report = only(dir);
    assert_eq!((report.state.as_str(), report.plugin_id.as_str(), report.pids.len()), ("running", id.as_str(), 2));
    assert_eq!((report.host_pid, report.pids[0]), (std::process::id(), host.status().pid.unwrap()));
    assert_eq!(report.hook_calls.over["error"], 1);
    assert!(report.hook_calls.over["ok"] >= 3 && report.api_calls.count() >= 1, "{report:?}");
    assert!(report.hooks.contains(&"UserWillLogIn".to_owned()), "{report:?}");
    assert!(report.python_version.starts_with("3.") && report.host_memory > 1 << 20 && report.plugin_memory > 1 << 20);

    // One dies, and another takes its place.
    let before = report.pids;
    kill(Pid::from_raw(before[1]), Signal::SIGKILL).unwrap();
    let restarted = |it: &[Report]| it[0].restarts.get("killed") == Some(&1) && it[0].pids.len() == 2;
    let report = wait_for(dir, restarted).await.remove(0);
    assert_eq!((report.pids[0], report.deaths), (before[0], 1));
    assert_ne!(report.pids[1], before[1]);

    for _ in 0..2 {
        host.stop("test").await;
        assert_eq!(reports(dir), [], "nothing is left to be asked");
        host.start().await.unwrap();
        let report = only(dir);
        assert_eq!((report.state.as_str(), report.pids[0]), ("running", host.status().pid.unwrap()));
    }
    host.stop("test").await;
    assert_eq!(host.status().state, State::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_cannot_start_has_failed_and_says_why() {
    let plugin = TestPlugin::raw("import no_such_module\n");
    let host = plugin.host();
    host.start().await.unwrap_err();
    let report = only(plugin.dir.path());
    assert_eq!((report.state.as_str(), report.pids.len()), ("failed", 0));
    assert!(report.failure.contains("No module named 'no_such_module'"), "{report:?}");
    let (text, code) = said(&[plugin.dir.path().to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
}

#[tokio::test]
async fn a_plugin_under_a_server_is_found_and_gone_with_its_host() {
    let bundle = Bundle::with_body(PLUGIN);
    let (dir, temporary) = (bundle.dir.path(), bundle.temporary.path());
    let server = bundle.activate().await;
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "no anna");
    let report = only(dir);
    assert_eq!(i32::try_from(report.host_pid).unwrap(), server.started.pid());
    assert_eq!((report.state.as_str(), report.pids), ("running", server.started.pythons()));
    let text = report_text(dir);
    assert!(text.contains("com.example.test 1.2.3: running\n") && text.contains("  memory"), "{text}");
    server.quit().await;
    assert_eq!(reports(dir), []);

    // Killed, it can say no goodbye.
    let server = bundle.activate().await;
    assert_eq!(only(dir).state, "running");
    kill(Pid::from_raw(server.started.pid()), Signal::SIGKILL).unwrap();
    wait_for(dir, <[Report]>::is_empty).await;
    for _ in 0..1000 {
        if std::fs::read_dir(temporary).unwrap().count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("left behind: {:?}", std::fs::read_dir(temporary).unwrap().collect::<Vec<_>>());
}

/// What a person reads about all plugins.
fn report_text(dir: &Path) -> String {
    let (text, _) = said(&[]);
    let dir = dir.canonicalize().unwrap();
    assert!(text.contains(&format!("  folder      {}\n", dir.display())), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_are_those_of_the_page() {
    let plugin = TestPlugin::with_body("    pass\n");
    let id = format!("com.example.page-{}", std::process::id());
    plugin.edit_manifest(|it| it["id"] = id.clone().into());
    let host = plugin.host();
    host.start().await.unwrap();
    let (text, code) = said(&[&id, "--format", "prometheus"]);
    assert_eq!(code, Some(0));
    let names = |text: &str| -> Vec<String> {
        text.lines().filter(|it| it.starts_with("# TYPE ")).map(str::to_owned).collect()
    };
    assert_eq!(names(&text), names(&host.metrics().text()));
    assert!(text.contains(&format!("plugin_id=\"{id}\"")), "{text}");
    host.stop("test").await;
}
