//! `settings_schema` of a manifest: what the System Console shows for a plugin and what its configuration is before anyone changed it.

use serde::{Deserialize, Serialize};

/// All settings of a plugin.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct SettingsSchema {
    /// Text above the settings.
    pub header: String,
    /// Text below the settings.
    pub footer: String,
    /// Settings outside sections.
    #[serde(deserialize_with = "null_as_default")]
    pub settings: Vec<Setting>,
    /// Settings in sections.
    #[serde(deserialize_with = "null_as_default")]
    pub sections: Vec<SettingsSection>,
}

/// A titled group of settings.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct SettingsSection {
    /// Unique in the schema.
    pub key: String,
    /// Title for people.
    pub title: String,
    /// Line below the title.
    pub subtitle: String,
    /// What is in it.
    #[serde(deserialize_with = "null_as_default")]
    pub settings: Vec<Setting>,
    /// Text above the settings.
    pub header: String,
    /// Text below the settings.
    pub footer: String,
    /// Shown by a component of the plugin's web application.
    pub custom: bool,
    /// With `custom`: shown as plain settings while the plugin is off.
    pub fallback: bool,
}

/// One setting.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Setting {
    /// Key in the plugin's configuration.
    pub key: String,
    /// Label for people.
    pub display_name: String,
    /// Kind of input, see [`SettingType`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Text below the input.
    pub help_text: String,
    /// Text beside the button of a `generated` setting.
    pub regenerate_help_text: String,
    /// Text in an empty input.
    pub placeholder: String,
    /// Value before anyone changed it; JSON `null` when there is none.
    pub default: serde_json::Value,
    /// Choices of a `radio` or `dropdown` setting.
    #[serde(deserialize_with = "null_as_default")]
    pub options: Vec<SettingOption>,
    /// `cloud` or `on-prem` when it is shown in only one of them.
    pub hosting: String,
    /// Hidden from whoever reads the configuration.
    pub secret: bool,
}

/// One choice of a `radio` or `dropdown` setting.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct SettingOption {
    /// Label for people.
    pub display_name: String,
    /// What is stored.
    pub value: String,
}

/// Kinds of settings that Mattermost knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SettingType {
    /// On or off.
    Bool,
    /// One of `options`, as a menu.
    Dropdown,
    /// A random text made by the server.
    Generated,
    /// One of `options`, as buttons.
    Radio,
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A whole number.
    Number,
    /// A user's name.
    Username,
    /// Shown by the plugin's web application.
    Custom,
}

impl SettingType {
    /// Names and kinds, as a manifest writes them.
    pub const ALL: [(&'static str, Self); 9] = [
        ("bool", Self::Bool),
        ("dropdown", Self::Dropdown),
        ("generated", Self::Generated),
        ("radio", Self::Radio),
        ("text", Self::Text),
        ("longtext", Self::LongText),
        ("number", Self::Number),
        ("username", Self::Username),
        ("custom", Self::Custom),
    ];

    /// The kind of this name; `None` when Mattermost has none of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(it, _)| *it == name).map(|(_, kind)| *kind)
    }

    /// Whether `options` belong to it.
    pub fn has_options(self) -> bool {
        matches!(self, Self::Radio | Self::Dropdown)
    }

    /// Whether a `placeholder` can be shown.
    pub fn has_placeholder(self) -> bool {
        !matches!(self, Self::Bool | Self::Radio | Self::Dropdown)
    }
}

impl SettingsSchema {
    /// Every setting, those of sections included, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().chain(self.sections.iter().flat_map(|it| &it.settings))
    }
}

/// Go reads `null` as an empty list; a manifest written by a tool may have it.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
