//! A plugin process in Rust, in the place of Python: it says hello as the SDK does and gives every post back. What a hook then costs is
//! the host's own share.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use mm_proto::grpc::HooksService;
use mm_proto::host::v1::plugin_host_client::PluginHostClient;
use mm_proto::host::v1::plugin_process_server::{PluginProcess, PluginProcessServer};
use mm_proto::host::v1::{HelloRequest, OverdueRequest, OverdueResponse, ShutdownRequest, ShutdownResponse};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PROTOCOL_VERSION, PluginHooks, SURFACE_VERSION};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixListener;
use tokio::sync::Notify;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::echo;

/// Serves until the host says that it is enough, or is gone.
pub(crate) async fn serve() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name}: mm-host starts this"));
    let token = std::fs::read_to_string(format!("/proc/self/fd/{}", variable("MM_PLUGIN_TOKEN_FD")?))?;
    let listener = UnixListener::bind(variable("MM_PLUGIN_SOCKET")?)?;
    let ended = Arc::new(Notify::new());
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .add_service(HooksService::new(Arc::new(Echo)))
        .add_service(PluginProcessServer::new(Process(Arc::clone(&ended))))
        .add_service(health)
        .serve_with_incoming(UnixListenerStream::new(listener));
    let server = tokio::spawn(server);
    hello(&variable("MM_PLUGIN_HOST_SOCKET")?, token.trim()).await?;
    let (mut stdin, mut input) = (tokio::io::stdin(), Vec::new());
    tokio::select! {
        done = server => done??,
        () = ended.notified() => {}
        // The host holds the other end.
        read = stdin.read_to_end(&mut input) => { read?; }
    }
    Ok(())
}

async fn hello(socket: &str, token: &str) -> Result<()> {
    let mut request = Request::new(HelloRequest {
        sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: PROTOCOL_VERSION,
        python_version: "3.10.0".to_owned(),
        surface_version: SURFACE_VERSION.to_owned(),
        hooks: vec!["MessageWillBePosted".to_owned()],
        plugin_class: "Echo".to_owned(),
        ..HelloRequest::default()
    });
    request.metadata_mut().insert("x-mm-token", token.parse()?);
    PluginHostClient::new(echo::connect(socket.into()).await?).hello(request).await?;
    Ok(())
}

struct Echo;

#[tonic::async_trait]
impl PluginHooks for Echo {
    async fn message_will_be_posted(
        &self,
        request: v1::MessageWillBePostedRequest,
    ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
        Ok(v1::MessageWillBePostedResponse { post: request.post, reason: String::new() })
    }
}

struct Process(Arc<Notify>);

#[tonic::async_trait]
impl PluginProcess for Process {
    async fn shutdown(&self, _: Request<ShutdownRequest>) -> Result<Response<ShutdownResponse>, Status> {
        self.0.notify_one();
        Ok(Response::new(ShutdownResponse {}))
    }

    async fn overdue(&self, _: Request<OverdueRequest>) -> Result<Response<OverdueResponse>, Status> {
        // An echo is never late.
        Ok(Response::new(OverdueResponse::default()))
    }
}
