//! Calls whose structs upstream writes by hand: `LoadPluginConfiguration`, `Implemented`, `OnActivate`.

use mm_gob::codec::{Bytes, Slice, Str, Struct, Uint};
use mm_gob::gob_struct;
use mm_goplugin::rpc::{Args, Empty, Refusal, Reply, Running};

use super::client::{ApiClient, HooksClient};
use super::error::{self, Side};
use crate::error::{ApiError, NOT_SUPPORTED};
use crate::gob::{InterfaceField, Returned};
use crate::plugin::v1;
use crate::{PluginApi, PluginHooks};

/// The method that [`ApiClient`] and [`super::serve_api`] treat by hand.
pub(super) const LOAD_PLUGIN_CONFIGURATION: &str = "LoadPluginConfiguration";

struct LoadPluginConfigurationArgs;

gob_struct! {
    LoadPluginConfigurationArgs => v1::LoadPluginConfigurationRequest as "Z_LoadPluginConfigurationArgsArgs" {}
}

struct LoadPluginConfigurationReturns;

gob_struct! {
    LoadPluginConfigurationReturns => v1::LoadPluginConfigurationResponse as "Z_LoadPluginConfigurationArgsReturns" {
        "A" => configuration: Bytes,
    }
}

/// What `OnActivate` hands over: the broker's ids of two streams that the server accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activation {
    /// The API, for an [`ApiClient`].
    pub api: u32,
    /// The SQL driver.
    pub driver: u32,
}

/// The argument of `OnActivate`.
#[derive(Debug)]
pub struct OnActivateArgs;

gob_struct! {
    OnActivateArgs => Activation as "Z_OnActivateArgs" {
        "APIMuxId" => api: Uint,
        "DriverMuxId" => driver: Uint,
    }
}

/// The result of `OnActivate`: an error, which ends the activation. A call that fails otherwise counts as success.
#[derive(Debug)]
pub struct OnActivateReturns;

gob_struct! {
    OnActivateReturns => Returned<v1::OnActivateResponse, v1::ErrorValue> as "Z_OnActivateReturns" {
        "A" => error: InterfaceField,
    }
}

impl ApiClient {
    pub(super) async fn load_plugin_configuration_by_hand(
        &self,
        request: v1::LoadPluginConfigurationRequest,
    ) -> Result<v1::LoadPluginConfigurationResponse, ApiError> {
        let caller = &self.caller;
        caller
            .plain::<LoadPluginConfigurationArgs, _, LoadPluginConfigurationReturns, _>(
                LOAD_PLUGIN_CONFIGURATION,
                request,
            )
            .await
    }
}

/// Serves `LoadPluginConfiguration`, whose error Go tells as an error of the call.
pub(super) fn load_plugin_configuration(
    api: std::sync::Arc<dyn PluginApi>,
    args: &mut Args<'_>,
) -> Result<Running, Refusal> {
    let request = args.read::<Struct<LoadPluginConfigurationArgs>, v1::LoadPluginConfigurationRequest>()?;
    Ok(Box::pin(async move {
        let result = api.load_plugin_configuration(request).await;
        let response = result.map_err(|error| error::text(Side::Server, LOAD_PLUGIN_CONFIGURATION, &error))?;
        Ok(Reply::new::<Struct<LoadPluginConfigurationReturns>, _>(response))
    }))
}

impl HooksClient {
    /// Asks for the Go names of the hooks that the plugin has.
    ///
    /// # Errors
    /// The connection is lost, or the plugin answers something else.
    pub async fn implemented(&self) -> Result<Vec<String>, ApiError> {
        let client = self.client();
        let names = client.call::<Struct<Empty>, _, Slice<Str>, Vec<String>>("Plugin.Implemented", &Empty).await;
        names.map_err(|error| error::failed(Side::Plugin, "Implemented", &error))
    }

    /// Activates the plugin, which dials the two streams.
    ///
    /// # Errors
    /// The plugin's own, or that of the call.
    pub async fn activate(&self, streams: Activation) -> Result<(), ApiError> {
        let caller = &self.caller;
        let activated = caller
            .fallible::<OnActivateArgs, _, OnActivateReturns, v1::OnActivateResponse, v1::ErrorValue>(
                "OnActivate",
                streams,
            );
        activated.await.map(drop)
    }

    /// The trait's method has no place for the two streams.
    pub(super) async fn on_activate_by_hand(
        &self,
        _: v1::OnActivateRequest,
    ) -> Result<v1::OnActivateResponse, ApiError> {
        let message = "Over net/rpc OnActivate hands over two streams: call HooksClient::activate with them.";
        Err(ApiError::app(NOT_SUPPORTED, message, 501, "OnActivate"))
    }
}

/// What stands in for those who can open streams until they are given.
pub(super) struct NoStreams;

fn no_streams(method: &str) -> ApiError {
    let message = format!("{method} carries a stream, and this end of net/rpc was given no way to open one.");
    ApiError::app(NOT_SUPPORTED, message, 501, method)
}

type Parts<T> = crate::grpc::Parts<T>;

#[async_trait::async_trait]
impl PluginApi for NoStreams {
    async fn install_plugin(&self, _: Parts<v1::InstallPluginRequest>) -> Result<v1::InstallPluginResponse, ApiError> {
        Err(no_streams("InstallPlugin"))
    }

    async fn plugin_http(&self, _: Parts<v1::PluginHttpRequest>) -> Result<Parts<v1::PluginHttpResponse>, ApiError> {
        Err(no_streams("PluginHTTP"))
    }

    async fn upload_data(&self, _: Parts<v1::UploadDataRequest>) -> Result<v1::UploadDataResponse, ApiError> {
        Err(no_streams("UploadData"))
    }
}

#[async_trait::async_trait]
impl PluginHooks for NoStreams {
    async fn file_will_be_uploaded(
        &self,
        _: Parts<v1::FileWillBeUploadedRequest>,
    ) -> Result<Parts<v1::FileWillBeUploadedResponse>, ApiError> {
        Err(no_streams("FileWillBeUploaded"))
    }

    async fn serve_http(&self, _: Parts<v1::ServeHttpRequest>) -> Result<Parts<v1::ServeHttpResponse>, ApiError> {
        Err(no_streams("ServeHTTP"))
    }

    async fn serve_metrics(
        &self,
        _: Parts<v1::ServeMetricsRequest>,
    ) -> Result<Parts<v1::ServeMetricsResponse>, ApiError> {
        Err(no_streams("ServeMetrics"))
    }
}
