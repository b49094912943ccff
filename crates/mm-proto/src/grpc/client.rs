//! Calling through a channel: `ApiClient` and `HooksClient` implement the traits.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::{self, Either, TryFutureExt as _};
use futures::stream::{self, BoxStream, StreamExt as _};
use http::uri::PathAndQuery;
use http::{Request as HttpRequest, Response as HttpResponse};
use prost::Message;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::StdError;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tower::Service;
use tower::util::BoxCloneSyncService;

use super::codec::{AnyCodec, Decode, Incoming, Outgoing, decode, typed};
use super::{MAX_MESSAGE_BYTES, Parts};
use crate::ApiError;

macro_rules! client {
    ($(#[$doc:meta])* $client:ident) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. Dropping the future of a call cancels the call.
        #[derive(Clone)]
        pub struct $client {
            pub(super) connection: Connection,
        }

        impl $client {
            /// Calls through `channel`.
            pub fn new(channel: Channel) -> Self {
                Self::over(channel)
            }

            /// Calls through any service that carries gRPC: a [`Channel`] with layers around it, or something else.
            pub fn over<T>(transport: T) -> Self
            where
                T: Service<HttpRequest<Body>, Response = HttpResponse<Body>> + Clone + Send + Sync + 'static,
                T::Error: Into<StdError>,
                T::Future: Send + 'static,
            {
                Self { connection: Connection::new(BoxCloneSyncService::new(StatusErrors(transport))) }
            }

            /// The same client, sending `metadata` with every call.
            #[must_use]
            pub fn with_metadata(mut self, metadata: MetadataMap) -> Self {
                self.connection.metadata = metadata;
                self
            }

            /// The same client, whose calls may take `deadline` at most; the other side is told.
            /// For streaming methods that is the time until the answer begins.
            #[must_use]
            pub fn with_deadline(mut self, deadline: Duration) -> Self {
                self.connection.deadline = Some(deadline);
                self
            }
        }
    };
}

client! {
    /// A [`PluginApi`](crate::PluginApi) at the other end of a channel.
    ApiClient
}

client! {
    /// [`PluginHooks`](crate::PluginHooks) at the other end of a channel.
    HooksClient
}

/// A transport without its type, so that the machinery below exists once for all of them.
type Transport = BoxCloneSyncService<HttpRequest<Body>, HttpResponse<Body>, Status>;

/// A service whose error is a status.
#[derive(Clone)]
struct StatusErrors<T>(T);

impl<T> Service<HttpRequest<Body>> for StatusErrors<T>
where
    T: Service<HttpRequest<Body>, Response = HttpResponse<Body>>,
    T::Error: Into<StdError>,
    T::Future: Send + 'static,
{
    type Response = HttpResponse<Body>;
    type Error = Status;
    type Future = future::MapErr<T::Future, fn(T::Error) -> Status>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.0.poll_ready(context).map_err(|error| Status::from_error(error.into()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        self.0.call(request).map_err(|error| Status::from_error(error.into()))
    }
}

/// A transport, and what goes along with every call.
#[derive(Clone)]
pub(super) struct Connection {
    grpc: Grpc<Transport>,
    metadata: MetadataMap,
    deadline: Option<Duration>,
}

impl Connection {
    fn new(transport: Transport) -> Self {
        let grpc = Grpc::new(transport)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Self { grpc, metadata: MetadataMap::new(), deadline: None }
    }

    pub(super) async fn unary<Q, S>(&self, path: &'static str, request: Q) -> Result<S, ApiError>
    where
        Q: Message + 'static,
        S: Message + Default + 'static,
    {
        self.call(path, Box::new(request), decode::<S>).await.map(typed)
    }

    pub(super) async fn upload<Q, S>(&self, path: &'static str, requests: Parts<Q>) -> Result<S, ApiError>
    where
        Q: Message + 'static,
        S: Message + Default + 'static,
    {
        self.send(path, super::route::outgoing_parts(requests), decode::<S>).await.map(typed)
    }

    pub(super) async fn exchange<Q, S>(&self, path: &'static str, requests: Parts<Q>) -> Result<Parts<S>, ApiError>
    where
        Q: Message + 'static,
        S: Message + Default + 'static,
    {
        let parts = self.converse(path, super::route::outgoing_parts(requests), decode::<S>).await?;
        Ok(super::route::typed_parts(parts))
    }

    // The three below know no message type, so they exist once and not once a method.

    async fn call(&self, path: &'static str, request: Outgoing, decode: Decode) -> Result<Incoming, ApiError> {
        let clock = self.clock();
        let mut grpc = self.ready().await?;
        let response = grpc.unary(self.request(request), PathAndQuery::from_static(path), AnyCodec { decode }).await;
        Ok(response.map_err(|it| clock.judge(it))?.into_inner())
    }

    async fn send(&self, path: &'static str, parts: Parts<Outgoing>, decode: Decode) -> Result<Incoming, ApiError> {
        let clock = self.clock();
        let mut grpc = self.ready().await?;
        let (parts, failure) = until_failure(parts);
        let path = PathAndQuery::from_static(path);
        let call = grpc.client_streaming(self.request(parts), path, AnyCodec { decode });
        let response = match future::select(std::pin::pin!(call), failure).await {
            Either::Left((response, _)) => response,
            Either::Right((Ok(error), _)) => return Err(error),
            Either::Right((Err(oneshot::Canceled), call)) => call.await,
        };
        Ok(response.map_err(|it| clock.judge(it))?.into_inner())
    }

    async fn converse(
        &self,
        path: &'static str,
        parts: Parts<Outgoing>,
        decode: Decode,
    ) -> Result<Parts<Incoming>, ApiError> {
        let clock = self.clock();
        let mut grpc = self.ready().await?;
        let (parts, failure) = until_failure(parts);
        let path = PathAndQuery::from_static(path);
        let call = grpc.streaming(self.request(parts), path, AnyCodec { decode });
        let (response, failure) = match future::select(std::pin::pin!(call), failure).await {
            Either::Left((response, failure)) => (response, Some(failure)),
            Either::Right((Ok(error), _)) => return Err(error),
            Either::Right((Err(oneshot::Canceled), call)) => (call.await, None),
        };
        let parts = response.map_err(|it| clock.judge(it))?.into_inner().map(|it| it.map_err(ApiError::from));
        Ok(match failure {
            Some(failure) => with_failure(parts.boxed(), failure),
            None => parts.boxed(),
        })
    }

    async fn ready(&self) -> Result<Grpc<Transport>, ApiError> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(format!("the other side is not reachable: {error}")))?;
        Ok(grpc)
    }

    fn clock(&self) -> Clock {
        Clock { end: self.deadline.and_then(|it| Instant::now().checked_add(it)) }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        request
    }
}

/// When a call has to be over.
struct Clock {
    end: Option<Instant>,
}

impl Clock {
    /// tonic says "cancelled" of a call whose time is up; callers need to tell that from a call that somebody gave up.
    fn judge(&self, status: Status) -> Status {
        let late = self.end.is_some_and(|it| Instant::now() >= it);
        if late && status.code() == Code::Cancelled {
            return Status::deadline_exceeded("the call took longer than its deadline");
        }
        status
    }
}

/// The parts as tonic sends them, which cannot fail, and the failure beside them. After a failure the parts neither go on
/// nor end, since an end would look like success; the caller drops the call.
fn until_failure(parts: Parts<Outgoing>) -> (BoxStream<'static, Outgoing>, oneshot::Receiver<ApiError>) {
    let (sender, failure) = oneshot::channel();
    let sent = stream::unfold((parts, Some(sender)), |(mut parts, mut sender)| async move {
        match parts.next().await? {
            Ok(part) => Some((part, (parts, sender))),
            Err(error) => {
                if let Some(sender) = sender.take() {
                    // Nobody listens when the call is over; then the failure does not matter.
                    let _ = sender.send(error);
                }
                future::pending().await
            }
        }
    });
    (sent.boxed(), failure)
}

/// The parts that come in, until one that goes out fails.
fn with_failure(parts: Parts<Incoming>, failure: oneshot::Receiver<ApiError>) -> Parts<Incoming> {
    // A sender that is gone without a word has sent everything: that ends nothing.
    let failure = stream::once(failure).filter_map(|it| future::ready(it.ok())).map(Err);
    let failure = failure.chain(stream::pending());
    let mut ended = false;
    stream::select(parts.map(Some).chain(stream::once(future::ready(None))), failure.map(Some))
        .take_while(move |it| {
            let go_on = it.is_some() && !ended;
            ended |= matches!(it, Some(Err(_)));
            future::ready(go_on)
        })
        .filter_map(future::ready)
        .boxed()
}
