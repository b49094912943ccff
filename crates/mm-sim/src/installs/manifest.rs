//! The manifest of an unpacked bundle, as far as the API shows it.

use std::path::Path;

use mm_proto::plugin::v1;
use serde_json::Value as Json;

use crate::values;

/// Reads `plugin.json`.
pub(super) fn read(folder: &Path) -> Result<v1::Manifest, String> {
    let path = folder.join("plugin.json");
    let text = std::fs::read(&path).map_err(|error| format!("plugin.json cannot be read: {error}"))?;
    let json: Json = serde_json::from_slice(&text).map_err(|error| format!("plugin.json is no JSON: {error}"))?;
    Ok(parse(&json))
}

fn parse(json: &Json) -> v1::Manifest {
    v1::Manifest {
        // The server writes ids in lower case.
        id: text(json, "id").to_lowercase(),
        name: text(json, "name"),
        description: text(json, "description"),
        homepage_url: text(json, "homepage_url"),
        support_url: text(json, "support_url"),
        release_notes_url: text(json, "release_notes_url"),
        icon_path: text(json, "icon_path"),
        version: text(json, "version"),
        min_server_version: text(json, "min_server_version"),
        server: json.get("server").map(server),
        webapp: json
            .get("webapp")
            .map(|webapp| v1::ManifestWebapp { bundle_path: text(webapp, "bundle_path"), ..Default::default() }),
        settings_schema: json.get("settings_schema").map(schema),
        props: entries(json, "props").map(|(key, value)| (key.clone(), values::from_json(value))).collect(),
    }
}

fn server(json: &Json) -> v1::ManifestServer {
    let executables = entries(json, "executables");
    v1::ManifestServer {
        executables: executables.map(|(key, it)| (key.clone(), it.as_str().unwrap_or_default().to_owned())).collect(),
        executable: text(json, "executable"),
    }
}

fn schema(json: &Json) -> v1::PluginSettingsSchema {
    v1::PluginSettingsSchema {
        header: text(json, "header"),
        footer: text(json, "footer"),
        settings: items(json, "settings").map(setting).collect(),
        sections: items(json, "sections").map(section).collect(),
    }
}

fn section(json: &Json) -> v1::PluginSettingsSection {
    v1::PluginSettingsSection {
        key: text(json, "key"),
        title: text(json, "title"),
        subtitle: text(json, "subtitle"),
        header: text(json, "header"),
        footer: text(json, "footer"),
        custom: flag(json, "custom"),
        fallback: flag(json, "fallback"),
        settings: items(json, "settings").map(setting).collect(),
    }
}

fn setting(json: &Json) -> v1::PluginSetting {
    let option = |it: &Json| v1::PluginOption { display_name: text(it, "display_name"), value: text(it, "value") };
    v1::PluginSetting {
        key: text(json, "key"),
        display_name: text(json, "display_name"),
        r#type: text(json, "type"),
        help_text: text(json, "help_text"),
        regenerate_help_text: text(json, "regenerate_help_text"),
        placeholder: text(json, "placeholder"),
        default: json.get("default").map(values::from_json),
        options: items(json, "options").map(option).collect(),
        hosting: text(json, "hosting"),
        secret: flag(json, "secret"),
    }
}

fn text(json: &Json, key: &str) -> String {
    json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn flag(json: &Json, key: &str) -> bool {
    json.get(key).and_then(Json::as_bool).unwrap_or_default()
}

fn items<'a>(json: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    json.get(key).and_then(Json::as_array).into_iter().flatten()
}

fn entries<'a>(json: &'a Json, key: &str) -> impl Iterator<Item = (&'a String, &'a Json)> {
    json.get(key).and_then(Json::as_object).into_iter().flatten()
}
