//! What the host asks of the process about its own life: health, `OnDeactivate`, `Shutdown`; and whether its hello makes sense.

use std::fmt;

use mm_proto::PluginHooks;
use mm_proto::grpc::HooksClient;
use mm_proto::host::v1::plugin_process_client::PluginProcessClient;
use mm_proto::host::v1::{HelloRequest, ShutdownRequest};
use mm_proto::plugin::v1::OnDeactivateRequest;
use tokio::time::{interval, timeout};
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::status::{Hello, HookOptions, Limits};
use crate::downstream::{Connection, HookChannel};

/// A request about the end of the process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request {
    /// The hook `OnDeactivate`.
    Deactivate,
    /// `PluginProcess.Shutdown`.
    ShutDown,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deactivate => "OnDeactivate",
            Self::ShutDown => "the request to end",
        })
    }
}

impl Request {
    /// Sends it and waits for its answer.
    pub(super) async fn send(self, connection: Connection, limits: Limits, reason: String) -> Result<(), Status> {
        let channel = HookChannel::to(connection);
        match self {
            Self::Deactivate => {
                let hooks = HooksClient::over(channel).with_deadline(limits.deactivate);
                hooks.on_deactivate(OnDeactivateRequest {}).await.map(|_| ()).map_err(Status::from)
            }
            Self::ShutDown => {
                let grace_ms = i64::try_from(limits.shutdown.as_millis()).unwrap_or(i64::MAX);
                let request = ShutdownRequest { grace_ms, reason };
                match PluginProcessClient::new(channel).shutdown(request).await {
                    Ok(_) => Ok(()),
                    // It may be gone before its answer is.
                    Err(status) if status.code() == tonic::Code::Unavailable => Ok(()),
                    Err(status) => Err(status),
                }
            }
        }
    }
}

/// Checks the health of the process; returns when it failed too often in a row.
pub(super) async fn watch_health(connection: Connection, limits: Limits) {
    let mut client = HealthClient::new(HookChannel::to(connection));
    let mut ticks = interval(limits.health_interval);
    ticks.tick().await;
    let mut n_failed = 0;
    while n_failed < limits.health_failures {
        ticks.tick().await;
        let check = client.check(HealthCheckRequest { service: String::new() });
        let healthy = match timeout(limits.health_interval, check).await {
            Ok(Ok(response)) => response.into_inner().status() == ServingStatus::Serving,
            Ok(Err(_)) | Err(_) => false,
        };
        n_failed = if healthy { 0 } else { n_failed + 1 };
    }
}

/// The hello as the host keeps it, or why it cannot work with this process.
pub(crate) fn check_hello(hello: &HelloRequest) -> Result<Hello, String> {
    let (theirs, ours) = (hello.protocol_version, mm_proto::PROTOCOL_VERSION);
    if theirs != ours {
        let newer = if theirs > ours { "update mm-host" } else { "update mattermost-plugin-sdk" };
        return Err(format!(
            "mattermost-plugin-sdk {} speaks protocol {theirs}, this host speaks {ours}: {newer}",
            hello.sdk_version
        ));
    }
    Ok(Hello {
        // A hook that this host does not know is one of a newer server; no server here will call it.
        hooks: hello.hooks.iter().cloned().collect(),
        plugin_class: hello.plugin_class.clone(),
        sdk_version: hello.sdk_version.clone(),
        python_version: hello.python_version.clone(),
        surface_version: hello.surface_version.clone(),
        options: hello.options.iter().map(|it| (it.hook.clone(), HookOptions::from(it))).collect(),
        stack_signal: i32::try_from(hello.stack_signal).unwrap_or_default(),
    })
}
