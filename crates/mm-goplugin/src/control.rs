//! The services on the first stream: go-plugin's own.

use std::sync::Arc;

use mm_gob::codec::{Bool, Str, Uint};
use tokio::sync::watch;

use crate::broker::Broker;
use crate::rpc::{Args, Limits, Refusal, Reply, Running, Server, Service};
use crate::session::Plugins;

/// Whether the host has asked the plugin to quit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Quit {
    NotAsked,
    /// It has, and waits for the answer. The connection may be over before we know that the answer is out.
    Asked,
    /// The answer is on its way.
    Answered,
}

/// `Control`: whether we live, and that we shall not for long.
pub(crate) struct Control {
    pub(crate) quit: watch::Sender<Quit>,
    pub(crate) plugins: Arc<dyn Plugins>,
}

impl Service for Control {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Ping" => {
                args.read::<Bool, bool>()?;
                Ok(Box::pin(async { Ok(Reply::empty()) }))
            }
            "Quit" => {
                args.read::<Bool, bool>()?;
                let quit = self.quit.clone();
                quit.send_replace(Quit::Asked);
                // Whoever waits for it ends the process: the host must have its answer by then.
                let once_sent = move || _ = quit.send_replace(Quit::Answered);
                let quitting = self.plugins.quitting();
                Ok(Box::pin(async move {
                    quitting.await;
                    Ok(Reply::empty().once_sent(once_sent))
                }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// `Dispenser`: gives a plugin of the set a stream of its own.
pub(crate) struct Dispenser {
    pub(crate) plugins: Arc<dyn Plugins>,
    pub(crate) broker: Broker,
    pub(crate) limits: Limits,
}

impl Service for Dispenser {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        if method != "Dispense" {
            return Err(Refusal::NoSuchMethod);
        }
        let name: String = args.read::<Str, String>()?;
        let Some(service) = self.plugins.dispense(&name, &self.broker) else {
            return Err(Refusal::Other(format!("unknown plugin type: {name}")));
        };
        let id = self.broker.next_id();
        let accepting = self.broker.accept(id);
        let limits = self.limits.clone();
        tokio::spawn(async move {
            // When the host does not come for it there is nobody to serve and nobody to tell.
            if let Ok(stream) = accepting.await {
                let (read, write) = stream.into_split();
                Server::new().register("Plugin", service).limits(limits).serve(read, write).await;
            }
        });
        Ok(Box::pin(async move { Ok(Reply::new::<Uint, u32>(id)) }))
    }
}
