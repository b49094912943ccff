//! What a process of the plugin says: its hello, its log records, its last words, its calls of the API, with streams beside them too, its
//! SQL, its answers to hooks.
//!
//! Calls and answers go the whole way, through gRPC and gob, to the other end of a net/rpc connection: a server whose connection
//! breaks since a plugin said something odd would never call that plugin again.

mod calls;
mod sql;

use std::convert::Infallible;
use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use mm_goplugin::rpc::{Client, Limits, Server, Service as RpcService};
use mm_proto::grpc::{self, HooksClient};
use mm_proto::host::v1::{HelloRequest, WriteLogsRequest};
use mm_proto::netrpc;
use mm_proto::plugin::v1::*;
use mm_proto::{API_METHODS, HookName, PluginApi, PluginHooks, Refusal};
use prost::Message as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service as _;

use crate::downstream::log_record;
use crate::guard;
use crate::supervisor::check_hello;
use crate::supervisor::failure::{self, Evidence};
use crate::upstream::{carried, hclog_lines};

/// Longer than anything here takes; time goes by only when nothing else is to be done.
const AGES: Duration = Duration::from_secs(3600);

/// Any bytes are understood or refused. The first says what they are.
pub fn process(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 10 {
        0 => hello(rest),
        1 => logs(rest),
        2 => last_words(rest),
        3 => run(call_of_api(rest)),
        4 => run(answer_to_hook(rest)),
        5 => run(answer_to_request(rest)),
        6 => run(sql::session(rest)),
        7 => run(guarded_answer(rest)),
        8 => run(carried_answer(rest)),
        _ => run(calls::with_stream(rest)),
    }
}

fn run(check: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without sockets");
    runtime.block_on(async { tokio::time::timeout(AGES, check).await.expect("it ends") });
}

fn hello(bytes: &[u8]) {
    if let Ok(hello) = HelloRequest::decode(bytes) {
        match check_hello(&hello) {
            Ok(known) => assert!(known.hooks.len() <= hello.hooks.len()),
            Err(why) => assert!(!why.is_empty()),
        }
    }
}

/// Records reach the server's log as lines of JSON, whatever is in them: anything else there may end the server.
fn logs(bytes: &[u8]) {
    let Ok(logs) = WriteLogsRequest::decode(bytes) else { return };
    for record in logs.records {
        for line in hclog_lines(&log_record(record)) {
            let text = line.strip_suffix('\n').unwrap_or_else(|| panic!("{line:?} has no end"));
            assert!(!text.contains('\n'), "{line:?}");
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).expect("an object");
            assert!(object["@message"].is_string() && object["@level"].is_string(), "{line}");
        }
    }
}

fn last_words(bytes: &[u8]) {
    let Some((status, text)) = bytes.split_first() else { return };
    let evidence = Evidence {
        status: Some(ExitStatus::from_raw(i32::from(*status))),
        stderr: String::from_utf8_lossy(text).into_owned(),
        bundle: PathBuf::from("/bundle"),
        entry: "plugin.py".to_owned(),
        python: None,
        waited: None,
        refused: None,
        unhealthy: false,
    };
    for failure in [failure::explain_start(&evidence), failure::explain_crash(&evidence)] {
        assert!(!failure.what.contains('\n') && !failure.to_string().is_empty(), "{failure:?}");
    }
}

/// What a handler says that must not fail.
const REFUSAL: &str = "not now";

/// An API that has nothing.
struct Nothing;

#[tonic::async_trait]
impl PluginApi for Nothing {}

/// A connection of net/rpc with this service behind it.
fn connected(service: Arc<dyn RpcService>) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (read, write) = tokio::io::split(theirs);
    tokio::spawn(Server::new().register("Plugin", service).serve(read, write));
    let (read, write) = tokio::io::split(ours);
    Client::new(read, write, Limits::default())
}

/// The connection is as good as before.
fn intact(client: &Client) {
    let end = client.closed().now_or_never();
    assert!(end.is_none(), "the connection is over: {end:?}");
}

/// A process calls a method: of the API, with any arguments.
async fn call_of_api(bytes: &[u8]) {
    let Some((index, rest)) = bytes.split_first() else { return };
    let client = connected(Arc::new(netrpc::ApiService::new(Arc::new(Nothing))));
    let api = netrpc::ApiClient::new(client.clone());
    let mut service = grpc::ApiService::new(Arc::new(api));
    let method = API_METHODS[usize::from(*index) % API_METHODS.len()].go;
    let request = Request::builder().uri(format!("/mattermost.plugin.v1.PluginApi/{method}"));
    let request = request.header("content-type", "application/grpc").body(said(rest)).expect("a request");
    let response = service.call(request).await.unwrap_or_else(|never: Infallible| match never {});
    // What comes of it is the process's own affair.
    let _ = response.into_body().collect().await;
    intact(&client);
}

/// A process answers a hook with this, and the server is told.
async fn answer_to_hook(bytes: &[u8]) {
    let Some((index, rest)) = bytes.split_first() else { return };
    let python: Arc<dyn PluginHooks> = Arc::new(answering(rest));
    let client = connected(Arc::new(netrpc::HooksService::new(python)));
    let server = netrpc::HooksClient::new(client.clone());
    match index % 12 {
        0 => drop(server.message_will_be_posted(MessageWillBePostedRequest::default()).await),
        1 => drop(server.message_will_be_updated(MessageWillBeUpdatedRequest::default()).await),
        2 => drop(server.messages_will_be_consumed(MessagesWillBeConsumedRequest::default()).await),
        3 => drop(server.execute_command(ExecuteCommandRequest::default()).await),
        4 => drop(server.user_will_log_in(UserWillLogInRequest::default()).await),
        5 => drop(server.configuration_will_be_saved(ConfigurationWillBeSavedRequest::default()).await),
        6 => drop(server.email_notification_will_be_sent(EmailNotificationWillBeSentRequest::default()).await),
        7 => drop(server.generate_support_data(GenerateSupportDataRequest::default()).await),
        8 => drop(server.notification_will_be_pushed(NotificationWillBePushedRequest::default()).await),
        9 => drop(server.channel_will_be_archived(ChannelWillBeArchivedRequest::default()).await),
        10 => drop(server.on_activate(OnActivateRequest::default()).await),
        _ => drop(server.message_has_been_posted(MessageHasBeenPostedRequest::default()).await),
    }
    intact(&client);
}

/// A process answers a request of HTTP with these parts.
async fn answer_to_request(bytes: &[u8]) {
    let python = answering(bytes);
    let begin = ServeHttpRequest { part: Some(serve_http_request::Part::Start(ServeHttpStart::default())) };
    if let Ok(parts) = python.serve_http(stream::iter([Ok(begin)]).boxed()).await {
        parts.for_each(|_| std::future::ready(())).await;
    }
}

/// A process answers hooks whose handlers must not fail without refusing: the server gets whole messages, and an end.
async fn guarded_answer(bytes: &[u8]) {
    let info = HookName::FileWillBeUploaded.info();
    let Some(Refusal::Reason(path)) = info.refusal else { panic!("an upload can be refused") };
    let guarded = guard::refusing(said(bytes), path, REFUSAL).collect().await.expect("it does not fail");
    let status = guarded.trailers().and_then(|it| it.get("grpc-status")).expect("it ends").clone();
    assert_eq!(status, "0");
    let mut rest = guarded.to_bytes();
    while !rest.is_empty() {
        assert!(rest.len() >= 5, "half a message");
        let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
        assert!(rest.len() >= 5 + length, "half a message");
        rest = rest.slice(5 + length..);
    }
    let response = Response::new(said(bytes));
    guard::is_answer(response, HookName::MessageWillBePosted.info()).await;
}

/// A process answers a request of HTTP, or an upload, and the server is told by what carries streams.
async fn carried_answer(bytes: &[u8]) {
    let Some((mood, rest)) = bytes.split_first() else { return };
    carried(Arc::new(answering(rest)), *mood).await;
}

/// A process that answers every call with this.
fn answering(bytes: &[u8]) -> HooksClient {
    let bytes = Bytes::copy_from_slice(bytes);
    HooksClient::over(tower::service_fn(move |_: Request<Body>| {
        let response = Response::builder().header("content-type", "application/grpc").body(said(&bytes));
        std::future::ready(Ok::<_, Infallible>(response.expect("a response")))
    }))
}

/// What was said, as the body of a message or a stream. The first byte tells its form: as it is, as one message, or as many; and how it
/// ends.
fn said(bytes: &[u8]) -> Body {
    let Some((form, rest)) = bytes.split_first() else { return Body::empty() };
    let mut frames: Vec<Result<Frame<Bytes>, Status>> = Vec::new();
    match form % 3 {
        0 => frames.push(Ok(Frame::data(Bytes::copy_from_slice(rest)))),
        1 => frames.push(Ok(Frame::data(message(rest)))),
        _ => {
            let mut rest = rest;
            while let Some((length, after)) = rest.split_first() {
                let (piece, after) = after.split_at(usize::from(*length).min(after.len()));
                frames.push(Ok(Frame::data(message(piece))));
                rest = after;
            }
        }
    }
    match form / 3 % 3 {
        0 => frames.push(Ok(Frame::trailers(trailers(form / 9)))),
        1 => frames.push(Err(Status::new(Code::from(1 + i32::from(form / 9 % 16)), "the connection broke"))),
        _ => {}
    }
    Body::new(StreamBody::new(stream::iter(frames)))
}

/// A message as gRPC carries it.
fn message(bytes: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(bytes.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(bytes.len()).expect("few bytes"));
    framed.put_slice(bytes);
    framed.freeze()
}

fn trailers(code: u8) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", u32::from(code % 17).into());
    trailers
}
