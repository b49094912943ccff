//! One exchange of HTTP: a request of the server's, answered by the plugin.
//!
//! Every call of the response writer costs a round trip, and so do the dials. A plugin in Go dials one stream after the other and sends
//! the header before each piece of the body. Here both streams are dialled at once with the first call behind them, the header is sent
//! once, the status 200 not at all (the first piece says it), and pieces that are there already go together. Nothing is sent before there
//! is something behind the head or the answer has ended; a plugin that fails until then fails with a clean 500.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue};
use mm_goplugin::Broker;
use mm_goplugin::io_stream::RemoteReader;
use mm_goplugin::rpc::Reply;
use mm_proto::header::{Header, canonical_fields};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use mm_proto::{ApiError, PluginHooks};
use mm_socket::Attention;

use super::hijack;
use super::hook::{Answers, HttpHook};
use super::pieces::Pieces;
use super::requests::{Body, Missing, News, Requests};
use super::wire::ServeArgs;
use super::writer::{ResponseWriter, WriteError};

/// What makes a header field one that follows the body, in Go's net/http.
const TRAILER: &str = "Trailer:";

/// The status that a server sends by itself.
const OK: i32 = 200;

/// Go's net/http reads so much of a body that nobody wants, rather than to give up the connection.
const READ_BY_SERVER: u64 = 256 * 1024;

/// How soon the parts of answers come, in all exchanges.
static ATTENTION: Attention = Attention::new();

/// How often a plugin may ask for a connection that it does not get.
const MOST_REFUSALS: u32 = 10;

/// Answers a call. An error of it is a 500 with a neutral text to the client, unless something was sent, and a line in the server's log.
pub(super) async fn serve(
    hook: HttpHook,
    hooks: Option<Arc<dyn PluginHooks>>,
    broker: Broker,
    args: ServeArgs,
) -> Result<Reply, String> {
    let failed = |error: String| format!("{} failed: {error}", hook.name());
    // Both at once, and in any case: the server waits for them.
    let writer = ResponseWriter::dial(&broker, args.response_writer);
    let body = (args.request_body != 0).then(|| RemoteReader::dial(&broker, args.request_body)).transpose();
    let writer = writer.map_err(|error| failed(error.to_string()))?;
    let body = body.map_err(|error| failed(error.to_string()))?;
    let header = writer.header().await.map_err(|error| failed(error.to_string()))?;

    let request = v1::HttpRequestHead::from(args.request.unwrap_or_default());
    let http_1 = request.proto_major == 1;
    let body = Body::new(body, &request);
    let start = v1::ServeHttpStart { context: args.context, request: Some(request), response_header: header.clone() };
    let (requests, news) = Requests::new(start, body);
    let mut exchange = Exchange::new(writer, news, header, http_1);
    let Some(hooks) = hooks else { return exchange.fail(super::NOT_ACTIVATED.to_owned()).await.map_err(failed) };
    match hook.call(&*hooks, requests.boxed()).await {
        Ok(answers) => exchange.finish(answers).await.map_err(failed),
        Err(error) => exchange.fail(error.to_string()).await.map_err(failed),
    }
}

/// Why an exchange ends before the plugin has said everything.
enum Stop {
    /// Nobody waits for the answer any more.
    Gone,
    /// The plugin did not do its part.
    Failed(String),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// How far the final head is.
enum Head {
    /// The plugin has not sent one.
    Open,
    /// It has.
    Waiting(v1::HttpResponseHead),
    /// The server has it, or takes 200 and its own header because there was none.
    Sent(Option<Header>),
}

/// The answer on its way to the server.
struct Exchange {
    writer: ResponseWriter,
    news: News,
    /// What the server had set before.
    server_header: Header,
    /// The client speaks HTTP/1, one thing after the other.
    http_1: bool,
    head: Head,
    /// Whether the server may have sent something to the client.
    begun: bool,
    /// What follows the head and has not been sent.
    pieces: Pieces,
    /// Whether a flush comes behind it.
    flush: bool,
    /// The server cannot flush.
    no_flush: bool,
    /// The status has no body: the pieces are passed over.
    no_body: bool,
    /// The trailers were sent: nothing may follow.
    over: bool,
    refusals: u32,
}

impl Exchange {
    fn new(writer: ResponseWriter, news: News, server_header: Header, http_1: bool) -> Self {
        Self {
            writer,
            news,
            server_header,
            http_1,
            head: Head::Open,
            begun: false,
            pieces: Pieces::default(),
            flush: false,
            no_flush: false,
            no_body: false,
            over: false,
            refusals: 0,
        }
    }

    /// Carries the exchange to its end.
    async fn finish(mut self, answers: Answers) -> Result<Reply, String> {
        match self.run(answers).await {
            // Dropping the parts has told the plugin.
            Ok(()) | Err(Stop::Gone) => Ok(Reply::empty()),
            Err(Stop::Failed(why)) => self.fail(why).await,
        }
    }

    /// Makes the failure known: by a 500 when nothing was sent, else by breaking the connection.
    async fn fail(&mut self, why: String) -> Result<Reply, String> {
        if !self.begun {
            let ends = self.ends_connection(true);
            if ends || matches!(self.head, Head::Sent(Some(_))) {
                // The 500 has the server's own header. When the client is gone, so is its interest.
                let header = self.server_header.clone();
                let _ = self.writer.sync_header(&if ends { ending(header) } else { header }).await;
            }
            return Err(why);
        }
        // The server would append its own text to what was sent, and end the answer as if it were whole.
        if self.writer.hijack().await.is_err() {
            // A connection that cannot be broken (HTTP/2): then a body shorter than declared has to say it.
            return Ok(Reply::empty());
        }
        // Closed it is, or gone.
        let _ = self.writer.close_connection().await;
        Err(why)
    }

    async fn run(&mut self, mut answers: Answers) -> Result<(), Stop> {
        loop {
            let next = if self.pieces.is_empty() && !self.flush {
                ATTENTION.wait(answers.next()).await
            } else if let Some(next) = answers.next().now_or_never() {
                next
            } else {
                self.send(false).await?;
                continue;
            };
            let Some(answer) = next.transpose()? else { break };
            match answer {
                Some(Answer::Hijack(_)) if self.hijack().await? => {
                    return hijack::carry(&self.writer, &self.news, answers).await.map_err(Stop::Failed);
                }
                Some(answer) => self.take(answer).await?,
                None => return Err(failed("sent a part that is unknown here")),
            }
        }
        // The end of the call flushes.
        self.flush = false;
        self.send(true).await
    }

    /// Takes a part of the answer; sends what has to go before it.
    async fn take(&mut self, answer: Answer) -> Result<(), Stop> {
        if self.over {
            return Err(failed("sent more after the end of its answer"));
        }
        match answer {
            Answer::Head(head) => self.take_head(head).await,
            Answer::Body(piece) => {
                if !self.pieces.has_room(piece.len()) {
                    self.send(false).await?;
                }
                self.pieces.push(piece);
                Ok(())
            }
            Answer::Flush(_) => {
                self.flush = true;
                Ok(())
            }
            Answer::Trailers(trailers) => {
                self.send(true).await?;
                self.send_trailers(trailers.header).await
            }
            // Answered.
            Answer::Hijack(_) => Ok(()),
            Answer::ConnectionData(_) | Answer::ConnectionDeadline(_) | Answer::ConnectionClose(_) => {
                Err(failed("used a connection that it has not taken over"))
            }
        }
    }

    async fn take_head(&mut self, mut head: v1::HttpResponseHead) -> Result<(), Stop> {
        if !matches!(self.head, Head::Open) || !self.pieces.is_empty() {
            return Err(failed("sent a second status"));
        }
        if !(100..=999).contains(&head.status_code) || head.status_code == 101 {
            return Err(failed(&format!("sent the status {}", head.status_code)));
        }
        head.header = checked(head.header)?;
        if head.status_code >= 200 {
            self.head = Head::Waiting(head);
            return Ok(());
        }
        self.begun = true;
        self.check(self.writer.sync_header(&head.header).await)?;
        self.check(self.writer.write_header(head.status_code).await)
    }

    /// Whether the connection has to end with an answer that begins now. `whole`: the plugin has said all of it.
    ///
    /// Before the answer to a request whose body has not come yet, Go's net/http waits for 256 KiB of it and throws them away: the plugin
    /// would miss them without a word, and a client that waits for its answer before it sends more would wait for ever. It leaves the
    /// body alone when the connection ends with the answer.
    fn ends_connection(&self, whole: bool) -> bool {
        self.http_1
            && match self.news.missing() {
                Missing::Nothing => false,
                // So little is on its way, as a rule, and nobody wants it any more.
                Missing::Bytes(count) => !whole || count >= READ_BY_SERVER,
                Missing::Unknown => true,
            }
    }

    /// Sends what waits: the head, what follows it, and the flush.
    async fn send(&mut self, whole: bool) -> Result<(), Stop> {
        if !matches!(self.head, Head::Sent(_)) && self.ends_connection(whole) {
            let open = || v1::HttpResponseHead { status_code: OK, header: self.server_header.clone() };
            let head = std::mem::replace(&mut self.head, Head::Open);
            let mut head = if let Head::Waiting(head) = head { head } else { open() };
            head.header = ending(head.header);
            self.head = Head::Waiting(head);
        }
        match std::mem::replace(&mut self.head, Head::Sent(None)) {
            Head::Waiting(head) => {
                self.check(self.writer.sync_header(&head.header).await)?;
                self.head = Head::Sent(Some(head.header));
                if head.status_code != OK {
                    self.begun = true;
                    self.check(self.writer.write_header(head.status_code).await)?;
                }
            }
            Head::Sent(header) => self.head = Head::Sent(header),
            Head::Open => {}
        }
        let piece = self.pieces.take();
        if !piece.is_empty() && !self.no_body {
            self.begun = true;
            self.check(self.writer.write(&piece).await)?;
        }
        if std::mem::take(&mut self.flush) { self.send_flush().await } else { Ok(()) }
    }

    async fn send_flush(&mut self) -> Result<(), Stop> {
        if self.no_flush {
            return Ok(());
        }
        match self.writer.flush().await {
            Err(error @ WriteError::Missing) => {
                self.no_flush = true;
                self.news.tell(Request::Flushed(v1::HttpFlushed { error: error.to_string() }));
                Ok(())
            }
            other => {
                self.begun = true;
                self.check(other)
            }
        }
    }

    /// Sends what follows the body.
    async fn send_trailers(&mut self, trailers: Header) -> Result<(), Stop> {
        self.over = true;
        let trailers = checked(trailers)?;
        let Head::Sent(header) = &self.head else { return Ok(()) };
        let mut header = header.clone().unwrap_or_else(|| self.server_header.clone());
        if !header.contains_key("Trailer") && !header.contains_key("Content-Length") {
            // Or a short answer would get a length in place of trailers.
            self.send_flush().await?;
        }
        header.extend(trailers.into_iter().map(|(name, values)| (format!("{TRAILER}{name}"), values)));
        self.check(self.writer.sync_header(&header).await)
    }

    /// Asks for the connection, and tells the plugin whether it has it.
    async fn hijack(&mut self) -> Result<bool, Stop> {
        let untouched = matches!(self.head, Head::Open) && self.pieces.is_empty() && !self.begun;
        let result = if untouched {
            self.writer.hijack().await
        } else {
            Err(WriteError::Refused("the answer has begun".to_owned()))
        };
        let error = match result {
            Ok(()) => String::new(),
            Err(WriteError::Lost(_)) => return Err(Stop::Gone),
            Err(error) => error.to_string(),
        };
        let taken = error.is_empty();
        self.refusals += u32::from(!taken);
        if self.refusals > MOST_REFUSALS {
            return Err(failed("asks again and again for a connection that it cannot have"));
        }
        self.news.tell(Request::Hijacked(v1::HttpHijacked { error }));
        Ok(taken)
    }

    /// What a result of the response writer means for the exchange.
    fn check(&mut self, result: Result<(), WriteError>) -> Result<(), Stop> {
        match result {
            Ok(()) => Ok(()),
            Err(WriteError::NoBody) => {
                self.no_body = true;
                Ok(())
            }
            Err(error @ (WriteError::TooLong | WriteError::Missing)) => Err(Stop::Failed(error.to_string())),
            Err(WriteError::Refused(_) | WriteError::Lost(_)) => Err(Stop::Gone),
        }
    }
}

fn failed(what: &str) -> Stop {
    Stop::Failed(format!("the plugin {what}"))
}

/// A header with which the connection ends.
fn ending(mut header: Header) -> Header {
    header.insert("Connection".to_owned(), v1::StringList { values: vec!["close".to_owned()] });
    header
}

/// A header as the server can send it. How the body travels is not the plugin's to say.
fn checked(header: Header) -> Result<Header, Stop> {
    for (name, list) in &header {
        let valid = HeaderName::from_bytes(name.as_bytes()).is_ok()
            && list.values.iter().all(|it| HeaderValue::from_bytes(it.as_bytes()).is_ok());
        if !valid {
            return Err(failed(&format!("sent the header field {name:?}, which cannot be sent")));
        }
    }
    let mut fields = canonical_fields(header);
    fields.remove("Transfer-Encoding");
    Ok(fields)
}
