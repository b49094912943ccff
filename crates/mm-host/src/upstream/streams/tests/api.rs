//! `PluginHTTP`, `InstallPlugin` and `UploadData`.

use std::sync::atomic::AtomicUsize;

use futures::StreamExt as _;
use mm_proto::PluginApi;
use mm_proto::gob::Returned;
use mm_proto::netrpc::ApiClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::ApiStreams;
use super::super::wire::{
    DataArgs, DataReturns, HttpArgs, HttpReturns, InstallArgs, InstallReturns, WholeHttpArgs, WholeHttpReturns,
};
use super::*;

/// A server's API as far as it carries streams.
struct Api {
    broker: Broker,
    /// It has no `PluginHTTPStream`.
    old: bool,
    /// What `PluginHTTP` answers; the body of the request comes back, behind this.
    response: v1::HttpResponseHead,
    calls: Arc<AtomicUsize>,
}

impl Api {
    /// Reads what the plugin lends: all of it, or why not.
    async fn read(broker: &Broker, id: u32) -> Result<Vec<u8>, String> {
        let mut reader = io_stream::RemoteReader::dial(broker, id).map_err(|error| error.to_string())?;
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).await.map_err(|error| error.to_string())?;
        Ok(whole)
    }

    fn http(&self, args: HttpArgs) -> Running {
        let (broker, response) = (self.broker.clone(), self.response.clone());
        Box::pin(async move {
            let mut stream = broker.dial(args.response_body).await.map_err(|error| error.to_string())?;
            let body = match args.request_body {
                0 => b"none".to_vec(),
                id => Self::read(&broker, id).await?,
            };
            if response.status_code > 0 {
                tokio::spawn(async move {
                    let text = format!("{} {} ", args.request.method, args.request.url);
                    stream.write_all(text.as_bytes()).await.unwrap();
                    // Fails when the plugin does not want it.
                    let _ = stream.write_all(&body).await;
                });
            } else {
                // As a server does that has no answer: the stream stays open.
                tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
            }
            Ok(Reply::new::<Struct<HttpReturns>, _>(response))
        })
    }
}

impl Service for Api {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let broker = self.broker.clone();
        match method {
            "PluginHTTPStream" if !self.old => Ok(self.http(args.read::<Struct<HttpArgs>, _>()?)),
            "PluginHTTP" => {
                let args = args.read::<Struct<WholeHttpArgs>, WholeHttpArgs>()?;
                let response = Some(self.response.clone()).filter(|it| it.status_code > 0);
                let body = [format!("{} {} ", args.request.method, args.request.url).into_bytes(), args.body].concat();
                let returns = WholeHttpReturns { response, body: body.into() };
                Ok(Box::pin(async { Ok(Reply::new::<Struct<WholeHttpReturns>, _>(returns)) }))
            }
            "InstallPlugin" => {
                let args = args.read::<Struct<InstallArgs>, InstallArgs>()?;
                Ok(Box::pin(async move {
                    let bundle = Self::read(&broker, args.bundle).await?;
                    let manifest =
                        Some(v1::Manifest { id: format!("{} bytes", bundle.len()), ..v1::Manifest::default() });
                    let error =
                        args.replace.then(|| v1::AppError { id: "replaced".to_owned(), ..v1::AppError::default() });
                    let value = v1::InstallPluginResponse { manifest };
                    Ok(Reply::new::<Struct<InstallReturns>, _>(Returned { value, error }))
                }))
            }
            "UploadData" => {
                let args = args.read::<Struct<DataArgs>, DataArgs>()?;
                Ok(Box::pin(async move {
                    let data = Self::read(&broker, args.content).await?;
                    let id = format!("{} {}", args.session.unwrap().id, data.len());
                    let value =
                        v1::UploadDataResponse { file_info: Some(v1::FileInfo { id, ..v1::FileInfo::default() }) };
                    Ok(Reply::new::<Struct<DataReturns>, _>(Returned::<_, v1::ErrorValue> { value, error: None }))
                }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// A server whose API is there.
struct Calling {
    api: ApiClient,
    calls: Arc<AtomicUsize>,
    _site: Site,
}

async fn calling(old: bool, response: v1::HttpResponseHead) -> Calling {
    let site = Site::new(None).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let broker = site.host.broker().clone();
    let id = broker.next_id();
    let accepted = broker.accept(id);
    let service = Arc::new(Api { broker, old, response, calls: Arc::clone(&calls) });
    tokio::spawn(async move {
        let (read, write) = accepted.await.unwrap().into_split();
        Server::new().register("Plugin", service).serve(read, write).await
    });
    let (read, write) = site.session.broker().dial(id).await.unwrap().into_split();
    let client = Client::new(read, write, mm_goplugin::rpc::Limits::default());
    let streams = Arc::new(ApiStreams::new(client.clone(), site.session.broker().clone()));
    Calling { api: ApiClient::new(client).with_streams(streams), calls, _site: site }
}

fn ok(header: &[(&str, &str)]) -> v1::HttpResponseHead {
    v1::HttpResponseHead { status_code: 200, header: fields(header) }
}

/// A request with a body in pieces; `None` in place of its end breaks it off.
fn request(method: &str, pieces: Vec<Bytes>, end: Option<&str>) -> Parts<v1::PluginHttpRequest> {
    use v1::plugin_http_request::Part;
    let head = v1::HttpRequestHead {
        method: method.to_owned(),
        url: "/target/x?y=1".to_owned(),
        ..v1::HttpRequestHead::default()
    };
    let end = end.map(|error| Part::BodyEnd(v1::HttpBodyEnd { error: error.to_owned(), ..v1::HttpBodyEnd::default() }));
    let parts = [Part::Head(head)].into_iter().chain(pieces.into_iter().map(Part::Body)).chain(end);
    let parts: Vec<_> = parts.map(|part| Ok(v1::PluginHttpRequest { part: Some(part) })).collect();
    futures::stream::iter(parts).boxed()
}

/// Status, body, and how it ended.
async fn response(mut parts: Parts<v1::PluginHttpResponse>) -> (i32, Vec<u8>, String) {
    use v1::plugin_http_response::Part;
    let Some(Part::Head(head)) = parts.next().await.unwrap().unwrap().part else { panic!("the head is first") };
    let mut body = Vec::new();
    loop {
        match timeout(SOON, parts.next()).await.unwrap().unwrap().unwrap().part.unwrap() {
            Part::Body(piece) => body.extend_from_slice(&piece),
            Part::BodyEnd(end) => {
                assert!(parts.next().await.is_none(), "nothing follows");
                return (head.status_code, body, end.error);
            }
            Part::Head(_) => panic!("one head"),
        }
    }
}

#[tokio::test]
async fn another_plugin_is_asked_on_new_and_old_servers() {
    for (old, expected_calls) in [(false, 2), (true, 3)] {
        let server = calling(old, ok(&[])).await;
        let pieces = vec![Bytes::from(vec![1; 500_000]), Bytes::from(vec![1; 500_000])];
        let answer = response(server.api.plugin_http(request("POST", pieces, Some(""))).await.unwrap()).await;
        let expected = [b"POST /target/x?y=1 ".to_vec(), vec![1; 1_000_000]].concat();
        assert!(answer == (200, expected, String::new()), "{} {} {}", answer.0, answer.1.len(), answer.2);
        // An empty body needs no stream, and what the server cannot is not tried again.
        let answer = response(server.api.plugin_http(request("GET", vec![], Some(""))).await.unwrap()).await;
        let body = if old { "GET /target/x?y=1 " } else { "GET /target/x?y=1 none" };
        assert_eq!(answer, (200, body.as_bytes().to_vec(), String::new()));
        assert_eq!(server.calls.load(Ordering::SeqCst), expected_calls);
    }
}

#[tokio::test]
async fn no_answer_is_an_error() {
    for old in [false, true] {
        let server = calling(old, v1::HttpResponseHead::default()).await;
        let call = server.api.plugin_http(request("GET", vec![], Some("")));
        let Err(error) = timeout(SOON, call).await.unwrap() else { panic!("there is no answer") };
        assert!(error.to_string().starts_with("PluginHTTP: the server gave no answer"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_shorter_than_declared_has_ended_early() {
    let server = calling(false, ok(&[("Content-Length", "1000")])).await;
    let answer = response(server.api.plugin_http(request("POST", vec!["x".into()], Some(""))).await.unwrap()).await;
    assert_eq!(answer.2, "unexpected EOF");
    // To HEAD it is no promise.
    let answer = response(server.api.plugin_http(request("HEAD", vec![], Some(""))).await.unwrap()).await;
    assert_eq!(answer.2, "");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_not_taken_for_whole() {
    for end in [None, Some("the file could not be read")] {
        for old in [false, true] {
            let server = calling(old, ok(&[])).await;
            let Err(_) = server.api.plugin_http(request("POST", vec!["half".into()], end)).await else {
                panic!("the other plugin got half of it for the whole: {end:?}, old: {old}")
            };
        }
    }
}

#[tokio::test]
async fn an_answer_may_be_dropped_unread() {
    let server = calling(false, ok(&[])).await;
    for _ in 0..20 {
        let parts = server.api.plugin_http(request("POST", vec![vec![1; 1_000_000].into()], Some(""))).await.unwrap();
        drop(parts);
    }
    let answer = response(server.api.plugin_http(request("GET", vec![], Some(""))).await.unwrap()).await;
    assert_eq!(answer.0, 200);
}

fn data(pieces: Vec<Result<v1::upload_data_request::Part, ApiError>>) -> Parts<v1::UploadDataRequest> {
    let parts = pieces.into_iter().map(|it| it.map(|part| v1::UploadDataRequest { part: Some(part) }));
    futures::stream::iter(parts.collect::<Vec<_>>()).boxed()
}

#[tokio::test]
async fn data_is_uploaded_whole_or_not_at_all() {
    use v1::upload_data_request::Part;
    let server = calling(false, ok(&[])).await;
    let upload_session = Some(v1::UploadSession { id: "u1".to_owned(), ..v1::UploadSession::default() });
    let start = || Ok(Part::Start(v1::UploadDataStart { upload_session: upload_session.clone() }));
    let piece = || Ok(Part::Content(vec![1; 300_000].into()));
    let uploaded = server.api.upload_data(data(vec![start(), piece(), piece()])).await.unwrap();
    assert_eq!(uploaded.file_info.unwrap().id, "u1 600000");
    let uploaded = server.api.upload_data(data(vec![start()])).await.unwrap();
    assert_eq!(uploaded.file_info.unwrap().id, "u1 0");
    let broken_off = data(vec![start(), piece(), Err(ApiError::plain("the plugin's process ended"))]);
    let error = server.api.upload_data(broken_off).await.unwrap_err();
    assert!(error.to_string().contains("connection reset"), "{error}");
    let error = server.api.upload_data(data(vec![piece()])).await.unwrap_err();
    assert!(error.to_string().contains("UploadData begins with its arguments"), "{error}");
}

fn bundle(replace: bool, end: Option<ApiError>) -> Parts<v1::InstallPluginRequest> {
    use v1::install_plugin_request::Part;
    let parts = [Part::Start(v1::InstallPluginStart { replace }), Part::Content(vec![1; 100_000].into())];
    let parts = parts.map(|part| Ok(v1::InstallPluginRequest { part: Some(part) })).into_iter();
    futures::stream::iter(parts.chain(end.map(Err)).collect::<Vec<_>>()).boxed()
}

#[tokio::test]
async fn a_plugin_is_installed_whole_or_not_at_all() {
    let server = calling(false, ok(&[])).await;
    let installed = server.api.install_plugin(bundle(false, None)).await.unwrap();
    assert_eq!(installed.manifest.unwrap().id, "100000 bytes");
    let ApiError::App(error) = server.api.install_plugin(bundle(true, None)).await.unwrap_err() else { panic!() };
    assert_eq!(error.id, "replaced");
    let broken_off = bundle(false, Some(ApiError::plain("the plugin's process ended")));
    let error = server.api.install_plugin(broken_off).await.unwrap_err();
    assert!(error.to_string().contains("connection reset"), "{error}");
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_no_end() {
    let server = calling(false, ok(&[])).await;
    let start = v1::install_plugin_request::Part::Start(v1::InstallPluginStart { replace: false });
    let parts = futures::stream::iter([Ok(v1::InstallPluginRequest { part: Some(start) })]);
    let endless = parts.chain(futures::stream::pending()).boxed();
    let installing = timeout(Duration::from_millis(200), server.api.install_plugin(endless)).await;
    assert!(installing.is_err(), "the bundle is not over");
    // The server goes on with others.
    server.api.install_plugin(bundle(false, None)).await.unwrap();
}
