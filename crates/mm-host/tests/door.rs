//! Who may talk to the host: the process it started, with the token, and nobody else.

mod common;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use common::TestPlugin;
use mm_host::log::LogLevel;
use tokio::io::AsyncReadExt;

/// A user without rights.
const NOBODY: u32 = 65534;

/// A variable of a running process's environment.
fn variable(pid: i32, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let text = String::from_utf8_lossy(&environment).into_owned();
    text.split('\0').find_map(|it| it.strip_prefix(&format!("{name}=")).map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_private_and_other_processes_are_refused() {
    let plugin = TestPlugin::with_body("    pass\n");
    let host = plugin.host();
    host.start().await.unwrap();
    let pid = host.status().pid.unwrap();
    let socket = PathBuf::from(variable(pid, "MM_PLUGIN_HOST_SOCKET").unwrap());
    let folder = socket.parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert_eq!(folder.uid(), nix::unistd::geteuid().as_raw());
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // This process is of the same user and is not the plugin's.
    let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
    let read = tokio::time::timeout(common::AT_LAST, stream.read(&mut [0; 64])).await.unwrap();
    assert_eq!(read.unwrap_or(0), 0, "the connection is closed without a word");
    let record = plugin.wait_for_log("a connection from another process").await;
    assert_eq!(record.level, LogLevel::Warn);
    assert!(record.message.contains(&format!("pid {}", std::process::id())), "{record:?}");

    host.stop("test").await;
    assert!(!socket.exists() && !socket.parent().unwrap().exists(), "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_the_token_is_refused() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import os\n        from mattermost_plugin import _native\n\
         \x20       codec = _native.Codec(lambda name: (None, ()))\n\
         \x20       for token in (None, 'f' * 64):\n\
         \x20           client = _native.Client(os.environ['MM_PLUGIN_HOST_SOCKET'], codec, token=token)\n\
         \x20           try:\n                client.call('/mattermost.plugin.v1.PluginApi/GetServerVersion', 'Empty', 'Empty', (), 5.0)\n\
         \x20               print('ANSWERED')\n            except _native.RpcError as error:\n                print('REFUSED', error.code_name)\n",
    );
    let host = plugin.host();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    host.drain_output(common::AT_LAST).await;
    let logged = plugin.logged();
    assert_eq!(logged.iter().filter(|it| *it == "info: REFUSED UNAUTHENTICATED").count(), 2, "{logged:#?}");
    let told = logged.iter().filter(|it| it.starts_with("warn: a call to the host without the token of its process"));
    assert_eq!(told.count(), 1, "it is logged, and not for each call: {logged:#?}");
    host.stop("test").await;
}

/// A plugin that keeps the token of its first process in a file, and calls with it in its second.
const REPLAYER: &str = r#"
import os, pathlib
token = os.read(int(os.environ["MM_PLUGIN_TOKEN_FD"]), 1000)
os.close(int(os.environ["MM_PLUGIN_TOKEN_FD"]))
reader, writer = os.pipe()
os.write(writer, token)
os.close(writer)
os.environ["MM_PLUGIN_TOKEN_FD"] = str(reader)
kept = pathlib.Path(os.environ["PLUGIN_KEPT"])
old = kept.read_text() if kept.exists() else ""
kept.write_text(token.decode())

from mattermost_plugin import Plugin, hook, HookName, _native
from mattermost_plugin.server import run_plugin

class P(Plugin):
    @hook(HookName.OnActivate)
    def up(self):
        print("SAME" if old == token.decode() else "ANOTHER" if old else "FIRST")
        client = _native.Client(os.environ["MM_PLUGIN_HOST_SOCKET"], _native.Codec(lambda name: (None, ())), token=old or None)
        try:
            client.call("/mattermost.plugin.v1.PluginApi/GetServerVersion", "Empty", "Empty", (), 5.0)
            print("ANSWERED")
        except _native.RpcError as error:
            print("REFUSED", error.code_name)

if __name__ == "__main__":
    run_plugin(P)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_of_an_earlier_process_is_refused() {
    let plugin = TestPlugin::raw(REPLAYER);
    let kept = plugin.dir.path().join("kept");
    let host = plugin.builder().variable("PLUGIN_KEPT", &kept).build().unwrap();
    for _ in 0..2 {
        host.start().await.unwrap();
        host.activate().await.unwrap();
        host.drain_output(common::AT_LAST).await;
        host.stop("test").await;
    }
    let printed: Vec<String> = plugin.logged().into_iter().filter(|it| it.starts_with("info: ")).collect();
    let expected =
        ["FIRST", "REFUSED UNAUTHENTICATED", "ANOTHER", "REFUSED UNAUTHENTICATED"].map(|it| format!("info: {it}"));
    assert_eq!(printed, expected);
    let told =
        |it: &String| it.starts_with("warn: a call to the host without the token of its process, or with another");
    assert_eq!(plugin.logged().iter().filter(|it| told(it)).count(), 2, "for each process: {:#?}", plugin.logged());
}

/// Another user does not even get into the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_does_not_reach_the_socket() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("only root can act as another user: that the folder is private is tested above");
        return;
    }
    let plugin = TestPlugin::with_body("    pass\n");
    let host = plugin.host();
    host.start().await.unwrap();
    let socket = variable(host.status().pid.unwrap(), "MM_PLUGIN_HOST_SOCKET").unwrap();
    let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let output =
        tokio::process::Command::new("python3").args(["-c", connect, &socket]).uid(NOBODY).gid(NOBODY).output();
    let output = output.await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("PermissionError"), "{error}");
    host.stop("test").await;
}

/// And one who did would be refused: the folder's rights are taken away for the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_in_the_folder_is_refused_and_logged() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("only root can act as another user: that another process is refused is tested above");
        return;
    }
    let plugin = TestPlugin::with_body("    pass\n");
    let host = plugin.host();
    host.start().await.unwrap();
    let socket = PathBuf::from(variable(host.status().pid.unwrap(), "MM_PLUGIN_HOST_SOCKET").unwrap());
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    for folder in socket.ancestors().skip(1).take_while(|it| *it != std::env::temp_dir()) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let talk = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(len(s.recv(64)))";
    for _ in 0..20 {
        let command =
            tokio::process::Command::new("python3").args(["-c", talk]).arg(&socket).uid(NOBODY).gid(NOBODY).output();
        let output = command.await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(said == "0" || String::from_utf8_lossy(&output.stderr).contains("ConnectionReset"), "{output:?}");
    }
    plugin.wait_for_log(&format!("a connection from another user (uid {NOBODY}) was refused")).await;
    let n_logged = plugin.logged().iter().filter(|it| it.contains("another user")).count();
    assert_eq!(n_logged, 1, "a flood is one record: {:#?}", plugin.logged());
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_in_no_place_that_others_can_read() {
    let plugin = TestPlugin::with_body("    pass\n");
    let host = plugin.host();
    host.start().await.unwrap();
    let pid = host.status().pid.unwrap();
    let looks_like_a_token = |it: &str| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit());
    for file in ["environ", "cmdline"] {
        let content = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
        let content = String::from_utf8_lossy(&content).into_owned();
        let found = content.split(['\0', '=']).any(looks_like_a_token);
        assert!(!found, "{file}: {content}");
    }
    host.stop("test").await;
}

/// What a server gives its plugins, and what must not reach Python.
const SECRETS: [(&str, &str); 4] = [
    ("MM_SQLSETTINGS_DATASOURCE", "postgres://mmuser:canary-of-the-database@db/mattermost"),
    ("MM_SERVICESETTINGS_SITEURL", "https://canary-of-the-site"),
    ("AWS_SECRET_ACCESS_KEY", "canary-of-the-cloud"),
    ("MATTERMOST_PLUGIN", "canary-of-the-cookie"),
];

#[cfg(feature = "dev")]
#[test]
fn nothing_secret_of_the_environment_reaches_the_plugin() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import os, sys\n\
         \x20       shown = [repr(dict(os.environ)), repr(sys.argv)]\n\
         \x20       shown += [open(f'/proc/self/{it}').read() for it in ('environ', 'cmdline')]\n\
         \x20       print('SHOWN', 'PATH' in shown[0], 'MM_PLUGIN_ID' in shown[2], 'canary' in ''.join(shown))\n\
         \x20       print('NAMES', sorted(it for it in os.environ if it.startswith('MM_')))\n",
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mm-host"));
    command.arg("dev").arg(plugin.dir.path()).arg("--sdk").arg(common::sdk()).stdin(std::process::Stdio::null());
    let output = command.envs(SECRETS).env("NO_COLOR", "1").output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(text.contains("SHOWN True True False"), "{text}");
    let contract = "NAMES ['MM_PLUGIN_HOST_SOCKET', 'MM_PLUGIN_ID', 'MM_PLUGIN_SOCKET', 'MM_PLUGIN_TOKEN_FD']";
    assert!(text.contains(contract), "{text}");
}
