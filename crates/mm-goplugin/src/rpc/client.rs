//! The calling end of a connection.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mm_gob::codec::{Codec, Struct};
use mm_gob::{DecodeError, Decoder, EncodeError, Encoder, Zeros};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{Notify, oneshot, watch};

use super::Limits;
use super::error::{CallError, Closed};
use super::wire::{self, Outcome, Request};
use crate::outbox::Outbox;

/// Room made in the decoder's buffer before each read, in bytes.
const READ_SIZE: usize = 16 * 1024;

/// Calls methods over one connection; cheap to clone, and any number of calls may be under way. The connection is closed when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    _held: Arc<Held>,
}

struct Inner {
    out: Outbox<Encoder>,
    calls: Mutex<Calls>,
    closed: watch::Sender<Option<Closed>>,
    max_pending_calls: usize,
}

#[derive(Default)]
struct Calls {
    next: u64,
    pending: BTreeMap<u64, Pending>,
}

/// Held by every clone of the client.
struct Held(Arc<Notify>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A call that waits for its reply. Types are behind [`Expected`], so that hundreds of methods share one machine.
struct Pending {
    sender: Option<oneshot::Sender<Result<Box<dyn Expected>, CallError>>>,
    /// `None` once handed out.
    expected: Option<Box<dyn Expected>>,
}

/// A result, or what it is read over.
trait Expected: Send {
    /// Reads the result. `Ok(None)`: bytes are missing.
    fn read(&mut self, decoder: &mut Decoder) -> Result<Option<()>, DecodeError>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

struct Value<C, T> {
    value: T,
    codec: PhantomData<fn() -> C>,
}

impl<C: Codec<T>, T: Send + 'static> Expected for Value<C, T> {
    fn read(&mut self, decoder: &mut Decoder) -> Result<Option<()>, DecodeError> {
        decoder.decode_into::<C, T>(&mut self.value)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Pending {
    /// Reads the result and hands it to the caller, if it still waits. `Ok(None)`: bytes are missing.
    fn read(&mut self, decoder: &mut Decoder) -> Result<Option<()>, DecodeError> {
        if self.sender.as_ref().is_none_or(oneshot::Sender::is_closed) {
            return decoder.skip();
        }
        let Some(expected) = &mut self.expected else { return decoder.skip() };
        let error = match expected.read(decoder) {
            Ok(None) => return Ok(None),
            Ok(Some(())) => None,
            Err(error) if error.is_fatal() => return Err(error),
            // Only this result is lost.
            Err(error) => Some(CallError::Decode(error)),
        };
        if let (Some(sender), Some(expected)) = (self.sender.take(), self.expected.take()) {
            // Fails when the caller has given up meanwhile.
            let _ = sender.send(error.map_or(Ok(expected), Err));
        }
        Ok(Some(()))
    }

    fn fail(&mut self, error: CallError) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Err(error));
        }
    }
}

/// Appends the request: header and argument, or nothing.
type Encode<'a> = &'a (dyn Fn(&mut Encoder, &mut Vec<u8>, &Request) -> Result<(), EncodeError> + Sync);

impl Client {
    /// A client on the two halves of a stream; needs a tokio runtime.
    pub fn new<R, W>(read: R, write: W, limits: Limits) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let inner = Arc::new(Inner {
            out: Outbox::new(Box::new(write), limits.write_buffer, Encoder::new()),
            calls: Mutex::default(),
            closed: watch::Sender::new(None),
            max_pending_calls: limits.max_pending_calls,
        });
        let dropped = Arc::new(Notify::new());
        tokio::spawn(run(inner.clone(), dropped.clone(), read, Decoder::with_limits(limits.gob)));
        Self { inner, _held: Arc::new(Held(dropped)) }
    }

    /// Calls `method` (`Service.Method`): the argument is written by codec `A`, the result read by codec `R`.
    ///
    /// There is no way in net/rpc to cancel a call: when the future is dropped the other side goes on, and the reply is passed over.
    pub async fn call<A, TA, R, TR>(&self, method: &str, args: &TA) -> Result<TR, CallError>
    where
        A: Codec<TA>,
        TA: Sync,
        R: Codec<TR>,
        TR: Default + Send + 'static,
    {
        self.call_with::<A, TA, R, TR>(method, args, &Zeros::Omit).await
    }

    /// Like [`Client::call`], with those zeros of the argument written that `zeros` tells.
    pub async fn call_with<A, TA, R, TR>(&self, method: &str, args: &TA, zeros: &Zeros) -> Result<TR, CallError>
    where
        A: Codec<TA>,
        TA: Sync,
        R: Codec<TR>,
        TR: Default + Send + 'static,
    {
        self.call_over::<A, TA, R, TR>(method, args, zeros, TR::default()).await
    }

    /// Like [`Client::call_with`], the result being read over `over` as Go does: what the other side leaves out stays.
    pub async fn call_over<A, TA, R, TR>(
        &self,
        method: &str,
        args: &TA,
        zeros: &Zeros,
        over: TR,
    ) -> Result<TR, CallError>
    where
        A: Codec<TA>,
        TA: Sync,
        R: Codec<TR>,
        TR: Send + 'static,
    {
        let encode = |encoder: &mut Encoder, bytes: &mut Vec<u8>, header: &Request| {
            wire::message::<Request, A, TA>(encoder, bytes, header, args, zeros)
        };
        let expected = Box::new(Value::<R, TR> { value: over, codec: PhantomData });
        let result = self.exchange(method, &encode, expected).await?;
        let result = result.into_any().downcast::<Value<R, TR>>().expect("what was expected comes back");
        Ok(result.value)
    }

    async fn exchange(
        &self,
        method: &str,
        encode: Encode<'_>,
        expected: Box<dyn Expected>,
    ) -> Result<Box<dyn Expected>, CallError> {
        let inner = &*self.inner;
        inner.out.room().await.map_err(|error| inner.reason(error))?;
        let (sender, receiver) = oneshot::channel();
        let seq = inner.enter(Pending { sender: Some(sender), expected: Some(expected) })?;
        let header = Request { service_method: method.to_owned(), seq };
        match inner.out.put(|bytes, encoder| encode(encoder, bytes, &header)) {
            Ok(Ok(())) => receiver.await.unwrap_or_else(|_| Err(CallError::Closed(inner.closed_now()))),
            Ok(Err(error)) => {
                inner.calls().pending.remove(&seq);
                Err(CallError::Encode(error))
            }
            Err(error) => {
                inner.calls().pending.remove(&seq);
                Err(inner.reason(error))
            }
        }
    }

    /// Waits for the end of the connection and tells its reason.
    pub async fn closed(&self) -> Closed {
        let mut closed = self.inner.closed.subscribe();
        let closed = closed.wait_for(Option::is_some).await.expect("the sender is in `self`");
        closed.clone().expect("waited for")
    }
}

impl Inner {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        // Nothing under this lock calls foreign code, so poisoned calls are whole.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, call: Pending) -> Result<u64, CallError> {
        let mut calls = self.calls();
        // Under the lock: `close` sets the reason before it takes the pending calls.
        if let Some(closed) = &*self.closed.borrow() {
            return Err(CallError::Closed(closed.clone()));
        }
        if calls.pending.len() >= self.max_pending_calls {
            return Err(CallError::TooManyCalls);
        }
        let seq = calls.next;
        calls.next += 1;
        calls.pending.insert(seq, call);
        Ok(seq)
    }

    fn close(&self, closed: &Closed) {
        self.closed.send_replace(Some(closed.clone()));
        let pending = std::mem::take(&mut self.calls().pending);
        for mut call in pending.into_values() {
            call.fail(CallError::Closed(closed.clone()));
        }
    }

    fn closed_now(&self) -> Closed {
        self.closed.borrow().clone().unwrap_or(Closed::Dropped)
    }

    /// Why writing failed: the reason of the end if it is known, else what the writer says.
    fn reason(&self, error: std::io::Error) -> CallError {
        CallError::Closed(self.closed.borrow().clone().unwrap_or_else(|| error.into()))
    }
}

/// Reads replies until the connection is over.
async fn run(inner: Arc<Inner>, dropped: Arc<Notify>, mut read: impl AsyncRead + Unpin, decoder: Decoder) {
    let mut incoming = Incoming { decoder, head: None };
    let writing = inner.out.drive();
    tokio::pin!(writing);
    let closed = loop {
        match incoming.take_in(&inner) {
            Ok(()) => {}
            Err(error) => break Closed::Gob(error),
        }
        let buffer = incoming.decoder.buffer_mut();
        buffer.reserve(READ_SIZE);
        tokio::select! {
            biased;
            error = &mut writing => break Closed::Io(error),
            count = read.read_buf(buffer) => match count {
                Ok(0) => break Closed::Eof,
                Ok(_) => {}
                Err(error) => break error.into(),
            },
            () = dropped.notified() => break Closed::Dropped,
        }
    };
    inner.close(&closed);
    if matches!(closed, Closed::Dropped) {
        // Calls that nobody waits for are still sent: they were made.
        tokio::select! {
            _ = &mut writing => {}
            _ = inner.out.drained() => {}
        }
    }
    inner.out.shut_down().await;
}

/// The replies of a connection, taken out of its bytes.
struct Incoming {
    decoder: Decoder,
    /// A header whose value has not been read.
    head: Option<Outcome>,
}

impl Incoming {
    /// Hands out all replies that are there.
    fn take_in(&mut self, inner: &Inner) -> Result<(), DecodeError> {
        loop {
            let Some(head) = &self.head else {
                match self.decoder.decode::<Struct<Outcome>, Outcome>()? {
                    Some(head) => self.head = Some(head),
                    None => return Ok(()),
                }
                continue;
            };
            if self.decoder.next_value_type()?.is_none() {
                return Ok(());
            }
            // Taken out while it is read: no lock is held meanwhile. A number that nobody waits for is passed over.
            let mut call = inner.calls().pending.remove(&head.seq);
            let done = match &mut call {
                Some(call) if head.error.is_empty() => call.read(&mut self.decoder),
                _ => self.decoder.skip(),
            };
            match (done, call) {
                (Ok(Some(())), Some(mut call)) => call
                    .fail(CallError::Remote(std::mem::take(&mut self.head.as_mut().expect("looked at above").error))),
                (Ok(Some(())), None) => {}
                (Ok(None), call) => {
                    if let Some(call) = call {
                        inner.calls().pending.insert(head.seq, call);
                    }
                    return Ok(());
                }
                (Err(error), call) => {
                    if let Some(mut call) = call {
                        call.fail(CallError::Closed(Closed::Gob(error.clone())));
                    }
                    if error.is_fatal() {
                        return Err(error);
                    }
                }
            }
            self.head = None;
        }
    }
}
