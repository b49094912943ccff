//! The guard before processes that are played by a few lines.

use std::path::Path;
use std::sync::Mutex;

use mm_proto::PluginHooks as _;
use mm_proto::grpc::HooksClient;
use mm_proto::plugin::v1::{UserHasBeenCreatedRequest, UserWillLogInRequest};
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
}

impl Process {
    /// A connection to such a process at this place.
    async fn start(self, path: &Path) -> Connection {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                if matches!(self, Self::Dies) {
                    return;
                }
                let (head, _) = answer::nothing().into_parts();
                let mut body = respond.send_response(Response::from_parts(head, ()), false).unwrap();
                body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
                body.send_trailers(answer::success()).unwrap();
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
        threads: 8,
        stuck: Duration::from_secs(30),
        sink: Arc::new(move |it| kept.lock().unwrap().push(it)),
        metrics: metrics.clone(),
    };
    let guard = Guard::new(workers, watch::channel(status).1, settings);
    Fixture { hooks: HooksClient::over(guard), metrics, records, _folder: folder }
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
    let told = async {
        while fixture.records.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    let records = fixture.records.lock().unwrap();
    assert!(
        records[0].message.starts_with("1 events were dropped (UserHasBeenCreated 1) because the plugin's process")
    );
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

#[test]
fn a_time_limit_is_written_as_grpc_wants_it() {
    assert_eq!(timeout_header(Duration::from_secs(5)), "5000m");
    assert_eq!(timeout_header(Duration::from_micros(5)), "1m");
    assert_eq!(timeout_header(Duration::from_secs(200_000)), "200000S");
}
