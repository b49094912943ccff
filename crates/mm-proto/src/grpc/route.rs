//! A method as the services see it: its name, how to read its request, what to do with it.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::Parts;
use super::codec::{Decode, Incoming, Outgoing};
use crate::ApiError;

/// A method of the trait `T`.
pub(super) struct Route<T: ?Sized> {
    /// Its Go name, which is the last part of its path.
    pub name: &'static str,
    pub decode: Decode,
    pub handler: Handler<T>,
}

/// How a method is called. The three shapes that the traits have.
pub(super) enum Handler<T: ?Sized> {
    Unary(fn(Arc<T>, Incoming) -> Answer<Outgoing>),
    Upload(fn(Arc<T>, Parts<Incoming>) -> Answer<Outgoing>),
    Exchange(fn(Arc<T>, Parts<Incoming>) -> Answer<Parts<Outgoing>>),
}

pub(super) type Answer<R> = BoxFuture<'static, Result<R, ApiError>>;

macro_rules! unary {
    ($name:literal, $method:ident, $request:ty) => {
        $crate::grpc::route::Route {
            name: $name,
            decode: $crate::grpc::codec::decode::<$request>,
            handler: $crate::grpc::route::Handler::Unary(|target, request| {
                Box::pin(async move {
                    let response = target.$method($crate::grpc::codec::typed(request)).await?;
                    Ok(Box::new(response) as $crate::grpc::codec::Outgoing)
                })
            }),
        }
    };
}

macro_rules! upload {
    ($name:literal, $method:ident, $request:ty) => {
        $crate::grpc::route::Route {
            name: $name,
            decode: $crate::grpc::codec::decode::<$request>,
            handler: $crate::grpc::route::Handler::Upload(|target, requests| {
                Box::pin(async move {
                    let response = target.$method($crate::grpc::route::typed_parts(requests)).await?;
                    Ok(Box::new(response) as $crate::grpc::codec::Outgoing)
                })
            }),
        }
    };
}

macro_rules! exchange {
    ($name:literal, $method:ident, $request:ty) => {
        $crate::grpc::route::Route {
            name: $name,
            decode: $crate::grpc::codec::decode::<$request>,
            handler: $crate::grpc::route::Handler::Exchange(|target, requests| {
                Box::pin(async move {
                    let responses = target.$method($crate::grpc::route::typed_parts(requests)).await?;
                    Ok($crate::grpc::route::outgoing_parts(responses))
                })
            }),
        }
    };
}

pub(super) use {exchange, unary, upload};

/// Parts as the trait takes them.
pub(super) fn typed_parts<M: Send + 'static>(parts: Parts<Incoming>) -> Parts<M> {
    use futures::StreamExt as _;
    parts.map(|it| it.map(super::codec::typed)).boxed()
}

/// Parts as the codec takes them.
pub(super) fn outgoing_parts<M: prost::Message + 'static>(parts: Parts<M>) -> Parts<Outgoing> {
    use futures::StreamExt as _;
    parts.map(|it| it.map(|message| Box::new(message) as Outgoing)).boxed()
}
