//! A method as the services see it, and what becomes of an implementation's answer.

use std::sync::Arc;

use mm_gob::codec::Struct;
use mm_gob::{GobStruct, Zeros};
use mm_goplugin::rpc::{Args, Refusal, Reply, Running};

use super::error::{self, GoError, Side};
use crate::error::ApiError;
use crate::gob::{Fill, Returned};
use crate::{PluginApi, PluginHooks};

/// A method of the trait `T`.
pub(super) struct Route<T: ?Sized> {
    /// Its Go name.
    pub name: &'static str,
    pub call: fn(Arc<T>, &mut Args<'_>) -> Result<Running, Refusal>,
}

/// Whose trait it is.
pub(super) trait Target {
    const SIDE: Side;
}

impl Target for dyn PluginApi {
    const SIDE: Side = Side::Server;
}

impl Target for dyn PluginHooks {
    const SIDE: Side = Side::Plugin;
}

/// What a server makes of a replacement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacement {
    /// It reads it over the original; none keeps the original.
    Merged,
    /// It takes it as it comes; none keeps the original.
    Whole,
    /// It takes it as it comes; none refuses.
    Required,
}

macro_rules! route {
    ($name:literal, $request:ty, $codec:ty, |$target:ident, $read:pat_param| $answer:expr) => {
        $crate::netrpc::route::Route {
            name: $name,
            call: |$target, args| {
                let $read = args.read::<$codec, $request>()?;
                Ok(Box::pin(async move { $answer }))
            },
        }
    };
}

macro_rules! plain {
    ($name:literal, $method:ident, $request:ty, $args:ty, $returns:ty) => {
        $crate::netrpc::route::route!($name, $request, mm_gob::codec::Struct<$args>, |target, request| {
            $crate::netrpc::route::plain_reply::<$returns, _>(
                $crate::netrpc::route::side(&*target),
                $name,
                target.$method(request).await,
            )
        })
    };
}

macro_rules! fallible {
    ($name:literal, $method:ident, $request:ty, $args:ty, $returns:ty, $error:ty) => {
        $crate::netrpc::route::route!($name, $request, mm_gob::codec::Struct<$args>, |target, request| {
            $crate::netrpc::route::fallible_reply::<$returns, _, $error>(
                $crate::netrpc::route::side(&*target),
                $name,
                target.$method(request).await,
            )
        })
    };
}

macro_rules! refusing {
    ($name:literal, $method:ident, $request:ty, $args:ty, $returns:ty, $error:ty) => {
        $crate::netrpc::route::route!($name, $request, mm_gob::codec::Struct<$args>, |target, request| {
            $crate::netrpc::route::refusing_reply::<$returns, _, $error>($name, target.$method(request).await)
        })
    };
}

macro_rules! replacing {
    (
        $name:literal, $method:ident, $request:ty, $args:ty, $returns:ty,
        $param:ident => $result:ident or $reason:ident, $with:ident
    ) => {
        $crate::netrpc::route::route!($name, $request, mm_gob::codec::Struct<$args>, |target, request| {
            let original = request.$param.clone();
            let mut response = match target.$method(request).await {
                Ok(response) => response,
                Err(error) => return Err($crate::netrpc::route::failure($name, &error)),
            };
            let with = $crate::netrpc::route::Replacement::$with;
            let zeros = with.settle(&mut response.$result, original, !response.$reason.is_empty());
            Ok(mm_goplugin::rpc::Reply::with_zeros::<mm_gob::codec::Struct<$returns>, _>(response, zeros))
        })
    };
}

macro_rules! settings {
    (
        $name:literal, $method:ident, $request:ty, $args:ty, $returns:ty,
        $param:ident => $result:ident
    ) => {
        $crate::netrpc::route::route!(
            $name,
            $crate::gob::Noted<$request>,
            $crate::gob::Noting<mm_gob::codec::Struct<$args>>,
            |target, $crate::gob::Noted { value: mut request, unknown }| {
                $crate::netrpc::route::fill(&mut request.$param);
                let original = request.$param.clone();
                let mut result = target.$method(request).await;
                if let Ok(response) = &mut result {
                    $crate::netrpc::route::settle_settings(&mut response.$result, &original, &unknown)?;
                }
                $crate::netrpc::route::refusing_reply::<$returns, _, $crate::plugin::v1::ErrorValue>($name, result)
            }
        )
    };
}

pub(super) use {fallible, plain, refusing, replacing, route, settings};

pub(super) fn side<T: Target + ?Sized>(_: &T) -> Side {
    T::SIDE
}

/// The text for a hook that failed and has no result to say so.
pub(super) fn failure(hook: &str, error: &ApiError) -> String {
    error::text(Side::Plugin, hook, error)
}

/// The reply of a method that cannot fail in Go.
pub(super) fn plain_reply<R, T>(side: Side, method: &str, result: Result<T, ApiError>) -> Result<Reply, String>
where
    R: GobStruct<T>,
    T: Send + 'static,
{
    match result {
        Ok(response) => Ok(Reply::new::<Struct<R>, T>(response)),
        Err(error) => Err(error::text(side, method, &error)),
    }
}

/// The reply of a method whose last result is an error.
pub(super) fn fallible_reply<R, T, E>(side: Side, method: &str, result: Result<T, ApiError>) -> Result<Reply, String>
where
    R: GobStruct<Returned<T, E>>,
    T: Default + Send + 'static,
    E: GoError,
{
    let result = match result {
        Err(error) if error.is_not_supported() => return Err(error::text(side, method, &error)),
        Err(error) if side == Side::Plugin => Err(E::from_api(method, error).prepare()),
        Err(error) => Err(E::from_api(method, error)),
        Ok(response) => Ok(response),
    };
    Ok(Reply::new::<Struct<R>, _>(Returned::from(result)))
}

/// The reply of a hook whose error refuses something: only what the plugin itself says may do that.
pub(super) fn refusing_reply<R, T, E>(hook: &str, result: Result<T, ApiError>) -> Result<Reply, String>
where
    R: GobStruct<Returned<T, E>>,
    T: Default + Send + 'static,
    E: GoError,
{
    let result = match result {
        Err(error @ ApiError::Transport(_)) => return Err(failure(hook, &error)),
        Err(error) if error.is_not_supported() => return Err(failure(hook, &error)),
        Err(error) => Err(E::from_api(hook, error).prepare()),
        Ok(response) => Ok(response),
    };
    // With zeros: of what such a hook answers, none may be lost.
    Ok(Reply::with_zeros::<Struct<R>, _>(Returned::from(result), Zeros::Explicit))
}

impl Replacement {
    /// Makes of a handler's replacement what the server needs to do as the handler wants, and says which zeros to send.
    pub(super) fn settle<M: PartialEq>(self, replacement: &mut Option<M>, original: Option<M>, refused: bool) -> Zeros {
        match self {
            // What is not sent cannot be changed by being sent: fields that are unknown here keep their content.
            Self::Merged | Self::Whole if *replacement == original => *replacement = None,
            Self::Required if replacement.is_none() && !refused => *replacement = original,
            Self::Merged | Self::Whole | Self::Required => {}
        }
        if self == Self::Merged { Zeros::Explicit } else { Zeros::Omit }
    }
}

/// Puts zero where gob has lost it.
pub(super) fn fill<M: Fill>(settings: &mut Option<M>) {
    settings.iter_mut().for_each(Fill::fill);
}

/// Takes out a configuration that changes nothing, and fails for one that would reset settings which are unknown here.
pub(super) fn settle_settings<M: PartialEq>(
    replacement: &mut Option<M>,
    original: &Option<M>,
    unknown: &[String],
) -> Result<(), String> {
    if replacement == original {
        *replacement = None;
    }
    if replacement.is_some() && !unknown.is_empty() {
        return Err(error::unknown_settings(unknown));
    }
    Ok(())
}
