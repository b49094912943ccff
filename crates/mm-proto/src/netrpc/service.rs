//! The serving ends: services of net/rpc, and the functions they consist of.

use std::sync::Arc;

use mm_goplugin::rpc::{Args, Refusal, Running, Service};

use super::by_hand;
use super::route::Route;
use crate::{PluginApi, PluginHooks};

/// Answers a call of a hook: reads its argument and returns what is left to do. `None`, and the argument unread, for hooks
/// that are not done here, since they carry streams or concern the process: `FileWillBeUploaded`, `Implemented`, `OnActivate`,
/// `ServeHTTP` and `ServeMetrics`; and for names that are no hook's.
pub fn serve_hook(hooks: &Arc<dyn PluginHooks>, name: &str, args: &mut Args<'_>) -> Option<Result<Running, Refusal>> {
    serve(super::hooks_routes::ROUTES, hooks, name, args)
}

/// Answers a call of an API method: reads its argument and returns what is left to do. `None`, and the argument unread, for
/// methods that carry streams: `InstallPlugin`, `PluginHTTP` and `UploadData`; and for names that are no method's.
pub fn serve_api(api: &Arc<dyn PluginApi>, name: &str, args: &mut Args<'_>) -> Option<Result<Running, Refusal>> {
    if name == by_hand::LOAD_PLUGIN_CONFIGURATION {
        return Some(by_hand::load_plugin_configuration(Arc::clone(api), args));
    }
    serve(super::api_routes::ROUTES, api, name, args)
}

fn serve<T: ?Sized>(
    routes: &[Route<T>],
    target: &Arc<T>,
    name: &str,
    args: &mut Args<'_>,
) -> Option<Result<Running, Refusal>> {
    let index = routes.binary_search_by(|it| it.name.cmp(name)).ok()?;
    Some((routes[index].call)(Arc::clone(target), args))
}

/// The hooks of `serve_hook` as a service.
#[derive(Clone)]
pub struct HooksService {
    hooks: Arc<dyn PluginHooks>,
}

impl HooksService {
    /// Serves these hooks.
    pub fn new(hooks: Arc<dyn PluginHooks>) -> Self {
        Self { hooks }
    }
}

impl Service for HooksService {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        serve_hook(&self.hooks, method, args).unwrap_or(Err(Refusal::NoSuchMethod))
    }
}

/// The methods of `serve_api` as a service: the server's end, for tests and for programs in a server's place.
#[derive(Clone)]
pub struct ApiService {
    api: Arc<dyn PluginApi>,
}

impl ApiService {
    /// Serves this API.
    pub fn new(api: Arc<dyn PluginApi>) -> Self {
        Self { api }
    }
}

impl Service for ApiService {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        serve_api(&self.api, method, args).unwrap_or(Err(Refusal::NoSuchMethod))
    }
}
