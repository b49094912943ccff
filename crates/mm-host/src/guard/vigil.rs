//! A process of which a call is over its time: does its handler end after all, and does its interpreter get to run?
//!
//! The process itself says so (`PluginProcess.Overdue`), in a thread that needs no interpreter. When its interpreter has not run for a
//! while, a signal makes it print where its threads are. A process that stays like that is replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mm_proto::host::v1::plugin_process_client::PluginProcessClient;
use mm_proto::host::v1::{OverdueRequest, OverdueResponse};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep, timeout};

use crate::downstream::{Connection, HookChannel, WorkerId};
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::workers::Workers;

/// Between two questions.
const PERIOD: Duration = Duration::from_secs(1);

/// How long an answer is waited for. A process that gives none is no business of this, since its health is checked; when it answers again
/// it may have calls that nobody waits for any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an interpreter may not have run before its threads are looked at. It shows itself every two seconds.
const SILENT: Duration = Duration::from_secs(5);

/// And before its process is replaced.
const TOO_SILENT: Duration = Duration::from_secs(10);

/// Watches processes, each by one task at most.
#[derive(Clone)]
pub(super) struct Vigil {
    shared: Arc<Shared>,
}

struct Shared {
    workers: Workers,
    sink: LogSink,
    /// How long a handler may go on after its time.
    stuck: Duration,
    watched: Mutex<HashMap<WorkerId, Watch>>,
}

/// What is known of a process that is watched.
struct Watch {
    /// The longest time that one of its late calls had.
    limit: Duration,
    /// Its first answer after the last call that was late.
    answered: Option<Instant>,
}

/// What to do about a process.
#[derive(Debug, PartialEq)]
enum Finding {
    /// All is well again.
    Well,
    /// Something still runs.
    Waits,
    /// The interpreter does not run.
    Silent,
    /// It is to be replaced, for this reason.
    Stuck(String),
}

impl Vigil {
    /// A handler that goes on for `stuck` after its time has its process replaced.
    pub(super) fn new(workers: Workers, sink: LogSink, stuck: Duration) -> Self {
        Self { shared: Arc::new(Shared { workers, sink, stuck, watched: Mutex::default() }) }
    }

    /// Watches this process, of which a call that had `limit` is late, until what is over its time has ended. On `signal` it prints where
    /// its threads are; 0 for none.
    pub(super) fn watch(&self, worker: WorkerId, limit: Duration, signal: i32) {
        let mut watched = self.watched();
        if let Some(watch) = watched.get_mut(&worker) {
            *watch = Watch { limit: watch.limit.max(limit), answered: None };
            return;
        }
        let Some(connection) = self.shared.workers.connection(worker) else { return };
        watched.insert(worker, Watch { limit, answered: None });
        let vigil = self.clone();
        tokio::spawn(async move {
            vigil.run(worker, connection, signal).await;
            vigil.watched().remove(&worker);
        });
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, HashMap<WorkerId, Watch>> {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the watch on a process of which no call is over its time, unless one may still be: a call's time begins when it arrives, in a
    /// process that was held up later than here. All calls have arrived by its first answer.
    fn leaves(&self, worker: WorkerId) -> bool {
        let mut watched = self.watched();
        let watch = watched.get(&worker);
        let leaves = watch.is_none_or(|it| it.answered.is_some_and(|since| since.elapsed() > it.limit));
        if leaves {
            watched.remove(&worker);
        }
        leaves
    }

    async fn run(&self, worker: WorkerId, connection: Connection, signal: i32) {
        let pid = connection.pid();
        let mut client = PluginProcessClient::new(HookChannel::to(connection));
        let mut dumped = false;
        loop {
            sleep(PERIOD.min(self.shared.stuck)).await;
            let Ok(answer) = timeout(PATIENCE, client.overdue(OverdueRequest {})).await else { continue };
            // One that is gone, or cannot tell, needs no watching.
            let Ok(answer) = answer else { return };
            if let Some(watch) = self.watched().get_mut(&worker) {
                watch.answered.get_or_insert_with(Instant::now);
            }
            match judge(answer.get_ref(), self.shared.stuck) {
                Finding::Well if self.leaves(worker) => return,
                Finding::Well | Finding::Waits => {}
                Finding::Silent => {
                    if !std::mem::replace(&mut dumped, true) {
                        self.dump(pid, signal);
                    }
                }
                Finding::Stuck(why) => return self.shared.workers.stuck(worker, &why),
            }
        }
    }

    /// Lets the process print where its threads are; the record comes by its standard error.
    fn dump(&self, pid: i32, signal: i32) {
        let text = "the plugin's interpreter does not run: something holds it, such as a loop in compiled code";
        let mut record = LogRecord::new(LogLevel::Error, LogSource::Host, text);
        if let Ok(signal) = Signal::try_from(signal)
            && kill(Pid::from_raw(pid), signal).is_ok()
        {
            record.message.push_str("; where its threads are stands in the next record");
        }
        (self.shared.sink)(record);
    }
}

fn judge(answer: &OverdueResponse, stuck: Duration) -> Finding {
    let milliseconds = |it: i64| Duration::from_millis(u64::try_from(it).unwrap_or_default());
    let silent = milliseconds(answer.silent_ms);
    if silent >= TOO_SILENT {
        return Finding::Stuck(format!("its interpreter has not run for {} s", silent.as_secs()));
    }
    let oldest = answer.calls.iter().max_by_key(|it| it.overdue_ms);
    if let Some(call) = oldest.filter(|it| milliseconds(it.overdue_ms) >= stuck) {
        let seconds = milliseconds(call.overdue_ms).as_secs_f32();
        return Finding::Stuck(format!("{} still runs {seconds:.0} s after its time was over", call.hook));
    }
    match oldest {
        _ if silent >= SILENT => Finding::Silent,
        Some(_) => Finding::Waits,
        None => Finding::Well,
    }
}

#[cfg(test)]
mod tests {
    use mm_proto::host::v1::OverdueCall;

    use super::*;

    #[test]
    fn what_a_process_says_is_judged() {
        let stuck = Duration::from_secs(30);
        let judged = |overdue: &[i64], silent_ms| {
            let call = |it: &i64| OverdueCall { hook: "UserHasLoggedIn".to_owned(), overdue_ms: *it };
            judge(&OverdueResponse { calls: overdue.iter().map(call).collect(), silent_ms }, stuck)
        };
        assert_eq!(judged(&[], 2000), Finding::Well);
        assert_eq!(judged(&[1, 29_000], 2000), Finding::Waits);
        assert_eq!(judged(&[1], 5000), Finding::Silent);
        assert_eq!(judged(&[], 5000), Finding::Silent);
        assert_eq!(judged(&[], 10_000), Finding::Stuck("its interpreter has not run for 10 s".to_owned()));
        let why = "UserHasLoggedIn still runs 31 s after its time was over".to_owned();
        assert_eq!(judged(&[1, 31_000, 2], 0), Finding::Stuck(why));
    }
}
