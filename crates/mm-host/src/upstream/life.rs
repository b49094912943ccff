//! From the handshake to the end of the process.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mm_goplugin::{ServeConfig, ServeError, Session, SessionEnd, announce};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;

use super::logs::{self, LAST_RECORDS, Logs};
use super::plugin::{Hurry, Plugin};
use super::service::{Desk, Dispensary, Progress};
use super::{PROTOCOL_VERSION, cookie};
use crate::log::{LogLevel, LogSink};
use crate::supervisor::janitor;

/// How many threads run the tasks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Threads {
    /// All take turns, so that a call passes from the server to the plugin's process and back without waiting for another thread to
    /// wake, which takes longer than all that is done for it here. For tasks that never block, such as this program's own.
    One,
    /// One that is held up, by the code of a plugin that is part of the program, leaves another to answer pings (see `mm-goplugin`).
    Two,
}

/// Most threads for what blocks: looking for Python, writing to standard error.
const MAX_BLOCKING: usize = 4;

/// How long after its request to quit, or its own end, the server finds no process of ours any more, whatever hangs. It allows 2 s.
const LAST_MOMENT: Duration = Duration::from_millis(1900);

/// The same after SIGTERM.
const UNHURRIED: Duration = Duration::from_secs(12);

/// How long `OnDeactivate` may take when the server has not called it.
const DEACTIVATE: Duration = Duration::from_secs(5);
const DEACTIVATE_HURRIED: Duration = Duration::from_millis(500);

/// A server closes its connections one by one: a lost one may be the first sign of an orderly end.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a server that was told that the plugin did not start may leave the process alone.
const REFUSED_LIMIT: Duration = Duration::from_secs(30);

/// Why the process ends.
enum Ending {
    /// The server asked it to.
    Quit,
    /// The server is gone.
    Gone(String),
    /// Somebody sent SIGTERM.
    Terminated,
    /// The plugin cannot go on, or the server cannot be reached although it is there.
    Lost(String),
}

/// See [`super::run`].
pub(super) fn run(threads: Threads, make: impl FnOnce(LogSink) -> Arc<dyn Plugin>) -> ExitCode {
    // One heap a thread that works: glibc would make up to eight a processor, idle nearly always.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it sets a number, before there is a second thread.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 2);
    }
    logs::record_panics();
    let mut builder = match threads {
        Threads::One => Builder::new_current_thread(),
        Threads::Two => Builder::new_multi_thread(),
    };
    let runtime = match builder
        .worker_threads(2)
        .max_blocking_threads(MAX_BLOCKING)
        .thread_name("mm-host")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("[ERROR] mm-host could not start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(live(make));
    // What blocks a thread must not keep the process from ending.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn live(make: impl FnOnce(LogSink) -> Arc<dyn Plugin>) -> u8 {
    let logs = Logs::start(logs::write_stderr);
    let desk = Arc::new(Desk::new(logs.clone()));
    let code = match serve(&desk, make).await {
        Ok(code) => code,
        Err(why) => {
            logs.say(LogLevel::Error, why);
            1
        }
    };
    logs.flush(LAST_RECORDS).await;
    code
}

async fn serve(desk: &Arc<Desk>, make: impl FnOnce(LogSink) -> Arc<dyn Plugin>) -> Result<u8, String> {
    let mut terminated = signal(SignalKind::terminate()).map_err(|error| format!("no signals: {error}"))?;
    let hangups = signal(SignalKind::hangup()).map_err(|error| format!("no signals: {error}"))?;
    let config = ServeConfig::new(cookie(), PROTOCOL_VERSION, Arc::new(Dispensary { desk: desk.clone() }));
    // A server that is quick may kill this process as soon as it has read where to connect.
    let told = |folder: &Path| janitor::tell(&janitor::Note::Folder(folder));
    let announced = announce(config, told).map_err(|error| error.to_string())?;
    let plugin = make(desk.logs.sink());
    desk.seat(plugin.clone());
    let _reloading = AbortOnDropHandle::new(tokio::spawn(reload(hangups, desk.clone(), plugin.clone())));

    let (session, ending) = tokio::select! {
        session = announced.accept() => match session {
            Ok(session) => {
                let ending = ending(&session, desk, &*plugin, &mut terminated).await;
                (Some(session), ending)
            }
            Err(ServeError::HostGone) => (None, Ending::Gone("it did not connect".to_owned())),
            Err(error) => (None, Ending::Gone(error.to_string())),
        },
        _ = terminated.recv() => (None, Ending::Terminated),
    };
    Ok(end(ending, session, desk, &*plugin).await)
}

/// Loads the plugin anew whenever SIGHUP asks for it, once it is active.
async fn reload(mut hangups: Signal, desk: Arc<Desk>, plugin: Arc<dyn Plugin>) {
    while hangups.recv().await.is_some() {
        if *desk.progress.borrow() != Progress::Active {
            continue;
        }
        match plugin.reload().await {
            Ok(what) => desk.logs.say(LogLevel::Info, what),
            Err(why) => {
                desk.logs.say(
                    LogLevel::Error,
                    format!("SIGHUP: the plugin goes on as it was, since the new one is of no use: {why}"),
                );
            }
        }
    }
}

/// Waits for a reason to end.
async fn ending(session: &Session, desk: &Desk, plugin: &dyn Plugin, terminated: &mut Signal) -> Ending {
    let lost = async {
        let why = tokio::select! {
            why = desk.lost() => why,
            why = failed(desk, plugin) => why,
        };
        tokio::time::sleep(PATIENCE).await;
        Ending::Lost(why)
    };
    tokio::select! {
        biased;
        end = session.closed() => match end {
            SessionEnd::Quit => Ending::Quit,
            other => Ending::Gone(other.to_string()),
        },
        _ = terminated.recv() => Ending::Terminated,
        lost = lost => lost,
    }
}

/// Waits until the plugin cannot go on and the server does not know it. Before it is activated nothing is lost: `OnActivate` tells.
async fn failed(desk: &Desk, plugin: &dyn Plugin) -> String {
    let why = plugin.failed().await;
    let mut progress = desk.progress.subscribe();
    let told = progress.wait_for(|it| *it != Progress::NotYet).await.map_or(Progress::NotYet, |it| *it);
    if told == Progress::Refused {
        tokio::time::sleep(REFUSED_LIMIT).await;
    }
    why
}

/// Ends the plugin in as much time as there is; gives the exit code.
async fn end(ending: Ending, session: Option<Session>, desk: &Desk, plugin: &dyn Plugin) -> u8 {
    let (code, hurry, reason) = match ending {
        Ending::Quit => (0, Hurry::Yes, "the server deactivates the plugin".to_owned()),
        Ending::Gone(why) => (1, Hurry::Yes, format!("the server is gone: {why}")),
        Ending::Terminated => (0, Hurry::No, "SIGTERM".to_owned()),
        Ending::Lost(why) => {
            desk.logs.say(LogLevel::Error, format!("{why}. The plugin ends, so that the server starts it again."));
            (1, Hurry::Yes, why)
        }
    };
    end_at_last(if hurry == Hurry::Yes { LAST_MOMENT } else { UNHURRIED }, code);
    let limit = if hurry == Hurry::Yes { DEACTIVATE_HURRIED } else { DEACTIVATE };
    match tokio::time::timeout(limit, desk.deactivate()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => desk.logs.say(LogLevel::Warn, format!("OnDeactivate failed: {error}")),
        Err(_) => {
            desk.logs.say(LogLevel::Warn, format!("OnDeactivate did not return within {} s", limit.as_secs_f32()))
        }
    }
    plugin.stop(&reason, hurry).await;
    desk.logs.flush(LAST_RECORDS).await;
    if let Some(session) = session {
        session.close().await;
    }
    code
}

/// Ends the process in any case, even when no task runs any more.
fn end_at_last(limit: Duration, code: u8) {
    let last = move || {
        std::thread::sleep(limit);
        // SAFETY: it ends the process, and runs nothing of it that might wait.
        unsafe { nix::libc::_exit(code.into()) }
    };
    // Without threads there is nothing better than to hope.
    let _ = std::thread::Builder::new().name("mm-host-last".to_owned()).stack_size(64 * 1024).spawn(last);
}
