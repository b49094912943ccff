//! `OnActivate`: the server's API becomes reachable, and the plugin starts.
//!
//! Whatever goes wrong must be told in the result. An error of the call itself, as net/rpc has them, and the death of the process too,
//! the server takes for success.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mm_gob::codec::Struct;
use mm_goplugin::rpc::{Client, Limits, Reply};
use mm_goplugin::{Broker, BrokerError};
use mm_proto::gob::Returned;
use mm_proto::netrpc::{Activation, ApiClient, OnActivateReturns, for_server};
use mm_proto::plugin::v1::{ErrorValue, OnActivateRequest, OnActivateResponse, OnConfigurationChangeRequest};
use mm_proto::{ApiError, PluginApi, PluginHooks};
use tonic::Code;

use super::service::{Desk, Progress};
use super::streams::ApiStreams;
use crate::log::LogLevel;

/// How long the end of a plugin that died while it was activated may take to be explained.
const EXPLANATION: Duration = Duration::from_secs(2);

/// How long a plugin is watched after its `OnActivate` has returned: a crash in another thread takes a moment.
const AFTERMATH: Duration = Duration::from_millis(100);

/// Answers the call.
pub(super) async fn run(desk: Arc<Desk>, broker: Broker, streams: Activation) -> Result<Reply, String> {
    let activation = AssertUnwindSafe(activate(&desk, &broker, streams)).catch_unwind().await;
    let error = activation.unwrap_or_else(|panic| Err(text_error(panic_text(panic.as_ref())))).err();
    let progress = if error.is_none() { Progress::Active } else { Progress::Refused };
    let told = desk.progress.clone();
    let tell = move || {
        told.send_replace(progress);
    };
    let returns = Returned::<OnActivateResponse, _> { value: OnActivateResponse {}, error };
    Ok(Reply::new::<Struct<OnActivateReturns>, _>(returns).once_sent(tell))
}

async fn activate(desk: &Arc<Desk>, broker: &Broker, streams: Activation) -> Result<(), ErrorValue> {
    let plugin = desk.plugin().ok_or_else(|| text_error("the host has no plugin yet".to_owned()))?;
    // At once: the server waits 5 s for both.
    let (api, driver) = tokio::join!(dial(broker, streams.api), dial(broker, streams.driver));
    let api = api.map_err(|error| text_error(format!("the server's plugin API cannot be reached: {error}")))?;
    let driver = driver.map_err(|error| format!("the server's SQL service cannot be reached: {error}"));
    if let Err(why) = &driver {
        desk.logs.say(LogLevel::Warn, why);
    }
    plugin.connect_sql(driver).await;
    watch(desk.clone(), api.clone());
    let streams = Arc::new(ApiStreams::new(api.clone(), broker.clone()));
    let api: Arc<dyn PluginApi> = Arc::new(ApiClient::new(api).with_streams(streams));
    desk.logs.connect(api.clone());

    let hooks = plugin.connect(api).await.map_err(text_error)?;
    let hooks = desk.hooks.get_or_init(|| hooks);
    if let Err(error) = call_hooks(desk, &**hooks).await {
        // When the plugin died of it, its last words say more than the call that it did not answer.
        let died = matches!(&error, ApiError::Transport(status) if status.code() == Code::Unavailable);
        let why = if died { tokio::time::timeout(EXPLANATION, plugin.failed()).await.ok() } else { None };
        return Err(why.map_or_else(|| error_value(error), text_error));
    }
    // One that dies of it after its answer is not active either, and later there is nobody to tell.
    if let Ok(why) = tokio::time::timeout(AFTERMATH, plugin.failed()).await {
        return Err(text_error(why));
    }
    plugin.activated().await;
    Ok(())
}

async fn dial(broker: &Broker, id: u32) -> Result<Client, BrokerError> {
    let (read, write) = broker.dial(id).await?.into_split();
    Ok(Client::new(read, write, Limits::default()))
}

/// Notes the end of the connection to the API: there is no way to get another one in the same activation.
fn watch(desk: Arc<Desk>, api: Client) {
    tokio::spawn(async move {
        let reason = api.closed().await;
        desk.lose(format!("the connection to the server's plugin API is over: {reason}"));
    });
}

/// What Go plugins do when they are activated. `OnConfigurationChange` comes first, and its failure is nobody's business but the log's.
async fn call_hooks(desk: &Desk, hooks: &dyn PluginHooks) -> Result<(), ApiError> {
    let implemented = desk.implemented().await;
    if implemented.contains("OnConfigurationChange")
        && let Err(error) = hooks.on_configuration_change(OnConfigurationChangeRequest {}).await
    {
        desk.logs.say(LogLevel::Error, format!("OnConfigurationChange failed: {}", error_value(error).message));
    }
    if implemented.contains("OnActivate") {
        hooks.on_activate(OnActivateRequest {}).await?;
    }
    Ok(())
}

fn text_error(message: String) -> ErrorValue {
    ErrorValue { message, ..ErrorValue::default() }
}

/// An error as a value that travels.
fn error_value(error: ApiError) -> ErrorValue {
    let message = match &error {
        ApiError::Transport(status) => status.message().to_owned(),
        other => other.to_string(),
    };
    match error {
        ApiError::App(app) => {
            ErrorValue { message, app_error: Some(Box::new(for_server(app))), ..ErrorValue::default() }
        }
        ApiError::Plain(value) if !value.message.is_empty() => value,
        _ if message.is_empty() => text_error("it failed without saying why".to_owned()),
        _ => text_error(message),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("mm-host panicked: {}", text.unwrap_or("no reason given"))
}
