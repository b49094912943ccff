//! What becomes of a handler's answer on its way to the server.

use std::collections::BTreeMap;

use mm_gob::codec::Slice;
use mm_goplugin::rpc::{CallError, Empty, Reply};
use mm_goplugin::testing;
use mm_goplugin::{Broker, Plugins};
use tonic::Status;

use super::*;
use crate::gob::hooks as gob;
use crate::netrpc::{Activation, OnActivateArgs, OnActivateReturns, serve_hook};

/// Answers the same whatever it is asked.
#[derive(Clone, Default)]
struct Plugin {
    post: Option<v1::Post>,
    reason: String,
    /// In place of anything else.
    error: Option<ApiError>,
}

impl Plugin {
    fn answer<T>(&self, response: T) -> Result<T, ApiError> {
        self.error.clone().map_or(Ok(response), Err)
    }
}

#[async_trait]
impl PluginHooks for Plugin {
    async fn message_will_be_posted(
        &self,
        _: v1::MessageWillBePostedRequest,
    ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
        self.answer(v1::MessageWillBePostedResponse { post: self.post.clone(), reason: self.reason.clone() })
    }

    async fn message_will_be_updated(
        &self,
        _: v1::MessageWillBeUpdatedRequest,
    ) -> Result<v1::MessageWillBeUpdatedResponse, ApiError> {
        self.answer(v1::MessageWillBeUpdatedResponse { post: self.post.clone(), reason: self.reason.clone() })
    }

    async fn notification_will_be_pushed(
        &self,
        request: v1::NotificationWillBePushedRequest,
    ) -> Result<v1::NotificationWillBePushedResponse, ApiError> {
        let push_notification = request.push_notification;
        self.answer(v1::NotificationWillBePushedResponse { push_notification, reason: String::new() })
    }

    async fn execute_command(&self, _: v1::ExecuteCommandRequest) -> Result<v1::ExecuteCommandResponse, ApiError> {
        self.answer(v1::ExecuteCommandResponse::default())
    }

    async fn on_saml_login(&self, _: v1::OnSamlLoginRequest) -> Result<v1::OnSamlLoginResponse, ApiError> {
        self.answer(v1::OnSamlLoginResponse {})
    }

    async fn run_data_retention(
        &self,
        _: v1::RunDataRetentionRequest,
    ) -> Result<v1::RunDataRetentionResponse, ApiError> {
        self.answer(v1::RunDataRetentionResponse::default())
    }
}

fn value(text: &str) -> v1::Value {
    v1::Value { kind: Some(Kind::StringValue(text.into())) }
}

fn post() -> v1::Post {
    v1::Post {
        id: "p".into(),
        message: "hello".into(),
        create_at: 7,
        is_pinned: true,
        file_ids: vec!["f1".into(), "f2".into()],
        props: BTreeMap::from([("kept".to_owned(), value("old")), ("changed".to_owned(), value("old"))]),
        remote_id: Some("r".into()),
        ..Default::default()
    }
}

fn posted() -> v1::MessageWillBePostedRequest {
    v1::MessageWillBePostedRequest { context: None, post: Some(post()) }
}

#[tokio::test]
async fn a_hook_whose_answer_is_merged_can_clear_fields() {
    let replacement = v1::Post {
        message: String::new(),
        create_at: 0,
        is_pinned: false,
        file_ids: Vec::new(),
        remote_id: Some(String::new()),
        props: BTreeMap::from([("changed".to_owned(), v1::Value::default())]),
        ..post()
    };
    let client = hooks(Arc::new(Plugin { post: Some(replacement.clone()), ..Plugin::default() }));
    let merged = client.message_will_be_posted(posted()).await.unwrap().post.unwrap();
    // Only a key of a map cannot be taken away.
    let props = BTreeMap::from([("kept".to_owned(), value("old")), ("changed".to_owned(), v1::Value::default())]);
    assert_eq!(merged, v1::Post { props, ..replacement });
}

/// The answer as it is on the wire, not merged.
async fn on_the_wire(plugin: Plugin) -> v1::MessageWillBePostedResponse {
    let client = connect(Arc::new(HooksService::new(Arc::new(plugin))));
    let request = posted();
    let call = client.call::<Struct<gob::MessageWillBePostedArgs>, _, Struct<gob::MessageWillBePostedReturns>, _>(
        "Plugin.MessageWillBePosted",
        &request,
    );
    call.await.unwrap()
}

#[tokio::test]
async fn what_changes_nothing_is_not_sent() {
    assert_eq!(on_the_wire(Plugin { post: Some(post()), ..Plugin::default() }).await, Default::default());
    assert_eq!(on_the_wire(Plugin::default()).await, Default::default());
    let refused = on_the_wire(Plugin { reason: "no".into(), ..Plugin::default() }).await;
    assert_eq!((refused.post, refused.reason.as_str()), (None, "no"));
    let push_notification = Some(v1::PushNotification { message: "m".into(), ..Default::default() });
    let request = v1::NotificationWillBePushedRequest { push_notification, user_id: "u".into() };
    let answer = hooks(Arc::new(Plugin::default())).notification_will_be_pushed(request).await.unwrap();
    assert_eq!(answer.push_notification, None);
}

#[tokio::test]
async fn an_edit_that_nobody_objects_to_is_sent_back() {
    let edited = || v1::MessageWillBeUpdatedRequest {
        context: None,
        new_post: Some(post()),
        old_post: Some(v1::Post::default()),
    };
    let allowed = hooks(Arc::new(Plugin::default())).message_will_be_updated(edited()).await.unwrap();
    assert_eq!(allowed.post, Some(post()));
    let refusing = Plugin { reason: "no".into(), ..Plugin::default() };
    let refused = hooks(Arc::new(refusing)).message_will_be_updated(edited()).await.unwrap();
    assert_eq!((refused.post, refused.reason.as_str()), (None, "no"));
    let other = v1::Post { message: "other".into(), ..Default::default() };
    let replacing = Plugin { post: Some(other.clone()), ..Plugin::default() };
    let replaced = hooks(Arc::new(replacing)).message_will_be_updated(edited()).await.unwrap();
    assert_eq!(replaced.post, Some(other), "taken as it comes");
}

fn failing(error: ApiError) -> HooksClient {
    hooks(Arc::new(Plugin { error: Some(error), ..Plugin::default() }))
}

#[tokio::test]
async fn a_hook_without_an_error_result_fails_as_a_call() {
    let client = failing(ApiError::Transport(Status::deadline_exceeded("no answer within 5 s")));
    let error = client.message_will_be_posted(posted()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Internal: MessageWillBePosted: the plugin answered: \
         MessageWillBePosted failed: DeadlineExceeded: no answer within 5 s"
    );
}

#[tokio::test]
async fn an_error_result_takes_every_failure_and_suits_the_server() {
    let client = failing(ApiError::Transport(Status::deadline_exceeded("no answer within 5 s")));
    let ApiError::App(error) = client.execute_command(Default::default()).await.unwrap_err() else { panic!() };
    assert_eq!(
        (error.message.as_str(), error.status_code, error.skip_translation),
        ("no answer within 5 s", 504, true)
    );
    assert_eq!(error.r#where, "ExecuteCommand");
    let ApiError::Plain(error) = client.run_data_retention(Default::default()).await.unwrap_err() else { panic!() };
    assert_eq!(error.message, "no answer within 5 s");
    let client = failing(ApiError::app("my.id", "My words.", 0, "There"));
    let ApiError::App(error) = client.execute_command(Default::default()).await.unwrap_err() else { panic!() };
    assert_eq!((error.id.as_str(), error.status_code, error.skip_translation), ("my.id", 500, true));
    let client = failing(ApiError::plain("Plain words."));
    let ApiError::App(error) = client.execute_command(Default::default()).await.unwrap_err() else { panic!() };
    assert_eq!((error.message.as_str(), error.status_code), ("Plain words.", 500));
}

#[tokio::test]
async fn only_the_plugins_own_words_refuse_a_login() {
    let client = failing(ApiError::plain("not you"));
    assert_eq!(client.on_saml_login(Default::default()).await.unwrap_err().to_string(), "not you");
    let client = failing(ApiError::Transport(Status::unavailable("the process is gone")));
    let error = client.on_saml_login(Default::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "an error of the call, which the server only logs");
}

/// A plugin as a host composes it: by hand what concerns the process, the rest generated.
struct Composed(Arc<dyn PluginHooks>);

impl Service for Composed {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        if let Some(running) = serve_hook(&self.0, method, args) {
            return running;
        }
        match method {
            "Implemented" => {
                args.read::<Struct<Empty>, Empty>()?;
                let names = vec!["MessageWillBePosted".to_owned()];
                Ok(Box::pin(async { Ok(Reply::new::<Slice<mm_gob::codec::Str>, Vec<String>>(names)) }))
            }
            "OnActivate" => {
                let streams = args.read::<Struct<OnActivateArgs>, Activation>()?;
                Ok(Box::pin(async move {
                    let result = match streams {
                        Activation { api: 1, driver: 2 } => Ok(v1::OnActivateResponse {}),
                        _ => Err(ErrorValue { message: "no streams".into(), ..Default::default() }),
                    };
                    Ok(Reply::new::<Struct<OnActivateReturns>, _>(Returned::from(result)))
                }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

impl Plugins for Composed {
    fn dispense(&self, name: &str, _: &Broker) -> Option<Arc<dyn Service>> {
        (name == "hooks").then(|| Arc::new(Composed(Arc::clone(&self.0))) as Arc<dyn Service>)
    }
}

#[tokio::test]
async fn hooks_are_served_in_a_session_of_go_plugin() {
    let plugin = Plugin { reason: "no".into(), ..Plugin::default() };
    let (_session, host) = testing::pair(Arc::new(Composed(Arc::new(plugin)))).await;
    let rpc = host.dispense("hooks").await.unwrap();
    let client = HooksClient::new(rpc.clone());
    assert_eq!(client.implemented().await.unwrap(), ["MessageWillBePosted"]);
    client.activate(Activation { api: 1, driver: 2 }).await.unwrap();
    assert_eq!(client.activate(Activation::default()).await.unwrap_err().to_string(), "no streams");
    assert!(client.on_activate(Default::default()).await.unwrap_err().to_string().contains("HooksClient::activate"));
    assert_eq!(client.message_will_be_posted(posted()).await.unwrap().reason, "no");
    let error = rpc.call::<Struct<Empty>, _, Struct<Empty>, Empty>("Plugin.ServeHTTP", &Empty).await.unwrap_err();
    assert!(matches!(&error, CallError::Remote(_)) && error.is_method_missing(), "{error}");
}
