//! `examples/hello_python`, which knows nothing of notice boards, on one.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program with this input.
fn play(plugin: &Path, input: &str) -> Output {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sdk = repository.join("python/src");
    let native = sdk.join("mattermost_plugin/_native.abi3.so");
    assert!(native.exists(), "{} is missing: run `cargo xtask python` first", native.display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_embed_host"))
        .arg(repository.join("examples").join(plugin))
        .env("MM_HOST_SDK", sdk)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_plugin_runs_on_an_api_of_our_own() {
    let input = "anna: /hello\nanna: /hello Ben\nanna: /bye\nben: what a nuisance\nben: what a pleasure\ncarol joins\n";
    let output = play(Path::new("hello_python"), input);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("info: hello_python is ready on Mattermost 11.6.0"), "{log}");
    let shown = String::from_utf8_lossy(&output.stdout);
    let expected = "\
Hello Python runs, with ExecuteCommand, MessageWillBePosted, OnActivate, OnConfigurationChange, UserHasJoinedChannel
(anna) Hello, anna! This is Python speaking.
(anna) Hello, Ben! This is Python speaking.
(anna) there is no /bye
(ben) Please leave out “nuisance”.
ben: what a pleasure
the board: Welcome, @carol! Try `/hello`.
notices: 2
";
    assert_eq!(shown, expected, "{log}");
}

#[test]
fn what_the_board_cannot_do_the_plugin_is_told() {
    // It stores lists in the key-value store, which this board has not.
    let output = play(Path::new("todo"), "anna: /todo add milk\nanna: still here\n");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("the plugin failed: "), "{shown}");
    assert!(shown.ends_with("anna: still here\nnotices: 1\n"), "{shown}");
}

#[test]
fn a_folder_without_a_plugin_is_refused() {
    let output = play(Path::new("embed_host"), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no plugin.json"));
}
