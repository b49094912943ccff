//! One connection of the server: HTTP/2 that more than one thread moves on.
//!
//! A task of the runtime waits for the socket, reads, and hands calls out. A Python thread that has an answer writes it to the socket
//! itself: to have the runtime's thread do it would cost every call one more change of threads.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use bytes::Bytes;
use futures::task::AtomicWaker;
use h2::server::Builder;
use mm_socket::Socket;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::service::Service;
use super::state::{Body, CallState};
use crate::lock;
use crate::raw::{CONNECTION_WINDOW, MAX_HEADERS, STREAM_WINDOW};

type Http = h2::server::Connection<Socket, Bytes>;

/// A connection that was accepted.
pub(super) struct Connection {
    http: Mutex<Http>,
    socket: Socket,
    nudge: Arc<Nudge>,
    /// `nudge`, as HTTP/2 wants it, whichever thread it is polled by.
    waker: Waker,
    /// Calls without an answer.
    open: Mutex<Vec<Arc<CallState>>>,
    /// When the task looks for calls that are too late.
    alarm: Mutex<Option<Instant>>,
    service: Service,
}

/// Wakes the connection's task, but not while a thread is about to do the task's work itself.
#[derive(Default)]
struct Nudge(AtomicWaker);

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread does not wake the task.
struct Writing;

impl Writing {
    fn begin() -> Self {
        IS_WRITING.set(true);
        Self
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        IS_WRITING.set(false);
    }
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !IS_WRITING.get() {
            self.0.wake();
        }
    }
}

/// Serves a connection until it ends, or until its calls have ended after `stop`.
pub(super) async fn serve(stream: UnixStream, service: Service, stop: CancellationToken) {
    let mut builder = Builder::new();
    // The host decides how much it asks for: no limit of concurrent calls.
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADERS);
    let Ok(socket) = Socket::new(stream) else { return };
    let http = tokio::select! {
        http = socket.drive(builder.handshake::<_, Bytes>(socket.clone())) => http,
        () = stop.cancelled() => return,
    };
    let Ok(http) = http else { return };
    let nudge = Arc::new(Nudge::default());
    let connection = Arc::new(Connection {
        http: Mutex::new(http),
        socket,
        waker: Waker::from(Arc::clone(&nudge)),
        nudge,
        open: Mutex::default(),
        alarm: Mutex::default(),
        service,
    });
    // Also when this task is aborted.
    let _end = End(Arc::clone(&connection));
    let mut stopped = pin!(stop.cancelled());
    let mut sleep = pin!(tokio::time::sleep_until(Instant::now().into()));
    let mut is_stopping = false;
    poll_fn(|context| {
        connection.nudge.0.register(context.waker());
        if !is_stopping && stopped.as_mut().poll(context).is_ready() {
            is_stopping = true;
            lock(&connection.http).graceful_shutdown();
        }
        if connection.advance(&mut lock(&connection.http)) {
            return Poll::Ready(());
        }
        // An alarm that rings is set for the next call, until there is none or its time has not come.
        while connection.is_alarm_due(|| sleep.as_mut().poll(context).is_ready()) {
            match connection.end_late_calls() {
                Some(next) => sleep.as_mut().reset(next.into()),
                None => break,
            }
        }
        Poll::Pending
    })
    .await;
}

struct End(Arc<Connection>);

impl Drop for End {
    fn drop(&mut self) {
        for call in std::mem::take(&mut *lock(&self.0.open)) {
            drop(call.take_reply());
            self.0.service.state.cancel(&call);
        }
    }
}

impl Connection {
    /// Reads and writes what can be read and written without waiting, and begins the calls that came; `true` when it is over.
    fn advance(self: &Arc<Self>, http: &mut Http) -> bool {
        let mut context = Context::from_waker(&self.waker);
        let is_over = loop {
            match http.poll_accept(&mut context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.service.serve(self, request, respond),
                Poll::Ready(Some(Err(_)) | None) => break true,
                Poll::Pending => break false,
            }
        };
        let sent = self.socket.send_kept(&mut context);
        self.forget_calls();
        is_over || matches!(sent, Poll::Ready(Err(_)))
    }

    /// Lets `queue` put frames on streams of this connection, and writes them. Any thread may do that.
    pub(super) fn write<T>(self: &Arc<Self>, queue: impl FnOnce() -> T) -> T {
        let writing = Writing::begin();
        let queued = queue();
        let is_done = match self.http.try_lock() {
            Ok(mut http) => !self.advance(&mut http),
            Err(TryLockError::Poisoned(poisoned)) => !self.advance(&mut poisoned.into_inner()),
            // Another thread is at it, and may have looked for frames before these were there.
            Err(TryLockError::WouldBlock) => false,
        };
        drop(writing);
        if !is_done {
            self.nudge.0.wake();
        }
        queued
    }

    /// Lets `queue` put frames on streams of this connection, which go out with the next that are written.
    pub(super) fn hold<T>(&self, queue: impl FnOnce() -> T) -> T {
        let _writing = Writing::begin();
        queue()
    }

    /// Looks after a call until it has its answer: whether its caller waits, and whether its time is over.
    pub(super) fn watch(&self, call: Arc<CallState>) {
        let deadline = call.deadline;
        lock(&self.open).push(call);
        if let Some(deadline) = deadline
            && lock(&self.alarm).is_none_or(|it| deadline < it)
        {
            self.nudge.0.wake();
        }
    }

    /// Lets go of calls that were answered, and of those that nobody waits for.
    fn forget_calls(&self) {
        let mut given_up = Vec::new();
        lock(&self.open).retain(|call| match call.is_given_up() {
            Some(false) => true,
            Some(true) => {
                given_up.push(Arc::clone(call));
                false
            }
            // It was answered.
            None => false,
        });
        for call in given_up {
            drop(call.take_reply());
            self.service.state.cancel(&call);
        }
    }

    /// Whether late calls are to be looked for now.
    fn is_alarm_due(&self, has_rung: impl FnOnce() -> bool) -> bool {
        let alarm = *lock(&self.alarm);
        match alarm {
            Some(_) => has_rung(),
            None => lock(&self.open).iter().any(|it| it.deadline.is_some()),
        }
    }

    /// Ends the calls whose time is over; gives the next such moment, for which the alarm is set.
    fn end_late_calls(self: &Arc<Self>) -> Option<Instant> {
        let now = Instant::now();
        let (late, next) = {
            let open = lock(&self.open);
            let deadlines = || open.iter().filter_map(|it| it.deadline.map(|deadline| (deadline, it)));
            let late: Vec<_> = deadlines().filter(|it| it.0 <= now).map(|it| Arc::clone(it.1)).collect();
            (late, deadlines().map(|it| it.0).filter(|it| *it > now).min())
        };
        *lock(&self.alarm) = next;
        for call in late {
            let reply = call.take_reply();
            self.service.state.cancel(&call);
            let late = Status::deadline_exceeded("no answer within the time limit");
            match (reply, &call.body) {
                (Some(reply), _) => _ = reply.send(Err(late)),
                (None, Body::Stream(stream)) => _ = stream.finish(Some(late)),
                (None, Body::Unary { .. }) => {}
            }
        }
        next
    }
}
