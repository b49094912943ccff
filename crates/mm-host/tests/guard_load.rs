//! More events than a plugin can handle: whoever waits for a decision does not notice, and what is dropped is counted.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{AT_LAST, TestPlugin, wait_until};
use mm_host::Limits;
use mm_proto::plugin::v1;
use tokio::task::JoinSet;

const PLUGIN: &str = r#"
    @hook(HookName.MessageHasBeenPosted)
    def slow(self, context, post):
        import os, time
        while not os.path.exists("over"):
            time.sleep(0.02)

    @hook(HookName.UserHasBeenCreated)
    def rare(self, context, user):
        self.logger.info("rare %s", user.username)

    @hook(HookName.MessageWillBePosted)
    def quick(self, context, post):
        return None
"#;

/// Events a second, and for how long.
const RATE: usize = 5000;
const SECONDS: usize = 3;

fn post() -> Option<v1::Post> {
    Some(v1::Post { message: "x".repeat(1000), ..Default::default() })
}

/// Resident memory of this process, in MiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posting_stays_quick_beside_a_slow_handler() {
    let plugin = TestPlugin::with_body(PLUGIN);
    let limits = Limits { shutdown: Duration::from_millis(200), ..Limits::default() };
    let host = plugin.builder().limits(limits).build().unwrap();
    host.start().await.unwrap();
    let hooks = host.hooks();
    hooks.message_will_be_posted(v1::MessageWillBePostedRequest { context: None, post: post() }).await.unwrap();

    let (done, waiting) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut events = JoinSet::new();
    let mut before = 0;
    let begin = Instant::now();
    for tick in 0..SECONDS * 100 {
        for _ in 0..RATE / 100 {
            let (hooks, done, waiting) = (hooks.clone(), done.clone(), waiting.clone());
            waiting.fetch_add(1, Ordering::Relaxed);
            events.spawn(async move {
                let request = v1::MessageHasBeenPostedRequest { context: None, post: post() };
                hooks.message_has_been_posted(request).await.unwrap();
                waiting.fetch_sub(1, Ordering::Relaxed);
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        if tick == 50 {
            let user = Some(v1::User { username: "anna".to_owned(), ..Default::default() });
            let hooks = hooks.clone();
            events.spawn(async move {
                drop(hooks.user_has_been_created(v1::UserHasBeenCreatedRequest { context: None, user }).await);
            });
        }
        // No handler of an event returns before all is over: who decides waits for none of them, or would wait for ever.
        hooks.message_will_be_posted(v1::MessageWillBePostedRequest { context: None, post: post() }).await.unwrap();
        if tick == 100 {
            before = memory();
        }
        tokio::time::sleep_until((begin + Duration::from_millis(10) * (u32::try_from(tick).unwrap() + 1)).into()).await;
    }
    // What the queue holds and what is with the plugin waits; all others are gone, and counted.
    let held = || {
        let (done, waiting) = (done.load(Ordering::Relaxed), waiting.load(Ordering::Relaxed));
        let counted = format!("mm_host_hooks_shed_total{{hook=\"MessageHasBeenPosted\"}} {done}");
        (1000..1100).contains(&waiting)
            && done + waiting == RATE * SECONDS
            && host.metrics().text().lines().any(|it| it == counted)
    };
    assert!(wait_until(AT_LAST, held).await.is_some(), "{done:?} {waiting:?} {}", host.metrics().text());
    let after = memory();
    assert!(after < before + 16, "{before} MiB grew to {after} MiB");
    plugin.wait_for_log(" events were dropped (MessageHasBeenPosted ").await;
    std::fs::write(plugin.dir.path().join("over"), "").unwrap();
    // The one of another hook has its turn, though so many came after it.
    plugin.wait_for_log("rare anna").await;
    events.shutdown().await;
    let n_records = plugin.logged().iter().filter(|it| it.contains("events were dropped")).count();
    assert_eq!(n_records, 1, "one record a minute");
    host.stop("test").await;
}
