//! Calling plugins: who listens to a hook, one call with its trace, and calls in the background.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginHooks};
use tokio::sync::Notify;

use crate::bus::TraceSpan;
use crate::errors;
use crate::events::{LogLevel, TraceSide};
use crate::server::Server;

/// Go names of the hooks that nothing in the simulator causes: none, unless a new Mattermost brings one.
pub const HOOKS_NOT_CALLED: &[&str] = &[];

/// A plugin whose hooks are called.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) plugin_id: Arc<str>,
    pub(crate) hooks: Arc<dyn PluginHooks>,
    pub(crate) implemented: Arc<std::collections::BTreeSet<String>>,
}

/// On whose behalf something happens; what plugins see of it is their context.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The acting user; empty when a plugin or the server itself acts.
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) request_id: String,
}

impl Caller {
    /// The context argument of hooks.
    pub(crate) fn context(&self) -> Option<v1::Context> {
        let from_client = !self.session_id.is_empty();
        Some(v1::Context {
            session_id: self.session_id.clone(),
            request_id: self.request_id.clone(),
            ip_address: if from_client { "127.0.0.1".to_owned() } else { String::new() },
            accept_language: if from_client { "en".to_owned() } else { String::new() },
            user_agent: if from_client { "mm-sim".to_owned() } else { String::new() },
        })
    }
}

/// Calls one hook of one plugin and gives its response, or `None` when the call itself failed, which is logged. As on a real server
/// such a failure never stops what the hook is about.
macro_rules! call_hook {
    ($server:expr, $listener:expr, $go:literal, $method:ident, $request:expr) => {{
        let request = $request;
        let span = $server.trace_hook(&$listener, $go, &request);
        let result = $listener.hooks.$method(request).await;
        $server.finish_hook(&$listener, $go, span, result)
    }};
}

/// Calls a hook that nobody waits for, of all plugins that implement it. A server starts it as soon as its cause is stored, so what
/// a plugin does about it may come before or after what people see of the cause. Here it is the last thing that is done, so that
/// plugins always come after, and people see the same every time.
macro_rules! notify {
    ($server:expr, $go:literal, $method:ident, $request:expr) => {{
        let listeners = $server.listeners($go);
        if !listeners.is_empty() {
            let server = $server.clone();
            let request = $request;
            $server.background(async move {
                for listener in listeners {
                    let _ = $crate::hooks::call_hook!(server, listener, $go, $method, request.clone());
                }
            });
        }
    }};
}

pub(crate) use {call_hook, notify};

impl Server {
    /// The running plugins that implement a hook, in the order of their activation.
    pub(crate) fn listeners(&self, hook: &str) -> Vec<Listener> {
        let running = self.running();
        running.iter().filter(|listener| listener.implemented.contains(hook)).cloned().collect()
    }

    /// The plugin with this id, when it runs and implements the hook.
    pub(crate) fn listener_of(&self, plugin_id: &str, hook: &str) -> Option<Listener> {
        let running = self.running();
        let mut named = running.iter().filter(|listener| *listener.plugin_id == *plugin_id);
        named.find(|listener| listener.implemented.contains(hook)).cloned()
    }

    pub(crate) fn trace_hook(
        &self,
        listener: &Listener,
        name: &'static str,
        request: &dyn std::fmt::Debug,
    ) -> Option<TraceSpan> {
        self.bus().trace_call(self.clock(), TraceSide::Hook, &listener.plugin_id, name, request)
    }

    pub(crate) fn finish_hook<R: std::fmt::Debug>(
        &self,
        listener: &Listener,
        name: &'static str,
        span: Option<TraceSpan>,
        result: Result<R, ApiError>,
    ) -> Option<R> {
        self.bus().trace_return(self.clock(), span, result.as_ref().map_err(errors::text));
        match result {
            Ok(response) => Some(response),
            Err(error) => {
                self.log_hook_failure(&listener.plugin_id, name, &error);
                None
            }
        }
    }

    pub(crate) fn log_hook_failure(&self, plugin_id: &str, name: &str, error: &ApiError) {
        let fields = [("plugin_id", plugin_id.to_owned()), ("hook", name.to_owned()), ("error", errors::text(error))];
        self.server_log(LogLevel::Error, "A plugin's hook failed.", fields);
    }

    /// Runs a task that nobody waits for; [`Server::settle`] does.
    pub(crate) fn background(&self, task: impl Future<Output = ()> + Send + 'static) {
        let pending = self.pending().enter();
        tokio::spawn(async move {
            task.await;
            drop(pending);
        });
    }
}

/// How many background tasks run.
#[derive(Default)]
pub(crate) struct Pending {
    count: AtomicUsize,
    idle: Notify,
}

impl Pending {
    fn enter(self: Arc<Self>) -> PendingGuard {
        self.count.fetch_add(1, Ordering::SeqCst);
        PendingGuard(self)
    }

    pub(crate) async fn settle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            // Registered before the count is read, so that the last task's notice is not missed.
            idle.as_mut().enable();
            if self.count.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }
}

struct PendingGuard(Arc<Pending>);

impl Drop for PendingGuard {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
