//! The server's configuration, and in it the settings of plugins.

use std::collections::BTreeMap;

use mm_proto::ApiError;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, Result};
use crate::events::{Audience, LogLevel, Subject};
use crate::hooks::call_hook;
use crate::server::{Options, Server};
use crate::{config_defaults, values};

/// The configuration of a new simulated server.
pub(crate) fn default_config(options: &Options) -> v1::Config {
    let mut config = config_defaults::defaults();
    config.service_settings.get_or_insert_default().site_url = Some(options.site_url.clone());
    config.plugin_settings.get_or_insert_default().directory = Some(options.plugin_directory.clone());
    // Off on a real server unless its administrator wants the hook MessagesWillBeConsumed.
    config.feature_flags.get_or_insert_default().consume_post_hook = true;
    // Off on a real server unless its administrator lets plugins be uploaded.
    config.plugin_settings.get_or_insert_default().enable_uploads = Some(true);
    config
}

/// Settings of plugins.
impl Server {
    /// Sets one setting of a plugin, as an administrator does in the console: `ConfigurationWillBeSaved` of all plugins is asked,
    /// then `OnConfigurationChange` of all is called. The console writes keys in lower case, so does this.
    pub async fn set_plugin_setting(&self, plugin_id: &str, key: &str, value: v1::Value) -> Result<()> {
        let mut settings = self.plugin_settings(plugin_id);
        settings.retain(|known, _| !known.eq_ignore_ascii_case(key));
        settings.insert(key.to_lowercase(), value);
        self.save_plugin_settings(plugin_id, settings).await
    }

    /// The settings that are saved for a plugin, without the manifest's defaults.
    pub fn plugin_settings(&self, plugin_id: &str) -> BTreeMap<String, v1::Value> {
        let world = self.world();
        let settings = world.config.plugin_settings.as_ref().and_then(|settings| settings.plugins.get(plugin_id));
        settings.map(|settings| settings.values.clone()).unwrap_or_default()
    }

    /// Replaces the saved settings of a plugin.
    pub(crate) async fn save_plugin_settings(
        &self,
        plugin_id: &str,
        values: BTreeMap<String, v1::Value>,
    ) -> Result<()> {
        let mut config = self.config();
        let settings = config.plugin_settings.get_or_insert_default();
        settings.plugins.insert(plugin_id.to_owned(), v1::ValueMap { values });
        self.save_config(config).await
    }

    /// What `LoadPluginConfiguration` gives: a JSON object of the manifest's defaults and over them the saved settings, keys in lower
    /// case.
    pub(crate) fn plugin_configuration(&self, plugin_id: &str) -> Vec<u8> {
        let mut settings = serde_json::Map::new();
        {
            let world = self.world();
            let manifest = world.plugins.get(plugin_id).map(|entry| &entry.manifest);
            let schema = manifest.and_then(|manifest| manifest.settings_schema.as_ref());
            // Those of sections have no defaults here, an oversight of the real server that plugins live with.
            for setting in schema.map(|schema| schema.settings.as_slice()).unwrap_or_default() {
                let default = setting.default.as_ref().map_or(serde_json::Value::Null, values::to_json);
                settings.insert(setting.key.to_lowercase(), default);
            }
        }
        for (key, value) in self.plugin_settings(plugin_id) {
            settings.insert(key.to_lowercase(), values::to_json(&value));
        }
        serde_json::Value::Object(settings).to_string().into_bytes()
    }
}

/// The whole configuration.
impl Server {
    pub(crate) fn config(&self) -> v1::Config {
        self.world().config.clone()
    }

    /// A setting that is true or false; absent is false.
    pub(crate) fn config_flag(&self, setting: impl Fn(&v1::Config) -> Option<bool>) -> bool {
        setting(&self.world().config).unwrap_or_default()
    }

    /// Saves a configuration: plugins may change it or refuse, and are told afterwards, whatever has changed.
    pub(crate) async fn save_config(&self, mut config: v1::Config) -> Result<()> {
        for listener in self.listeners("ConfigurationWillBeSaved") {
            let request = v1::ConfigurationWillBeSavedRequest { new_config: Some(config.clone()) };
            let name = "ConfigurationWillBeSaved";
            let span = self.trace_hook(&listener, name, &request);
            match listener.hooks.configuration_will_be_saved(request).await {
                // The plugin says no, as opposed to a call that failed.
                Err(error @ (ApiError::App(_) | ApiError::Plain(_))) => {
                    self.bus().trace_return::<()>(self.clock(), span, Err(errors::text(&error)));
                    return Err(refused(error));
                }
                result => {
                    let answer = self.finish_hook(&listener, name, span, result);
                    config = answer.and_then(|answer| answer.config).unwrap_or(config);
                }
            }
        }
        self.world().config = config;
        self.publish("config_changed", [], Audience::all(), Subject::Other);
        for listener in self.listeners("OnConfigurationChange") {
            let request = v1::OnConfigurationChangeRequest::default();
            let _ = call_hook!(self, listener, "OnConfigurationChange", on_configuration_change, request);
        }
        Ok(())
    }

    /// A record that a plugin logs with the API: a message and keys and values in turn.
    pub(crate) fn plugin_log(&self, plugin_id: &str, level: LogLevel, message: String, pairs: &[v1::Value]) {
        let field = |pair: &[v1::Value]| {
            let value = pair.get(1).map(values::display).unwrap_or_default();
            (pair.first().map(values::display).unwrap_or_default(), value)
        };
        let fields = pairs.chunks(2).map(field).collect();
        let plugin_id = plugin_id.to_owned();
        self.log(crate::LogRecord { at: self.now(), plugin_id, level, message, fields });
    }
}

/// Audit records.
impl Server {
    /// An audit record goes to the log, with the plugin's id as the real server adds it.
    pub(crate) fn audit(&self, plugin_id: &str, record: Option<v1::AuditRecord>) {
        let Some(record) = record else { return };
        let data = record.event_data.unwrap_or_default();
        let actor = record.actor.unwrap_or_default();
        let parameters = values::map_json(&data.parameters).to_string();
        let fields = [("status", record.status), ("user_id", actor.user_id), ("parameters", parameters)];
        let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let (plugin_id, message) = (plugin_id.to_owned(), format!("audit: {}", record.event_name));
        self.log(crate::LogRecord { at: self.now(), plugin_id, level: LogLevel::Info, message, fields });
    }
}

fn refused(error: ApiError) -> ApiError {
    match error {
        ApiError::Plain(error) => errors::app_with(
            "saveConfig",
            "app.save_config.plugin_hook_error",
            BAD_REQUEST,
            "A plugin does not allow this configuration.",
            error.message,
        ),
        other => other,
    }
}
