//! The hooks as the server calls them: the service `Plugin` on the connection that it asks for.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mm_gob::codec::{Slice, Str, Struct};
use mm_goplugin::rpc::{Args, Closed, Empty, Refusal, Reply, Running, Service};
use mm_goplugin::{Broker, Plugins};
use mm_proto::netrpc::{Activation, OnActivateArgs, serve_hook};
use mm_proto::plugin::v1::OnDeactivateRequest;
use mm_proto::{ApiError, PluginHooks};
use tokio::sync::{SetOnce, watch};

use super::logs::{LAST_RECORDS, Logs};
use super::plugin::Plugin;
use super::{PLUGIN_NAME, activate, streams};

/// How far the server's activation of the plugin is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// It has not begun, or the answer is not given.
    NotYet,
    /// The server knows that the plugin is active.
    Active,
    /// The server knows that the plugin did not start; it ends the process.
    Refused,
}

/// What all connections with the server share.
pub(super) struct Desk {
    /// Set before the server connects.
    plugin: OnceLock<Arc<dyn Plugin>>,
    pub(super) logs: Logs,
    pub(super) progress: watch::Sender<Progress>,
    /// Why the session is of no use any more, although it lives.
    lost: SetOnce<String>,
    /// The plugin's hooks, from its activation on.
    pub(super) hooks: OnceLock<Arc<dyn PluginHooks>>,
    /// Whether `OnDeactivate` was called.
    deactivated: AtomicBool,
}

impl Desk {
    pub(super) fn new(logs: Logs) -> Self {
        Self {
            plugin: OnceLock::new(),
            logs,
            progress: watch::Sender::new(Progress::NotYet),
            lost: SetOnce::new(),
            hooks: OnceLock::new(),
            deactivated: AtomicBool::new(false),
        }
    }

    /// Says what stands behind the hooks; the first one stays.
    pub(super) fn seat(&self, plugin: Arc<dyn Plugin>) {
        let _ = self.plugin.set(plugin);
    }

    pub(super) fn plugin(&self) -> Option<&Arc<dyn Plugin>> {
        self.plugin.get()
    }

    /// Notes that the session cannot be used any more. The first reason counts.
    pub(super) fn lose(&self, why: String) {
        let _ = self.lost.set(why);
    }

    /// Waits until the session cannot be used any more.
    pub(super) async fn lost(&self) -> String {
        self.lost.wait().await.clone()
    }

    /// Calls `OnDeactivate`, if the plugin has it, is active, and the server has not called it.
    pub(super) async fn deactivate(&self) -> Result<(), ApiError> {
        let active = *self.progress.borrow() == Progress::Active;
        let Some(hooks) = self.hooks.get().filter(|_| active) else { return Ok(()) };
        if !self.implemented().await.contains("OnDeactivate") || self.deactivated.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        hooks.on_deactivate(OnDeactivateRequest {}).await.map(drop)
    }

    /// Go names of the plugin's hooks.
    pub(super) async fn implemented(&self) -> BTreeSet<String> {
        match self.plugin() {
            Some(plugin) => plugin.implemented().await.into_iter().collect(),
            None => BTreeSet::new(),
        }
    }
}

/// What the server can ask for.
pub(super) struct Dispensary {
    pub(super) desk: Arc<Desk>,
}

impl Plugins for Dispensary {
    fn dispense(&self, name: &str, broker: &Broker) -> Option<Arc<dyn Service>> {
        let hooks = HooksService { desk: self.desk.clone(), broker: broker.clone() };
        (name == PLUGIN_NAME).then(|| Arc::new(hooks) as Arc<dyn Service>)
    }

    fn quitting(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let plugin = self.desk.plugin().cloned();
        let logs = self.desk.logs.clone();
        Box::pin(async move {
            if let Some(plugin) = plugin {
                // Whoever waits for the server's shutdown waits for this.
                let _ = tokio::time::timeout(QUITTING, plugin.quitting()).await;
            }
            // The server closes its connections once it has the answer: the record that is on its way has a moment to get its own, and is
            // the last.
            logs.disconnect();
            logs.flush(LAST_RECORDS).await;
        })
    }
}

/// How long a plugin may keep the server from being told that it quits.
const QUITTING: Duration = Duration::from_secs(2);

/// The service `Plugin`.
struct HooksService {
    desk: Arc<Desk>,
    broker: Broker,
}

impl Service for HooksService {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Implemented" => {
                args.read::<Struct<Empty>, Empty>()?;
                let desk = self.desk.clone();
                Ok(Box::pin(async move {
                    let names = desk.implemented().await.into_iter().collect();
                    Ok(Reply::new::<Slice<Str>, Vec<String>>(names))
                }))
            }
            "OnActivate" => {
                let streams = args.read::<Struct<OnActivateArgs>, Activation>()?;
                Ok(Box::pin(activate::run(self.desk.clone(), self.broker.clone(), streams)))
            }
            _ => match (streams::call(self.desk.hooks.get(), &self.broker, method, args), self.desk.hooks.get()) {
                (Some(running), _) => running,
                (None, Some(hooks)) => {
                    let running = serve_hook(hooks, method, args).unwrap_or(Err(Refusal::NoSuchMethod));
                    if method == "OnDeactivate" && running.is_ok() {
                        self.desk.deactivated.store(true, Ordering::Relaxed);
                    }
                    running
                }
                (None, None) => Err(Refusal::Other("the plugin is not activated".to_owned())),
            },
        }
    }

    fn closed(&self, reason: &Closed) {
        self.desk.lose(format!("the server's connection to the hooks is over: {reason}"));
    }
}
