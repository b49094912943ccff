//! Both ends over a real Unix socket, with tonic's own server and channel between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server, Uri};
use tonic::{Code, Request, Status};
use tower::Service as _;

use super::{ApiClient, ApiService, HooksClient, HooksService, MAX_MESSAGE_BYTES, Parts};
use crate::plugin::v1::{self, plugin_http_request, plugin_http_response, upload_data_request, value};
use crate::{API_METHODS, ApiError, HOOKS, PluginApi, PluginHooks};

/// A channel to a server of both services, which lives as long as the folder.
async fn serve(api: Arc<dyn PluginApi>, hooks: Arc<dyn PluginHooks>) -> (Channel, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.sock");
    let listener = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
    let guarded = InterceptedService::new(HooksService::new(hooks), |request: Request<()>| {
        match request.metadata().get("x-mm-token") {
            Some(_) => Ok(request),
            None => Err(Status::unauthenticated("no token")),
        }
    });
    let server = Server::builder().add_service(ApiService::new(api)).add_service(guarded);
    tokio::spawn(server.serve_with_incoming(listener));
    let connect = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    (endpoint.connect_with_connector(connect).await.unwrap(), folder)
}

struct Nothing;
impl PluginApi for Nothing {}
impl PluginHooks for Nothing {}

/// Answers a few methods of each shape.
#[derive(Default)]
struct Some_ {
    /// How many calls that take long are under way.
    slow: Arc<AtomicUsize>,
}

#[async_trait]
impl PluginApi for Some_ {
    async fn create_post(&self, request: v1::CreatePostRequest) -> Result<v1::CreatePostResponse, ApiError> {
        Ok(v1::CreatePostResponse { post: request.post })
    }

    async fn get_user(&self, request: v1::GetUserRequest) -> Result<v1::GetUserResponse, ApiError> {
        Err(ApiError::App(v1::AppError {
            id: "app.user.missing_account.const".to_owned(),
            message: format!("no user {}", request.user_id),
            detailed_error: "ünïcode".to_owned(),
            request_id: "r".to_owned(),
            status_code: 404,
            r#where: "GetUser".to_owned(),
            skip_translation: true,
        }))
    }

    async fn ensure_bot_user(&self, _: v1::EnsureBotUserRequest) -> Result<v1::EnsureBotUserResponse, ApiError> {
        Err(ApiError::Plain(v1::ErrorValue { code: 2, message: "no rows".to_owned(), ..Default::default() }))
    }

    async fn get_file(&self, request: v1::GetFileRequest) -> Result<v1::GetFileResponse, ApiError> {
        struct Guard(Arc<AtomicUsize>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        if request.file_id == "slow" {
            self.slow.fetch_add(1, Ordering::SeqCst);
            let _guard = Guard(Arc::clone(&self.slow));
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(v1::GetFileResponse { result: vec![7; 8 << 20].into() })
    }

    async fn upload_data(
        &self,
        mut requests: Parts<v1::UploadDataRequest>,
    ) -> Result<v1::UploadDataResponse, ApiError> {
        let mut size = 0;
        while let Some(request) = requests.next().await {
            if let Some(upload_data_request::Part::Content(content)) = request?.part {
                size += content.len() as i64;
            }
        }
        let file_info = Some(v1::FileInfo { size, ..Default::default() });
        Ok(v1::UploadDataResponse { file_info })
    }

    async fn plugin_http(
        &self,
        requests: Parts<v1::PluginHttpRequest>,
    ) -> Result<Parts<v1::PluginHttpResponse>, ApiError> {
        let echo = requests.filter_map(async |request| {
            let part = match request.map(|it| it.part) {
                Ok(Some(plugin_http_request::Part::Body(body))) if body.as_ref() == b"fail" => {
                    return Some(Err(ApiError::plain("the target failed")));
                }
                Ok(Some(plugin_http_request::Part::Body(body))) => plugin_http_response::Part::Body(body),
                Ok(_) => return None,
                Err(error) => return Some(Err(error)),
            };
            Some(Ok(v1::PluginHttpResponse { part: Some(part) }))
        });
        Ok(echo.boxed())
    }
}

#[async_trait]
impl PluginHooks for Some_ {
    async fn user_will_log_in(&self, _: v1::UserWillLogInRequest) -> Result<v1::UserWillLogInResponse, ApiError> {
        Ok(v1::UserWillLogInResponse { reason: "not today".to_owned() })
    }
}

async fn api() -> (ApiClient, Arc<AtomicUsize>, tempfile::TempDir) {
    let target = Some_::default();
    let slow = Arc::clone(&target.slow);
    let (channel, folder) = serve(Arc::new(target), Arc::new(Nothing)).await;
    (ApiClient::new(channel), slow, folder)
}

fn is_not_supported(method: &str, error: Option<&ApiError>) -> bool {
    matches!(error, Some(ApiError::App(it)) if it.status_code == 501 && it.r#where == method && it.id == crate::NOT_SUPPORTED)
}

#[tokio::test]
async fn every_method_gets_through_and_answers_that_it_is_not_supported() {
    let (channel, _folder) = serve(Arc::new(Nothing), Arc::new(Nothing)).await;
    let answers = super::api_calls::call_every_method(&ApiClient::new(channel.clone())).await;
    assert_eq!(answers.len(), API_METHODS.len());
    for (method, error) in &answers {
        assert!(is_not_supported(method, error.as_ref()), "{method}: {error:?}");
    }
    let hooks = HooksClient::new(channel).with_metadata(token());
    let answers = super::hooks_calls::call_every_method(&hooks).await;
    assert_eq!(answers.len(), HOOKS.len());
    for (hook, error) in &answers {
        assert!(is_not_supported(hook, error.as_ref()), "{hook}: {error:?}");
    }
}

fn token() -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-mm-token", "secret".parse().unwrap());
    metadata
}

#[tokio::test]
async fn metadata_goes_with_every_call() {
    let (channel, _folder) = serve(Arc::new(Nothing), Arc::new(Some_::default())).await;
    let hooks = HooksClient::new(channel);
    let refused = hooks.user_will_log_in(Default::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let answer = hooks.with_metadata(token()).user_will_log_in(Default::default()).await.unwrap();
    assert_eq!(answer.reason, "not today");
}

#[tokio::test]
async fn values_of_every_kind_survive() {
    let (api, _, _folder) = api().await;
    let kinds = [
        value::Kind::NullValue(0),
        value::Kind::BoolValue(true),
        value::Kind::IntValue(i64::MIN),
        value::Kind::UintValue(u64::MAX),
        value::Kind::DoubleValue(0.5),
        value::Kind::StringValue("ü".to_owned()),
        value::Kind::BytesValue(vec![0, 255].into()),
        value::Kind::ListValue(v1::ValueList { values: vec![v1::Value { kind: None }] }),
        value::Kind::PreviewPost(Box::new(v1::PreviewPost { post_id: "p".to_owned(), ..Default::default() })),
    ];
    let props = kinds.into_iter().enumerate().map(|(index, kind)| (index.to_string(), v1::Value { kind: Some(kind) }));
    let post = v1::Post {
        message: "hello".to_owned(),
        props: props.collect::<BTreeMap<_, _>>(),
        file_ids: vec!["a".to_owned(), String::new()],
        is_following: Some(false),
        ..Default::default()
    };
    let answer = api.create_post(v1::CreatePostRequest { post: Some(post.clone()) }).await.unwrap();
    assert_eq!(answer.post, Some(post));
}

#[tokio::test]
async fn errors_survive_whole() {
    let (api, _, _folder) = api().await;
    let error = api.get_user(v1::GetUserRequest { user_id: "x".to_owned() }).await.unwrap_err();
    let ApiError::App(error) = error else { panic!("{error:?}") };
    assert_eq!((error.message.as_str(), error.status_code, error.skip_translation), ("no user x", 404, true));
    assert_eq!((error.detailed_error.as_str(), error.request_id.as_str()), ("ünïcode", "r"));
    let error = api.ensure_bot_user(Default::default()).await.unwrap_err();
    let ApiError::Plain(error) = error else { panic!("{error:?}") };
    assert_eq!((error.code, error.message.as_str()), (2, "no rows"));
}

#[tokio::test]
async fn large_messages_pass() {
    let (api, _, _folder) = api().await;
    assert_eq!(api.get_file(Default::default()).await.unwrap().result.len(), 8 << 20);
    const { assert!(MAX_MESSAGE_BYTES > 8 << 20) };
}

#[tokio::test]
async fn a_deadline_ends_a_call() {
    let (api, _, _folder) = api().await;
    let started = Instant::now();
    let slow = v1::GetFileRequest { file_id: "slow".to_owned() };
    let error = api.with_deadline(Duration::from_millis(50)).get_file(slow).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn dropping_a_call_cancels_it_at_the_other_end() {
    let (api, slow, _folder) = api().await;
    let request = v1::GetFileRequest { file_id: "slow".to_owned() };
    let call = tokio::spawn(async move { api.get_file(request).await });
    wait_until(|| slow.load(Ordering::SeqCst) == 1).await;
    call.abort();
    wait_until(|| slow.load(Ordering::SeqCst) == 0).await;
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within 5 s");
}

fn content(bytes: &'static [u8]) -> Result<v1::UploadDataRequest, ApiError> {
    Ok(v1::UploadDataRequest { part: Some(upload_data_request::Part::Content(bytes.into())) })
}

#[tokio::test]
async fn an_upload_arrives_whole_or_fails() {
    let (api, _, _folder) = api().await;
    let parts = stream::iter([content(b"abc"), content(b"defgh")]).boxed();
    assert_eq!(api.upload_data(parts).await.unwrap().file_info.unwrap().size, 8);
    let parts = stream::iter([content(b"abc"), Err(ApiError::plain("the disk is gone"))]).boxed();
    assert_eq!(api.upload_data(parts).await.unwrap_err().to_string(), "the disk is gone");
}

fn body(bytes: &'static [u8]) -> Result<v1::PluginHttpRequest, ApiError> {
    Ok(v1::PluginHttpRequest { part: Some(plugin_http_request::Part::Body(bytes.into())) })
}

async fn bodies(mut parts: Parts<v1::PluginHttpResponse>) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        if let Some(plugin_http_response::Part::Body(body)) = part?.part {
            bytes.extend_from_slice(&body);
        }
    }
    Ok(bytes)
}

#[tokio::test]
async fn an_exchange_goes_both_ways_and_either_side_can_fail() {
    let (api, _, _folder) = api().await;
    let whole = api.plugin_http(stream::iter([body(b"ab"), body(b"c")]).boxed()).await.unwrap();
    assert_eq!(bodies(whole).await.unwrap(), b"abc");
    let failing = api.plugin_http(stream::iter([body(b"ab"), body(b"fail")]).boxed()).await.unwrap();
    assert_eq!(bodies(failing).await.unwrap_err().to_string(), "the target failed");
    let broken = stream::iter([body(b"ab"), Err(ApiError::plain("cannot read"))]);
    // The first answer is there before the failure: it is seen in the stream, not in the call.
    let broken = stream::iter([body(b"x")]).chain(broken).boxed();
    let error = match api.plugin_http(broken).await {
        Ok(parts) => bodies(parts).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.to_string(), "cannot read");
}

#[tokio::test]
async fn a_method_of_a_newer_peer_is_not_supported() {
    let (channel, _folder) = serve(Arc::new(Nothing), Arc::new(Nothing)).await;
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/mattermost.plugin.v1.PluginApi/GetTomorrow");
    let codec = tonic_prost::ProstCodec::<v1::GetUserRequest, v1::GetUserResponse>::default();
    let status = grpc.unary(Request::new(v1::GetUserRequest::default()), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(is_not_supported("GetTomorrow", Some(&ApiError::from(status))));
}

#[test]
fn values_are_small() {
    assert!(size_of::<v1::Value>() <= 40, "{}", size_of::<v1::Value>());
}

/// What comes of an upload whose request has this body.
async fn uploaded(frames: Vec<Result<Frame<Bytes>, Status>>) -> Result<i64, Code> {
    let body = Body::new(StreamBody::new(stream::iter(frames)));
    let request = http::Request::builder().uri("/mattermost.plugin.v1.PluginApi/UploadData");
    let request = request.header("content-type", "application/grpc").body(body).unwrap();
    let response = ApiService::new(Arc::new(Some_::default())).call(request).await.unwrap();
    let refused = Status::from_header_map(response.headers());
    let answer = response.into_body().collect().await.unwrap();
    let status = refused.or_else(|| Status::from_header_map(answer.trailers()?)).expect("it has a status");
    match status.code() {
        Code::Ok => {
            let answer = v1::UploadDataResponse::decode(answer.to_bytes().slice(5..)).unwrap();
            Ok(answer.file_info.unwrap().size)
        }
        code => Err(code),
    }
}

#[tokio::test]
async fn a_request_is_over_only_when_its_sender_has_ended_it() {
    let data = |bytes: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(bytes)));
    let trailers = || Ok(Frame::trailers(http::HeaderMap::new()));
    let message = [&[0, 0, 0, 0, 6], &content(b"data").unwrap().encode_to_vec()[..]].concat();
    assert_eq!(uploaded(vec![data(&message), data(&message)]).await, Ok(8));
    assert_eq!(uploaded(vec![data(&message), trailers()]).await, Ok(4));
    assert_eq!(uploaded(message.iter().map(|it| data(&[*it])).collect()).await, Ok(4));
    assert_eq!(uploaded(vec![]).await, Ok(0));
    for cut in 1..message.len() {
        let half = &message[..cut];
        for frames in [vec![data(&message), data(half)], vec![data(&message), data(half), trailers()]] {
            assert_eq!(uploaded(frames).await, Err(Code::Aborted), "{half:?}");
        }
    }
    assert_eq!(uploaded(vec![data(&message), Err(Status::cancelled("reset"))]).await, Err(Code::Aborted));
    assert_eq!(uploaded(vec![data(&message), Err(Status::internal("reset"))]).await, Err(Code::Internal));
}
