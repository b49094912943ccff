//! What the plugin is told of a request: the head, the body as it arrives, and news of the connection ahead of what is left of the body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, BytesMut};
use futures::Stream;
use mm_goplugin::io_stream::RemoteReader;
use mm_proto::grpc::STREAM_PIECE_BYTES;
use mm_proto::header::content_length;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part;
use tokio::sync::mpsc;
use tokio_util::io::poll_read_buf;

/// What is told besides the body. When it is dropped the plugin is told nothing more.
pub(super) struct News {
    news: mpsc::UnboundedSender<Part>,
    arrival: Arc<Arrival>,
    /// Bytes of a connection that was taken over; they wait until the plugin takes them.
    pub(super) connection: mpsc::Sender<Part>,
}

impl News {
    /// Tells ahead of everything that waits. For what the plugin causes a few times at most: nothing bounds it.
    pub(super) fn tell(&self, part: Part) {
        // A plugin that has ended its call does not listen.
        let _ = self.news.send(part);
    }

    /// What the client still has to send of its body.
    pub(super) fn missing(&self) -> Missing {
        self.arrival.missing()
    }
}

/// How much of a body has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is complete, there is none, or it has ended early.
    Nothing,
    /// So many bytes of what was declared.
    Bytes(u64),
    /// Nobody knows: it comes in chunks.
    Unknown,
}

/// How far a body has come, for whoever answers meanwhile.
#[derive(Debug)]
struct Arrival {
    /// The length that the client has declared.
    declared: Option<u64>,
    /// Whether there is a body although no length is declared.
    in_chunks: bool,
    received: AtomicU64,
    ended: AtomicBool,
}

impl Arrival {
    fn missing(&self) -> Missing {
        let received = self.received.load(Ordering::Relaxed);
        match self.declared {
            _ if self.ended.load(Ordering::Relaxed) => Missing::Nothing,
            Some(declared) if declared <= received => Missing::Nothing,
            Some(declared) => Missing::Bytes(declared - received),
            None if self.in_chunks || received > 0 => Missing::Unknown,
            None => Missing::Nothing,
        }
    }
}

/// The parts, as gRPC takes them. It goes on until the [`News`] are dropped: there may be some after the body's end.
pub(super) struct Requests {
    start: Option<v1::ServeHttpStart>,
    news: mpsc::UnboundedReceiver<Part>,
    connection: mpsc::Receiver<Part>,
    /// Until its end was told.
    body: Option<Body>,
}

/// The body of a request.
pub(super) struct Body {
    /// `None` when there is none.
    reader: Option<RemoteReader>,
    arrival: Arc<Arrival>,
    buffer: BytesMut,
}

impl Body {
    pub(super) fn new(reader: Option<RemoteReader>, request: &v1::HttpRequestHead) -> Self {
        let arrival = Arrival {
            declared: content_length(&request.header),
            // Go takes what says how a body travels out of the header. Others have one nearly never.
            in_chunks: matches!(&*request.method, "POST" | "PUT" | "PATCH"),
            received: AtomicU64::new(0),
            ended: AtomicBool::new(reader.is_none()),
        };
        Self { reader, arrival: Arc::new(arrival), buffer: BytesMut::new() }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Part> {
        let part = ready!(self.poll_read(context));
        if let Part::Body(piece) = &part {
            self.arrival.received.fetch_add(piece.len() as u64, Ordering::Relaxed);
        } else {
            self.arrival.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(part)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Part> {
        let received = self.arrival.received.load(Ordering::Relaxed);
        let missing = self.arrival.declared.map(|it| it.saturating_sub(received));
        let Some(reader) = self.reader.as_mut().filter(|_| missing != Some(0)) else {
            return Poll::Ready(end(String::new()));
        };
        let room = missing.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX).min(STREAM_PIECE_BYTES);
        self.buffer.reserve(room);
        match ready!(poll_read_buf(Pin::new(reader), context, &mut (&mut self.buffer).limit(room))) {
            Ok(0) if missing.is_some() => Poll::Ready(end("unexpected EOF".to_owned())),
            Ok(0) => Poll::Ready(end(String::new())),
            Ok(_) => Poll::Ready(Part::Body(self.buffer.split().freeze())),
            Err(error) => Poll::Ready(end(format!("unexpected EOF: {error}"))),
        }
    }
}

fn end(error: String) -> Part {
    Part::BodyEnd(v1::HttpBodyEnd { error, ..v1::HttpBodyEnd::default() })
}

impl Requests {
    /// The parts of one request.
    pub(super) fn new(start: v1::ServeHttpStart, body: Body) -> (Self, News) {
        let (news, told) = mpsc::unbounded_channel();
        let (connection, data) = mpsc::channel(1);
        let arrival = Arc::clone(&body.arrival);
        (
            Self { start: Some(start), news: told, connection: data, body: Some(body) },
            News { news, arrival, connection },
        )
    }
}

impl Stream for Requests {
    type Item = Part;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Part>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Part::Start(start)));
        }
        match self.news.poll_recv(context) {
            Poll::Ready(Some(part)) => {
                if matches!(&part, Part::Hijacked(it) if it.error.is_empty()) {
                    // What is left of the body is a part of the connection now.
                    self.body = None;
                }
                return Poll::Ready(Some(part));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        if let Poll::Ready(Some(part)) = self.connection.poll_recv(context) {
            return Poll::Ready(Some(part));
        }
        let Some(body) = &mut self.body else { return Poll::Pending };
        let part = ready!(body.poll_next(context));
        if matches!(part, Part::BodyEnd(_)) {
            self.body = None;
        }
        Poll::Ready(Some(part))
    }
}
