//! The answering end of a connection.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use mm_gob::codec::Struct;
use mm_gob::{Decoder, Encoder, TypeId, Zeros};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::Limits;
use super::error::{Closed, NO_METHOD, NO_SERVICE};
use super::service::{Args, Refusal, Reply, Running, Service};
use super::wire::{self, Empty, Request, Response};
use crate::outbox::Outbox;

/// Room made in the decoder's buffer before each read, in bytes.
const READ_SIZE: usize = 16 * 1024;

/// Services by name, to be served on one connection.
#[derive(Default)]
pub struct Server {
    services: Services,
    limits: Limits,
}

#[derive(Default)]
struct Services(Vec<(String, Arc<dyn Service>)>);

impl Server {
    /// A server that offers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers `service` as `name`; its methods are called `name.Method`.
    #[must_use]
    pub fn register(mut self, name: impl Into<String>, service: Arc<dyn Service>) -> Self {
        self.services.0.push((name.into(), service));
        self
    }

    /// Other bounds than the default ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves one connection until it is over. When the other side has sent its last request the running calls are finished and
    /// answered; when the connection fails they are dropped.
    pub async fn serve<R, W>(self, read: R, write: W) -> Closed
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let Self { services, limits } = self;
        let out = Outbox::new(Box::new(write), limits.write_buffer, Encoder::new());
        let mut incoming = Incoming { decoder: Decoder::with_limits(limits.gob.clone()), head: None };
        let closed = match serve(&services, &limits, &out, &mut incoming, read).await {
            Ok(()) => Closed::Eof,
            Err(closed) => closed,
        };
        out.shut_down().await;
        for (_, service) in &services.0 {
            service.closed(&closed);
        }
        closed
    }
}

async fn serve(
    services: &Services,
    limits: &Limits,
    out: &Outbox<Encoder>,
    incoming: &mut Incoming,
    mut read: impl AsyncRead + Unpin,
) -> Result<(), Closed> {
    let writing = out.drive();
    tokio::pin!(writing);
    let mut running = FuturesUnordered::new();
    let mut open = true;
    loop {
        while let Some((request, call)) = incoming.next(services)? {
            let call = match call {
                Ok(_) if running.len() >= limits.max_running_calls => Err("too many calls at once".to_owned()),
                call => call,
            };
            running.push(run(out, request, call));
        }
        if !open && running.is_empty() {
            break;
        }
        let buffer = incoming.decoder.buffer_mut();
        buffer.reserve(READ_SIZE);
        tokio::select! {
            biased;
            error = &mut writing => return Err(Closed::Io(error)),
            Some(sent) = running.next(), if !running.is_empty() => sent?,
            // Refusals count too: they pile up only when the other side does not read, and then need not be asked for more.
            count = read.read_buf(buffer), if open && running.len() < 2 * limits.max_running_calls => open = count? > 0,
        }
    }
    tokio::select! {
        error = &mut writing => return Err(Closed::Io(error)),
        drained = out.drained() => drained?,
    }
    if incoming.is_between_requests() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

/// Runs one call and sends its reply.
async fn run(out: &Outbox<Encoder>, request: Request, call: Result<Running, String>) -> io::Result<()> {
    let mut result = match call {
        Ok(call) => AssertUnwindSafe(call)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(panic_text(&request.service_method, panic.as_ref()))),
        Err(refusal) => Err(refusal),
    };
    let once_sent = result.as_mut().ok().and_then(Reply::take_once_sent);
    out.room().await?;
    out.put(|bytes, encoder| put_reply(bytes, encoder, request, result))?;
    if let Some(once_sent) = once_sent {
        out.drained().await?;
        once_sent();
    }
    Ok(())
}

/// Appends a reply: header and value, always both.
fn put_reply(bytes: &mut Vec<u8>, encoder: &mut Encoder, request: Request, result: Result<Reply, String>) {
    let mut header = Response { service_method: request.service_method, seq: request.seq, error: String::new() };
    let error = match result {
        Ok(reply) => match reply.encode(encoder, bytes, &header) {
            Ok(()) => return,
            Err(error) => format!("the reply cannot be sent: {error}"),
        },
        Err(error) => error,
    };
    // An empty text would say that all went well.
    header.error = if error.is_empty() { "unknown error".to_owned() } else { error };
    wire::message::<Response, Struct<Empty>, Empty>(encoder, bytes, &header, &Empty, &Zeros::Omit)
        .expect("texts and numbers always have a form in gob");
}

fn panic_text(method: &str, panic: &(dyn Any + Send)) -> String {
    let reason = panic.downcast_ref::<&str>().copied();
    let reason = reason.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given");
    format!("{method} panicked: {reason}")
}

/// The requests of a connection, taken out of its bytes.
struct Incoming {
    decoder: Decoder,
    /// A header whose argument has not been read, and the type of headers on this connection.
    head: Option<(TypeId, Request)>,
}

/// A request, and the call that it began or the text to answer with.
type Begun = (Request, Result<Running, String>);

impl Incoming {
    /// Begins the next call; `None` while bytes are missing.
    fn next(&mut self, services: &Services) -> Result<Option<Begun>, Closed> {
        loop {
            let Some(type_id) = self.decoder.next_value_type()? else { return Ok(None) };
            match self.head.take() {
                // The caller could not encode the argument of this header, and the next request follows.
                Some((header_type, _)) if header_type == type_id => {}
                Some((header_type, request)) => match services.begin(&request.service_method, &mut self.decoder)? {
                    Some(call) => return Ok(Some((request, call))),
                    None => {
                        self.head = Some((header_type, request));
                        return Ok(None);
                    }
                },
                None => {
                    let Some(request) = self.decoder.decode::<Struct<Request>, Request>()? else { return Ok(None) };
                    self.head = Some((type_id, request));
                }
            }
        }
    }

    fn is_between_requests(&self) -> bool {
        self.head.is_none() && self.decoder.buffered() == 0
    }
}

impl Services {
    /// Begins a call, in the words of Go's server where it cannot. `None` while the argument has not arrived completely.
    fn begin(&self, service_method: &str, decoder: &mut Decoder) -> Result<Option<Result<Running, String>>, Closed> {
        let mut args = Args::new(decoder);
        let call = match service_method.rsplit_once('.') {
            None => Err(format!("rpc: service/method request ill-formed: {service_method}")),
            Some((name, method)) => match self.0.iter().find(|(known, _)| known == name) {
                None => Err(format!("{NO_SERVICE}{service_method}")),
                Some((_, service)) => catch_unwind(AssertUnwindSafe(|| service.call(method, &mut args)))
                    .map_err(|panic| panic_text(service_method, panic.as_ref()))
                    .and_then(|call| {
                        call.map_err(|refusal| match refusal {
                            Refusal::NoSuchMethod => format!("{NO_METHOD}{service_method}"),
                            other => other.to_string(),
                        })
                    }),
            },
        };
        Ok(args.finish()?.then_some(call))
    }
}
