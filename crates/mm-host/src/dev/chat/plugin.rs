//! The plugin itself: its process, its settings, what it has stored.

use mm_proto::plugin::v1;

use super::{Chat, Outcome, text};
use crate::check;
use crate::dev::command::Command;
use crate::dev::plugin::Started;
use crate::dev::{progress, settings};
use crate::manifest::Manifest;
use crate::python_env::Progress;
use crate::value;

impl Chat {
    /// Does a command about the plugin.
    pub(super) async fn about_plugin(&mut self, command: Command) -> Outcome {
        match command {
            Command::Status => Ok(self.plugin.describe()),
            Command::Restart => self.restart().await,
            Command::Stop => {
                self.plugin.stop("stopped by hand").await;
                Ok(vec!["the plugin is stopped".to_owned()])
            }
            Command::Kill => self.plugin.kill().await.map(|()| Vec::new()),
            Command::Set { key, value } => {
                let manifest = self.plugin.manifest().ok_or("the plugin has no manifest yet")?;
                let (key, value) = settings::from_text(manifest.settings_schema.as_ref(), &key, &value)?;
                let id = manifest.id.clone();
                self.server.set_plugin_setting(&id, &key, value).await.map_err(text).map(|()| Vec::new())
            }
            Command::Settings => Ok(self.settings()),
            Command::Keys => {
                // The look-up goes through the plugin's API, and is not the plugin's call.
                self.server.set_tracing(false);
                let keys = self.keys().await;
                self.server.set_tracing(self.screen.with_renderer(|it| it.tracing));
                keys
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Lets a new process take over from the one that runs.
    pub(crate) async fn swap(&mut self) -> Outcome {
        let screen = self.screen.clone();
        let started = self.plugin.swap(move |it: Progress| progress(&screen, &it)).await?;
        self.screen.note(&describe_started(&started));
        Ok(Vec::new())
    }

    /// Starts the plugin, or starts it again.
    pub(crate) async fn restart(&mut self) -> Outcome {
        let screen = self.screen.clone();
        let ignored = Manifest::ignored(&self.plugin.dir());
        if !ignored.is_empty() {
            screen.warning(&ignored);
        }
        for finding in check::unknown_keys(&self.plugin.dir()) {
            screen.warning(&finding.message());
        }
        let started = self.plugin.start(move |it: Progress| progress(&screen, &it)).await?;
        self.screen.note(&describe_started(&started));
        Ok(Vec::new())
    }

    fn settings(&self) -> Vec<String> {
        let Some(manifest) = self.plugin.manifest() else {
            return vec!["the plugin's manifest was not read yet".to_owned()];
        };
        let saved = self.server.plugin_settings(&manifest.id);
        let saved_value =
            |key: &str| saved.iter().find(|(it, _)| it.eq_ignore_ascii_case(key)).map(|(_, it)| value::to_json(it));
        let known: Vec<_> = manifest.settings_schema.iter().flat_map(|it| it.all()).collect();
        let mut lines: Vec<String> = known
            .iter()
            .map(|it| match saved_value(&it.key) {
                Some(value) => format!("{} = {value}", it.key),
                None => format!("{} = {} (default)", it.key, it.default),
            })
            .collect();
        let others = saved.iter().filter(|(key, _)| !known.iter().any(|it| it.key.eq_ignore_ascii_case(key)));
        lines.extend(others.map(|(key, it)| format!("{key} = {}", value::to_json(it))));
        if lines.is_empty() { vec!["the plugin has no settings".to_owned()] } else { lines }
    }

    async fn keys(&self) -> Outcome {
        let Some(manifest) = self.plugin.manifest() else { return Ok(Vec::new()) };
        let api = self.server.api(&manifest.id);
        let mut lines = Vec::new();
        for page in 0.. {
            let keys = api.kv_list(v1::KvListRequest { page, per_page: 100 }).await.map_err(text)?.result;
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let stored = api.kv_get(v1::KvGetRequest { key: key.clone() }).await.map_err(text)?.value;
                lines.push(format!("{key} = {}", printable(&stored.unwrap_or_default())));
            }
        }
        Ok(if lines.is_empty() { vec!["the plugin has stored nothing".to_owned()] } else { lines })
    }
}

/// What a plugin says that it runs on: a bare number is a Python's.
pub(crate) fn language(version: &str) -> String {
    if version.starts_with(|it: char| it.is_ascii_digit()) { format!("Python {version}") } else { version.to_owned() }
}

/// How the plugin started, in one line.
fn describe_started(started: &Started) -> String {
    let version = if started.version.is_empty() { String::new() } else { format!(" {}", started.version) };
    let hooks = if started.hooks.is_empty() { "no hooks".to_owned() } else { started.hooks.join(", ") };
    format!(
        "{}{version} runs on {} after {:.2} s: {hooks}",
        started.name,
        language(&started.python),
        started.took.as_secs_f32()
    )
}

fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|it| it.is_control() && it != '\n') => text.to_owned(),
        _ => format!("<{} bytes>", bytes.len()),
    }
}
