//! A configuration between servers and plugins of different ages, and what gob loses of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use mm_gob::codec::{Bool, Ptr, Str};
use mm_gob::{Zeros, gob_struct};
use mm_goplugin::rpc::{CallError, Reply};

use super::*;
use crate::gob::InterfaceField;
use crate::netrpc::UNKNOWN_SETTINGS;

/// A server's settings, sent as Go sends them: what is zero is lost.
#[derive(Debug, Clone, Default, PartialEq)]
struct ServiceSettings {
    site_url: Option<String>,
    enable_developer: Option<bool>,
    trusted: Vec<String>,
    mood: Option<String>,
}

/// `ServiceSettings` as our server has it, and as a newer one has it.
struct Known;
struct Newer;

gob_struct! {
    Known => ServiceSettings as "ServiceSettings" {
        "SiteURL" => site_url: Ptr<Str>,
        "EnableDeveloper" => enable_developer: Ptr<Bool>,
        "TrustedProxyIPHeader" => trusted: mm_gob::codec::Slice<Str>,
    }
}

gob_struct! {
    Newer => ServiceSettings as "ServiceSettings" {
        "SiteURL" => site_url: Ptr<Str>,
        "EnableDeveloper" => enable_developer: Ptr<Bool>,
        "Mood" => mood: Ptr<Str>,
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Config {
    service_settings: ServiceSettings,
}

/// `Config` over one of the shapes above.
struct Of<S>(std::marker::PhantomData<S>);

gob_struct! { Of<Known> => Config as "Config" { "ServiceSettings" => service_settings: Struct<Known> } }
gob_struct! { Of<Newer> => Config as "Config" { "ServiceSettings" => service_settings: Struct<Newer> } }

/// What is passed around: `{A *model.Config}`, and an error behind it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Message {
    config: Option<Config>,
    error: Option<ErrorValue>,
}

struct Single<S>(std::marker::PhantomData<S>);
gob_struct! { Single<Known> => Message as "" { "A" => config: Ptr<Struct<Of<Known>>> } }
gob_struct! { Single<Newer> => Message as "" { "A" => config: Ptr<Struct<Of<Newer>>> } }

struct Pair<S>(std::marker::PhantomData<S>);
gob_struct! { Pair<Known> => Message as "" { "A" => config: Ptr<Struct<Of<Known>>>, "B" => error: InterfaceField } }
gob_struct! { Pair<Newer> => Message as "" { "A" => config: Ptr<Struct<Of<Newer>>>, "B" => error: InterfaceField } }

fn message(service_settings: ServiceSettings) -> Message {
    Message { config: Some(Config { service_settings }), error: None }
}

fn off() -> ServiceSettings {
    ServiceSettings {
        site_url: Some("http://x".into()),
        enable_developer: Some(false),
        trusted: Vec::new(),
        mood: Some("sad".into()),
    }
}

/// A server with settings of the shape `S`.
struct Server<S> {
    asked: AtomicUsize,
    saved: Mutex<Option<Message>>,
    shape: std::marker::PhantomData<fn() -> S>,
}

impl<S: 'static> Server<S> {
    fn new() -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), saved: Mutex::default(), shape: std::marker::PhantomData })
    }
}

impl<S: 'static> Service for Server<S>
where
    Single<S>: GobStruct<Message>,
    S: Send + Sync,
{
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "GetConfig" | "GetUnsanitizedConfig" => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Ok(Box::pin(async { Ok(Reply::new::<Struct<Single<S>>, _>(message(off()))) }))
            }
            "SaveConfig" => {
                *self.saved.lock().unwrap() = Some(args.read::<Struct<Single<S>>, Message>()?);
                Ok(Box::pin(async { Ok(Reply::empty()) }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

fn service_settings(config: &v1::Config) -> &v1::ServiceSettings {
    config.service_settings.as_ref().expect("the server sent it")
}

#[tokio::test]
async fn absent_means_zero_and_zero_is_sent_back_as_such() {
    let server = Server::<Known>::new();
    let client = ApiClient::new(connect(server.clone()));
    let config = client.get_config(Default::default()).await.unwrap().config.unwrap();
    assert_eq!(service_settings(&config).site_url.as_deref(), Some("http://x"));
    assert_eq!(service_settings(&config).enable_developer, Some(false), "lost by gob, and back");
    let unsanitized = client.get_unsanitized_config(Default::default()).await.unwrap().config;
    assert_eq!(unsanitized.as_ref(), Some(&config));
    client.save_config(v1::SaveConfigRequest { config: Some(config) }).await.unwrap();
    let saved = server.saved.lock().unwrap().clone().unwrap().config.unwrap().service_settings;
    assert_eq!(saved, ServiceSettings { mood: None, ..off() });
    assert_eq!(server.asked.load(Ordering::SeqCst), 2, "what was learnt before is enough");
}

#[tokio::test]
async fn a_configuration_that_would_reset_newer_settings_is_not_saved() {
    let server = Server::<Newer>::new();
    let client = ApiClient::new(connect(server.clone()));
    for _ in 0..2 {
        let ApiError::App(error) = client.save_config(Default::default()).await.unwrap_err() else { panic!() };
        assert_eq!((error.id.as_str(), error.r#where.as_str()), (UNKNOWN_SETTINGS, "SaveConfig"));
        assert!(error.message.contains("(ServiceSettings.Mood)"), "{}", error.message);
    }
    assert_eq!(*server.saved.lock().unwrap(), None);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}

/// Answers with what is given, or with what came.
#[derive(Clone)]
struct Plugin {
    answer: fn(v1::Config) -> Result<Option<v1::Config>, ApiError>,
}

#[async_trait]
impl PluginHooks for Plugin {
    async fn configuration_will_be_saved(
        &self,
        request: v1::ConfigurationWillBeSavedRequest,
    ) -> Result<v1::ConfigurationWillBeSavedResponse, ApiError> {
        let config = request.new_config.expect("the server sent it");
        assert_eq!(service_settings(&config).enable_developer, Some(false));
        (self.answer)(config).map(|config| v1::ConfigurationWillBeSavedResponse { config })
    }
}

async fn will_be_saved<S: 'static>(
    answer: fn(v1::Config) -> Result<Option<v1::Config>, ApiError>,
    over: Message,
) -> Result<Message, CallError>
where
    Single<S>: GobStruct<Message>,
    Pair<S>: GobStruct<Message>,
{
    let client = connect(Arc::new(HooksService::new(Arc::new(Plugin { answer }))));
    let (method, zeros) = ("Plugin.ConfigurationWillBeSaved", Zeros::Omit);
    client.call_over::<Struct<Single<S>>, _, Struct<Pair<S>>, _>(method, &message(off()), &zeros, over).await
}

fn with_another_url(mut config: v1::Config) -> Result<Option<v1::Config>, ApiError> {
    config.service_settings.get_or_insert_default().site_url = Some(String::new());
    Ok(Some(config))
}

#[tokio::test]
async fn a_plugin_can_change_a_configuration_that_it_knows_whole() {
    // Read over other settings: what is not sent would stay.
    let other =
        ServiceSettings { enable_developer: Some(true), trusted: vec!["x".into()], ..ServiceSettings::default() };
    let changed = will_be_saved::<Known>(with_another_url, message(other)).await.unwrap();
    let expected = ServiceSettings { site_url: Some(String::new()), mood: None, ..off() };
    assert_eq!(changed, message(expected));
}

#[tokio::test]
async fn what_changes_no_setting_is_not_sent() {
    assert_eq!(will_be_saved::<Known>(|_| Ok(None), Message::default()).await.unwrap(), Message::default());
    assert_eq!(
        will_be_saved::<Known>(|config| Ok(Some(config)), Message::default()).await.unwrap(),
        Message::default()
    );
    assert_eq!(
        will_be_saved::<Newer>(|config| Ok(Some(config)), Message::default()).await.unwrap(),
        Message::default()
    );
}

#[tokio::test]
async fn a_change_that_would_reset_newer_settings_is_an_error_that_the_server_logs() {
    let error = will_be_saved::<Newer>(with_another_url, Message::default()).await.unwrap_err();
    assert!(error.to_string().contains("ServiceSettings.Mood"), "{error}");
}

#[tokio::test]
async fn a_plugin_can_refuse_and_a_failure_does_not() {
    let refused =
        will_be_saved::<Newer>(|_| Err(ApiError::plain("not on a Friday")), Message::default()).await.unwrap();
    assert_eq!((refused.config, refused.error.unwrap().message.as_str()), (None, "not on a Friday"));
    let failed =
        will_be_saved::<Known>(|_| Err(ApiError::Transport(tonic::Status::unavailable("gone"))), Message::default())
            .await;
    assert!(matches!(failed, Err(CallError::Remote(text)) if text.contains("gone")));
}
