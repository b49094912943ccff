//! The listening socket and its connections.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::connection;
use super::service::Service;
use crate::peer;

/// How long connections may take to write their last answers when the server stops, once all calls are answered or given up.
const FLUSH: Duration = Duration::from_millis(500);

/// A bound socket that accepts until it is stopped.
pub(super) struct Listener {
    /// Nothing new is accepted.
    stop: CancellationToken,
    /// No more answers are to be expected.
    over: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
    path: PathBuf,
}

impl Listener {
    pub(super) fn start(runtime: &Runtime, path: &Path, peer: peer::Expected, service: Service) -> io::Result<Self> {
        // tokio registers the socket with the runtime of the current thread.
        let _context = runtime.enter();
        let listener = UnixListener::bind(path).map_err(|error| {
            let advice = match error.kind() {
                io::ErrorKind::AddrInUse => " (remove the socket that an earlier process left there)",
                io::ErrorKind::InvalidInput => " (socket paths are limited to about 100 bytes; use a shorter folder)",
                _ => "",
            };
            io::Error::new(error.kind(), format!("cannot listen on {}: {error}{advice}", path.display()))
        })?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        let task = runtime.spawn(accept(listener, peer, service, stop.clone(), over.clone()));
        Ok(Self { stop, over, task: Some(task).into(), path: path.to_owned() })
    }

    /// Accepts no more and lets the calls that are running end. The result is to be awaited, or dropped, when no more of them are to be
    /// waited for: then the connections finish what they have to say, which takes little time.
    pub(super) fn stop(&self) -> impl Future<Output = ()> + Send + use<> {
        self.stop.cancel();
        let over = self.over.clone().drop_guard();
        let task = crate::lock(&self.task).take();
        if task.is_some() {
            // The name goes first, so that nobody connects to a socket that will not answer. Only once: it may be another server's
            // by the time this one is stopped again, or dropped.
            let _ = std::fs::remove_file(&self.path);
        }
        async move {
            drop(over);
            if let Some(task) = task {
                let _ = task.await;
            }
        }
    }
}

async fn accept(
    listener: UnixListener,
    peer: peer::Expected,
    service: Service,
    stop: CancellationToken,
    over: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Collects what has ended, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) if stream.peer_cred().and_then(|it| peer.check(&it)).is_ok() => {
                connections.spawn(connection::serve(stream, service.clone(), stop.clone()));
            }
            // A stranger is disconnected without a word.
            Ok(_) => {}
            // Such as too many open files: give them time to be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    drop(listener);
    let limit = async {
        over.cancelled().await;
        tokio::time::sleep(FLUSH).await;
    };
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = limit => {}
    }
    connections.abort_all();
}
