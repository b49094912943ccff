//! A server made here, in the same process, for tests and fuzzing: go-plugin's session, requests and uploads as a server has them, and a
//! response writer that remembers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mm_gob::codec::{self, BinaryMarshaled, Int, Ptr, Str, Struct, Uint};
use mm_goplugin::rpc::{Args, CallError, Client, Empty, Refusal, Reply, Running, Server, Service};
use mm_goplugin::testing::{self, Host};
use mm_goplugin::{Broker, Plugins, Session, io_stream};
use mm_proto::PluginHooks;
use mm_proto::gob::{GoTime, Model};
use mm_proto::header::Header;
use mm_proto::plugin::v1;
use prost_types::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;

use super::wire::HeaderCodec;

/// How long anything may take that should be there at once.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// What the server dispenses: the hooks with streams.
struct Dispensary(Option<Arc<dyn PluginHooks>>);

struct Hooks(Option<Arc<dyn PluginHooks>>, Broker);

impl Plugins for Dispensary {
    fn dispense(&self, _: &str, broker: &Broker) -> Option<Arc<dyn Service>> {
        Some(Arc::new(Hooks(self.0.clone(), broker.clone())))
    }
}

impl Service for Hooks {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        super::call(self.0.as_ref(), &self.1, method, args).unwrap_or(Err(Refusal::NoSuchMethod))
    }
}

/// What the server's side does with a response writer.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) calls: Mutex<Vec<String>>,
    /// The header in force, and those that were synced.
    pub(super) header: Mutex<Header>,
    pub(super) body: Mutex<Vec<u8>>,
    pub(super) behaviour: Behaviour,
    /// A call is under way, reading from a connection apart.
    pub(super) busy: AtomicBool,
    /// What the client sends after the connection was taken over.
    pub(super) incoming: AsyncMutex<Option<mpsc::UnboundedReceiver<Bytes>>>,
    pub(super) closed: tokio::sync::Notify,
}

#[derive(Clone, Default)]
pub(super) struct Behaviour {
    pub(super) no_flush: bool,
    pub(super) no_hijack: bool,
    /// Writes fail once so many bytes were written, with this text.
    pub(super) fails_after: Option<(usize, &'static str)>,
    /// How long a write takes.
    pub(super) write_takes: Duration,
}

impl Writer {
    pub(super) fn new(behaviour: Behaviour) -> Arc<Self> {
        let header = Header::from([("X-Request-Id".to_owned(), v1::StringList { values: vec!["r1".to_owned()] })]);
        Arc::new(Self { behaviour, header: Mutex::new(header), ..Self::default() })
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls without what they were given.
    pub(super) fn methods(&self) -> Vec<String> {
        self.calls().iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect()
    }

    pub(super) fn body(&self) -> Vec<u8> {
        self.body.lock().unwrap().clone()
    }

    pub(super) fn field(&self, name: &str) -> Option<Vec<String>> {
        self.header.lock().unwrap().get(name).map(|it| it.values.clone())
    }

    pub(super) fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    /// A reply after as long as it takes, while nothing else may be called.
    pub(super) fn reply(self: &Arc<Self>, takes: Duration, reply: Result<Reply, String>) -> Running {
        let it = Arc::clone(self);
        assert!(!it.busy.swap(true, Ordering::SeqCst), "one call at a time");
        Box::pin(async move {
            // Even a quick one lets others run, so that two would meet.
            tokio::task::yield_now().await;
            if takes > Duration::ZERO {
                tokio::time::sleep(takes).await;
            }
            it.busy.store(false, Ordering::SeqCst);
            reply
        })
    }

    pub(super) fn write(self: &Arc<Self>, piece: &[u8]) -> Result<Reply, String> {
        let mut body = self.body.lock().unwrap();
        if let Some((limit, text)) = self.behaviour.fails_after
            && body.len() >= limit
        {
            return Err(text.to_owned());
        }
        body.extend_from_slice(piece);
        Ok(Reply::empty())
    }

    pub(super) fn read_connection(self: &Arc<Self>, most: usize) -> Running {
        let it = Arc::clone(self);
        Box::pin(async move {
            let mut incoming = it.incoming.lock().await;
            let next = async {
                match incoming.as_mut() {
                    Some(incoming) => incoming.recv().await,
                    None => std::future::pending().await,
                }
            };
            let data = tokio::select! {
                data = next => data,
                () = it.closed.notified() => return Err("use of closed network connection".to_owned()),
            };
            let data = data.ok_or("EOF")?;
            assert!(data.len() <= most, "{} of {most}", data.len());
            Ok(Reply::new::<codec::Bytes, _>(data))
        })
    }
}

/// The service; apart from the writer, so that it can be shared.
pub(super) struct Written(pub(super) Arc<Writer>);

impl Service for Written {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        let it = &self.0;
        let none = Duration::ZERO;
        match method {
            "Header" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                let header = it.header.lock().unwrap().clone();
                Ok(it.reply(none, Ok(Reply::new::<HeaderCodec, _>(header))))
            }
            "SyncHeader" => {
                *it.header.lock().unwrap() = args.read::<HeaderCodec, Header>()?;
                it.note(method);
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "WriteHeader" => {
                it.note(format!("{method} {}", args.read::<Int, i64>()?));
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "Write" => {
                let piece = args.read::<codec::Bytes, Bytes>()?;
                it.note(format!("{method} {}", piece.len()));
                let result = it.write(&piece);
                Ok(it.reply(it.behaviour.write_takes, result))
            }
            "Flush" if !it.behaviour.no_flush => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "HijackResponse" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                let refused = Err("response cannot be hijacked".to_owned());
                Ok(it.reply(none, if it.behaviour.no_hijack { refused } else { Ok(Reply::empty()) }))
            }
            "HjConnRWRead" => {
                let room = args.read::<codec::Bytes, Bytes>()?;
                Ok(it.read_connection(room.len()))
            }
            "HjConnWrite" => {
                let piece = args.read::<codec::Bytes, Bytes>()?;
                it.note(format!("{method} {}", piece.len()));
                let count = piece.len() as i64;
                let written = it.write(&piece).map(|_| Reply::new::<Int, _>(count));
                Ok(it.reply(it.behaviour.write_takes, written))
            }
            "HjConnSetDeadline" | "HjConnSetReadDeadline" | "HjConnSetWriteDeadline" => {
                let at = args.read::<GoTime, Option<Timestamp>>()?.map_or(-1, |it| it.seconds);
                it.note(format!("{method} {at}"));
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            "HjConnClose" => {
                args.read::<Struct<Empty>, Empty>()?;
                it.note(method);
                it.closed.notify_one();
                Ok(it.reply(none, Ok(Reply::empty())))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// A request as a server sends it: the type of old servers has more fields, which come first here.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) content_length: i64,
    pub(super) method: String,
    pub(super) url: Vec<u8>,
    pub(super) proto_major: i64,
    pub(super) header: Header,
}

mm_gob::gob_struct! {
    Sent as "Request" {
        "ContentLength" => content_length: Int,
        "Method" => method: codec::Str,
        "URL" => url: BinaryMarshaled,
        "ProtoMajor" => proto_major: Int,
        "Header" => header: HeaderCodec,
    }
}

#[derive(Debug, Default)]
pub(super) struct ServeCall {
    pub(super) writer: u32,
    pub(super) request: Option<Sent>,
    pub(super) context: Option<v1::Context>,
    pub(super) body: u32,
}

mm_gob::gob_struct! {
    ServeCall as "Z_ServeHTTPArgs" {
        "Context" => context: Ptr<Model<v1::Context>>,
        "ResponseWriterStream" => writer: Uint,
        "Request" => request: Ptr<Struct<Sent>>,
        "RequestBodyStream" => body: Uint,
    }
}

/// A server with an active plugin.
pub(super) struct Site {
    pub(super) session: Session,
    pub(super) host: Host,
    pub(super) hooks: Client,
}

impl Site {
    pub(super) async fn new(hooks: Option<Arc<dyn PluginHooks>>) -> Self {
        Self::on(testing::pair(Arc::new(Dispensary(hooks))).await).await
    }

    /// One that needs no sockets.
    pub(super) async fn in_memory(hooks: Option<Arc<dyn PluginHooks>>) -> Self {
        Self::on(testing::pair_in_memory(Arc::new(Dispensary(hooks))).await).await
    }

    pub(super) async fn on((session, host): (Session, Host)) -> Self {
        let hooks = host.dispense("hooks").await.unwrap();
        Self { session, host, hooks }
    }

    /// Lets the plugin answer a request with this body; gives how the call ended.
    pub(super) async fn serve(
        &self,
        writer: &Arc<Writer>,
        request: Sent,
        body: impl Into<Bytes>,
    ) -> Result<(), CallError> {
        let body = std::io::Cursor::new(body.into());
        self.serve_from(writer, request, body).await
    }

    pub(super) async fn serve_from(
        &self,
        writer: &Arc<Writer>,
        request: Sent,
        body: impl tokio::io::AsyncRead + Send + Unpin + 'static,
    ) -> Result<(), CallError> {
        let broker = self.host.broker();
        let call = ServeCall {
            writer: broker.next_id(),
            request: Some(request),
            context: Some(v1::Context { session_id: "s1".to_owned(), ..v1::Context::default() }),
            body: broker.next_id(),
        };
        let (writer_stream, body_stream) = (broker.accept(call.writer), broker.accept(call.body));
        let service = Arc::new(Written(Arc::clone(writer)));
        let writing = tokio::spawn(async move {
            let (read, write) = writer_stream.await.expect("it is dialled").into_split();
            Server::new().register("Plugin", service).serve(read, write).await
        });
        let lending = tokio::spawn(async move {
            let stream = body_stream.await.expect("it is dialled");
            let _ = io_stream::serve(body, stream).await;
        });
        let call = self.hooks.call::<Struct<ServeCall>, _, Struct<Empty>, Empty>("Plugin.ServeHTTP", &call);
        let result = timeout(SOON, call).await.expect("it ends").map(drop);
        // The plugin has let go of both.
        timeout(SOON, writing).await.expect("the writer is closed").unwrap();
        timeout(SOON, lending).await.expect("the body is closed").unwrap();
        result
    }
}

/// A request without a body.
pub(super) fn get(url: &str) -> Sent {
    Sent { method: "GET".to_owned(), url: url.into(), proto_major: 1, ..Sent::default() }
}

/// A request that declares a body of this length.
pub(super) fn post(length: usize) -> Sent {
    let header = fields(&[("Content-Length", &length.to_string())]);
    Sent { method: "POST".to_owned(), url: b"/".to_vec(), proto_major: 1, header, content_length: length as i64 }
}

pub(super) fn fields(fields: &[(&str, &str)]) -> Header {
    let list = |value: &str| v1::StringList { values: vec![value.to_owned()] };
    fields.iter().map(|(name, value)| ((*name).to_owned(), list(value))).collect()
}

#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) info: Option<v1::FileInfo>,
    pub(super) file: u32,
    pub(super) replacement: u32,
}

mm_gob::gob_struct! {
    Upload as "Z_FileWillBeUploadedArgs" {
        "B" => info: Ptr<Model<v1::FileInfo>>,
        "UploadedFileStream" => file: Uint,
        "ReplacementFileStream" => replacement: Uint,
    }
}

/// What is read over the original.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Returns {
    pub(super) info: Option<v1::FileInfo>,
    pub(super) reason: String,
}

mm_gob::gob_struct! {
    Returns as "Z_FileWillBeUploadedReturns" {
        "A" => info: Ptr<Model<v1::FileInfo>>,
        "B" => reason: Str,
    }
}

pub(super) fn original() -> v1::FileInfo {
    v1::FileInfo {
        id: "f1".to_owned(),
        name: "a.txt".to_owned(),
        size: 5,
        has_preview_image: true,
        ..v1::FileInfo::default()
    }
}

impl Site {
    /// Uploads a file; gives what the server goes on with, and the replacement.
    pub(super) async fn upload(&self, content: Vec<u8>) -> (Result<Returns, CallError>, Vec<u8>) {
        let broker = self.host.broker();
        let args = Upload { info: Some(original()), file: broker.next_id(), replacement: broker.next_id() };
        let (file, replacement) = (broker.accept(args.file), broker.accept(args.replacement));
        let lending = tokio::spawn(async move {
            let _ = io_stream::serve(&content[..], file.await.expect("it is dialled")).await;
        });
        let replaced = tokio::spawn(async move {
            let mut content = Vec::new();
            replacement.await.expect("it is dialled").read_to_end(&mut content).await.unwrap();
            content
        });
        let over = Returns { info: Some(original()), ..Returns::default() };
        let call = self.hooks.call_over::<Struct<Upload>, _, Struct<Returns>, Returns>(
            "Plugin.FileWillBeUploaded",
            &args,
            &mm_gob::Zeros::Omit,
            over,
        );
        let result = timeout(SOON, call).await.expect("it ends");
        let replaced = timeout(Duration::from_secs(2), replaced).await.expect("the replacement is closed").unwrap();
        timeout(SOON, lending).await.expect("the file is let go").unwrap();
        (result, replaced)
    }
}

/// Has a process answer a request of HTTP, or an upload, all the way to a server that says no to some of what it may be asked for. Panics
/// when the call does not end, when something of it is not let go of, or when the server's connection is not as good as before.
pub(crate) async fn carried(hooks: Arc<dyn PluginHooks>, mood: u8) {
    let site = Site::in_memory(Some(hooks)).await;
    if mood & 1 == 0 {
        let fails_after = (mood & 8 > 0).then_some((usize::from(mood), "write: broken pipe"));
        let behaviour =
            Behaviour { no_flush: mood & 2 > 0, no_hijack: mood & 4 > 0, fails_after, ..Behaviour::default() };
        let _ = site.serve(&Writer::new(behaviour), post(5), "hello").await;
    } else {
        let _ = site.upload(b"hello".to_vec()).await;
    }
    site.host.ping().await.expect("the connection is whole");
}
