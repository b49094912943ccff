//! HashiCorp's own go-plugin hosts the example `interop_plugin`: the Go program `tests/interop-go/goplugin`, built with the
//! releases 1.7.0 and 1.6.0.
//!
//! Needs Go. Without it the tests say so and pass, except where `CI=true`: there they fail.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{is_running, plugin};

/// Where the Go module is, seen from this crate.
fn go_module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop-go")
}

/// Builds the Go program with the go-plugin of the main `go.mod`, or of another; `None` if there is no Go here.
fn go_host(name: &str, modfile: Option<&str>) -> Option<PathBuf> {
    if Command::new("go").arg("version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "Go is needed for this test, and CI must have it");
        println!("NOT TESTED: this test needs Go (https://go.dev/dl), which is not on the PATH");
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut build = Command::new("go");
    build.arg("build");
    if let Some(modfile) = modfile {
        build.arg(format!("-modfile={modfile}"));
    }
    let built = build.arg("-o").arg(&program).arg("./goplugin").current_dir(go_module()).status();
    assert!(built.expect("go runs").success(), "the Go program does not build");
    Some(program)
}

fn check(name: &str, modfile: Option<&str>) {
    let Some(host) = go_host(name, modfile) else { return };
    let output = Command::new(host).arg("check").arg(plugin()).stderr(Stdio::inherit()).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    assert!(output.status.success(), "{report}");
    assert_eq!(report.lines().filter(|line| line.starts_with("ok ")).count(), 22, "{report}");
}

#[test]
fn go_plugin_1_7_0_hosts_us() {
    check("goplugin-1.7.0", None);
}

#[test]
fn go_plugin_1_6_0_hosts_us() {
    check("goplugin-1.6.0", Some("goplugin/v1.6.0.mod"));
}

#[test]
fn a_host_that_vanishes_takes_us_with_it() {
    let Some(host) = go_host("goplugin-vanish", None) else { return };
    let output = Command::new(host).arg("vanish").arg(plugin()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let pid: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a process id");
    // 2 s at least. Looks are counted, not time: the machine may stand still meanwhile.
    for _ in 0..200 {
        if !is_running(pid) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("process {pid} has outlived its host");
}
