//! Values of a plugin's settings, from what people write: `--config KEY=VALUE`, `--settings FILE`, `:set KEY VALUE`.

use mm_proto::plugin::v1::Value;
use serde_json::Value as Json;

use crate::manifest::{Setting, SettingType, SettingsSchema};
use crate::value;

/// The value that `text` means for the setting `key`, with the key as the manifest spells it.
///
/// # Errors
/// When the manifest has no such setting, or the text is no value for it; says what would be.
pub(crate) fn from_text(schema: Option<&SettingsSchema>, key: &str, text: &str) -> Result<(String, Value), String> {
    let Some(setting) = find(schema, key)? else {
        // Without a schema anything goes; what is JSON is taken as such.
        let json = serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned()));
        return Ok((key.to_owned(), value::from_json(&json)));
    };
    let refuse = |what: &str| Err(format!("{} is {what}: {text:?} is not", setting.key));
    let json = match SettingType::from_name(&setting.kind) {
        Some(SettingType::Bool) => match text {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => return refuse("true or false"),
        },
        Some(SettingType::Number) => match text.parse::<i64>() {
            Ok(number) => Json::from(number),
            Err(_) => return refuse("a whole number"),
        },
        Some(kind) if kind.has_options() => {
            let values: Vec<&str> = setting.options.iter().map(|it| it.value.as_str()).collect();
            if !values.contains(&text) {
                return refuse(&format!("one of {}", values.join(", ")));
            }
            Json::String(text.to_owned())
        }
        Some(SettingType::Custom) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())),
        _ => Json::String(text.to_owned()),
    };
    Ok((setting.key.clone(), value::from_json(&json)))
}

/// `KEY=VALUE`, taken apart.
///
/// # Errors
/// When there is no `=`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// The setting of this name, in any case as the server compares them; `None` when the manifest has no settings at all.
fn find<'a>(schema: Option<&'a SettingsSchema>, key: &str) -> Result<Option<&'a Setting>, String> {
    let Some(schema) = schema.filter(|it| it.all().next().is_some()) else { return Ok(None) };
    let found = schema.all().find(|it| it.key.eq_ignore_ascii_case(key));
    let keys = || schema.all().map(|it| it.key.as_str()).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| format!("the plugin has no setting {key}; it has {}", keys()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> SettingsSchema {
        serde_json::from_value(serde_json::json!({"settings": [
            {"key": "Loud", "type": "bool"}, {"key": "Times", "type": "number"}, {"key": "Greeting", "type": "text"},
            {"key": "Mode", "type": "radio", "options": [{"display_name": "A", "value": "a"}, {"display_name": "B", "value": "b"}]},
        ]}))
        .unwrap()
    }

    fn json(key: &str, text: &str) -> Result<(String, Json), String> {
        from_text(Some(&schema()), key, text).map(|(key, it)| (key, value::to_json(&it)))
    }

    #[test]
    fn the_type_decides() {
        assert_eq!(json("loud", "true"), Ok(("Loud".to_owned(), Json::Bool(true))));
        assert_eq!(json("Times", "3"), Ok(("Times".to_owned(), Json::from(3))));
        assert_eq!(json("Greeting", "3"), Ok(("Greeting".to_owned(), Json::from("3"))));
        assert_eq!(json("Mode", "b"), Ok(("Mode".to_owned(), Json::from("b"))));
    }

    #[test]
    fn what_cannot_be_says_what_could() {
        assert_eq!(json("Loud", "yes"), Err("Loud is true or false: \"yes\" is not".to_owned()));
        assert_eq!(json("Mode", "c"), Err("Mode is one of a, b: \"c\" is not".to_owned()));
        assert_eq!(
            json("Volume", "1"),
            Err("the plugin has no setting Volume; it has Loud, Times, Greeting, Mode".to_owned())
        );
    }

    #[test]
    fn without_a_schema_json_is_taken_as_such() {
        let value = |text| value::to_json(&from_text(None, "k", text).unwrap().1);
        assert_eq!(value("[1]"), serde_json::json!([1]));
        assert_eq!(value("plain"), Json::from("plain"));
    }
}
