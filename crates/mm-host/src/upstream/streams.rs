//! Whatever carries streams beside its call: the hooks `ServeHTTP`, `ServeMetrics` and `FileWillBeUploaded`, the methods `PluginHTTP`,
//! `InstallPlugin` and `UploadData`.
//!
//! Every stream that the server names must be dialled, whatever becomes of the call: it waits 5 s for one that is not, and for ever for
//! the end of a file's replacement that nobody closes.
//!
//! Nothing is held whole. What comes from the server waits in the window of its yamux stream until gRPC's stream has room, and what comes
//! from the plugin is taken when the server has taken what was before.

mod api;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "tests look closer"))]
mod asked;
mod exchange;
mod hijack;
mod hook;
mod pieces;
mod requests;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "tests look closer"))]
mod site;
#[cfg(test)]
mod tests;
mod upload;
mod wire;
mod writer;

use std::sync::Arc;

use mm_gob::codec::Struct;
use mm_goplugin::Broker;
use mm_goplugin::rpc::{Args, Refusal, Running};
use mm_proto::PluginHooks;

pub(super) use self::api::ApiStreams;
#[cfg(any(test, fuzzing))]
pub(crate) use self::asked::asked;
use self::hook::HttpHook;
#[cfg(any(test, fuzzing))]
pub(crate) use self::site::carried;
use self::wire::{ServeArgs, UploadArgs};

/// What a call says while there are no hooks.
const NOT_ACTIVATED: &str = "the plugin is not activated";

/// Begins a call of a hook with streams; `None` when `method` is another hook. Without `hooks` the plugin is not activated.
pub(super) fn call(
    hooks: Option<&Arc<dyn PluginHooks>>,
    broker: &Broker,
    method: &str,
    args: &mut Args<'_>,
) -> Option<Result<Running, Refusal>> {
    let (hooks, broker) = (hooks.cloned(), broker.clone());
    let begun = match (HttpHook::named(method), method) {
        (Some(hook), _) => args
            .read::<Struct<ServeArgs>, ServeArgs>()
            .map(|args| Box::pin(exchange::serve(hook, hooks, broker, args)) as Running),
        (None, "FileWillBeUploaded") => args
            .read::<Struct<UploadArgs>, UploadArgs>()
            .map(|args| Box::pin(upload::file_will_be_uploaded(hooks, broker, args)) as Running),
        _ => return None,
    };
    Some(begun.map_err(Refusal::from))
}
