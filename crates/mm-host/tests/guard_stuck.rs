//! Handlers that do not return: whoever waits has an answer in time, and the log says where they hang.

mod common;

use std::time::Duration;

use common::{AT_LAST, TestPlugin, timed, wait_until, wait_until_gone};
use mm_host::{Limits, PluginHost, State};
use mm_proto::plugin::v1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PLUGIN: &str = r#"
    @hook(HookName.MessageWillBePosted, deadline=3, on_error="reject", rejection="Not now.")
    def post(self, context, post):
        import ctypes, time
        if post.message == "sleep":
            time.sleep(20)  # in a thread
        else:
            ctypes.PyDLL(None).sleep(9)  # in compiled code

    @hook(HookName.UserWillLogIn, deadline=3)
    async def log_in(self, context, user):
        await self.wait()

    async def wait(self):
        import asyncio
        await asyncio.sleep(60)  # in a task
"#;

async fn started(plugin: &TestPlugin) -> PluginHost {
    let limits = Limits { shutdown: Duration::from_millis(200), ..Limits::default() };
    let host = plugin.builder().limits(limits).build().unwrap();
    host.start().await.unwrap();
    host
}

async fn posted(host: &PluginHost, message: &str) -> String {
    let post = Some(v1::Post { message: message.to_owned(), ..Default::default() });
    let request = v1::MessageWillBePostedRequest { context: None, post };
    host.hooks().message_will_be_posted(request).await.unwrap().reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_shows_the_thread_and_the_task() {
    let plugin = TestPlugin::with_body(PLUGIN);
    let host = started(&plugin).await;
    assert_eq!(posted(&host, "sleep").await, "Not now.");
    let thread = plugin.wait_for_log("P.post has been running for").await;
    // While it still hangs.
    assert!(thread.message.contains("time.sleep(20)  # in a thread"), "{}", thread.message);

    let late = host.hooks().user_will_log_in(v1::UserWillLogInRequest::default()).await.unwrap_err();
    assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
    let task = plugin.wait_for_log("P.log_in did not return in time and is cancelled").await;
    assert!(task.message.contains("await self.wait()"), "{}", task.message);
    assert!(task.message.contains("await asyncio.sleep(60)  # in a task"), "{}", task.message);
    host.stop("test").await;
}

/// Handlers that go on whatever happens, and one that says which process it is in.
const STUBBORN: &str = r#"
    @hook(HookName.MessageWillBePosted, deadline=2, on_error="reject", rejection="Not now.")
    def post(self, context, post):
        import os, time
        if post.message == "stay":
            print("staying")
        while post.message == "stay":
            time.sleep(0.1)
        return None, str(os.getpid())

    @hook(HookName.MessageWillBeUpdated, deadline=2, on_error="reject", rejection="Not now.")
    async def edit(self, context, new_post, old_post):
        import asyncio
        print("staying")
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
"#;

async fn edited(host: &PluginHost) -> String {
    let request =
        v1::MessageWillBeUpdatedRequest { context: None, new_post: Some(v1::Post::default()), old_post: None };
    host.hooks().message_will_be_updated(request).await.unwrap().reason
}

/// In a thread and in a task: the process that a handler does not leave is replaced, and its successor serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_handler_stays_is_replaced() {
    let plugin = TestPlugin::with_body(STUBBORN);
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"stuck": 0.5}));
    let host = started(&plugin).await;
    host.activate().await.unwrap();
    for (n, hook) in ["MessageWillBePosted", "MessageWillBeUpdated"].into_iter().enumerate() {
        let old = host.status().pid.unwrap();
        assert_eq!(posted(&host, "").await, old.to_string());
        // On a machine that stands still a call's time may be over before it has begun.
        let n_stay = || plugin.logged().iter().filter(|it| it.ends_with("staying")).count();
        let before = n_stay();
        while n_stay() == before {
            let answer = if n == 0 { posted(&host, "stay").await } else { edited(&host).await };
            assert_eq!(answer, "Not now.");
            host.drain_output(AT_LAST).await;
        }
        let other = || host.status().state == State::Running && host.status().pid.is_some_and(|it| it != old);
        assert!(wait_until(AT_LAST, other).await.is_some(), "it stays: {:#?}", plugin.logged());
        let new = host.status().pid;
        assert_eq!(posted(&host, "").await, new.unwrap().to_string(), "the new one serves");
        wait_until_gone(old).await;
        plugin.wait_for_log(&format!("{hook} still runs ")).await;
        let stuck = format!("mm_host_restarts_total{{reason=\"stuck\"}} {}", n + 1);
        assert!(host.metrics().text().lines().any(|it| it == stuck), "{}", host.metrics().text());
    }
    assert_eq!(host.status().state, State::Running);
    host.stop("test").await;
}

/// The time of a call is over here before it is in a process that got it late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_held_up_when_it_was_called_is_replaced_too() {
    let plugin = TestPlugin::with_body(STUBBORN);
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"stuck": 0.5}));
    let host = started(&plugin).await;
    host.activate().await.unwrap();
    let old = host.status().pid.unwrap();
    let process = Pid::from_raw(old);
    // On a machine that stands still the call's time may be over before it has begun.
    while !plugin.logged().iter().any(|it| it.ends_with("staying")) {
        kill(process, Signal::SIGSTOP).unwrap();
        let goes_on = async {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            kill(process, Signal::SIGCONT).unwrap();
        };
        let (answer, ()) = tokio::join!(posted(&host, "stay"), goes_on);
        assert_eq!(answer, "Not now.");
        host.drain_output(AT_LAST).await;
    }
    let other = || host.status().state == State::Running && host.status().pid.is_some_and(|it| it != old);
    assert!(wait_until(AT_LAST, other).await.is_some(), "it stays: {:#?}", plugin.logged());
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compiled_code_that_holds_the_interpreter_is_shown_too() {
    let plugin = TestPlugin::with_body(PLUGIN);
    let host = started(&plugin).await;
    let (answer, took) = timed(posted(&host, "hold")).await;
    assert_eq!(answer, "Not now.");
    assert!(took < Duration::from_secs(6), "{took:?}");
    for text in ["the plugin's interpreter does not run", "most recent call first"] {
        plugin.wait_for_log(text).await;
    }
    let logged = plugin.logged();
    let dump = logged.iter().find(|it| it.contains("most recent call first")).unwrap();
    assert!(dump.contains("plugin.py\", line 12 in post"), "{dump}");
    host.stop("test").await;
}
