//! A connection as its user has it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, watch};

use super::cell::Cell;
use super::driver;
use super::end::{End, OpenError};
use super::frame::{Header, flag};
use super::intake::Intake;
use super::limits::{Limits, WINDOW};
use super::stream::Stream;
use crate::outbox::Outbox;

/// Which end of the connection this is. Clients open streams with odd ids, servers with even ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The end that connected: go-plugin's host.
    Client,
    /// The end that was connected to: the plugin.
    Server,
}

/// A yamux connection; cheap to clone. It ends when the other side ends it, by [`Connection::close`], or when the last clone and
/// the last of its streams are dropped.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
    held: Arc<Held>,
}

/// What the user's handles and the connection's tasks share.
pub(super) struct Inner {
    pub(super) role: Role,
    pub(super) limits: Limits,
    pub(super) out: Outbox<()>,
    table: Mutex<Table>,
    incoming: Notify,
    ended: watch::Sender<Option<End>>,
    /// Tells the driver that nobody holds the connection any more, or that it is to be closed.
    pub(super) close: Notify,
    pub(super) pong: Mutex<Option<u32>>,
    /// How often something was read from the socket.
    pub(super) reads: AtomicU64,
    pub(super) intake: Mutex<Intake>,
}

/// Signs of life of a connection, which does not keep it open.
pub(crate) struct Pulse {
    inner: Arc<Inner>,
}

impl Pulse {
    pub(crate) fn reads(&self) -> u64 {
        self.inner.reads.load(Ordering::Relaxed)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.inner.ended.borrow().is_some()
    }

    /// Reads once in place of the connection's task, and answers what can be answered: `read` fills a buffer from the connection's
    /// socket. May be called on any thread. That the socket is at its end, the task will see.
    pub(crate) fn take_in(&self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) {
        let mut intake = self.inner.intake();
        if let Ok(count @ 1..) = read(intake.room())
            && let Err(end) = intake.feed(&self.inner, count)
        {
            self.inner.finish(&end);
        }
    }
}

/// The streams that exist.
pub(super) struct Table {
    pub(super) streams: BTreeMap<u32, Arc<Cell>>,
    /// Opened by the other side and not accepted yet.
    pub(super) backlog: VecDeque<Arc<Cell>>,
    next_id: u32,
    pub(super) going_away: bool,
}

/// Held by every clone of the connection and by its streams.
pub(super) struct Held(Arc<Inner>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.close.notify_one();
    }
}

impl Connection {
    /// Starts a connection on the two halves of a socket; needs a tokio runtime.
    pub fn new<R, W>(read: R, write: W, role: Role, limits: Limits) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let table = Table {
            streams: BTreeMap::new(),
            backlog: VecDeque::new(),
            next_id: if role == Role::Client { 1 } else { 2 },
            going_away: false,
        };
        let inner = Arc::new(Inner {
            role,
            out: Outbox::new(Box::new(write), limits.write_buffer, ()).gathering(alone_on_its_thread()),
            limits,
            table: Mutex::new(table),
            incoming: Notify::new(),
            ended: watch::Sender::new(None),
            close: Notify::new(),
            pong: Mutex::new(None),
            reads: AtomicU64::new(0),
            intake: Mutex::new(Intake::new()),
        });
        driver::start(inner.clone(), read);
        Self { held: Arc::new(Held(inner.clone())), inner }
    }

    /// Opens a stream. Does not wait for the other side's answer, and the other side hears of it at once.
    pub fn open(&self) -> Result<Stream, OpenError> {
        self.open_with(&[])
    }

    /// Opens a stream and sends its first bytes in the same write. No more than [`WINDOW`] bytes fit.
    ///
    /// # Panics
    ///
    /// If `first` is longer than [`WINDOW`].
    pub fn open_with(&self, first: &[u8]) -> Result<Stream, OpenError> {
        let length = u32::try_from(first.len()).ok().filter(|length| *length <= WINDOW).expect("fits the window");
        // The lock is held until the frame is in the outbox: ids must go out in ascending order.
        let mut table = self.inner.table();
        let cell = self.inner.add_own(&mut table)?;
        cell.lock().window -= length;
        let frames = self.inner.out.put(|out, ()| {
            Header::window_update(cell.id, flag::SYN, 0).write(out);
            if length > 0 {
                Header::data(cell.id, 0, length).write(out);
                out.extend_from_slice(first);
            }
        });
        drop(table);
        if let Err(error) = frames {
            // The driver will end the connection for the same reason.
            self.inner.forget(cell.id);
            return Err(OpenError::Ended(self.inner.end_now().unwrap_or_else(|| End::Io(Arc::new(error)))));
        }
        Ok(Stream::new(self.inner.clone(), self.held.clone(), cell))
    }

    /// The next stream that the other side opens; `None` when the connection is over.
    pub async fn accept(&self) -> Option<Stream> {
        loop {
            let incoming = self.inner.incoming.notified();
            tokio::pin!(incoming);
            // Registered before looking, so that nothing that comes in between is missed.
            incoming.as_mut().enable();
            {
                let mut table = self.inner.table();
                if let Some(cell) = table.backlog.pop_front() {
                    return Some(Stream::new(self.inner.clone(), self.held.clone(), cell));
                }
            }
            if self.inner.end_now().is_some() {
                return None;
            }
            incoming.await;
        }
    }

    /// Waits for the end of the connection and tells its reason. Any number of tasks may wait.
    pub async fn closed(&self) -> End {
        let mut ended = self.inner.ended.subscribe();
        let end = ended.wait_for(Option::is_some).await.expect("the sender is in `self`");
        end.clone().expect("waited for")
    }

    /// The reason of the end, once the connection is over.
    pub fn end(&self) -> Option<End> {
        self.inner.end_now()
    }

    /// For one who must not hold the connection.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse { inner: self.inner.clone() }
    }

    /// Writes what is waiting, within [`Limits::close_timeout`], and closes the socket. Streams that are still open fail.
    pub async fn close(&self) {
        self.inner.close.notify_one();
        self.closed().await;
    }

    /// Waits until everything that streams took is handed to the socket.
    pub async fn flushed(&self) -> io::Result<()> {
        self.inner.out.drained().await
    }
}

/// Whether all tasks take turns on one thread, so that to let a task write costs no change of threads.
fn alone_on_its_thread() -> bool {
    Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread
}

impl Inner {
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing under this lock calls foreign code, so a poisoned table is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        // What panics under this lock ends the connection's task, and with it the connection.
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end_now(&self) -> Option<End> {
        self.ended.borrow().clone()
    }

    pub(super) fn forget(&self, id: u32) {
        self.table().streams.remove(&id);
    }

    /// Tells the acceptors that there is a stream.
    pub(super) fn announce(&self) {
        self.incoming.notify_one();
    }

    /// Ends the connection for everyone. The first reason counts.
    pub(super) fn finish(&self, end: &End) {
        let first = self.ended.send_if_modified(|slot| {
            let first = slot.is_none();
            slot.get_or_insert_with(|| end.clone());
            first
        });
        if !first {
            return;
        }
        let streams = {
            let mut table = self.table();
            table.backlog.clear();
            std::mem::take(&mut table.streams)
        };
        for cell in streams.values() {
            cell.end(end.clone());
        }
        self.incoming.notify_waiters();
        self.close.notify_one();
    }

    /// Enters a stream of ours under the next id.
    fn add_own(&self, table: &mut Table) -> Result<Arc<Cell>, OpenError> {
        if let Some(end) = self.end_now() {
            return Err(OpenError::Ended(end));
        }
        if table.going_away {
            return Err(OpenError::GoingAway);
        }
        if table.streams.len() >= self.limits.max_streams {
            return Err(OpenError::TooManyStreams);
        }
        let id = table.next_id;
        // Ids are not used again, so a connection ends after two thousand million streams; Go's does too.
        table.next_id = id.checked_add(2).ok_or(OpenError::TooManyStreams)?;
        let cell = Arc::new(Cell::new(id));
        table.streams.insert(id, cell.clone());
        Ok(cell)
    }
}
