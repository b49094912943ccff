//! Plugins in other languages (`server.runtime: "command"`): their bundles, and how their failures are told under a server. That one
//! works is shown by examples/hello_node.
#![cfg(feature = "dev")]

mod common;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mm_host::bundle::layout::Target;
use server::{COOKIE, Server, Started};

/// A plugin in a folder of its own, which starts these words.
struct Plugin(tempfile::TempDir);

impl Plugin {
    fn new(command: &[&str]) -> Self {
        let plugin = Self(tempfile::tempdir().unwrap());
        let manifest = serde_json::json!({
            "id": "com.example.other", "name": "Other", "version": "1.0.0",
            "server": {"runtime": "command", "command": command},
        });
        plugin.write("plugin.json", &manifest.to_string());
        plugin.write("plugin.js", "// …");
        plugin
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("plugin")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn mm_host(&self, task: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
        command.arg(task).arg(self.folder()).args(more).env("NO_COLOR", "1").output().unwrap()
    }

    /// Its bundle, unpacked.
    fn bundle(&self) -> PathBuf {
        let file = self.0.path().join("bundle.tar.gz");
        let output = self.mm_host("bundle", &["--output", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", errors(&output));
        let archive = flate2::read::GzDecoder::new(fs::File::open(file).unwrap());
        tar::Archive::new(archive).unpack(self.0.path()).unwrap();
        self.0.path().join("com.example.other")
    }

    /// Its bundle, started and activated as by a server; the error that an administrator sees.
    async fn refused(&self) -> String {
        let executable = self.bundle().join("server").join(Target::here().unwrap().name()).join("mm-host");
        let mut command = Command::new(executable);
        command.env(COOKIE.0, COOKIE.1).env("TMPDIR", self.0.path()).current_dir("/");
        let server = Server::connect(Started::new(command)).await;
        assert_eq!(server.implemented().await, [""; 0]);
        let error = server.activate().await.expect_err("it does not start");
        error.message
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn its_bundle_has_the_host_and_the_folder_and_nothing_of_python() {
    let plugin = Plugin::new(&["node", "plugin.js"]);
    plugin.write("node_modules/left-pad/index.js", "// a library");
    plugin.write("webapp/node_modules/bundler/index.js", "// a tool");
    let bundle = plugin.bundle();
    let target = Target::here().unwrap().name();
    let manifest = json(&bundle.join("plugin.json"));
    let server = serde_json::json!({
        "runtime": "command", "command": ["node", "plugin.js"],
        "executables": {target: format!("server/{target}/mm-host")},
    });
    assert_eq!(manifest["server"], server);
    assert!(bundle.join("node_modules/left-pad/index.js").exists());
    assert!(!bundle.join("webapp").exists());
    let beside: Vec<_> =
        fs::read_dir(bundle.join("server").join(target)).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(beside, ["mm-host"]);

    let checked = Command::new(env!("CARGO_BIN_EXE_mm-host")).arg("check").arg(&bundle).output().unwrap();
    assert_eq!((checked.status.code(), errors(&checked)), (Some(0), String::new()));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let plugin = Plugin::new(&["bin/plugin"]);
    for task in ["check", "bundle"] {
        let output = plugin.mm_host(task, &[]);
        assert_eq!(output.status.code(), Some(1));
        let text = errors(&output);
        assert!(text.contains("the program of server.command, bin/plugin, is missing"), "{text}");
    }
    plugin.write("bin/plugin", "#!/bin/sh\n");
    assert_eq!(errors(&plugin.mm_host("check", &[])), "");
    let text = errors(&plugin.mm_host("bundle", &["--python", "/usr"]));
    assert!(
        text.contains("the plugin is not in Python (server.runtime), so it needs none: leave --python out"),
        "{text}"
    );
}

#[tokio::test]
async fn a_program_that_fails_at_its_start_is_quoted_to_the_administrator() {
    let plugin = Plugin::new(&["sh", "-c", "echo 'Error: no luck today' >&2; echo '    at home' >&2; exit 3"]);
    let text = plugin.refused().await;
    assert!(text.ends_with("ended with exit code 3 before it was ready: it said \"Error: no luck today\""), "{text}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let text = Plugin::new(&["no-such-program"]).refused().await;
    assert!(text.starts_with("no-such-program, which server.command names, is not on the PATH ("), "{text}");
}

#[tokio::test]
async fn it_sees_the_contract_and_nothing_of_pythons() {
    let script = "env | cut -d= -f1 | grep -E '^(MM_|PYTHON|VIRTUAL)' | sort | tr '\\n' ' ' >&2; pwd >&2; exit 1";
    let text = Plugin::new(&["sh", "-c", script]).refused().await;
    let expected = "MM_PLUGIN_HOST_SOCKET MM_PLUGIN_ID MM_PLUGIN_SOCKET MM_PLUGIN_TOKEN_FD ";
    assert!(text.contains(expected) && text.ends_with("/com.example.other\""), "{text}");
}
