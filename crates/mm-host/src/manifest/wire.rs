//! The manifest as the API's `Manifest` message.

use mm_proto::plugin::v1;

use super::{Manifest, Setting, SettingOption, SettingsSchema, SettingsSection};
use crate::value;

impl From<&Manifest> for v1::Manifest {
    fn from(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id.clone(),
            name: manifest.name.clone(),
            description: manifest.description.clone(),
            homepage_url: manifest.homepage_url.clone(),
            support_url: manifest.support_url.clone(),
            release_notes_url: manifest.release_notes_url.clone(),
            icon_path: manifest.icon_path.clone(),
            version: manifest.version.clone(),
            min_server_version: manifest.min_server_version.clone(),
            server: manifest.server.as_ref().map(|it| v1::ManifestServer {
                executables: it.executables.iter().map(|(platform, path)| (platform.clone(), path.clone())).collect(),
                executable: it.executable.clone(),
            }),
            webapp: manifest
                .webapp
                .as_ref()
                .map(|it| v1::ManifestWebapp { bundle_path: it.bundle_path.clone(), ..Default::default() }),
            settings_schema: manifest.settings_schema.as_ref().map(schema),
            props: manifest.props.iter().map(|(name, it)| (name.clone(), value::from_json(it))).collect(),
        }
    }
}

fn schema(schema: &SettingsSchema) -> v1::PluginSettingsSchema {
    v1::PluginSettingsSchema {
        header: schema.header.clone(),
        footer: schema.footer.clone(),
        settings: schema.settings.iter().map(setting).collect(),
        sections: schema.sections.iter().map(section).collect(),
    }
}

fn section(section: &SettingsSection) -> v1::PluginSettingsSection {
    v1::PluginSettingsSection {
        key: section.key.clone(),
        title: section.title.clone(),
        subtitle: section.subtitle.clone(),
        settings: section.settings.iter().map(setting).collect(),
        header: section.header.clone(),
        footer: section.footer.clone(),
        custom: section.custom,
        fallback: section.fallback,
    }
}

fn setting(setting: &Setting) -> v1::PluginSetting {
    v1::PluginSetting {
        key: setting.key.clone(),
        display_name: setting.display_name.clone(),
        r#type: setting.kind.clone(),
        help_text: setting.help_text.clone(),
        regenerate_help_text: setting.regenerate_help_text.clone(),
        placeholder: setting.placeholder.clone(),
        default: (!setting.default.is_null()).then(|| value::from_json(&setting.default)),
        options: setting.options.iter().map(option).collect(),
        hosting: setting.hosting.clone(),
        secret: setting.secret,
    }
}

fn option(option: &SettingOption) -> v1::PluginOption {
    v1::PluginOption { display_name: option.display_name.clone(), value: option.value.clone() }
}
