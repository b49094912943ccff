//! The calling ends: [`ApiClient`] and [`HooksClient`] implement the traits.

use std::sync::{Arc, OnceLock};

use mm_gob::codec::Struct;
use mm_gob::{Codec, GobStruct, Zeros};
use mm_goplugin::rpc::Client;

use super::by_hand::NoStreams;
use super::error::{self, Side, UNKNOWN_SETTINGS};
use crate::error::ApiError;
use crate::gob::{Fill, Noted, Noting, Returned, api};
use crate::plugin::v1;
use crate::{PluginApi, PluginHooks};

/// The API of a Mattermost server, over the connection that `OnActivate` gives.
///
/// Cheap to clone. A call that is dropped goes on at the server: net/rpc knows no cancelling. A method that the server lacks
/// fails with [`crate::NOT_SUPPORTED`], a lost connection with the gRPC code `UNAVAILABLE`.
#[derive(Clone)]
pub struct ApiClient {
    pub(super) caller: Caller,
    pub(super) streams: Arc<dyn PluginApi>,
}

impl ApiClient {
    /// Calls over this connection.
    pub fn new(client: Client) -> Self {
        Self { caller: Caller::new(client, Side::Server), streams: Arc::new(NoStreams) }
    }

    /// Has the methods that carry streams done by `streams`, of which nothing else is asked: `InstallPlugin`, `PluginHTTP`
    /// and `UploadData`. Without it they are not supported.
    #[must_use]
    pub fn with_streams(mut self, streams: Arc<dyn PluginApi>) -> Self {
        self.streams = streams;
        self
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.caller.client
    }
}

/// The hooks of a plugin, as a server calls them: for tests, and for programs in a server's place.
///
/// What the plugin answers is read over the original where a server does so. A hook that fails as a call is an error here; a
/// server would log it and go on.
#[derive(Clone)]
pub struct HooksClient {
    pub(super) caller: Caller,
    pub(super) streams: Arc<dyn PluginHooks>,
}

impl HooksClient {
    /// Calls over this connection: what the plugin dispenses as `hooks`.
    pub fn new(client: Client) -> Self {
        Self { caller: Caller::new(client, Side::Plugin), streams: Arc::new(NoStreams) }
    }

    /// Has the hooks that carry streams called by `streams`, of which nothing else is asked: `FileWillBeUploaded`,
    /// `ServeHTTP` and `ServeMetrics`. Without it they are not supported.
    #[must_use]
    pub fn with_streams(mut self, streams: Arc<dyn PluginHooks>) -> Self {
        self.streams = streams;
        self
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.caller.client
    }
}

/// What both clients do with a call.
#[derive(Clone)]
pub(super) struct Caller {
    client: Client,
    side: Side,
    /// The settings that the other side has and we have not. A program's types do not change, so once known is for ever.
    unknown_settings: Arc<OnceLock<Vec<String>>>,
}

impl Caller {
    fn new(client: Client, side: Side) -> Self {
        Self { client, side, unknown_settings: Arc::default() }
    }

    async fn call<A, TA, R, TR>(&self, method: &'static str, args: TA, zeros: &Zeros, over: TR) -> Result<TR, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: Codec<TR>,
        TR: Send + 'static,
    {
        let service_method = format!("Plugin.{method}");
        let result = self.client.call_over::<Struct<A>, TA, R, TR>(&service_method, &args, zeros, over).await;
        result.map_err(|error| error::failed(self.side, method, &error))
    }

    /// A method that cannot fail in Go.
    pub(super) async fn plain<A, TA, R, T>(&self, method: &'static str, args: TA) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<T>,
        T: Default + Send + 'static,
    {
        self.call::<A, TA, Struct<R>, T>(method, args, &Zeros::Omit, T::default()).await
    }

    /// A method whose results are read over those given.
    pub(super) async fn merged<A, TA, R, T>(&self, method: &'static str, args: TA, over: T) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<T>,
        T: Send + 'static,
    {
        self.call::<A, TA, Struct<R>, T>(method, args, &Zeros::Omit, over).await
    }

    /// A method whose last result is an error.
    pub(super) async fn fallible<A, TA, R, T, E>(&self, method: &'static str, args: TA) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<Returned<T, E>>,
        T: Default + Send + 'static,
        E: Default + Send + 'static,
        ApiError: From<E>,
    {
        self.fallible_with::<A, TA, R, T, E>(method, args, &Zeros::Omit).await
    }

    async fn fallible_with<A, TA, R, T, E>(&self, method: &'static str, args: TA, zeros: &Zeros) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<Returned<T, E>>,
        T: Default + Send + 'static,
        E: Default + Send + 'static,
        ApiError: From<E>,
    {
        let over = Returned { value: T::default(), error: None };
        let returned = self.call::<A, TA, Struct<R>, Returned<T, E>>(method, args, zeros, over).await?;
        returned.into_result().map_err(ApiError::from)
    }

    /// A method that answers a configuration, at `place`: what gob has left out of it was zero.
    pub(super) async fn reads_settings<A, TA, R, T, M>(
        &self,
        method: &'static str,
        args: TA,
        place: fn(&mut T) -> &mut Option<M>,
    ) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<T>,
        T: Default + Send + 'static,
        M: Fill,
    {
        let noted = self.call::<A, TA, Noting<Struct<R>>, Noted<T>>(method, args, &Zeros::Omit, Noted::default()).await;
        let Noted { mut value, unknown } = noted?;
        self.unknown_settings.get_or_init(|| unknown);
        place(&mut value).iter_mut().for_each(Fill::fill);
        Ok(value)
    }

    /// A method that takes a configuration: with all zeros, since the server takes what is missing for "use the default";
    /// and not at all if that would reset settings which are unknown here.
    pub(super) async fn saves_settings<A, TA, R, T, E>(&self, method: &'static str, args: TA) -> Result<T, ApiError>
    where
        A: GobStruct<TA>,
        TA: Sync + 'static,
        R: GobStruct<Returned<T, E>>,
        T: Default + Send + 'static,
        E: Default + Send + 'static,
        ApiError: From<E>,
    {
        let unknown = match self.unknown_settings.get() {
            Some(unknown) => unknown,
            None => self.ask_for_settings().await?,
        };
        if !unknown.is_empty() {
            let message = error::unknown_settings(unknown);
            return Err(ApiError::app(UNKNOWN_SETTINGS, message, 412, method));
        }
        self.fallible_with::<A, TA, R, T, E>(method, args, &Zeros::Explicit).await
    }

    /// Asks for a configuration to see what settings there are: only a value brings the types with it.
    async fn ask_for_settings(&self) -> Result<&Vec<String>, ApiError> {
        let request = v1::GetConfigRequest::default();
        self.reads_settings::<api::GetConfigArgs, _, api::GetConfigReturns, v1::GetConfigResponse, _>(
            "GetConfig",
            request,
            |it| &mut it.config,
        )
        .await?;
        Ok(self.unknown_settings.get().expect("set by every answer"))
    }
}
