//! Who may talk to the host: the process it started, with the token, and nobody else.

mod common;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use common::TestPlugin;
use mm_host::log::LogLevel;
use tokio::io::AsyncReadExt;

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
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await.unwrap();
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
    host.drain_output(Duration::from_secs(2)).await;
    let logged = plugin.logged();
    assert_eq!(logged.iter().filter(|it| *it == "info: REFUSED UNAUTHENTICATED").count(), 2, "{logged:#?}");
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
