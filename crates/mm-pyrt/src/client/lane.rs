//! Blocking calls without a hop between threads.
//!
//! A call through the runtime takes two hops more than the call itself: the Python thread wakes a thread of the runtime, which writes
//! and reads, and which wakes the Python thread. A lane is a connection that no runtime knows: the Python thread that waits for an
//! answer writes, waits for the socket and reads by itself. There are as many lanes as calls at the same time; idle ones are used again.

use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::Request;
use mm_socket::{Attention, Watch};
use pyo3::prelude::*;
use tonic::Status;

use super::exchange;
use super::socket::{Io, Socket};
use crate::raw::{CONNECTION_WINDOW, MAX_HEADERS, STREAM_WINDOW};
use crate::{lock, peer, runtime};

/// Lanes that are kept for later calls; more exist while more calls run.
const MOST_IDLE: usize = 16;

/// A lane that was used within this time is taken for good without asking the system.
const FRESH: Duration = Duration::from_millis(5);

/// How long a peer may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// The lanes of a client.
pub(super) struct Lanes {
    path: PathBuf,
    peer: peer::Expected,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    idle: Mutex<Vec<Lane>>,
    /// The sockets of all lanes, idle or not.
    sockets: Mutex<Vec<Arc<Socket>>>,
    /// How soon answers come.
    attention: Attention,
    closed: AtomicBool,
}

/// One connection. Polled only by the thread that has it.
struct Lane {
    socket: Arc<Socket>,
    sender: SendRequest<Bytes>,
    connection: Pin<Box<h2::client::Connection<Io, Bytes>>>,
    /// Whether something happened that the future which waits has not seen.
    woken: Arc<Woken>,
    waker: Waker,
    used: Instant,
    owner: Arc<Shared>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Lanes {
    pub(super) fn new(path: PathBuf, peer: peer::Expected) -> Self {
        Self { path, peer, shared: Arc::default() }
    }

    /// Makes one call and waits for its answer with the GIL released; `Ok(None)` when it did not come in time.
    pub(super) fn call(
        &self,
        py: Python<'_>,
        request: Request<()>,
        message: Bytes,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Result<Bytes, Status>>> {
        let mut lane = match self.take(py) {
            Ok(lane) => lane,
            Err(status) => return Ok(Some(Err(status))),
        };
        let answer = lane.call(py, request, message, deadline);
        let broken = !matches!(answer, Ok(Some(Ok(_)))) && !lane.turn();
        if !broken {
            self.put_back(lane);
        }
        match answer {
            Ok(Some(Err(_))) if self.is_closed() => Ok(Some(Err(closed()))),
            answer => answer,
        }
    }

    /// An idle lane whose connection still works, or a new one.
    fn take(&self, py: Python<'_>) -> Result<Lane, Status> {
        loop {
            if self.is_closed() {
                return Err(closed());
            }
            let idle = lock(&self.shared.idle).pop();
            let Some(mut lane) = idle else { break };
            if lane.used.elapsed() < FRESH || lane.turn() {
                return Ok(lane);
            }
        }
        let text = |error| Status::unavailable(format!("cannot connect to {}: {error}", self.path.display()));
        py.detach(|| Lane::open(self)).map_err(text)
    }

    fn put_back(&self, mut lane: Lane) {
        lane.used = Instant::now();
        let mut idle = lock(&self.shared.idle);
        if idle.len() < MOST_IDLE && !self.is_closed() {
            idle.push(lane);
        }
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Ends the calls that run, and all connections.
    pub(super) fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        for socket in &*lock(&self.shared.sockets) {
            socket.shutdown();
        }
        let idle = std::mem::take(&mut *lock(&self.shared.idle));
        drop(idle);
    }
}

fn closed() -> Status {
    Status::unavailable("the client was closed")
}

impl Lane {
    fn open(lanes: &Lanes) -> io::Result<Self> {
        let socket = Arc::new(Socket::connect(&lanes.path, lanes.peer)?);
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .enable_push(false);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let handshake = builder.handshake::<_, Bytes>(Io(Arc::clone(&socket)));
        let (sender, connection) = finish(pin!(handshake), &socket, &waker)?.map_err(io::Error::other)?;
        let owner = Arc::clone(&lanes.shared);
        lock(&owner.sockets).push(Arc::clone(&socket));
        let mut lane =
            Self { socket, sender, connection: Box::pin(connection), woken, waker, used: Instant::now(), owner };
        if lanes.is_closed() {
            lane.socket.shutdown();
        }
        lane.turn();
        Ok(lane)
    }

    fn call(
        &mut self,
        py: Python<'_>,
        request: Request<()>,
        message: Bytes,
        deadline: Option<Instant>,
    ) -> PyResult<Option<Result<Bytes, Status>>> {
        let response = match exchange::send(&mut self.sender, request, message) {
            Ok(response) => response,
            Err(error) => return Ok(Some(Err(exchange::broken(error)))),
        };
        // Dropped before this returns, which tells the peer of a call that was given up when the connection is polled next.
        let mut answer = pin!(exchange::receive(response));
        let owner = Arc::clone(&self.owner);
        let mut watch = owner.attention.begin();
        let answer = runtime::wait_condition(py, deadline, |limit| self.wait(answer.as_mut(), limit, &mut watch));
        if matches!(answer, Ok(Some(_))) {
            watch.over();
        }
        answer
    }

    /// Drives the connection until the answer is there, at most `limit`, and no longer than until a signal comes.
    fn wait<T>(
        &mut self,
        mut answer: Pin<&mut impl Future<Output = Result<T, Status>>>,
        limit: Option<Duration>,
        watch: &mut Watch<'_>,
    ) -> Option<Result<T, Status>> {
        let until = limit.map(|it| Instant::now() + it);
        loop {
            self.woken.0.store(false, Ordering::Release);
            let is_open = self.advance();
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                return Some(answer);
            }
            if !is_open {
                return Some(Err(Status::unavailable("the connection was lost")));
            }
            if self.woken.0.load(Ordering::Acquire) {
                continue;
            }
            if watch.stays_awake() {
                self.socket.look_again();
                continue;
            }
            let left = until.map(|it| it.saturating_duration_since(Instant::now()));
            if left.is_some_and(|it| it.is_zero()) || !self.socket.wait(left) {
                return None;
            }
        }
    }

    /// Reads and writes what can be read and written without waiting; `false` when the connection is over.
    fn advance(&mut self) -> bool {
        self.connection.as_mut().poll(&mut Context::from_waker(&self.waker)).is_pending()
    }

    /// The same between calls: notices a peer that is gone, and sends what a call that was given up has left.
    fn turn(&mut self) -> bool {
        self.socket.look_again();
        self.advance() && matches!(self.sender.poll_ready(&mut Context::from_waker(&self.waker)), Poll::Ready(Ok(())))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // In a forked child the lock may be held by a thread that stayed in the parent.
        if !runtime::is_own_process() {
            return;
        }
        lock(&self.owner.sockets).retain(|it| !Arc::ptr_eq(it, &self.socket));
    }
}

/// Waits for a future that needs nothing but its socket.
fn finish<F: Future>(mut future: Pin<&mut F>, socket: &Socket, waker: &Waker) -> io::Result<F::Output> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return Ok(output);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.wait(Some(left));
    }
}
