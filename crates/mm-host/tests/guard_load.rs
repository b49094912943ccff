//! More events than a plugin can handle: whoever waits for a decision does not notice, and what is dropped is counted.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::TestPlugin;
use mm_host::Limits;
use mm_proto::plugin::v1;
use tokio::task::JoinSet;

const PLUGIN: &str = r#"
    @hook(HookName.MessageHasBeenPosted)
    def slow(self, context, post):
        import time
        time.sleep(0.1)
        self.seen = getattr(self, "seen", 0) + 1

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
    let (mut decisions, mut most_waiting, mut before) = (Vec::new(), 0, 0);
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
        let asked = Instant::now();
        hooks.message_will_be_posted(v1::MessageWillBePostedRequest { context: None, post: post() }).await.unwrap();
        decisions.push(asked.elapsed());
        most_waiting = most_waiting.max(waiting.load(Ordering::Relaxed));
        if tick == 100 {
            before = memory();
        }
        tokio::time::sleep_until((begin + Duration::from_millis(10) * (u32::try_from(tick).unwrap() + 1)).into()).await;
    }
    let after = memory();
    decisions.sort();
    let (median, late) = (decisions[decisions.len() / 2], decisions[decisions.len() * 99 / 100]);
    let shed = RATE * SECONDS - waiting.load(Ordering::Relaxed);
    println!("median {median:?}, 99 %: {late:?}, {most_waiting} waited, {before} to {after} MiB, {shed} done or shed");

    // A handler takes 100 ms: whoever decides does not wait for one.
    assert!(median < Duration::from_millis(50), "{median:?}");
    assert!(late < Duration::from_millis(500), "{late:?}");
    assert!((1000..2000).contains(&most_waiting), "{most_waiting}");
    assert!(after < before + 16, "{before} MiB grew to {after} MiB");
    let record = plugin.wait_for_log(" events were dropped (MessageHasBeenPosted ").await;
    assert!(record.fields["dropped_message_has_been_posted"].parse::<usize>().unwrap() > 1000, "{record:?}");
    // The one of another hook has its turn, though so many came after it.
    let rare = async {
        while plugin.logged().iter().all(|it| it != "info: rare anna") {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(60), rare).await.expect("it is handled in its turn");
    events.shutdown().await;
    let n_records = plugin.logged().iter().filter(|it| it.contains("events were dropped")).count();
    assert_eq!(n_records, 1, "one record a minute");
    assert!(host.metrics().text().contains("MessageHasBeenPosted"), "{}", host.metrics().text());
    host.stop("test").await;
}
