//! The other side, for tests: a [`Host`] that connects to a plugin as go-plugin's hosts do, and [`pair`], which needs no process.

use std::io;
use std::path::Path;
use std::sync::Arc;

use mm_gob::codec::{Bool, Str, Struct, Uint};
use tokio::io::{AsyncRead, AsyncWrite, duplex, split};
use tokio::net::UnixStream;

use crate::broker::{self, Broker, BrokerError};
use crate::handshake::Cookie;
use crate::rpc::{CallError, Client, Empty, Limits};
use crate::session::{Plugins, ServeConfig, Session};
use crate::yamux::{self, Connection, End, OpenError, ReadHalf, Role};

/// Bytes on their way in memory.
const PIPE: usize = 1 << 16;

/// The host's side of a session.
pub struct Host {
    connection: Connection,
    control: Client,
    broker: Broker,
    /// What the plugin writes to its standard output; `None` once taken.
    pub stdout: Option<ReadHalf>,
    /// What the plugin writes to its standard error; `None` once taken.
    pub stderr: Option<ReadHalf>,
}

/// Why [`Host::dispense`] failed.
#[derive(Debug, thiserror::Error)]
pub enum DispenseError {
    /// The plugin refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The plugin does not accept the stream that it named.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// The address in a handshake line, if the line is one of a net/rpc plugin on a Unix socket.
pub fn address(line: &str) -> Option<&Path> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    match fields[..] {
        ["1", _, "unix", path] | ["1", _, "unix", path, "netrpc", ..] => Some(Path::new(path)),
        _ => None,
    }
}

/// A plugin and its host in one process.
pub async fn pair(plugins: Arc<dyn Plugins>) -> (Session, Host) {
    let (ours, theirs) = UnixStream::pair().expect("the kernel has sockets");
    let (read, write) = theirs.into_split();
    let host = Host::over(ours).expect("the connection is new");
    (started(read, write, plugins).await, host)
}

/// As [`pair`], without sockets, so that a runtime whose clock stands still sees that nothing goes on any more.
pub async fn pair_in_memory(plugins: Arc<dyn Plugins>) -> (Session, Host) {
    let (ours, theirs) = duplex(PIPE);
    let (read, write) = split(ours);
    let host = Host::on(Connection::new(read, write, Role::Client, yamux::Limits::default()));
    let (read, write) = split(theirs);
    (started(read, write, plugins).await, host.expect("the connection is new"))
}

/// The plugin's side of a session whose host is there.
async fn started<R, W>(read: R, write: W, plugins: Arc<dyn Plugins>) -> Session
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let connection = Connection::new(read, write, Role::Server, yamux::Limits::default());
    let cookie = Cookie { key: String::new(), value: String::new() };
    Session::start(connection, ServeConfig::new(cookie, 1, plugins)).await.expect("the host is there")
}

impl Host {
    /// Connects to a plugin's socket.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::over(UnixStream::connect(path).await?).map_err(io::Error::other)
    }

    /// Opens a session on a socket that is connected.
    pub fn over(stream: UnixStream) -> Result<Self, OpenError> {
        let (read, write) = stream.into_split();
        Self::on(Connection::new(read, write, Role::Client, yamux::Limits::default()))
    }

    fn on(connection: Connection) -> Result<Self, OpenError> {
        let (read, write) = connection.open()?.into_split();
        let control = Client::new(read, write, Limits::default());
        // The writing halves are closed at once: a host sends nothing on these.
        let (stdout, _) = connection.open()?.into_split();
        let (stderr, _) = connection.open()?.into_split();
        let broker = Broker::start(connection.clone(), broker::Limits::default());
        Ok(Self { connection, control, broker, stdout: Some(stdout), stderr: Some(stderr) })
    }

    /// Asks the plugin for `name` and connects to it. The methods of what comes back are called `Plugin.…`.
    pub async fn dispense(&self, name: &str) -> Result<Client, DispenseError> {
        let id: u32 = self.control.call::<Str, _, Uint, _>("Dispenser.Dispense", &name.to_owned()).await?;
        let (read, write) = self.broker.dial(id).await?.into_split();
        Ok(Client::new(read, write, Limits::default()))
    }

    /// Whether the plugin lives.
    pub async fn ping(&self) -> Result<(), CallError> {
        self.control.call::<Bool, _, Struct<Empty>, Empty>("Control.Ping", &true).await.map(drop)
    }

    /// Asks the plugin to quit.
    pub async fn quit(&self) -> Result<(), CallError> {
        self.control.call::<Bool, _, Struct<Empty>, Empty>("Control.Quit", &true).await.map(drop)
    }

    /// The client of the control stream.
    pub fn control(&self) -> &Client {
        &self.control
    }

    /// The broker.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Closes the socket, without asking the plugin to quit.
    pub async fn close(&self) {
        self.connection.close().await;
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self) -> End {
        self.connection.closed().await
    }
}
