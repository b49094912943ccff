//! Hooks with streams: every stream is taken, and the server gets an answer.

mod common;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::AT_LAST;
use mm_gob::codec::{Bytes, Int, Interface, Map, Ptr, Slice, Str, Struct, Uint};
use mm_gob::dynamic;
use mm_goplugin::rpc::{Args, CallError, Empty, Refusal, Reply, Running, Service};
use server::{Bundle, Server};
use tokio::io::AsyncReadExt;

const BODY: &str = "
    @hook(HookName.ServeHTTP)
    def serve(self, request, response=None):
        raise AssertionError('no answer')
";

type Header = BTreeMap<String, Vec<String>>;
type HeaderCodec = Map<Str, Slice<Str>>;

/// What a server sends of a request, as far as it matters here.
#[derive(Debug, Default)]
struct Request {
    method: String,
    body: Option<dynamic::Interface>,
}

mm_gob::gob_struct! {
    Request as "HTTPRequestSubset" {
        "Method" => method: Str,
        "Body" => body: Interface,
    }
}

#[derive(Debug, Default)]
struct Serve {
    writer: u32,
    request: Option<Request>,
    body: u32,
}

mm_gob::gob_struct! {
    Serve as "Z_ServeHTTPArgs" {
        "ResponseWriterStream" => writer: Uint,
        "Request" => request: Ptr<Struct<Request>>,
        "RequestBodyStream" => body: Uint,
    }
}

/// The server's side of a response.
#[derive(Default)]
struct Writer {
    calls: Mutex<Vec<String>>,
    header: Mutex<Header>,
}

impl Service for Writer {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        let mut said = method.to_owned();
        match method {
            "Header" => {
                args.read::<Struct<Empty>, Empty>()?;
                let header = Header::from([("X-Request-Id".to_owned(), vec!["r1".to_owned()])]);
                self.calls.lock().unwrap().push(said);
                return Ok(Box::pin(async { Ok(Reply::new::<HeaderCodec, _>(header)) }));
            }
            "SyncHeader" => *self.header.lock().unwrap() = args.read::<HeaderCodec, Header>()?,
            "WriteHeader" => said = format!("{method} {}", args.read::<Int, i64>()?),
            "Write" => said = format!("{method} {}", String::from_utf8(args.read::<Bytes, Vec<u8>>()?).unwrap()),
            _ => return Err(Refusal::NoSuchMethod),
        }
        self.calls.lock().unwrap().push(said);
        Ok(Box::pin(async { Ok(Reply::empty()) }))
    }
}

async fn serve(server: &Server, hook: &str) -> (Arc<Writer>, Result<Empty, CallError>) {
    let broker = server.host.broker();
    let request = Request { method: "GET".to_owned(), body: None };
    let args = Serve { writer: broker.next_id(), request: Some(request), body: broker.next_id() };
    let (writer_stream, body_stream) = (broker.accept(args.writer), broker.accept(args.body));
    let writer = Arc::new(Writer::default());
    let service = writer.clone();
    tokio::spawn(async move {
        let (read, write) = writer_stream.await.expect("it is dialled").into_split();
        mm_goplugin::rpc::Server::new().register("Plugin", service).serve(read, write).await
    });
    let body = tokio::spawn(async move { body_stream.await.expect("it is dialled") });
    let method = format!("Plugin.{hook}");
    let result = server.hooks.call::<Struct<Serve>, _, Struct<Empty>, Empty>(&method, &args).await;
    body.await.unwrap();
    (writer, result)
}

/// The exception is for the log; the client learns that there was one, and the server's own header stays.
#[tokio::test]
async fn a_handler_that_raises_is_a_500_without_its_text() {
    let bundle = Bundle::with_body(BODY);
    let server = bundle.activate().await;
    let (writer, result) = serve(&server, "ServeHTTP").await;
    result.unwrap();
    let calls = writer.calls.lock().unwrap().join("; ");
    assert!(calls.starts_with("Header; SyncHeader; WriteHeader 500; Write "), "{calls}");
    assert!(!calls.contains("no answer"), "{calls}");
    assert_eq!(writer.header.lock().unwrap()["X-Request-Id"], ["r1"]);
    server.quit().await;
}

#[derive(Debug, Default)]
struct Upload {
    file: u32,
    replacement: u32,
}

mm_gob::gob_struct! {
    Upload as "Z_FileWillBeUploadedArgs" {
        "UploadedFileStream" => file: Uint,
        "ReplacementFileStream" => replacement: Uint,
    }
}

async fn upload(server: &Server) {
    let broker = server.host.broker();
    let args = Upload { file: broker.next_id(), replacement: broker.next_id() };
    let (file, replacement) = (broker.accept(args.file), broker.accept(args.replacement));
    let replaced = tokio::spawn(async move {
        let mut content = Vec::new();
        replacement.await.expect("it is dialled").read_to_end(&mut content).await.unwrap();
        content
    });
    let file = tokio::spawn(file);
    // Whatever it answers, the streams are taken and the replacement ends.
    let _ = server.hooks.call::<Struct<Upload>, _, Struct<Empty>, Empty>("Plugin.FileWillBeUploaded", &args).await;
    assert_eq!(tokio::time::timeout(AT_LAST, replaced).await.expect("it is closed").unwrap(), b"");
    tokio::time::timeout(AT_LAST, file).await.expect("it is dialled").unwrap().unwrap();
}

#[tokio::test]
async fn an_upload_is_held_up_by_nothing() {
    let bundle = Bundle::with_body("    pass\n");
    let server = bundle.connect().await;
    server.implemented().await;
    upload(&server).await;
    server.activate().await.unwrap();
    upload(&server).await;
    server.quit().await;
}
