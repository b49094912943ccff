//! A Python plugin under the real host, with the simulator behind it: with the SDK in it, or with grpcio in the SDK's place.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use mm_host::{EnvRequest, Manifest, PluginHost, prepare};
use mm_proto::plugin::v1;
use mm_proto::{PluginApi, PluginHooks};

use crate::calls::{Batch, measure};
use crate::contest::Contestant;
use crate::samples;

/// A running plugin.
pub(crate) struct Hosted {
    host: PluginHost,
    hooks: Arc<dyn PluginHooks>,
    user_id: String,
}

impl Hosted {
    /// Starts the plugin in `bundle` on this Python. `sdk` is the folder of the package `mattermost_plugin`.
    pub(crate) async fn start(bundle: &Path, python: &Path, sdk: &Path) -> Result<Self> {
        let (manifest, _) = Manifest::load(bundle)?;
        let request = EnvRequest { bundle, manifest: &manifest, python: Some(python), sdk: Some(sdk), cache_dir: None };
        let env = prepare(&request, &mut |_| {})?;
        let api = mm_sim::Server::demo().api(&manifest.id);
        let user_id = make_user(&*api).await?;
        let log = Arc::new(|record: mm_host::log::LogRecord| eprintln!("{}", record.message));
        let host = PluginHost::builder(bundle, manifest, env).api(api).log(log).build()?;
        host.start().await.with_context(|| format!("cannot start the plugin in {}", bundle.display()))?;
        host.activate().await?;
        let hooks = host.hooks();
        Ok(Self { host, hooks, user_id })
    }

    /// Ends the plugin's process.
    pub(crate) async fn stop(&self) {
        self.host.stop("the benchmark is over").await;
    }
}

/// The user that the plugin asks for.
async fn make_user(api: &dyn PluginApi) -> Result<String> {
    let created = api.create_user(v1::CreateUserRequest { user: Some(samples::user()) }).await?;
    Ok(created.user.context("CreateUser answered no user")?.id)
}

#[async_trait]
impl Contestant for Hosted {
    /// The plugin itself measures, in Python; it is told to by a command.
    async fn api(&self, callers: usize, calls: usize) -> Result<Batch> {
        let command = format!("/bench {callers} {calls} {}", self.user_id);
        let args = v1::CommandArgs { command, user_id: self.user_id.clone(), ..v1::CommandArgs::default() };
        let request = v1::ExecuteCommandRequest { context: Some(v1::Context::default()), args: Some(args) };
        let response = self.hooks.execute_command(request).await?;
        let text = response.command_response.context("the plugin did not answer the command")?.text;
        serde_json::from_str(&text).with_context(|| format!("the plugin answered: {text}"))
    }

    async fn hook(&self, callers: usize, calls: usize) -> Result<Batch> {
        let hooks = Arc::clone(&self.hooks);
        let sample = samples::message_will_be_posted();
        let call = move || {
            let hooks = Arc::clone(&hooks);
            let request = sample.clone();
            async move {
                let response = hooks.message_will_be_posted(request).await?;
                ensure!(
                    response.post.is_some_and(|it| it.message.ends_with('!')),
                    "the plugin did not change the post"
                );
                Ok(())
            }
        };
        measure(callers, calls, call).await
    }
}
