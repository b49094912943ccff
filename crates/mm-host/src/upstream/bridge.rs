//! Both services by hand, for the methods that every plugin needs; `mm_proto::netrpc` takes its place as soon as it is there.
use std::sync::Arc;

use mm_gob::codec::Struct;
use mm_goplugin::rpc::{Args, CallError, Client, Refusal, Reply, Running};
use mm_proto::gob::{Returned, api, hooks as gob};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi, PluginHooks};

#[derive(Default)]
struct Conf {
    a: Vec<u8>,
}
mm_gob::gob_struct! { Conf as "Z_Conf" { "A" => a: mm_gob::codec::Bytes, } }
pub(super) struct Api(pub Client);

fn err(error: CallError) -> ApiError {
    ApiError::Transport(tonic::Status::unavailable(error.to_string()))
}

macro_rules! api {
    ($($name:ident $go:literal $q:ident $s:ident $a:ident $r:ident,)*) => {
        #[tonic::async_trait]
        impl PluginApi for Api {
            $(async fn $name(&self, request: v1::$q) -> Result<v1::$s, ApiError> {
                self.0.call::<Struct<api::$a>, _, Struct<api::$r>, v1::$s>(concat!("Plugin.", $go), &request).await.map_err(err)
            })*
            async fn load_plugin_configuration(&self, _: v1::LoadPluginConfigurationRequest) -> Result<v1::LoadPluginConfigurationResponse, ApiError> {
                let it: Conf = self.0.call::<Struct<mm_goplugin::rpc::Empty>, _, Struct<Conf>, Conf>("Plugin.LoadPluginConfiguration", &mm_goplugin::rpc::Empty).await.map_err(err)?;
                Ok(v1::LoadPluginConfigurationResponse { configuration: it.a.into() })
            }
        }
    };
}
api! {
    log_debug "LogDebug" LogDebugRequest LogDebugResponse LogDebugArgs LogDebugReturns,
    log_info "LogInfo" LogInfoRequest LogInfoResponse LogInfoArgs LogInfoReturns,
    log_warn "LogWarn" LogWarnRequest LogWarnResponse LogWarnArgs LogWarnReturns,
    log_error "LogError" LogErrorRequest LogErrorResponse LogErrorArgs LogErrorReturns,
    get_server_version "GetServerVersion" GetServerVersionRequest GetServerVersionResponse GetServerVersionArgs GetServerVersionReturns,
}

pub(super) fn forward(hooks: &Arc<dyn PluginHooks>, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
    let hooks = hooks.clone();
    match method {
        "OnDeactivate" => {
            let request = args.read::<Struct<gob::OnDeactivateArgs>, v1::OnDeactivateRequest>()?;
            Ok(Box::pin(async move {
                let result = hooks
                    .on_deactivate(request)
                    .await
                    .map_err(|e| v1::ErrorValue { message: e.to_string(), ..Default::default() });
                Ok(Reply::new::<Struct<gob::OnDeactivateReturns>, Returned<v1::OnDeactivateResponse, v1::ErrorValue>>(
                    result.into(),
                ))
            }))
        }
        "UserWillLogIn" => {
            let request = args.read::<Struct<gob::UserWillLogInArgs>, v1::UserWillLogInRequest>()?;
            Ok(Box::pin(async move {
                let result = hooks.user_will_log_in(request).await.map_err(|e| e.to_string())?;
                Ok(Reply::new::<Struct<gob::UserWillLogInReturns>, _>(result))
            }))
        }
        _ => Err(Refusal::NoSuchMethod),
    }
}
