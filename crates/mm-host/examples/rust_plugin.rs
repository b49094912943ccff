//! A plugin written in Rust: an executable that a Mattermost server starts like any other plugin's, without Python.

use std::process::ExitCode;
use std::sync::Arc;

use mm_host::upstream::{self, InProcess};
use mm_proto::plugin::v1::{
    GetServerVersionRequest, LogInfoRequest, OnActivateRequest, OnActivateResponse, OnDeactivateRequest,
    OnDeactivateResponse, UserWillLogInRequest, UserWillLogInResponse,
};
use mm_proto::{ApiError, HookName, PluginApi, PluginHooks};

struct Doorkeeper {
    api: Arc<dyn PluginApi>,
}

#[tonic::async_trait]
impl PluginHooks for Doorkeeper {
    async fn on_activate(&self, _: OnActivateRequest) -> Result<OnActivateResponse, ApiError> {
        let server = self.api.get_server_version(GetServerVersionRequest {}).await?;
        let msg = format!("the door of {} is watched", server.result);
        self.api.log_info(LogInfoRequest { msg, ..LogInfoRequest::default() }).await?;
        Ok(OnActivateResponse {})
    }

    async fn on_deactivate(&self, _: OnDeactivateRequest) -> Result<OnDeactivateResponse, ApiError> {
        self.api.log_info(LogInfoRequest { msg: "the door is left".to_owned(), ..LogInfoRequest::default() }).await?;
        Ok(OnDeactivateResponse {})
    }

    async fn user_will_log_in(&self, request: UserWillLogInRequest) -> Result<UserWillLogInResponse, ApiError> {
        let name = request.user.unwrap_or_default().username;
        let reason = if name == "anna" { String::new() } else { format!("{name} is not anna.") };
        Ok(UserWillLogInResponse { reason })
    }
}

fn main() -> ExitCode {
    if !upstream::started_by_server() {
        eprintln!("This is the executable of a Mattermost plugin: upload its bundle to a server.");
        return ExitCode::FAILURE;
    }
    let hooks = [HookName::OnActivate, HookName::OnDeactivate, HookName::UserWillLogIn];
    upstream::run(|_| Arc::new(InProcess::new(hooks, |api| Arc::new(Doorkeeper { api }))))
}
