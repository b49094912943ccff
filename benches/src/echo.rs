//! What a call costs when nothing but tonic is there: tonic's channel and tonic's server in two processes of Rust, over a Unix
//! socket, with the same messages as prost structs. This is the floor that the SDK is compared with.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use mm_proto::plugin::v1;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, ChildStdin, Command};
use tokio::runtime::Runtime;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::calls::{Batch, measure};
use crate::contest::Contestant;
use crate::samples;

const GET_USER: &str = "/bench.Echo/GetUser";
const MESSAGE_WILL_BE_POSTED: &str = "/bench.Echo/MessageWillBePosted";

/// What tonic runs on unless told otherwise: a thread for each processor. The host has one thread of its own.
fn tonics() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads can be started"));
    &RUNTIME
}

/// The echo in a process of its own, and the channel to it. The process ends when this is dropped.
pub(crate) struct Echo {
    channel: Channel,
    _child: Child,
    _input: ChildStdin,
}

impl Echo {
    /// Starts this program again as the peer, listening in `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        tonics().spawn(Self::start_there(folder.join("echo.sock"))).await?
    }

    async fn start_there(socket: PathBuf) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("echo-peer")
            .arg(&socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the echo's process")?;
        let input = child.stdin.take().context("the echo has no standard input")?;
        let output = child.stdout.take().context("the echo has no standard output")?;
        let ready = BufReader::new(output).lines().next_line().await?;
        ensure!(ready.as_deref() == Some("ready"), "the echo did not start");
        Ok(Self { channel: connect(socket).await?, _child: child, _input: input })
    }
}

#[async_trait]
impl Contestant for Echo {
    async fn api(&self, callers: usize, calls: usize) -> Result<Batch> {
        let channel = self.channel.clone();
        let user_id = samples::stored_user().id;
        let call = move || {
            let channel = channel.clone();
            let request = v1::GetUserRequest { user_id: user_id.clone() };
            async move {
                let response: v1::GetUserResponse = unary(channel, GET_USER, request).await?;
                ensure!(response.user.is_some(), "the echo answers no user");
                Ok(())
            }
        };
        tonics().spawn(measure(callers, calls, call)).await?
    }

    async fn hook(&self, callers: usize, calls: usize) -> Result<Batch> {
        let channel = self.channel.clone();
        let sample = samples::message_will_be_posted();
        let call = move || {
            let channel = channel.clone();
            let request = sample.clone();
            async move {
                let response: v1::MessageWillBePostedResponse = unary(channel, MESSAGE_WILL_BE_POSTED, request).await?;
                ensure!(response.post.is_some_and(|it| it.message.ends_with('!')), "the echo changes no post");
                Ok(())
            }
        };
        tonics().spawn(measure(callers, calls, call)).await?
    }
}

/// tonic's channel over a Unix socket.
pub(crate) async fn connect(socket: PathBuf) -> Result<Channel> {
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Ok(Endpoint::from_static("http://localhost").connect_with_connector(connector).await?)
}

async fn unary<Q, S>(channel: Channel, path: &'static str, request: Q) -> Result<S>
where
    Q: prost::Message + Send + 'static,
    S: prost::Message + Default + Send + 'static,
{
    let mut grpc = Grpc::new(channel);
    grpc.ready().await?;
    let codec = ProstCodec::<Q, S>::default();
    Ok(grpc.unary(Request::new(request), PathAndQuery::from_static(path), codec).await?.into_inner())
}

/// The other process: serves until its standard input ends, as it does when the benchmark is gone.
pub(crate) async fn serve(socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket).with_context(|| socket.display().to_string())?;
    let service = EchoService { user: samples::stored_user() };
    let server = Server::builder().add_service(service).serve_with_incoming(UnixListenerStream::new(listener));
    tokio::spawn(server);
    let mut output = tokio::io::stdout();
    output.write_all(b"ready\n").await?;
    output.flush().await?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// As tonic would generate it for a service of two methods.
#[derive(Clone)]
struct EchoService {
    user: v1::User,
}

impl NamedService for EchoService {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for EchoService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path() {
            GET_USER => {
                let method = GetUser(self.user.clone());
                Box::pin(
                    async move { Ok(tonic::server::Grpc::new(ProstCodec::default()).unary(method, request).await) },
                )
            }
            MESSAGE_WILL_BE_POSTED => Box::pin(async move {
                Ok(tonic::server::Grpc::new(ProstCodec::default()).unary(MessageWillBePosted, request).await)
            }),
            path => Box::pin(ready(Ok(Status::unimplemented(path).into_http()))),
        }
    }
}

struct GetUser(v1::User);

impl UnaryService<v1::GetUserRequest> for GetUser {
    type Response = v1::GetUserResponse;
    type Future = Ready<Result<Response<v1::GetUserResponse>, Status>>;

    fn call(&mut self, _: Request<v1::GetUserRequest>) -> Self::Future {
        ready(Ok(Response::new(v1::GetUserResponse { user: Some(self.0.clone()) })))
    }
}

struct MessageWillBePosted;

impl UnaryService<v1::MessageWillBePostedRequest> for MessageWillBePosted {
    type Response = v1::MessageWillBePostedResponse;
    type Future = Ready<Result<Response<v1::MessageWillBePostedResponse>, Status>>;

    fn call(&mut self, request: Request<v1::MessageWillBePostedRequest>) -> Self::Future {
        let mut post = request.into_inner().post.unwrap_or_default();
        post.message.push('!');
        ready(Ok(Response::new(v1::MessageWillBePostedResponse { post: Some(post), reason: String::new() })))
    }
}
