//! What stands behind the hooks of a server's connection.

use std::sync::Arc;

use async_trait::async_trait;
use mm_goplugin::rpc;
use mm_proto::{HookName, PluginApi, PluginHooks};

/// How much time a plugin has to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hurry {
    /// Less than 10 s: nobody waits who would kill the process.
    No,
    /// Less than 2 s, with everything: the server kills the process then, or is gone.
    Yes,
}

/// A plugin as the server sees it.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Go names of the hooks that it has; others are never called. May take as long as the plugin needs to know them. A plugin that
    /// cannot start names none; [`Plugin::connect`] then says why.
    async fn implemented(&self) -> Vec<String>;

    /// The server's database is there, before [`Plugin::connect`]; or it is said why not. A plugin that uses no SQL does nothing.
    async fn connect_sql(&self, service: Result<rpc::Client, String>) {
        drop(service);
    }

    /// The server activates the plugin, and its API is there: gives the hooks, on which `OnConfigurationChange` and `OnActivate` are
    /// called next, as far as the plugin has them.
    ///
    /// # Errors
    /// Why the plugin does not start, for the administrator: what happened and what to do.
    async fn connect(&self, api: Arc<dyn PluginApi>) -> Result<Arc<dyn PluginHooks>, String>;

    /// The plugin is active: the server was told, or is about to be.
    async fn activated(&self) {}

    /// Somebody wants the plugin's code to be loaded anew, without the server's noticing (SIGHUP). What came of it is for the log.
    async fn reload(&self) -> Result<String, String> {
        Err("this plugin cannot be loaded anew while it runs".to_owned())
    }

    /// Waits until the plugin cannot go on, and says why; never ends for one that can. The process then ends, so that the server
    /// starts it again.
    async fn failed(&self) -> String {
        std::future::pending().await
    }

    /// The server is about to close its connections: the last moment to call it. Must take less than 2 s.
    async fn quitting(&self) {}

    /// Ends it; `OnDeactivate` was called. `reason` is for its log.
    async fn stop(&self, reason: &str, hurry: Hurry) {
        let _ = (reason, hurry);
    }
}

/// A plugin that is part of this program.
pub struct InProcess<F> {
    implemented: Vec<HookName>,
    make: F,
}

impl<F> InProcess<F>
where
    F: Fn(Arc<dyn PluginApi>) -> Arc<dyn PluginHooks> + Send + Sync + 'static,
{
    /// A plugin that has these hooks; `make` makes it when the server's API is there.
    pub fn new(implemented: impl IntoIterator<Item = HookName>, make: F) -> Self {
        Self { implemented: implemented.into_iter().collect(), make }
    }
}

#[async_trait]
impl<F> Plugin for InProcess<F>
where
    F: Fn(Arc<dyn PluginApi>) -> Arc<dyn PluginHooks> + Send + Sync + 'static,
{
    async fn implemented(&self) -> Vec<String> {
        self.implemented.iter().map(|it| it.as_str().to_owned()).collect()
    }

    async fn connect(&self, api: Arc<dyn PluginApi>) -> Result<Arc<dyn PluginHooks>, String> {
        Ok((self.make)(api))
    }
}
