//! Plugins that cannot start, and what is said about them. Each text must name the place and what to do.

mod common;

use std::time::Duration;

use common::{HEAD, TAIL, TestPlugin};
use mm_host::{HostError, Limits, State};

async fn failure(plugin: &TestPlugin) -> String {
    failure_within(plugin, Limits::default()).await
}

async fn failure_within(plugin: &TestPlugin, limits: Limits) -> String {
    let host = plugin.builder().limits(limits).build().unwrap();
    let error = host.start().await.expect_err("it must not start");
    assert!(matches!(error, HostError::Start(_)), "{error:?}");
    assert_eq!(host.status().state, State::Failed);
    assert!(host.status().failure.is_some());
    error.to_string()
}

#[tokio::test]
async fn a_syntax_error() {
    let text = failure(&TestPlugin::raw("import os\n\ndef f(:\n    pass\n")).await;
    assert!(text.starts_with("SyntaxError: invalid syntax (plugin.py:3): mend that line"), "{text}");
}

#[tokio::test]
async fn a_missing_dependency() {
    let plugin = TestPlugin::raw(&format!("{HEAD}import not_there_at_all\n{TAIL}"));
    let text = failure(&plugin).await;
    assert!(text.starts_with("ModuleNotFoundError: No module named 'not_there_at_all' (plugin.py:3): "), "{text}");
    assert!(text.contains("write not_there_at_all in a requirements.txt"), "{text}");
    let logged = plugin.wait_for_log("Traceback").await;
    assert!(
        logged.message.ends_with("No module named 'not_there_at_all'"),
        "the whole traceback is one record: {logged:?}"
    );
}

#[tokio::test]
async fn an_exception_while_the_module_is_imported() {
    let text = failure(&TestPlugin::raw("def f():\n    raise RuntimeError('no luck')\nf()\n")).await;
    assert_eq!(text, "RuntimeError: no luck (plugin.py:2)");
}

#[tokio::test]
async fn an_exception_in_init() {
    let body = "    def __init__(self):\n        super().__init__()\n        raise ValueError('bad start')\n";
    let text = failure(&TestPlugin::with_body(body)).await;
    assert!(text.contains("ValueError: bad start") && text.contains("plugin.py:"), "{text}");
}

#[tokio::test]
async fn a_file_that_runs_nothing() {
    let text = failure(&TestPlugin::raw("x = 1\n")).await;
    assert!(text.starts_with("plugin.py ended without calling run_plugin: end it with"), "{text}");
}

#[tokio::test]
async fn an_exit_with_a_code() {
    let text = failure(&TestPlugin::raw("import sys\nsys.exit('no licence')\n")).await;
    assert!(text.contains("ended with exit code 1 before it was ready") && text.contains("no licence"), "{text}");
}

#[tokio::test]
async fn a_hang_is_ended_and_its_place_named() {
    let plugin = TestPlugin::raw("import time\nopen('begun', 'w').close()\nwhile True:\n    time.sleep(1)\n");
    for limit in [2.5, 10.0, 40.0] {
        let limits = Limits { start: Duration::from_secs_f64(limit), ..Limits::default() };
        let text = failure_within(&plugin, limits).await;
        assert!(text.starts_with(&format!("plugin.py was not ready after {limit} s")), "{text}");
        // Nothing can be said of a place where it was not yet, on a machine that stood still: then it has more time.
        if plugin.dir.path().join("begun").exists() {
            assert!(text.contains(" s (plugin.py:4): move slow work"), "{text}");
            return;
        }
    }
    panic!("Python does not begin");
}

#[tokio::test]
async fn a_wrong_hook_name_is_explained_by_the_sdk() {
    let body = "    @hook('MesageWillBePosted')\n    def f(self, context, post):\n        return None\n";
    let text = failure(&TestPlugin::with_body(body)).await;
    assert!(
        text.contains("MesageWillBePosted") && text.contains("MessageWillBePosted") && text.contains("plugin.py:"),
        "{text}"
    );
}

#[tokio::test]
async fn a_wrong_number_of_parameters_is_explained_by_the_sdk() {
    let body = "    @hook(HookName.MessageWillBePosted)\n    def f(self, post):\n        return None\n";
    let text = failure(&TestPlugin::with_body(body)).await;
    assert!(text.contains("context") && text.contains("post"), "{text}");
}

#[tokio::test]
async fn a_missing_file_is_named_before_anything_starts() {
    let plugin = TestPlugin::raw("");
    std::fs::remove_file(plugin.dir.path().join("plugin.py")).unwrap();
    let error = plugin.builder().build().err().unwrap().to_string();
    assert!(error.ends_with("plugin.py is missing: server.executable of the manifest names it"), "{error}");
}

#[tokio::test]
async fn a_failed_plugin_starts_once_it_is_mended() {
    let plugin = TestPlugin::raw("boom\n");
    let host = plugin.host();
    let error = host.start().await.unwrap_err().to_string();
    assert!(error.starts_with("NameError: name 'boom' is not defined") && error.ends_with("(plugin.py:1)"), "{error}");
    std::fs::write(plugin.dir.path().join("plugin.py"), format!("{HEAD}\nclass P(Plugin):\n    pass\n{TAIL}")).unwrap();
    host.start().await.unwrap();
    assert_eq!(host.status().state, State::Running);
    host.stop("test").await;
}

/// A process that speaks the contract by hand, up to a hello of this protocol version.
fn by_hand(protocol_version: u32) -> TestPlugin {
    TestPlugin::raw(&format!(
        "import os, time\nfrom mattermost_plugin import _native\n\
         token = os.fdopen(int(os.environ['MM_PLUGIN_TOKEN_FD'])).read()\n\
         tables = {{'HelloRequest': (None, ((1, 'sdk_version', 8, None), (2, 'protocol_version', 4, None))), 'HelloResponse': (None, ())}}\n\
         client = _native.Client(os.environ['MM_PLUGIN_HOST_SOCKET'], _native.Codec(tables.__getitem__), token=token)\n\
         path = '/mattermost.host.v1.PluginHost/Hello'\n\
         try:\n    client.call(path, 'HelloRequest', 'HelloResponse', ('9.9.9', {protocol_version}), 5.0)\n\
         except _native.RpcError as error:\n    print('REFUSED', error.code_name, flush=True)\ntime.sleep(60)\n"
    ))
}

#[tokio::test]
async fn an_sdk_of_another_protocol_is_refused_and_both_versions_named() {
    let plugin = by_hand(99);
    let text = failure(&plugin).await;
    assert_eq!(text, "mattermost-plugin-sdk 9.9.9 speaks protocol 99, this host speaks 1: update mm-host");
}

#[tokio::test]
async fn a_hello_without_a_socket_behind_it_is_refused() {
    let plugin = by_hand(mm_proto::PROTOCOL_VERSION);
    let text = failure(&plugin).await;
    assert!(text.starts_with("the host could not connect to the plugin's socket: No such file"), "{text}");
}
