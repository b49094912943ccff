//! The guard before processes that are played by a few lines.

use std::path::Path;
use std::sync::Mutex;

use futures::StreamExt as _;
use mm_proto::PluginHooks as _;
use mm_proto::grpc::HooksClient;
use mm_proto::plugin::v1::{
    ExecuteCommandRequest, OnDeactivateRequest, UserHasBeenCreatedRequest, UserWillLogInRequest,
};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::*;
use crate::State;
use crate::downstream::Connection;
use crate::supervisor::process::Token;
use crate::supervisor::status::{Hello, HookOptions};
use crate::workers::Seat;

/// What a process does with its calls.
#[derive(Clone, Copy)]
enum Process {
    /// It dies of the first.
    Dies,
    /// It answers with nothing in it.
    Answers,
    /// It takes its calls, and never answers.
    Holds,
    /// It begins its answers, and never ends them.
    Begins,
}

impl Process {
    /// A connection to such a process at this place.
    async fn start(self, path: &Path) -> Connection {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (mut held, mut begun) = (Vec::new(), Vec::new());
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let (head, _) = answer::nothing().into_parts();
                let head = Response::from_parts(head, ());
                match self {
                    Self::Dies => return,
                    Self::Answers => {
                        let mut body = respond.send_response(head, false).unwrap();
                        body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
                        body.send_trailers(answer::success()).unwrap();
                    }
                    Self::Holds => held.push((request, respond)),
                    Self::Begins => begun.push((request, respond.send_response(head, false).unwrap())),
                }
            }
        });
        let own = i32::try_from(std::process::id()).unwrap();
        Connection::open(path, own, &Token::random().unwrap()).await.unwrap()
    }
}

struct Fixture {
    hooks: HooksClient,
    metrics: Metrics,
    records: Arc<Mutex<Vec<LogRecord>>>,
    _folder: tempfile::TempDir,
}

/// A guard before these processes, which are called in turns; the handler of this hook has these options.
async fn guarded(processes: &[Process], hook: &str, options: HookOptions) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let workers = Workers::new(mpsc::unbounded_channel().0);
    let mut seats = Vec::new();
    for (number, process) in (1..).zip(processes) {
        let seat = Seat::new(workers.changes());
        let path = folder.path().join(number.to_string());
        seat.channel.open(process.start(&path).await, WorkerId(number), true);
        seats.push(seat);
    }
    workers.seat(seats);
    let hello = Hello { options: [(hook.to_owned(), options)].into(), ..Hello::default() };
    let status =
        ProcessStatus { state: State::Running, pid: None, hello: Some(Arc::new(hello)), failure: None, deaths: 0 };
    let (metrics, records) = (Metrics::new("com.example.test", "1.0.0"), Arc::new(Mutex::new(Vec::new())));
    let kept = records.clone();
    let settings = GuardSettings {
        deadlines: Deadlines::all(Duration::from_secs(5)),
        queue: QUEUE,
        max_calls: 2,
        threads: 8,
        stuck: Duration::from_secs(30),
        sink: Arc::new(move |it| kept.lock().unwrap().push(it)),
        metrics: metrics.clone(),
    };
    let guard = Guard::new(workers, watch::channel(status).1, settings);
    Fixture { hooks: HooksClient::over(guard), metrics, records, _folder: folder }
}

/// Waits for a record that begins like this.
async fn recorded(records: &Mutex<Vec<LogRecord>>, text: &str) -> String {
    let found = || records.lock().unwrap().iter().map(|it| it.message.clone()).find(|it| it.starts_with(text));
    // Looks are counted, not time: the machine may have stood still meanwhile.
    for _ in 0..2000 {
        if let Some(found) = found() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no record {text:?} in {:?}", records.lock().unwrap());
}

/// How often a handler was called again, as the metrics have it.
fn retried(metrics: &Metrics) -> usize {
    metrics
        .text()
        .lines()
        .filter(|it| it.contains("retries") && it.contains("UserHasBeenCreated") && it.ends_with(" 1"))
        .count()
}

#[tokio::test]
async fn an_idempotent_handler_is_called_again_when_its_process_died() {
    let options = HookOptions { idempotent: true, ..HookOptions::default() };
    let fixture = guarded(&[Process::Dies, Process::Answers], "UserHasBeenCreated", options).await;
    fixture.hooks.user_has_been_created(UserHasBeenCreatedRequest::default()).await.unwrap();
    assert_eq!(retried(&fixture.metrics), 1, "{}", fixture.metrics.text());
    assert!(fixture.records.lock().unwrap().is_empty());
}

#[tokio::test]
async fn once_is_enough() {
    let options = HookOptions { idempotent: true, ..HookOptions::default() };
    let processes = [Process::Dies, Process::Dies, Process::Answers];
    let fixture = guarded(&processes, "UserHasBeenCreated", options).await;
    fixture.hooks.user_has_been_created(UserHasBeenCreatedRequest::default()).await.unwrap_err();
    assert_eq!(retried(&fixture.metrics), 1, "{}", fixture.metrics.text());
}

#[tokio::test]
async fn any_other_handler_is_not_and_its_event_counts_as_lost() {
    let processes = [Process::Dies, Process::Answers];
    let fixture = guarded(&processes, "UserHasBeenCreated", HookOptions::default()).await;
    fixture.hooks.user_has_been_created(UserHasBeenCreatedRequest::default()).await.unwrap_err();
    assert_eq!(retried(&fixture.metrics), 0);
    recorded(&fixture.records, "1 events were dropped (UserHasBeenCreated 1) because the plugin's process").await;
}

/// What decides is never asked twice: its handler may have done something already.
#[tokio::test]
async fn a_hook_that_decides_is_not_called_again() {
    let options = HookOptions { idempotent: true, rejection: Some("Not now.".to_owned()), ..HookOptions::default() };
    let fixture = guarded(&[Process::Dies, Process::Answers], "UserWillLogIn", options).await;
    let answer = fixture.hooks.user_will_log_in(UserWillLogInRequest::default()).await.unwrap();
    assert_eq!(answer.reason, "Not now.");
    let answer = fixture.hooks.user_will_log_in(UserWillLogInRequest::default()).await.unwrap();
    assert_eq!(answer.reason, "", "the other process is well");
}

#[tokio::test]
async fn one_call_too_many_is_answered_at_once_by_the_policy() {
    let options = HookOptions { rejection: Some("Not now.".to_owned()), ..HookOptions::default() };
    let Fixture { hooks, metrics, records, _folder } = guarded(&[Process::Holds], "UserWillLogIn", options).await;
    let log_in = || {
        let hooks = hooks.clone();
        Box::pin(async move { hooks.user_will_log_in(UserWillLogInRequest::default()).await.map(|it| it.reason) })
    };
    // As many as may.
    let (mut one, mut two) = (log_in(), log_in());
    assert!(futures::poll!(&mut one).is_pending() && futures::poll!(&mut two).is_pending());
    assert_eq!(log_in().await.unwrap(), "Not now.", "a filter that fails closed refuses");
    let full = hooks.execute_command(ExecuteCommandRequest::default()).await.unwrap_err();
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert!(full.to_string().contains("ExecuteCommand was not called: 2 calls of the plugin are under way"), "{full}");
    // What nobody waits for has its own places, and what the plugin lives by is never in the way.
    let mut event = Box::pin(hooks.user_has_been_created(UserHasBeenCreatedRequest::default()));
    let mut end = Box::pin(hooks.on_deactivate(OnDeactivateRequest::default()));
    assert!(futures::poll!(&mut event).is_pending() && futures::poll!(&mut end).is_pending());
    drop(one);
    assert!(futures::poll!(&mut log_in()).is_pending(), "there is a place again");

    let told = recorded(&records, "2 calls were answered without the plugin (").await;
    let (command, login) = ("ExecuteCommand 1", "UserWillLogIn 1");
    assert!(
        told.starts_with("2 calls were answered without the plugin (")
            && told.contains(login)
            && told.contains(command)
    );
    let page = metrics.text();
    for hook in ["UserWillLogIn", "ExecuteCommand"] {
        assert!(page.lines().any(|it| it == format!("mm_host_hooks_shed_total{{hook=\"{hook}\"}} 1")), "{page}");
    }
}

#[tokio::test]
async fn a_stream_has_its_place_until_it_ends() {
    let Fixture { hooks, _folder, .. } = guarded(&[Process::Begins], "ServeHTTP", HookOptions::default()).await;
    let serve = || hooks.serve_http(futures::stream::pending().boxed());
    let (one, _two) = (serve().await.unwrap(), serve().await.unwrap());
    assert_eq!(serve().await.err().unwrap().code(), Code::ResourceExhausted);
    drop(one);
    assert!(serve().await.is_ok());
}

#[tokio::test]
async fn the_page_tells_how_many_wait() {
    let Fixture { hooks, metrics, _folder, .. } =
        guarded(&[Process::Holds], "UserHasBeenCreated", HookOptions { blocks: true, ..HookOptions::default() }).await;
    let length = || {
        let page = metrics.text();
        let line = page.lines().find_map(|it| it.strip_prefix("mm_host_queue_length{queue=\"events\"} "));
        line.unwrap().parse::<usize>().unwrap()
    };
    let mut events: Vec<_> =
        (0..9).map(|_| Box::pin(hooks.user_has_been_created(UserHasBeenCreatedRequest::default()))).collect();
    for event in &mut events {
        assert!(futures::poll!(event).is_pending());
    }
    assert_eq!(length(), 3, "6 of 8 threads are for events");
    drop(events);
    assert_eq!(length(), 0);
}

#[test]
fn a_time_limit_is_written_as_grpc_wants_it() {
    assert_eq!(timeout_header(Duration::from_secs(5)), "5000m");
    assert_eq!(timeout_header(Duration::from_micros(5)), "1m");
    assert_eq!(timeout_header(Duration::from_secs(200_000)), "200000S");
}
