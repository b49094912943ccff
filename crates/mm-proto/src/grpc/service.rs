//! Serving an implementation of a trait: `ApiService` and `HooksService` are services as tonic's `Server` takes them.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{BoxStream, StreamExt as _};
use http::{Request as HttpRequest, Response as HttpResponse};
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, StdError};
use tonic::server::{ClientStreamingService, Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

use super::codec::{AnyCodec, Incoming, Outgoing};
use super::route::{Answer, Handler, Route};
use super::whole::Whole;
use super::{MAX_MESSAGE_BYTES, Parts, api_routes, hooks_routes};
use crate::{ApiError, PluginApi, PluginHooks};

macro_rules! service {
    ($(#[$doc:meta])* $service:ident, $target:ident, $name:literal, $routes:path) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $service {
            target: Arc<dyn $target>,
        }

        impl $service {
            /// Serves `target`.
            pub fn new(target: Arc<dyn $target>) -> Self {
                Self { target }
            }
        }

        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl<B> tonic::codegen::Service<HttpRequest<B>> for $service
        where
            B: HttpBody<Data = prost::bytes::Bytes> + Send + 'static,
            B::Error: Into<StdError> + Send + 'static,
        {
            type Response = HttpResponse<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<HttpResponse<Body>, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
                let name = request.uri().path().rsplit('/').next().unwrap_or_default();
                let found = $routes.binary_search_by(|it| it.name.cmp(name));
                let Ok(index) = found else { return unknown(name) };
                let target = Arc::clone(&self.target);
                Box::pin(serve(&$routes[index], target, request.map(Body::new)).map(Ok))
            }
        }
    };
}

service! {
    /// Serves a [`PluginApi`] as the gRPC service `mattermost.plugin.v1.PluginApi`.
    ApiService, PluginApi, "mattermost.plugin.v1.PluginApi", api_routes::ROUTES
}

service! {
    /// Serves [`PluginHooks`] as the gRPC service `mattermost.plugin.v1.PluginHooks`.
    HooksService, PluginHooks, "mattermost.plugin.v1.PluginHooks", hooks_routes::ROUTES
}

/// The answer to a method that this version does not know: newer peers may call one.
fn unknown(name: &str) -> BoxFuture<'static, Result<HttpResponse<Body>, Infallible>> {
    let response = Status::from(ApiError::not_supported(name)).into_http();
    Box::pin(std::future::ready(Ok(response)))
}

/// One call. The same code for all methods and both services' bodies.
async fn serve<T: ?Sized + Send + Sync + 'static>(
    route: &'static Route<T>,
    target: Arc<T>,
    request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let mut grpc = Grpc::new(AnyCodec { decode: route.decode })
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    match route.handler {
        Handler::Unary(call) => grpc.unary(Unary { call, target }, request).await,
        Handler::Upload(call) => grpc.client_streaming(Upload { call, target }, request.map(Whole::new)).await,
        Handler::Exchange(call) => grpc.streaming(Exchange { call, target }, request.map(Whole::new)).await,
    }
}

struct Unary<T: ?Sized> {
    call: fn(Arc<T>, Incoming) -> Answer<Outgoing>,
    target: Arc<T>,
}

struct Upload<T: ?Sized> {
    call: fn(Arc<T>, Parts<Incoming>) -> Answer<Outgoing>,
    target: Arc<T>,
}

struct Exchange<T: ?Sized> {
    call: fn(Arc<T>, Parts<Incoming>) -> Answer<Parts<Outgoing>>,
    target: Arc<T>,
}

impl<T: ?Sized> UnaryService<Incoming> for Unary<T> {
    type Response = Outgoing;
    type Future = StatusFuture<Outgoing>;

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        StatusFuture((self.call)(Arc::clone(&self.target), request.into_inner()))
    }
}

impl<T: ?Sized> ClientStreamingService<Incoming> for Upload<T> {
    type Response = Outgoing;
    type Future = StatusFuture<Outgoing>;

    fn call(&mut self, request: Request<Streaming<Incoming>>) -> Self::Future {
        StatusFuture((self.call)(Arc::clone(&self.target), incoming_parts(request)))
    }
}

impl<T: ?Sized> StreamingService<Incoming> for Exchange<T> {
    type Response = Outgoing;
    type ResponseStream = BoxStream<'static, Result<Outgoing, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Incoming>>) -> Self::Future {
        let answer = (self.call)(Arc::clone(&self.target), incoming_parts(request));
        Box::pin(async move {
            let parts = answer.await?;
            Ok(Response::new(parts.map(|it| it.map_err(Status::from)).boxed()))
        })
    }
}

fn incoming_parts(request: Request<Streaming<Incoming>>) -> Parts<Incoming> {
    request.into_inner().map(|it| it.map_err(ApiError::from)).boxed()
}

/// An [`Answer`] with tonic's types, without another box.
struct StatusFuture<R>(Answer<R>);

impl<R> Future for StatusFuture<R> {
    type Output = Result<Response<R>, Status>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context).map(|it| it.map(Response::new).map_err(Status::from))
    }
}
