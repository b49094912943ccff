//! The server's web address: `/plugins/<id>/…` over HTTP, doing to requests what Mattermost does before a plugin sees them.
//!
//! `request` says what that is, `exchange` carries a request to the plugin and the answer back, `public` serves a bundle's own files.
//! Nothing is held whole: bodies travel as fast as the slower side takes them.

mod connection;
mod exchange;
mod hijack;
mod public;
mod request;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::server::Server;

/// How long to wait after a connection could not be taken.
const RETRY: Duration = Duration::from_millis(20);

/// A listener; it and its connections end when this is dropped.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    task: AbortHandle,
}

/// What a listener serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebService {
    /// The address that browsers use: `ServeHTTP`, and the `public` folder of the bundle.
    Site,
    /// The address of the metrics: `/plugins/<id>/metrics` and below is `ServeMetrics`.
    Metrics,
}

impl Web {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves HTTP/1.1 at an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub async fn listen(&self, address: SocketAddr, service: WebService) -> io::Result<Web> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = self.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, peer)) => drop(connections.spawn(connection::serve(server.clone(), service, stream, peer))),
                        // Such as too many open files: give them time to be closed.
                        Err(_) => tokio::time::sleep(RETRY).await,
                    },
                    // Collects what has ended, so that the set does not grow.
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Web { address, task: task.abort_handle() })
    }
}
