//! A process that dies is followed by another, several share the work, and one takes over from another; with the real SDK.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{AT_LAST, HEAD, TAIL, TestPlugin, is_alive, wait_until};
use mm_host::{PluginHost, RestartPolicy, State};
use mm_proto::plugin::v1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Answers with its process id, or dies as the message says.
const MORTAL: &str = "
    @hook(HookName.OnConfigurationChange)
    def changed(self):
        print('changed')

    @hook(HookName.OnActivate)
    def up(self):
        print('up')

    @hook(HookName.MessageWillBePosted)
    def answer(self, context, post):
        import os, signal
        if post.message:
            exec(post.message)
        return None, str(os.getpid())
";

fn posted(message: &str) -> v1::MessageWillBePostedRequest {
    let post = v1::Post { message: message.to_owned(), ..Default::default() };
    v1::MessageWillBePostedRequest { context: Some(v1::Context::default()), post: Some(post) }
}

/// The process that answers.
async fn who(host: &PluginHost) -> Result<i32, mm_proto::ApiError> {
    let answer = host.hooks().message_will_be_posted(posted("")).await?;
    Ok(answer.reason.parse().unwrap())
}

fn count(plugin: &TestPlugin, message: &str) -> usize {
    plugin.logged().iter().filter(|it| *it == message).count()
}

/// Starts and activates.
async fn activated(host: &PluginHost) {
    host.start().await.unwrap();
    host.activate().await.unwrap();
}

/// Waits for another process than `pid`.
async fn replaced(host: &PluginHost, pid: i32) {
    let status = host.watch();
    let other = || {
        let it = status.borrow();
        it.state == State::Running && it.pid.is_some_and(|it| it != pid)
    };
    assert!(wait_until(AT_LAST, other).await.is_some(), "it is not started again: {:?}", host.status());
}

/// After how many seconds, as the log has it, the process was started again each time.
fn delays(plugin: &TestPlugin) -> Vec<f64> {
    let delay = |it: &String| it.split_once(". It is started again in ")?.1.strip_suffix(" s")?.parse().ok();
    plugin.logged().iter().filter_map(delay).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_it_dies_of_another_one_is_up_and_activated_soon() {
    let plugin = TestPlugin::with_body(MORTAL);
    let host = plugin.host();
    activated(&host).await;
    let deaths = ["os.kill(os.getpid(), 9)", "signal.raise_signal(signal.SIGSEGV)", "os._exit(7)", "os.abort()"];
    for (n, death) in deaths.into_iter().enumerate() {
        let pid = host.status().pid.unwrap();
        host.hooks().message_will_be_posted(posted(death)).await.unwrap_err();
        replaced(&host, pid).await;
        // 0.1, 0.2, 0.4 and 0.8 s, a quarter more or less, and told to a tenth. How long Python needs then is its affair.
        let (delays, longest) = (delays(&plugin), 0.125 * 2_f64.powi(i32::try_from(n).unwrap()));
        assert_eq!(delays.len(), n + 1, "{death}: {:#?}", plugin.logged());
        assert!(delays[n] <= longest + 0.05, "{death}: {delays:?}");
        assert_eq!(who(&host).await.unwrap(), host.status().pid.unwrap());
        assert!(!is_alive(pid));
        // Three hooks of its own, and the metrics of the host.
        assert_eq!((host.status().deaths, host.implemented().len()), (n as u64 + 1, 4));
        host.drain_output(common::AT_LAST).await;
        assert_eq!((count(&plugin, "info: changed"), count(&plugin, "info: up")), (n + 2, n + 2));
    }
    plugin.wait_for_log("was out of memory). It is started again in 0.1 s").await;
    host.stop("test").await;
    assert_eq!(host.status().state, State::Stopped);
}

/// A plugin whose main thread does this on SIGUSR1, outside of everything that the SDK looks at.
fn at_top_level(what: &str) -> TestPlugin {
    TestPlugin::raw(&format!(
        "import signal\n{HEAD}\ndef boom(*_):\n    {what}\n\nsignal.signal(signal.SIGUSR1, boom)\n\nclass P(Plugin):\n{MORTAL}\n{TAIL}"
    ))
}

/// Lets the main thread of the plugin's process do what it does, and waits for another process.
async fn boom(host: &PluginHost) {
    let pid = host.status().pid.unwrap();
    kill(Pid::from_raw(pid), Signal::SIGUSR1).unwrap();
    replaced(host, pid).await;
    assert!(!is_alive(pid));
    assert_eq!(who(host).await.unwrap(), host.status().pid.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exception_at_top_level_is_a_death_with_its_traceback() {
    let plugin = at_top_level("raise RuntimeError('the floor is gone')");
    let host = plugin.host();
    activated(&host).await;
    boom(&host).await;
    plugin.wait_for_log("    raise RuntimeError('the floor is gone')\nRuntimeError: the floor is gone").await;
    let said = plugin.wait_for_log("It is started again in 0.1 s").await.message;
    assert!(said.starts_with("the plugin's process ended: RuntimeError: the floor is gone (plugin.py:6)"), "{said}");
    assert_eq!(host.status().deaths, 1);
    host.stop("test").await;
}

/// The process asks for more than its limit, and gets a `MemoryError` from the system.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn want_of_memory_fails_a_call_or_ends_the_process_and_names_the_limit() {
    let plugin = at_top_level("globals()['held'] = bytearray(1 << 30)");
    plugin.edit_manifest(|it| it["server"]["python"] = serde_json::json!({"limits": {"memory": "256M"}}));
    let host = plugin.host();
    activated(&host).await;
    // In a handler: a failure like any other.
    let pid = host.status().pid.unwrap();
    let grab = "held = []\nwhile True: held.append(bytearray(1 << 20))";
    host.hooks().message_will_be_posted(posted(grab)).await.unwrap_err();
    assert!(plugin.wait_for_log("P.answer failed").await.traceback.contains("MemoryError"));
    assert_eq!((who(&host).await.unwrap(), host.status().deaths), (pid, 0), "it has its memory back");
    // Where nothing catches it: a death, with what to do about it.
    boom(&host).await;
    plugin.wait_for_log("server.python.limits.memory in the manifest is 256M: raise it").await;
    assert_eq!(host.status().deaths, 1);
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fifth_death_is_the_last_and_says_why() {
    let plugin = TestPlugin::with_body(MORTAL);
    let policy = RestartPolicy { first_delay: Duration::from_millis(1), ..RestartPolicy::default() };
    let host = plugin.builder().restart(policy).build().unwrap();
    activated(&host).await;
    for n in 1..=5 {
        let pid = host.status().pid.unwrap();
        let exit = "import threading; threading.Thread(target=os._exit, args=(7,)).start(); import time; time.sleep(9)";
        host.hooks().message_will_be_posted(posted(exit)).await.unwrap_err();
        if n < 5 {
            replaced(&host, pid).await;
        }
    }
    let why = host.ready().await.unwrap_err();
    let said = "ended with exit code 7, and was the 5th death within 10 minutes";
    assert!(why.contains(said), "{why}");
    let status = host.status();
    assert_eq!((status.state, status.pid, status.deaths), (State::Failed, None, 5));
    assert!(status.failure.unwrap().what.contains(said));
    let error = who(&host).await.unwrap_err();
    assert!(error.to_string().contains(said), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_that_cannot_be_activated_is_tried_again() {
    let body = "
    @hook(HookName.OnActivate)
    def up(self):
        import os
        if os.path.exists('broken'):
            raise ValueError('the licence is gone')
";
    let plugin = TestPlugin::with_body(body);
    let policy = RestartPolicy { max_deaths: 1000, max_delay: Duration::from_millis(100), ..RestartPolicy::default() };
    let host = plugin.builder().restart(policy).build().unwrap();
    activated(&host).await;
    let broken = plugin.dir.path().join("broken");
    std::fs::write(&broken, "").unwrap();
    let pid = host.status().pid.unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    plugin.wait_for_log("OnActivate failed: ValueError: the licence is gone. It is started again in").await;
    assert_ne!(host.status().state, State::Failed);
    std::fs::remove_file(&broken).unwrap();
    replaced(&host, pid).await;
    host.stop("test").await;
}

/// The driver of a worker has no turn until it was told to keep the process, and the process has died of something since.
#[test]
fn a_death_right_after_the_activation_is_followed_by_another_process() {
    // One thread, which looks for ended processes after each task.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).event_interval(1).enable_all().build().unwrap();
    // What happens first is a matter of chance if nobody sees to it.
    for _ in 0..8 {
        let plugin = TestPlugin::with_body("    pass\n");
        runtime.block_on(async {
            let host = plugin.host();
            host.start().await.unwrap();
            let pid = host.status().pid.unwrap();
            let (held, free) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
            let holding = tokio::spawn(async move {
                held.0.send(()).unwrap();
                let _ = free.1.recv();
            });
            held.1.recv().unwrap();
            host.keep_running().await;
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
            while is_alive(pid) {
                std::thread::sleep(Duration::from_millis(1));
            }
            drop(free.0);
            holding.await.unwrap();
            replaced(&host, pid).await;
            host.stop("test").await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_what_would_be_started() {
    let plugin = TestPlugin::with_body(MORTAL);
    let hour = Duration::from_secs(3600);
    let policy = RestartPolicy { first_delay: hour, max_delay: hour, ..RestartPolicy::default() };
    let host = plugin.builder().restart(policy).build().unwrap();
    activated(&host).await;
    kill(Pid::from_raw(host.status().pid.unwrap()), Signal::SIGKILL).unwrap();
    let mut status = host.watch();
    status.wait_for(|it| matches!(it.state, State::Restarting(_))).await.unwrap();
    let error = who(&host).await.unwrap_err();
    assert!(error.to_string().contains("another one is being started"), "{error}");
    host.stop("test").await;
    assert_eq!(host.status().state, State::Stopped);
    let why = host.ready().await.unwrap_err();
    assert_eq!(why, "the plugin is stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_the_calls_and_one_of_them_is_activated() {
    let body = format!("{MORTAL}\n    @hook(HookName.OnDeactivate)\n    def down(self):\n        print('down')\n");
    let plugin = TestPlugin::with_body(&body);
    let host = plugin.builder().workers(3).build().unwrap();
    activated(&host).await;
    let mut pids = BTreeSet::new();
    for _ in 0..9 {
        pids.insert(who(&host).await.unwrap());
    }
    assert_eq!(pids.len(), 3);
    host.drain_output(common::AT_LAST).await;
    assert_eq!((count(&plugin, "info: changed"), count(&plugin, "info: up")), (3, 1));

    // While one is gone the others go on.
    let first = host.status().pid.unwrap();
    let other = *pids.iter().find(|it| **it != first).unwrap();
    kill(Pid::from_raw(other), Signal::SIGKILL).unwrap();
    let mut status = host.watch();
    status.wait_for(|it| it.deaths == 1).await.unwrap();
    for _ in 0..9 {
        assert_ne!(who(&host).await.unwrap(), other);
    }
    let again = async |n: usize| {
        let runs = || plugin.logged().iter().filter(|it| it.contains("the plugin runs again")).count() >= n;
        assert!(wait_until(AT_LAST, runs).await.is_some(), "{:#?}", plugin.logged());
        host.drain_output(common::AT_LAST).await;
        (count(&plugin, "info: changed"), count(&plugin, "info: up"))
    };
    assert_eq!(again(1).await, (4, 1), "it is not the first one");
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    assert_eq!(again(2).await, (5, 2));

    let mut processes = pids;
    for _ in 0..1000 {
        if processes.len() == 5 {
            break;
        }
        processes.insert(who(&host).await.unwrap());
    }
    assert_eq!(processes.len(), 5, "three, and two that took their places");
    host.stop("test").await;
    assert_eq!(count(&plugin, "info: down"), 1);
    assert!(!processes.iter().any(|it| is_alive(*it)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_differ_are_an_error() {
    let body = "
    import os
    try:
        os.mkdir('first')
    except FileExistsError:
        pass
    else:
        @hook(HookName.UserHasLoggedIn)
        def seen(self, context, user):
            pass
";
    let plugin = TestPlugin::with_body(body);
    let host = plugin.builder().workers(2).build().unwrap();
    let error = host.start().await.unwrap_err().to_string();
    assert!(error.contains("do not have the same hooks: UserHasLoggedIn only in some"), "{error}");
    let status = host.status();
    assert_eq!((status.state, status.pid), (State::Failed, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_takes_over_between_two_calls_and_none_is_lost() {
    let plugin = TestPlugin::with_body(MORTAL);
    let host = plugin.builder().workers(2).build().unwrap();
    activated(&host).await;
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (host, over) = (host.clone(), over.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let nap = posted("import time; time.sleep(0.02)");
                    let answer = host.hooks().message_will_be_posted(nap).await.expect("no call is lost");
                    answered.push(answer.reason.parse::<i32>().unwrap());
                }
                answered
            })
        })
        .collect();
    let mut firsts = vec![host.status().pid.unwrap()];
    for _ in 0..3 {
        host.swap("test").await.unwrap();
        firsts.push(host.status().pid.unwrap());
        assert!(!is_alive(firsts[firsts.len() - 2]));
    }
    over.store(true, Ordering::Relaxed);
    let mut answered = Vec::new();
    for caller in callers {
        answered.extend(caller.await.unwrap());
    }
    let processes: BTreeSet<i32> = answered.iter().copied().collect();
    assert_eq!(processes.len(), 8, "two, three times replaced: {} calls", answered.len());
    assert_eq!(host.status().deaths, 0);
    host.drain_output(common::AT_LAST).await;
    assert_eq!(count(&plugin, "info: up"), 4);
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_that_is_of_no_use_changes_nothing() {
    let plugin = TestPlugin::with_body(MORTAL);
    let host = plugin.host();
    activated(&host).await;
    let pid = host.status().pid.unwrap();
    let unwilling = "    @hook(HookName.OnActivate)\n    def up(self):\n        raise ValueError('not today')\n";
    for (source, said) in [
        ("def broken(:\n".to_owned(), "SyntaxError"),
        (format!("{HEAD}\nclass P(Plugin):\n{unwilling}{TAIL}"), "not today"),
    ] {
        std::fs::write(plugin.dir.path().join("plugin.py"), source).unwrap();
        let error = host.swap("test").await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(who(&host).await.unwrap(), pid);
        let status = host.status();
        assert_eq!((status.state, status.pid, status.deaths), (State::Running, Some(pid), 0));
    }
    host.stop("test").await;
    assert!(!is_alive(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_a_swap_ends_both_processes() {
    let plugin = TestPlugin::with_body(MORTAL);
    let host = plugin.host();
    activated(&host).await;
    let old = host.status().pid.unwrap();
    let slow = format!(
        "import os, time\nprint('LOADING', os.getpid())\ntime.sleep(30)\n{HEAD}\nclass P(Plugin):\n    pass\n{TAIL}"
    );
    std::fs::write(plugin.dir.path().join("plugin.py"), slow).unwrap();
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { host.swap("test").await.unwrap_err().to_string() }
    });
    let loading = plugin.wait_for_log("LOADING").await.message;
    let new: i32 = loading.rsplit(' ').next().unwrap().parse().unwrap();
    host.stop("test").await;
    assert!(!is_alive(old) && !is_alive(new));
    assert_eq!(swapping.await.unwrap(), "the plugin was stopped while it started");
    assert_eq!(host.status().state, State::Stopped);
}
