//! The executable under a server: from the handshake to its end, and everything that can end it.

mod common;
mod server;

use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use common::{HEAD, TAIL};
use mm_goplugin::rpc::CallError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::{Bundle, COOKIE, GONE, assert_gone, holds_none_of};

/// Answers with what the API says, and logs.
const TALKATIVE: &str = "
    @hook(HookName.OnActivate)
    def begin(self):
        self.logger.info('begun on %s', self.api.get_server_version(), extra={'answer': self.config['answer']})

    @hook(HookName.OnDeactivate)
    def end(self):
        self.logger.info('ended')

    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        return f'no {user.username}'
";

#[tokio::test]
async fn a_whole_life() {
    let bundle = Bundle::with_body(TALKATIVE);
    let before = bundle.files();
    let server = bundle.connect().await;
    let mut implemented = server.implemented().await;
    implemented.sort();
    assert_eq!(implemented, ["OnActivate", "OnConfigurationChange", "OnDeactivate", "ServeMetrics", "UserWillLogIn"]);
    server.activate().await.unwrap();
    server.host.ping().await.unwrap();
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "no anna");
    let begun = server.api.wait_for("begun on 9.8.1").await;
    assert_eq!((begun.level, begun.pair("answer")), ("info", Some("42")));
    server.deactivate().await;
    server.api.wait_for("ended").await;
    let api = server.api.clone();
    server.quit().await;
    assert_eq!(api.logged().iter().filter(|it| it.message == "ended").count(), 1, "OnDeactivate is called once");
    assert_eq!(bundle.files(), before, "nothing is written into the bundle");
    assert_eq!(std::fs::read_dir(bundle.temporary.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn the_handshake_and_pings_do_not_wait_for_python() {
    let wait = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n";
    let bundle = Bundle::raw(&format!("{wait}{HEAD}\nclass P(Plugin):\n{TALKATIVE}\n{TAIL}"));
    let server = bundle.connect().await;
    server.host.ping().await.unwrap();
    {
        let mut implemented = pin!(server.implemented());
        tokio::time::timeout(Duration::from_millis(200), &mut implemented).await.expect_err("Python is not there yet");
        server.host.ping().await.unwrap();
        std::fs::write(bundle.dir.path().join("go"), "").unwrap();
        assert_eq!(implemented.await.len(), 5);
    }
    server.activate().await.unwrap();
    server.quit().await;
}

#[tokio::test]
async fn python_holds_nothing_of_the_servers_and_sees_nothing_of_its_environment() {
    let body = "
    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        import os, subprocess, sys
        of_child = subprocess.run(['cat', '/proc/self/environ'], capture_output=True, check=True).stdout
        seen = [repr(os.environ), open('/proc/self/environ').read(), repr(sys.argv), of_child.decode()]
        assert all('PATH' in it for it in seen[:2])
        return repr(['secret' in ''.join(seen), sorted(it for it in os.environ if it.startswith(('MATTERMOST', 'MM_')))])
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    assert_eq!(server.started.pythons().len(), 1);
    let descendants = server.started.descendants();
    assert_eq!(descendants.len(), 2, "Python and the janitor");
    assert!(descendants.iter().all(|it| holds_none_of(*it, &server.started.pipes)));
    assert!(!holds_none_of(server.started.pid(), &server.started.pipes), "the check works");
    let contract = "['MM_PLUGIN_HOST_SOCKET', 'MM_PLUGIN_ID', 'MM_PLUGIN_SOCKET', 'MM_PLUGIN_TOKEN_FD']";
    assert_eq!(server.user_will_log_in("x").await.unwrap(), format!("[False, {contract}]"));
    server.quit().await;
}

#[tokio::test]
async fn when_the_server_is_gone_nothing_is_left() {
    for body in [TALKATIVE, BUSY] {
        let bundle = Bundle::with_body(body);
        let mut server = bundle.activate().await;
        let descendants = server.started.descendants();
        assert!(!descendants.is_empty());
        let stuck = server.hooks.clone();
        if body == BUSY {
            tokio::spawn(async move { call(&stuck).await });
            server.api.wait_for("busy").await;
        }
        server.host.close().await;
        let status = server.started.ended(GONE).await;
        assert_gone(&descendants).await;
        assert_eq!(status.code(), Some(1));
        assert_eq!(std::fs::read_dir(bundle.temporary.path()).unwrap().count(), 0);
    }
}

/// Never returns, and does not hear SIGTERM.
const BUSY: &str = "
    def __init__(self):
        import subprocess
        subprocess.Popen(['sleep', '60'])

    @hook(HookName.OnDeactivate)
    def end(self):
        print('ending', flush=True)
        while True: pass

    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        self.logger.info('busy')
        while True: pass
";

async fn call(hooks: &mm_goplugin::rpc::Client) -> Result<(), CallError> {
    use mm_gob::codec::Struct;
    use mm_proto::gob::hooks as gob;
    use mm_proto::plugin::v1::{UserWillLogInRequest, UserWillLogInResponse};
    let request = UserWillLogInRequest::default();
    let answer: Result<UserWillLogInResponse, _> = hooks
        .call::<Struct<gob::UserWillLogInArgs>, _, Struct<gob::UserWillLogInReturns>, _>(
            "Plugin.UserWillLogIn",
            &request,
        )
        .await;
    answer.map(drop)
}

#[tokio::test]
async fn it_quits_in_time_whatever_its_handlers_do() {
    let bundle = Bundle::with_body(BUSY);
    let server = bundle.activate().await;
    let stuck = server.hooks.clone();
    tokio::spawn(async move { call(&stuck).await });
    server.api.wait_for("busy").await;
    let api = server.api.clone();
    server.quit().await;
    assert!(api.logged().iter().filter(|it| it.message == "ending").count() <= 1, "OnDeactivate is called once");
}

#[tokio::test]
async fn it_quits_while_python_starts() {
    let bundle = Bundle::raw("import time\ntime.sleep(60)\n");
    let server = bundle.connect().await;
    while server.started.pythons().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.quit().await;
}

#[tokio::test]
async fn an_interrupt_is_the_servers_and_sigterm_ends_in_order() {
    let bundle = Bundle::with_body(TALKATIVE);
    let mut server = bundle.activate().await;
    let descendants = server.started.descendants();
    let pid = Pid::from_raw(server.started.pid());
    kill(pid, Signal::SIGINT).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "no anna");
    kill(pid, Signal::SIGTERM).unwrap();
    let status = server.started.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0));
    assert_gone(&descendants).await;
    assert_eq!(server.api.logged().iter().filter(|it| it.message == "ended").count(), 1, "{:?}", server.api.logged());
}

#[tokio::test]
async fn a_lost_api_ends_the_process() {
    let bundle = Bundle::with_body(TALKATIVE);
    let mut server = bundle.activate().await;
    let descendants = server.started.descendants();
    server.api_task.lock().unwrap().take().unwrap().abort();
    let status = server.started.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(1));
    assert_gone(&descendants).await;
    let line = server.wait_for_line("the connection to the server's plugin API is over").await;
    assert_eq!(line["@level"], "error");
}

#[tokio::test]
async fn a_lost_connection_to_the_hooks_ends_the_process() {
    let bundle = Bundle::with_body(TALKATIVE);
    let server = bundle.activate().await;
    let server::Server { mut started, hooks, host, api, .. } = server;
    drop(hooks);
    let status = started.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(1));
    api.wait_for("the server's connection to the hooks is over").await;
    drop(host);
}

#[tokio::test]
async fn when_the_server_is_gone_before_it_connects_nothing_is_left() {
    let bundle = Bundle::with_body(TALKATIVE);
    let mut started = bundle.start();
    while started.pythons().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let descendants = started.descendants();
    drop(started.child.stdout.take());
    let status = started.ended(GONE).await;
    assert_gone(&descendants).await;
    assert_eq!(status.code(), Some(1));
    assert_eq!(std::fs::read_dir(bundle.temporary.path()).unwrap().count(), 0);
}

/// A process that speaks the contract by hand, and answers a text where a text is meant as a number: nothing that can be read.
const LIAR: &str = "
import os, sys
from mattermost_plugin import _native
text = os.environ.get
token = os.fdopen(int(text('MM_PLUGIN_TOKEN_FD'))).read()
tables = {
    'HelloRequest': (None, ((1, 'sdk_version', 8, None), (2, 'protocol_version', 4, None), (5, 'hooks', 8 | 0x40, None))),
    'HelloResponse': (None, ()),
    'Any': (None, ()),
    'Wrong': (None, ((1, 'reason', 3, None),)),
}
codec = _native.Codec(tables.__getitem__)
client = _native.Client(text('MM_PLUGIN_HOST_SOCKET'), codec, token=token)
hooks = '/mattermost.plugin.v1.PluginHooks/'
methods = {hooks + 'UserWillLogIn': ('Any', 'Wrong', False)}
server = _native.Server(text('MM_PLUGIN_SOCKET'), codec, methods, token=token)
hello = ('9.9.9', 1, ['UserWillLogIn'])
client.call('/mattermost.host.v1.PluginHost/Hello', 'HelloRequest', 'HelloResponse', hello, 5.0)
while not server.shutdown_requested:
    call = server.recv(0.1)
    if call is not None:
        call.reply((7,))
";

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_of_that_call_only() {
    let bundle = Bundle::raw(LIAR);
    let server = bundle.activate().await;
    for _ in 0..2 {
        let error = server.user_will_log_in("x").await.unwrap_err();
        assert!(matches!(error, CallError::Remote(_)), "{error:?}");
        assert!(error.to_string().contains("UserWillLogIn"), "{error}");
    }
    server.host.ping().await.unwrap();
    server.quit().await;
}

#[tokio::test]
async fn a_method_that_the_server_lacks_raises_not_supported_by_server_with_its_version() {
    let body = "
    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        from mattermost_plugin import NotSupportedByServer
        from mattermost_plugin.models import SendToastMessageOptions
        try:
            self.api.send_toast_message('u', 'c', 'text', SendToastMessageOptions())
        except NotSupportedByServer as error:
            return str(error)
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    let text = server.user_will_log_in("x").await.unwrap();
    let since = mm_proto::MethodInfo::find("SendToastMessage").unwrap().since;
    assert!(text.contains("SendToastMessage") && text.contains(since), "{text}");
    server.quit().await;
}

#[test]
fn only_the_servers_cookie_makes_it_an_executable() {
    let bundle = Bundle::raw("");
    for value in [None, Some("no"), Some("Securely message teams, collaborate anywhere.")] {
        let mut command = Command::new(bundle.executable());
        command.env_remove(COOKIE.0).envs(value.map(|it| (COOKIE.0, it)));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("This is the executable of the plugin in "), "{text}");
        assert!(text.contains("mm-host dev ") && text.contains("Usage"), "{text}");
    }
    bundle.start();
}

#[test]
fn a_subcommand_is_obeyed_although_the_cookie_is_there() {
    let output = Command::new(env!("CARGO_BIN_EXE_mm-host")).arg("--version").env(COOKIE.0, COOKIE.1).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("mm-host "));
}
