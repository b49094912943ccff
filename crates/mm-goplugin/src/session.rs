//! From the start of the process to its end.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::broker::{self, Broker};
use crate::control::{Control, Dispenser, Quit};
use crate::guardian;
use crate::handshake::{self, Cookie, HostPipe, Socket, StartError};
use crate::rpc;
use crate::yamux::{self, Connection, End, Role, WriteHalf};

/// How often a plugin that nobody has connected to looks whether its host still lives.
const LOOK_AFTER_HOST: Duration = Duration::from_millis(500);

/// What a plugin offers, by the names that hosts dispense.
pub trait Plugins: Send + Sync + 'static {
    /// The service behind `name`, to be served on a stream of its own, or `None` if there is no such plugin. Called for every
    /// Dispense; it must not block. [`rpc::Service::closed`] tells when that stream is over, which the host may not notice itself.
    fn dispense(&self, name: &str, broker: &Broker) -> Option<Arc<dyn rpc::Service>>;

    /// The host asks the plugin to quit, and has its answer when this is done: the last moment to call the host, which closes its
    /// connections then, and gives the process 2 s. The host waits for ever, and so do those who wait for it.
    fn quitting(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// How a plugin starts.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServeConfig {
    /// Must stand in the environment.
    pub cookie: Cookie,
    /// The version that host and plugin have agreed on for their own services.
    pub protocol_version: u32,
    /// What hosts can dispense.
    pub plugins: Arc<dyn Plugins>,
    /// Whether what the process prints to standard output after the handshake line goes nowhere. Hosts throw it away, and a line
    /// of 64 KiB would block the process for ever. Default true.
    pub silence_stdout: bool,
    /// Whether SIGINT is ignored, which Ctrl-C at the host's terminal sends to all of its processes: the host then ends its
    /// plugins in order. Children do not inherit it. Default true.
    pub ignore_interrupt: bool,
    /// Bounds of the connection.
    pub yamux: yamux::Limits,
    /// Bounds of the broker.
    pub broker: broker::Limits,
    /// Bounds of the control stream and of dispensed ones.
    pub rpc: rpc::Limits,
}

impl ServeConfig {
    /// The usual settings.
    pub fn new(cookie: Cookie, protocol_version: u32, plugins: Arc<dyn Plugins>) -> Self {
        Self {
            cookie,
            protocol_version,
            plugins,
            silence_stdout: true,
            ignore_interrupt: true,
            yamux: yamux::Limits::default(),
            broker: broker::Limits::default(),
            rpc: rpc::Limits::default(),
        }
    }
}

/// Why a session is over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The host asked the plugin to quit, and has its answer. The process must end within 2 s or is killed.
    #[error("the host asked the plugin to quit")]
    Quit,
    /// The connection is over: the host is gone, or lost.
    #[error("{0}")]
    Ended(End),
}

/// Why no session came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The plugin did not get as far as the handshake.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The host did not connect.
    #[error("waiting for the host failed: {0}")]
    Accept(io::Error),
    /// The host that read the handshake line is gone and did not connect.
    #[error("the host is gone; it did not connect")]
    HostGone,
    /// The host connected and left.
    #[error("the host left before it opened its streams: {0}")]
    Left(End),
}

/// [`announce`], then [`Announced::accept`].
pub async fn serve(config: ServeConfig) -> Result<Session, ServeError> {
    announce(config, |_| {})?.accept().await
}

/// Checks the cookie, makes the socket and prints the handshake line, which a host expects within seconds of the start: call it
/// first, do slow things afterwards. Needs a tokio runtime.
///
/// `made` is called with the folder of the socket before the host hears of it. [`Announced::accept`] removes the folder; a process that
/// is killed before leaves it behind, unless somebody else was told.
pub fn announce(config: ServeConfig, made: impl FnOnce(&Path)) -> Result<Announced, StartError> {
    handshake::check(&config.cookie)?;
    let socket = Socket::bind()?;
    made(socket.folder());
    if config.ignore_interrupt {
        let mut interrupts =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(StartError::Announce)?;
        tokio::spawn(async move { while interrupts.recv().await.is_some() {} });
    }
    let pipe = HostPipe::open()?;
    handshake::announce(&socket.handshake_line(config.protocol_version))?;
    if config.silence_stdout {
        handshake::silence_stdout()?;
    }
    Ok(Announced { socket, pipe, config })
}

/// A plugin whose host knows where to connect.
pub struct Announced {
    socket: Socket,
    pipe: HostPipe,
    config: ServeConfig,
}

impl Announced {
    /// Waits for the host, which connects once, or for the end of the host. The socket is removed from the file system afterwards, so
    /// that nothing is left behind however the process ends.
    pub async fn accept(self) -> Result<Session, ServeError> {
        let Self { socket, pipe, config } = self;
        let stream = loop {
            match timeout(LOOK_AFTER_HOST, socket.listener.accept()).await {
                Ok(accepted) => break accepted.map_err(ServeError::Accept)?.0,
                Err(_) if pipe.is_broken() => return Err(ServeError::HostGone),
                Err(_) => {}
            }
        };
        drop(socket);
        pipe.keep();
        let watchable = guardian::watchable(&stream).map_err(ServeError::Accept)?;
        let (read, write) = stream.into_split();
        let connection = Connection::new(read, write, Role::Server, config.yamux.clone());
        guardian::start(watchable, connection.pulse()).map_err(ServeError::Accept)?;
        Session::start(connection, config).await.map_err(ServeError::Left)
    }
}

/// A connected plugin. Dropping it does not end it: its services hold it. See [`Session::closed`] and [`Session::close`].
pub struct Session {
    connection: Connection,
    broker: Broker,
    /// How far the host has come with asking the plugin to quit.
    quit: watch::Receiver<Quit>,
    stdout: Option<WriteHalf>,
    stderr: Option<WriteHalf>,
}

impl Session {
    /// A session on a connection that is there: what [`Announced::accept`] does with its own.
    pub(crate) async fn start(connection: Connection, config: ServeConfig) -> Result<Self, End> {
        let mut first = Vec::new();
        // The host opens three streams before anything else: control, standard output, standard error.
        for _ in 0..3 {
            match connection.accept().await {
                Some(stream) => first.push(stream.into_split()),
                None => return Err(connection.closed().await),
            }
        }
        // Nothing comes on the last two.
        let mut output = || first.pop().map(|(_, write)| write);
        let (stderr, stdout) = (output(), output());
        let broker = Broker::start(connection.clone(), config.broker);
        let (quit, asked) = watch::channel(Quit::NotAsked);
        let control = Control { quit, plugins: config.plugins.clone() };
        let dispenser = Dispenser { plugins: config.plugins, broker: broker.clone(), limits: config.rpc.clone() };
        let server = rpc::Server::new()
            .register("Control", Arc::new(control))
            .register("Dispenser", Arc::new(dispenser))
            .limits(config.rpc);
        let (read, write) = first.pop().expect("three streams were accepted");
        tokio::spawn(server.serve(read, write));
        Ok(Self { connection, broker, quit: asked, stdout, stderr })
    }

    /// The broker.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// What is written here the host gets as the plugin's standard output; `None` the second time. Nothing of it is interpreted.
    /// A host that does not read makes the writer wait, and nothing else.
    pub fn stdout(&mut self) -> Option<WriteHalf> {
        self.stdout.take()
    }

    /// Like [`Session::stdout`], for standard error.
    pub fn stderr(&mut self) -> Option<WriteHalf> {
        self.stderr.take()
    }

    /// Waits until the host asks the plugin to quit or the connection is over. Any number of tasks may wait.
    pub async fn closed(&self) -> SessionEnd {
        let mut quit = self.quit.clone();
        let answered = async move {
            if quit.wait_for(|quit| *quit == Quit::Answered).await.is_err() {
                // The control stream is over, which is not the end of the connection.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = answered => SessionEnd::Quit,
            // A host closes the connection as soon as it has the answer, which may be before we have noted that it is out.
            end = self.connection.closed() => match *self.quit.borrow() {
                Quit::NotAsked => SessionEnd::Ended(end),
                Quit::Asked | Quit::Answered => SessionEnd::Quit,
            },
        }
    }

    /// Writes what streams took, within [`yamux::Limits::close_timeout`], and closes the connection. Call it before the process
    /// ends, or the host may miss the last replies.
    pub async fn close(&self) {
        self.connection.close().await;
    }
}
