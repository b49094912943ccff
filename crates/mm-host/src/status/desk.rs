//! The host's side: tells whoever may know.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{Uid, geteuid};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::task::AbortOnDropHandle;

use super::Report;
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};

/// How long a reader may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait after a connection could not be taken.
const RETRY: Duration = Duration::from_millis(100);

/// How many are told at the same time; more wait.
const READERS: usize = 4;

/// Makes a report.
pub(crate) type Source = Arc<dyn Fn() -> Report + Send + Sync>;

/// Tells reports at sockets that are opened and closed with the folder in which they are.
#[derive(Clone)]
pub(crate) struct Desk {
    source: Source,
    sink: LogSink,
    may_ask: fn(Uid) -> bool,
}

/// A socket that is served for as long as this is held. The file stays: its folder is removed next.
#[derive(Debug)]
pub(crate) struct Opening {
    _serving: AbortOnDropHandle<()>,
}

impl Desk {
    /// Tells reports of `source`; who is refused is logged.
    pub(crate) fn new(source: Source, sink: LogSink) -> Self {
        Self { source, sink, may_ask: |theirs| may_ask(theirs, geteuid()) }
    }

    /// Lets those ask for whom this is true.
    #[cfg(test)]
    pub(super) fn for_whom(self, may_ask: fn(Uid) -> bool) -> Self {
        Self { may_ask, ..self }
    }

    /// Binds `socket` and serves it; `None` when that cannot be, which is logged: the plugin runs all the same. Needs a tokio runtime.
    pub(crate) fn open(&self, socket: &Path) -> Option<Opening> {
        match bind(socket) {
            Ok(listener) => {
                let serving = tokio::spawn(self.clone().serve(listener));
                Some(Opening { _serving: AbortOnDropHandle::new(serving) })
            }
            Err(error) => {
                let text = format!("mm-host status will not see this plugin: {}: {error}", socket.display());
                self.warn(text);
                None
            }
        }
    }

    async fn serve(self, listener: UnixListener) {
        let places = Arc::new(tokio::sync::Semaphore::new(READERS));
        // Ended with this, so that nothing is told any more when the socket is closed.
        let mut readers = tokio::task::JoinSet::new();
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let desk = self.clone();
                    readers.spawn(async move {
                        let _place = place;
                        let _ = tokio::time::timeout(PATIENCE, desk.tell(stream)).await;
                    });
                }
                // Such as too many open files: give them time to be closed.
                Err(_) => tokio::time::sleep(RETRY).await,
            }
            while readers.try_join_next().is_some() {}
        }
    }

    async fn tell(&self, mut stream: UnixStream) {
        let theirs = stream.peer_cred().map(|it| Uid::from_raw(it.uid()));
        if !theirs.as_ref().is_ok_and(|it| (self.may_ask)(*it)) {
            let who = theirs.map_or_else(|error| error.to_string(), |it| format!("user {it}"));
            self.warn(format!("status refused: it was asked by {who}, and this host belongs to user {}", geteuid()));
            return;
        }
        let mut line = serde_json::to_vec(&(self.source)()).unwrap_or_default();
        line.push(b'\n');
        // A reader that goes does not want to know.
        let _ = stream.write_all(&line).await;
        let _ = stream.shutdown().await;
    }

    fn warn(&self, text: String) {
        (self.sink)(LogRecord::new(LogLevel::Warn, LogSource::Host, text));
    }
}

/// Whether a process of the user `theirs` may know about a host of the user `own`.
pub(super) fn may_ask(theirs: Uid, own: Uid) -> bool {
    theirs.is_root() || theirs == own
}

/// A socket that only its user can connect to. Its folder is private already, so that what is in its place is an older one.
fn bind(socket: &Path) -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
