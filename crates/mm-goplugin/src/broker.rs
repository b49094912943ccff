//! go-plugin's broker: further streams between host and plugin, found by number.
//!
//! Whoever wants to be called takes a number from its own counter, tells it to the other side in some call, and accepts it. The
//! other side dials: it opens a stream and writes the number, four bytes little-endian; the accepting side repeats them, and the
//! stream is theirs. The two counters are independent: a number means something only on the side that accepts it.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::yamux::{Connection, End, OpenError, ReadHalf, Stream, WriteHalf};

/// Bounds of a [`Broker`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// How long a stream waits for its acceptor, an acceptor for its stream, and a stream for its number. Default 5 s, as in Go.
    pub accept_timeout: Duration,
    /// How long [`Broker::dial`] waits for the other side. Go's side waits for ever; it closes the stream after its own 5 s if
    /// nobody accepts. Default 15 s.
    pub dial_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { accept_timeout: Duration::from_secs(5), dial_timeout: Duration::from_secs(15) }
    }
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The session is over.
    #[error("the session is over: {0}")]
    Ended(End),
    /// No stream can be opened now.
    #[error(transparent)]
    Open(OpenError),
    /// The other side did not come within [`Limits::accept_timeout`] or [`Limits::dial_timeout`].
    #[error("the other side did not take up stream {0} in time")]
    Timeout(u32),
    /// The other side closed the stream without accepting it: nobody there waits for this number.
    #[error("the other side does not accept stream {id}: {error}")]
    Refused {
        /// The number dialled.
        id: u32,
        /// How the stream ended.
        error: io::Error,
    },
    /// The other side confirmed another number.
    #[error("the other side confirmed stream {got} in place of {id}")]
    WrongId {
        /// The number dialled.
        id: u32,
        /// The number that came back.
        got: u32,
    },
    /// Somebody accepts this number already.
    #[error("stream {0} is being accepted already")]
    InUse(u32),
}

/// The broker of a session; cheap to clone.
#[derive(Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Connection,
    limits: Limits,
    last_id: AtomicU32,
    slots: Mutex<BTreeMap<u32, Slot>>,
}

/// Whichever of the two came first.
enum Slot {
    Acceptor(oneshot::Sender<Stream>),
    Stream(Stream),
}

impl Broker {
    /// A broker for the streams that come in from now on.
    pub(crate) fn start(connection: Connection, limits: Limits) -> Self {
        let inner = Inner { connection, limits, last_id: AtomicU32::new(0), slots: Mutex::default() };
        let broker = Self { inner: Arc::new(inner) };
        tokio::spawn(receive(broker.clone()));
        broker
    }

    /// A number to be told to the other side and accepted here. The first is 1.
    pub fn next_id(&self) -> u32 {
        self.inner.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Accepts the stream with this number. The broker is prepared when this function returns, not when its future is first
    /// polled: call it before the other side learns the number. Dropping the future withdraws it.
    pub fn accept(&self, id: u32) -> impl Future<Output = Result<Stream, BrokerError>> + Send + use<> {
        let acceptor = self.enter(id);
        let broker = self.clone();
        async move {
            let mut stream = match acceptor? {
                Arrival::Here(stream) => stream,
                Arrival::Awaited(mut awaited) => {
                    let arrived = timeout(broker.inner.limits.accept_timeout, &mut awaited.receiver);
                    let Ok(stream) = (tokio::select! {
                        arrived = arrived => arrived,
                        end = broker.inner.connection.closed() => return Err(BrokerError::Ended(end)),
                    }) else {
                        return Err(BrokerError::Timeout(id));
                    };
                    stream.map_err(|_| BrokerError::Timeout(id))?
                }
            };
            stream.write_all(&id.to_le_bytes()).await.map_err(|error| BrokerError::Refused { id, error })?;
            Ok(stream)
        }
    }

    /// Opens the stream that the other side accepts under this number.
    pub async fn dial(&self, id: u32) -> Result<Stream, BrokerError> {
        let inner = &self.inner;
        let mut stream = self.open(&id.to_le_bytes())?;
        let mut confirmed = [0; 4];
        timeout(inner.limits.dial_timeout, stream.read_exact(&mut confirmed))
            .await
            .map_err(|_| BrokerError::Timeout(id))?
            .map_err(|error| match inner.connection.end() {
                Some(end) => BrokerError::Ended(end),
                None => BrokerError::Refused { id, error },
            })?;
        let got = u32::from_le_bytes(confirmed);
        if got == id { Ok(stream) } else { Err(BrokerError::WrongId { id, got }) }
    }

    /// Opens the stream that the other side accepts under this number, without waiting for it: `first` goes out with the number, and
    /// what is written afterwards too. That saves the time of a round trip. The confirmation is read before everything else; when it
    /// does not come, or is another one, reading fails. Nothing here limits how long it may take.
    ///
    /// # Panics
    ///
    /// If `first` does not fit the window of a stream.
    pub fn dial_ahead(&self, id: u32, first: &[u8]) -> Result<(Confirmed, WriteHalf), BrokerError> {
        let stream = self.open(&[&id.to_le_bytes(), first].concat())?;
        let (read, write) = stream.into_split();
        Ok((Confirmed { id, confirmation: Some(Vec::with_capacity(4)), read }, write))
    }

    fn open(&self, first: &[u8]) -> Result<Stream, BrokerError> {
        self.inner.connection.open_with(first).map_err(|error| match error {
            OpenError::Ended(end) => BrokerError::Ended(end),
            other => BrokerError::Open(other),
        })
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<u32, Slot>> {
        // Nothing under this lock calls foreign code, so poisoned slots are whole.
        self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the stream that is there, or leaves word that it is awaited.
    fn enter(&self, id: u32) -> Result<Arrival, BrokerError> {
        let mut slots = self.slots();
        match slots.remove(&id) {
            Some(Slot::Stream(stream)) => Ok(Arrival::Here(stream)),
            Some(Slot::Acceptor(sender)) if !sender.is_closed() => {
                slots.insert(id, Slot::Acceptor(sender));
                Err(BrokerError::InUse(id))
            }
            _ => {
                let (sender, receiver) = oneshot::channel();
                slots.insert(id, Slot::Acceptor(sender));
                Ok(Arrival::Awaited(Awaited { broker: self.clone(), id, receiver }))
            }
        }
    }

    /// Brings a stream that names its number to whoever accepts it, now or soon.
    async fn deliver(&self, mut stream: Stream) {
        let limit = self.inner.limits.accept_timeout;
        let mut id = [0; 4];
        let Ok(Ok(_)) = timeout(limit, stream.read_exact(&mut id)).await else { return };
        let id = u32::from_le_bytes(id);
        {
            let mut slots = self.slots();
            let stream = match slots.remove(&id) {
                Some(Slot::Acceptor(sender)) => match sender.send(stream) {
                    Ok(()) => return,
                    Err(stream) => stream,
                },
                // Two streams for one number: the first keeps its place, as in Go, and the second ends here.
                Some(first @ Slot::Stream(_)) => {
                    slots.insert(id, first);
                    return;
                }
                None => stream,
            };
            slots.insert(id, Slot::Stream(stream));
        }
        tokio::time::sleep(limit).await;
        let late = {
            let mut slots = self.slots();
            match slots.get(&id) {
                Some(Slot::Stream(_)) => slots.remove(&id),
                _ => None,
            }
        };
        drop(late);
    }
}

/// Reads what follows the other side's confirmation of a number.
pub struct Confirmed {
    id: u32,
    /// What has come of it; `None` once it was right.
    confirmation: Option<Vec<u8>>,
    read: ReadHalf,
}

impl Confirmed {
    /// Of a stream that was confirmed already.
    pub(crate) fn already(read: ReadHalf) -> Self {
        Self { id: 0, confirmation: None, read }
    }

    fn poll_confirmed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(confirmation) = &mut self.confirmation {
            let mut room = [0; 4];
            let mut buffer = ReadBuf::new(&mut room[confirmation.len()..]);
            ready!(Pin::new(&mut self.read).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                let error = BrokerError::Refused { id: self.id, error: io::ErrorKind::UnexpectedEof.into() };
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
            confirmation.extend_from_slice(buffer.filled());
            if let Ok(confirmed) = <[u8; 4]>::try_from(&confirmation[..]) {
                let got = u32::from_le_bytes(confirmed);
                if got != self.id {
                    let error = BrokerError::WrongId { id: self.id, got };
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                self.confirmation = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Confirmed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_confirmed(cx))?;
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

enum Arrival {
    Here(Stream),
    Awaited(Awaited),
}

/// Withdraws itself when it is dropped.
struct Awaited {
    broker: Broker,
    id: u32,
    receiver: oneshot::Receiver<Stream>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.receiver.close();
        let mut slots = self.broker.slots();
        if matches!(slots.get(&self.id), Some(Slot::Acceptor(sender)) if sender.is_closed()) {
            slots.remove(&self.id);
        }
    }
}

/// Takes in what the other side opens. Each stream gets a task until it has named its number, so that one that does not cannot
/// hold up the others; the connection's limits bound how many there are.
async fn receive(broker: Broker) {
    while let Some(stream) = broker.inner.connection.accept().await {
        let broker = broker.clone();
        tokio::spawn(async move { broker.deliver(stream).await });
    }
    broker.slots().clear();
}
