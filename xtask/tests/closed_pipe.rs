//! What prints much ends quietly when its reader has seen enough, as in `cargo xtask ir | head`.

use std::io::Read as _;
use std::process::{Command, Stdio};

/// Runs the task with a reader that takes one byte and goes.
fn with_a_reader_that_goes(arguments: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
}

#[test]
fn what_prints_much_ends_quietly_with_its_reader() {
    with_a_reader_that_goes(&["ir"]);
    with_a_reader_that_goes(&["ir", "--after", "document", "--diff"]);
    with_a_reader_that_goes(&["regenerate", "--print", "--only", "proto"]);
}
