//! What the tests of the example plugin share.

use std::path::PathBuf;

/// The example `interop_plugin`, which `cargo test` builds beside this test.
pub(crate) fn plugin() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows where it is");
    let profile = own.parent().and_then(|deps| deps.parent()).expect("tests are built into target/<profile>/deps");
    let plugin = profile.join("examples/interop_plugin");
    assert!(plugin.exists(), "missing: run `cargo build -p mm-goplugin --example interop_plugin`");
    plugin
}

/// Whether a process lives. One that is dead and not waited for does not.
#[allow(dead_code)] // Not every test that includes this module asks.
pub(crate) fn is_running(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the command's name, which stands in parentheses.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
