//! Both traits over real connections of net/rpc, with nothing of Go.

mod config;
mod hooks;

#[rustfmt::skip]
#[path = "../generated/netrpc/api_calls.rs"]
mod api_calls;
#[rustfmt::skip]
#[path = "../generated/netrpc/hooks_calls.rs"]
mod hooks_calls;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mm_gob::GobStruct;
use mm_gob::codec::{Codec, Struct};
use mm_goplugin::rpc::{Args, Client, Limits, Refusal, Running, Server, Service};
use tonic::Code;

use super::{ApiClient, ApiService, HooksClient, HooksService};
use crate::error::{ApiError, NOT_SUPPORTED};
use crate::gob::{Returned, random};
use crate::plugin::v1::value::Kind;
use crate::plugin::v1::{self, AppError, ErrorValue};
use crate::{API_METHODS, HOOKS, MethodInfo, PluginApi, PluginHooks, Shape};

/// A client of a service, over a pipe.
fn connect(service: Arc<dyn Service>) -> Client {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(theirs);
    tokio::spawn(Server::new().register("Plugin", service).serve(read, write));
    let (read, write) = tokio::io::split(ours);
    Client::new(read, write, Limits::default())
}

fn api(target: Arc<dyn PluginApi>) -> ApiClient {
    ApiClient::new(connect(Arc::new(ApiService::new(target))))
}

fn hooks(target: Arc<dyn PluginHooks>) -> HooksClient {
    HooksClient::new(connect(Arc::new(HooksService::new(target))))
}

/// Takes the next request if it is the one expected, and answers what it was told to.
#[derive(Clone, Default)]
struct Double {
    next: Arc<Mutex<Option<Next>>>,
}

struct Next {
    method: &'static str,
    request: Box<dyn Any + Send>,
    result: Box<dyn Any + Send>,
}

impl Double {
    fn answer<Q, R>(&self, method: &'static str, request: Q) -> Result<R, ApiError>
    where
        Q: PartialEq + Debug + 'static,
        R: Default + 'static,
    {
        let mut next = self.next.lock().unwrap();
        if method == "GetConfig" && next.as_ref().is_some_and(|it| it.method == "SaveConfig") {
            // The client asks what settings there are.
            return Ok(R::default());
        }
        let next = next.take().unwrap_or_else(|| panic!("{method} was not called"));
        assert_eq!(next.method, method);
        assert_eq!(*next.request.downcast::<Q>().unwrap(), request, "{method}");
        *next.result.downcast::<Result<R, ApiError>>().unwrap()
    }

    /// Calls a method that is to arrive at this double, and compares what comes back with what the double answers.
    async fn exchange<Q, R, F>(
        &self,
        method: &'static str,
        request: Q,
        result: Result<R, ApiError>,
        call: impl FnOnce(Q) -> F,
    ) where
        Q: Clone + Send + 'static,
        R: Clone + PartialEq + Debug + Send + 'static,
        F: Future<Output = Result<R, ApiError>>,
    {
        let next = Next { method, request: Box::new(request.clone()), result: Box::new(result.clone()) };
        *self.next.lock().unwrap() = Some(next);
        match (call(request).await, result) {
            (Ok(back), Ok(response)) => assert_eq!(back, response, "{method}"),
            (back, result) => assert_eq!(format!("{back:?}"), format!("{result:?}"), "{method}"),
        }
        assert!(self.next.lock().unwrap().is_none(), "{method} did not arrive");
    }
}

fn filled<C: Codec<T>, T: Default>(seed: u64) -> T {
    random::filled::<C, T>("", seed)
}

/// What a method answers that can fail: now this, now that.
fn outcome<S, T, E>(seed: u64) -> Result<T, ApiError>
where
    S: GobStruct<Returned<T, E>>,
    T: Default + 'static,
    E: Sample,
    ApiError: From<E>,
{
    if seed.is_multiple_of(2) {
        return Err(E::sample(seed).into());
    }
    Ok(filled::<Struct<S>, Returned<T, E>>(seed).value)
}

trait Sample: Default + 'static {
    fn sample(seed: u64) -> Self;
}

impl Sample for AppError {
    fn sample(seed: u64) -> Self {
        Self {
            id: format!("app.error.{seed}"),
            message: "No, ünfortunately.".into(),
            detailed_error: "because".into(),
            request_id: "r".into(),
            status_code: 404,
            r#where: "There".into(),
            skip_translation: true,
        }
    }
}

impl Sample for ErrorValue {
    fn sample(seed: u64) -> Self {
        let app = AppError::sample(seed);
        let postgres =
            v1::PostgresError { message: "duplicate key".into(), code: "23505".into(), ..Default::default() };
        match seed / 2 % 3 {
            0 => Self { code: 2, message: "sql: no rows in result set".into(), ..Self::default() },
            1 => Self { message: app.message.clone(), app_error: Some(Box::new(app)), ..Self::default() },
            _ => Self {
                message: "pq: duplicate key".into(),
                postgres_error: Some(Box::new(postgres)),
                ..Self::default()
            },
        }
    }
}

#[tokio::test]
async fn every_api_method_takes_and_answers_what_it_was_given() {
    let double = Double::default();
    let client = api(Arc::new(double.clone()));
    for seed in 1..=6 {
        let called = api_calls::call_every_method(&client, &double, seed).await;
        let unary = API_METHODS.iter().filter(|it| it.shape == Shape::Unary && it.go != "LoadPluginConfiguration");
        assert_eq!(called, unary.map(|it| it.go).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn every_hook_takes_and_answers_what_it_was_given() {
    let double = Double::default();
    let client = hooks(Arc::new(double.clone()));
    for seed in 1..=6 {
        let called = hooks_calls::call_every_method(&client, &double, seed).await;
        let unary = HOOKS.iter().filter(|it| it.shape == Shape::Unary && it.go != "OnActivate");
        assert_eq!(called, unary.map(|it| it.go).collect::<Vec<_>>());
    }
}

struct Nothing;
impl PluginApi for Nothing {}
impl PluginHooks for Nothing {}

/// A server that is older than every method, or knows all and has none.
struct Old {
    words: fn(&str) -> Option<String>,
}

impl Service for Old {
    fn call(&self, method: &str, _: &mut Args<'_>) -> Result<Running, Refusal> {
        Err((self.words)(method).map_or(Refusal::NoSuchMethod, Refusal::Other))
    }
}

#[tokio::test]
async fn a_method_that_the_server_lacks_is_told_with_the_version_that_has_it() {
    let words: [fn(&str) -> Option<String>; 3] = [
        |_| None,
        |method| Some(format!("API {method} called but not implemented.")),
        |method| Some(format!("API {method} called but not implemented")),
    ];
    for words in words {
        let client = ApiClient::new(connect(Arc::new(Old { words })));
        let error = client.send_toast_message(Default::default()).await.unwrap_err();
        let ApiError::App(error) = error else { panic!("{error:?}") };
        let since = MethodInfo::find("SendToastMessage").unwrap().since;
        assert_eq!((error.id.as_str(), error.status_code), (NOT_SUPPORTED, 501));
        assert!(error.message.contains("SendToastMessage") && error.message.contains(since), "{}", error.message);
    }
}

/// Every method by its name, through the gRPC tests' list, against those who have none.
#[tokio::test]
async fn what_an_implementation_does_not_have_is_not_supported() {
    let answers = crate::grpc::call_every_api_method(&api(Arc::new(Nothing))).await;
    assert_eq!(answers.len(), API_METHODS.len());
    for (method, error) in &answers {
        assert!(error.as_ref().is_some_and(ApiError::is_not_supported), "{method}: {error:?}");
    }
    let answers = crate::grpc::call_every_hook(&hooks(Arc::new(Nothing))).await;
    assert_eq!(answers.len(), HOOKS.len());
    for (hook, error) in &answers {
        assert!(error.as_ref().is_some_and(ApiError::is_not_supported), "{hook}: {error:?}");
    }
}

/// Fails as Go's servers do when a call breaks, or never answers.
struct Broken;

impl Service for Broken {
    fn call(&self, method: &str, _: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "GetServerVersion" => Ok(Box::pin(std::future::pending())),
            "GetUser" => {
                Ok(Box::pin(async { Ok(mm_goplugin::rpc::Reply::new::<mm_gob::codec::Str, _>("no".to_owned())) }))
            }
            _ => Err(Refusal::Other("gob: type mismatch".into())),
        }
    }
}

#[tokio::test]
async fn calls_that_break_say_whose_fault_it_is() {
    let client = ApiClient::new(connect(Arc::new(Broken)));
    let remote = client.get_team(Default::default()).await.unwrap_err();
    assert_eq!(remote.code(), Code::Internal);
    assert_eq!(remote.to_string(), "Internal: GetTeam: the Mattermost server answered: gob: type mismatch");
    let decode = client.get_user(Default::default()).await.unwrap_err();
    assert!(decode.code() == Code::Internal && decode.to_string().contains("GetUser"), "{decode}");
    let expires_at = Some(prost_types::Timestamp { seconds: 1, nanos: -1 });
    let custom_status = Some(v1::CustomStatus { expires_at, ..Default::default() });
    let request = v1::UpdateUserCustomStatusRequest { custom_status, ..Default::default() };
    let encode = client.update_user_custom_status(request).await.unwrap_err();
    assert_eq!(encode.code(), Code::InvalidArgument);
    // None of these has cost the connection.
    assert_eq!(client.get_team(Default::default()).await.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn a_lost_connection_is_unavailable() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(ours);
    let client = ApiClient::new(Client::new(read, write, Limits::default()));
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get_server_version(Default::default()).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(theirs);
    for error in [waiting.await.unwrap().unwrap_err(), client.get_user(Default::default()).await.unwrap_err()] {
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.to_string().contains("the connection to the Mattermost server is lost"), "{error}");
    }
}

/// Keeps what it logs, and has a configuration.
#[derive(Clone, Default)]
struct Log {
    pairs: Arc<Mutex<Vec<v1::Value>>>,
}

#[async_trait]
impl PluginApi for Log {
    async fn log_warn(&self, request: v1::LogWarnRequest) -> Result<v1::LogWarnResponse, ApiError> {
        assert_eq!(request.msg, "message");
        *self.pairs.lock().unwrap() = request.key_value_pairs;
        Ok(v1::LogWarnResponse {})
    }

    async fn load_plugin_configuration(
        &self,
        _: v1::LoadPluginConfigurationRequest,
    ) -> Result<v1::LoadPluginConfigurationResponse, ApiError> {
        if self.pairs.lock().unwrap().is_empty() {
            return Err(ApiError::plain("not yet"));
        }
        Ok(v1::LoadPluginConfigurationResponse { configuration: r#"{"key":"välue"}"#.into() })
    }
}

#[tokio::test]
async fn what_is_logged_is_text_and_the_configuration_is_json() {
    let log = Log::default();
    let client = api(Arc::new(log.clone()));
    let error = client.load_plugin_configuration(Default::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("LoadPluginConfiguration failed: not yet"), "{error}");
    let values = [
        Kind::StringValue("count".into()),
        Kind::IntValue(3),
        Kind::StringValue("nothing".into()),
        Kind::NullValue(0),
        Kind::StringValue("alone".into()),
    ];
    let key_value_pairs = values.into_iter().map(|kind| v1::Value { kind: Some(kind) }).collect();
    client.log_warn(v1::LogWarnRequest { msg: "message".into(), key_value_pairs }).await.unwrap();
    let texts = ["count", "3", "nothing", "<nil>", "alone"];
    let expected = texts.map(|text| v1::Value { kind: Some(Kind::StringValue(text.into())) });
    assert_eq!(*log.pairs.lock().unwrap(), expected);
    let response = client.load_plugin_configuration(Default::default()).await.unwrap();
    assert_eq!(&response.configuration[..], r#"{"key":"välue"}"#.as_bytes());
}

/// Opens streams, of a sort.
struct Streams;

#[async_trait]
impl PluginApi for Streams {
    async fn upload_data(
        &self,
        _: crate::grpc::Parts<v1::UploadDataRequest>,
    ) -> Result<v1::UploadDataResponse, ApiError> {
        Ok(v1::UploadDataResponse { file_info: Some(v1::FileInfo { id: "f".into(), ..Default::default() }) })
    }
}

#[tokio::test]
async fn streams_are_left_to_who_is_given_for_them() {
    use futures::StreamExt as _;
    let client = api(Arc::new(Nothing)).with_streams(Arc::new(Streams));
    let uploaded = client.upload_data(futures::stream::empty().boxed()).await.unwrap();
    assert_eq!(uploaded.file_info.unwrap().id, "f");
}

#[test]
fn routes_are_sorted_and_none_is_missing() {
    let names = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<BTreeSet<_>>();
    let api: Vec<_> = super::api_routes::ROUTES.iter().map(|it| it.name).collect();
    assert!(api.is_sorted());
    let missing = &names(&mut API_METHODS.iter().map(|it| it.go)) - &names(&mut api.into_iter());
    let expected = ["InstallPlugin", "LoadPluginConfiguration", "PluginHTTP", "UploadData"];
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), expected);
    let hooks: Vec<_> = super::hooks_routes::ROUTES.iter().map(|it| it.name).collect();
    assert!(hooks.is_sorted());
    let missing = &names(&mut HOOKS.iter().map(|it| it.go)) - &names(&mut hooks.into_iter());
    let expected = ["FileWillBeUploaded", "OnActivate", "ServeHTTP", "ServeMetrics"];
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), expected);
}
