//! A plugin's process from its start to its end, with the real SDK.

mod common;

use std::time::Duration;

use common::{AT_LAST, TestPlugin, is_alive, timed, wait_until, wait_until_gone};
use mm_host::{Deadlines, Limits, State};
use mm_proto::plugin::v1;

fn posted(message: &str) -> v1::MessageWillBePostedRequest {
    let post = v1::Post { message: message.to_owned(), ..Default::default() };
    v1::MessageWillBePostedRequest { context: Some(v1::Context::default()), post: Some(post) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_hooks_and_a_polite_end() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        self.logger.info('up %s', 'now')\n\
         \x20   @hook(HookName.OnDeactivate)\n    def down(self):\n        print('down')\n\
         \x20   @hook(HookName.MessageWillBePosted)\n    def shout(self, context, post):\n        post.message = post.message.upper()\n        return post, ''\n",
    );
    let host = plugin.host();
    assert_eq!(host.status().state, State::Stopped);
    let hello = host.start().await.unwrap();
    assert_eq!(hello.plugin_class, "P");
    assert_eq!(
        hello.hooks.iter().collect::<Vec<_>>(),
        ["MessageWillBePosted", "OnActivate", "OnConfigurationChange", "OnDeactivate"]
    );
    assert_eq!(host.status().state, State::Running);
    host.activate().await.unwrap();

    let answer = host.hooks().message_will_be_posted(posted("hello")).await.unwrap();
    assert_eq!(answer.post.unwrap().message, "HELLO");

    let pid = host.status().pid.unwrap();
    host.stop("test").await;
    assert_eq!(host.status().state, State::Stopped);
    assert!(!is_alive(pid));
    let logged = plugin.logged();
    assert!(logged.contains(&"info: up now".to_owned()) && logged.contains(&"info: down".to_owned()), "{logged:#?}");

    let gone = host.hooks().message_will_be_posted(posted("hello")).await.unwrap_err();
    assert!(gone.to_string().contains("the plugin is stopped"), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_hooks_reach_the_process_after_a_restart() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.MessageWillBePosted)\n    def f(self, context, post):\n        import os\n        return None, str(os.getpid())\n",
    );
    let host = plugin.host();
    let hooks = host.hooks();
    let mut pids = Vec::new();
    for _ in 0..2 {
        host.start().await.unwrap();
        let answer = hooks.message_will_be_posted(posted("x")).await.unwrap();
        assert_eq!(answer.reason, host.status().pid.unwrap().to_string());
        pids.push(answer.reason);
        host.stop("again").await;
    }
    assert_ne!(pids[0], pids[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_becomes_records_and_a_traceback_is_one() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import sys, threading\n        print('one')\n        print('two', file=sys.stderr)\n        t = threading.Thread(target=lambda: 1 / 0)\n        t.start(); t.join()\n",
    );
    let host = plugin.host();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    host.drain_output(common::AT_LAST).await;
    let logged = plugin.logged();
    assert!(logged.contains(&"info: one".to_owned()), "{logged:#?}");
    assert!(logged.contains(&"warn: two".to_owned()), "{logged:#?}");
    let thread = plugin.wait_for_log("Thread-1").await;
    assert!(thread.traceback.contains("ZeroDivisionError: division by zero"), "{thread:?}");
    assert_eq!(plugin.logged().len(), 3, "a traceback is no record besides: {:#?}", plugin.logged());
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_fails_the_call_at_once_and_is_explained() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.MessageWillBePosted)\n    def f(self, context, post):\n        import signal\n        signal.raise_signal(signal.SIGSEGV)\n",
    );
    let host = plugin.host();
    host.start().await.unwrap();
    let mut status = host.watch();
    let error = host.hooks().message_will_be_posted(posted("x")).await.unwrap_err();
    assert!(error.to_string().contains("the plugin's process ended during MessageWillBePosted"), "{error}");
    status.wait_for(|it| it.state == State::Failed).await.unwrap();
    let failure = host.status().failure.unwrap();
    assert!(failure.what.contains("SIGSEGV"), "{failure}");
    assert_eq!(failure.place.as_deref(), Some("plugin.py:8"), "where it was is read from Python's dump");
    let error = host.hooks().message_will_be_posted(posted("x")).await.unwrap_err();
    assert!(error.to_string().contains("the plugin's process is gone"), "{error}");
    host.start().await.expect("a failed plugin can be started again");
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_takes_too_long_ends_with_its_deadline() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.MessageWillBePosted)\n    def f(self, context, post):\n        import time\n        time.sleep(60)\n",
    );
    let deadlines = Deadlines::default().with("MessageWillBePosted", Duration::from_millis(300));
    let limits = Limits { shutdown: Duration::from_millis(200), ..Limits::default() };
    let host = plugin.builder().deadlines(deadlines).limits(limits).build().unwrap();
    host.start().await.unwrap();
    let hooks = host.hooks();
    let (error, took) = timed(hooks.message_will_be_posted(posted("x"))).await;
    let error = error.unwrap_err();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(error.code(), tonic::Code::DeadlineExceeded, "{error}");
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ignores_every_request_is_killed_in_time() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import signal\n    @hook(HookName.OnDeactivate)\n    def down(self):\n        import time\n        while True:\n            try:\n                time.sleep(100)\n            except BaseException:\n                pass\n",
    );
    let limits = Limits {
        deactivate: Duration::from_millis(300),
        shutdown: Duration::from_millis(300),
        terminate: Duration::from_millis(300),
        ..Limits::default()
    };
    let host = plugin.builder().limits(limits).build().unwrap();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    let pid = host.status().pid.unwrap();
    let ((), took) = timed(host.stop("test")).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(!is_alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stands_still_is_noticed_by_its_health() {
    let plugin = TestPlugin::with_body("    pass\n");
    let limits = Limits {
        health_interval: Duration::from_millis(400),
        health_failures: 3,
        terminate: Duration::from_millis(500),
        ..Limits::default()
    };
    let host = plugin.builder().limits(limits).build().unwrap();
    host.start().await.unwrap();
    let pid = host.status().pid.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(host.status().state, State::Running, "a healthy process stays");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGSTOP).unwrap();
    let failed = wait_until(AT_LAST, || host.status().state == State::Failed).await;
    assert!(failed.is_some(), "{:?}", host.status());
    assert!(host.status().failure.unwrap().what.contains("stopped answering"));
    assert!(!is_alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_is_an_allow_list_and_the_token_is_not_in_it() {
    // SAFETY: the variables are read by child processes only, and no other test of this binary sets any.
    unsafe { std::env::set_var("MM_SQLSETTINGS_DATASOURCE", "postgres://secret") };
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import os, sys\n        print('ENV', sorted(os.environ))\n        print('ARGV', sys.argv, os.getcwd())\n        print('SECRET', any(len(v) == 64 for v in os.environ.values()))\n",
    );
    let host = plugin.builder().variable("GREETING", "hi").build().unwrap();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    let env = plugin.wait_for_log("ENV").await.message;
    assert!(!env.contains("MM_SQLSETTINGS"), "{env}");
    assert!(env.contains("'GREETING'") && env.contains("'PATH'"), "{env}");
    let token = plugin.wait_for_log("SECRET").await.message;
    assert_eq!(token, "SECRET False");
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_handle_ends_the_process() {
    let plugin = TestPlugin::with_body("    pass\n");
    let host = plugin.host();
    host.start().await.unwrap();
    let pid = host.status().pid.unwrap();
    drop(host);
    wait_until_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_process_started_ends_with_it() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        import subprocess\n        print('STARTED', subprocess.Popen(['sleep', '1000']).pid)\n",
    );
    let host = plugin.host();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    let record = plugin.wait_for_log("STARTED").await;
    let pid: i32 = record.message.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(is_alive(pid));
    host.stop("test").await;
    wait_until_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_run_side_by_side_and_may_call_the_api_meanwhile() {
    let plugin = TestPlugin::with_body(
        "    import threading\n    together = threading.Barrier(8)\n\n    @hook(HookName.MessageWillBePosted)\n    def f(self, context, post):\n        self.together.wait()\n        self.api.load_plugin_configuration()\n        return None, post.message\n",
    );
    let host = plugin.host();
    host.start().await.unwrap();
    // Each waits for all others: one after the other they would never end.
    let calls = (0..8).map(|n| {
        let hooks = host.hooks();
        tokio::spawn(async move { hooks.message_will_be_posted(posted(&n.to_string())).await.unwrap().reason })
    });
    for (n, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), n.to_string());
    }
    host.stop("test").await;
}
