//! Keys of a manifest that nobody reads: neither Mattermost nor this program. A misspelled one is a wish that does not come true, and
//! a misspelled `permissions` means every permission.

use serde_json::Value;

use self::Known::{Anything, Keys, ListOf, MapOf};

/// From how alike on a key is taken for a misspelled one.
const ALIKE: f64 = 0.75;

/// A key that nobody reads.
#[derive(Debug, PartialEq)]
pub(crate) struct Unknown {
    /// Its path, such as `server.python.qeue`.
    pub(crate) field: String,
    /// What is wrong, and what to do.
    pub(crate) message: String,
    /// Whether it is a mistake: it is like a key that there is, or stands where only this program's own keys are. Anything else may be
    /// somebody's own note.
    pub(crate) mistake: bool,
}

/// What can stand somewhere in a manifest.
enum Known {
    /// A value that is not looked into.
    Anything,
    /// An object with these keys.
    Keys(&'static [(&'static str, Known)]),
    /// An object with any keys.
    MapOf(&'static Known),
    ListOf(&'static Known),
}

/// Of `server.python`, all of them this program's own.
const PYTHON: Known = Keys(&[
    ("dependency_mode", Anything),
    ("entry", Anything),
    ("venv_path", Anything),
    ("requirements_path", Anything),
    ("workers", Anything),
    ("restart", Keys(&[("max_deaths", Anything), ("minutes", Anything)])),
    // One that is unknown there is refused by whoever reads it.
    ("limits", Anything),
    ("sandbox", Anything),
    ("deadlines", MapOf(&Anything)),
    ("queue", Anything),
    ("max_calls", Anything),
    ("stuck", Anything),
]);

const SERVER: Known = Keys(&[
    ("executable", Anything),
    ("executables", MapOf(&Anything)),
    ("runtime", Anything),
    ("command", ListOf(&Anything)),
    ("python_version", Anything),
    ("python", PYTHON),
]);

const SETTING: Known = Keys(&[
    ("key", Anything),
    ("display_name", Anything),
    ("type", Anything),
    ("help_text", Anything),
    ("regenerate_help_text", Anything),
    ("placeholder", Anything),
    ("default", Anything),
    ("options", ListOf(&Keys(&[("display_name", Anything), ("value", Anything)]))),
    ("hosting", Anything),
    ("secret", Anything),
]);

const SECTION: Known = Keys(&[
    ("key", Anything),
    ("title", Anything),
    ("subtitle", Anything),
    ("settings", ListOf(&SETTING)),
    ("header", Anything),
    ("footer", Anything),
    ("custom", Anything),
    ("fallback", Anything),
]);

const MANIFEST: Known = Keys(&[
    ("id", Anything),
    ("name", Anything),
    ("description", Anything),
    ("homepage_url", Anything),
    ("support_url", Anything),
    ("release_notes_url", Anything),
    ("icon_path", Anything),
    ("version", Anything),
    ("min_server_version", Anything),
    ("server", SERVER),
    ("webapp", Keys(&[("bundle_path", Anything)])),
    ("permissions", ListOf(&Anything)),
    (
        "settings_schema",
        Keys(&[
            ("header", Anything),
            ("footer", Anything),
            ("settings", ListOf(&SETTING)),
            ("sections", ListOf(&SECTION)),
        ]),
    ),
    ("props", MapOf(&Anything)),
]);

/// All keys of a manifest that nobody reads.
pub(crate) fn find(manifest: &Value) -> Vec<Unknown> {
    let mut found = Vec::new();
    look(manifest, &MANIFEST, "", &mut found);
    found
}

fn look(value: &Value, known: &Known, path: &str, found: &mut Vec<Unknown>) {
    match (known, value) {
        (Keys(keys), Value::Object(fields)) => {
            for (name, value) in fields {
                let field = below(path, name);
                match keys.iter().find(|(key, _)| key == name) {
                    Some((_, known)) => look(value, known, &field, found),
                    None => found.push(unknown(name, field, path, keys)),
                }
            }
        }
        (MapOf(known), Value::Object(fields)) => {
            fields.iter().for_each(|(name, value)| look(value, known, &below(path, name), found));
        }
        (ListOf(known), Value::Array(items)) => {
            items.iter().enumerate().for_each(|(i, value)| look(value, known, &format!("{path}[{i}]"), found));
        }
        // A value of another kind is refused, with its place, by whoever reads the manifest.
        _ => {}
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown(name: &str, field: String, path: &str, keys: &[(&'static str, Known)]) -> Unknown {
    let lower = name.to_lowercase().replace('-', "_");
    let alike = keys.iter().map(|(key, _)| (strsim::normalized_damerau_levenshtein(key, &lower), *key));
    let best = alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    // A key that has its place elsewhere is more likely than one that is only alike.
    let elsewhere = places_of(&lower, &MANIFEST, "");
    let best = best.filter(|(alike, _)| *alike >= 1.0 || elsewhere.is_empty());
    let (hint, mistake) = if let Some((_, key)) = best {
        (format!("did you mean {key:?}?"), true)
    } else if !elsewhere.is_empty() {
        (format!("did you mean {}?", elsewhere.join(" or ")), true)
    } else if path.starts_with("server.python") {
        let names: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        (format!("there are {}", names.join(", ")), true)
    } else {
        ("remove it, or put what is for other plugins into \"props\"".to_owned(), false)
    };
    Unknown { field, message: format!("is no key of a manifest and means nothing: {hint}"), mistake }
}

/// The paths at which a key of this name can stand, those of lists left out: their entries have common names.
fn places_of(name: &str, known: &Known, path: &str) -> Vec<String> {
    let Keys(keys) = known else { return Vec::new() };
    let mut found = Vec::new();
    for (key, known) in *keys {
        let place = below(path, key);
        found.extend(places_of(name, known, &place));
        if *key == name {
            found.push(place);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::*;
    use super::*;

    fn said(manifest: &Value) -> Vec<(String, bool)> {
        find(manifest).into_iter().map(|it| (format!("{}: {}", it.field, it.message), it.mistake)).collect()
    }

    #[test]
    fn a_misspelled_key_is_a_mistake_and_the_right_one_is_named() {
        for (manifest, expected) in [
            (
                json!({"permission": []}),
                r#"permission: is no key of a manifest and means nothing: did you mean "permissions"?"#,
            ),
            (json!({"Id": "x"}), r#"Id: is no key of a manifest and means nothing: did you mean "id"?"#),
            (json!({"min-server-version": "9.0.0"}), r#"did you mean "min_server_version"?"#),
            (
                json!({"server": {"permissions": []}}),
                "server.permissions: is no key of a manifest and means nothing: did you mean permissions?",
            ),
            (
                json!({"server": {"workers": 2}}),
                "server.workers: is no key of a manifest and means nothing: did you mean server.python.workers?",
            ),
            (json!({"python": {}}), "did you mean server.python?"),
            (json!({"server": {"executible": "p.py"}}), r#"did you mean "executable"?"#),
            (
                json!({"server": {"python": {"qeue": 3}}}),
                r#"server.python.qeue: is no key of a manifest and means nothing: did you mean "queue"?"#,
            ),
            (json!({"server": {"python": {"colour": "red"}}}), "there are dependency_mode, entry, venv_path"),
            (json!({"server": {"python": {"restart": {"max_death": 3}}}}), r#"did you mean "max_deaths"?"#),
            (
                json!({"settings_schema": {"settings": [{"key": "a", "helptext": "b"}]}}),
                r#"settings_schema.settings[0].helptext: is no key of a manifest and means nothing: did you mean "help_text"?"#,
            ),
            (
                json!({"settings_schema": {"sections": [{"settings": [{"options": [{"vlaue": 1}]}]}]}}),
                r#"did you mean "value"?"#,
            ),
        ] {
            let said = said(&manifest);
            assert_eq!(said.len(), 1, "{manifest}: {said:?}");
            assert!(said[0].0.contains(expected) && said[0].1, "{manifest}: {said:?}");
        }
    }

    #[test]
    fn a_note_of_somebodys_own_is_none() {
        let said = said(&json!({"$schema": "https://example.com", "server": {"zebra": 1}, "props": {"permission": 1}}));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|(text, mistake)| !mistake && text.contains("\"props\"")), "{said:?}");
    }

    /// A manifest with everything in it, which the compiler keeps whole.
    fn whole() -> Manifest {
        let option = SettingOption { display_name: "A".to_owned(), value: "a".to_owned() };
        let setting = Setting {
            key: "k".to_owned(),
            display_name: String::new(),
            kind: "radio".to_owned(),
            help_text: String::new(),
            regenerate_help_text: String::new(),
            placeholder: String::new(),
            default: json!({"permission": 1}),
            options: vec![option],
            hosting: String::new(),
            secret: false,
        };
        let section = SettingsSection {
            key: "s".to_owned(),
            title: String::new(),
            subtitle: String::new(),
            settings: vec![setting.clone()],
            header: String::new(),
            footer: String::new(),
            custom: false,
            fallback: false,
        };
        let python = PythonOptions {
            dependency_mode: Some(DependencyMode::Bundled),
            entry: "p.py".to_owned(),
            venv_path: "v".to_owned(),
            requirements_path: "r".to_owned(),
            workers: Some(1),
            restart: Some(RestartOptions { max_deaths: Some(1), minutes: Some(1) }),
            limits: ProcessLimits { open_files: Some(64), ..ProcessLimits::default() },
            sandbox: SandboxLevel::Files,
            deadlines: [("ServeHTTP".to_owned(), 1.0)].into(),
            queue: Some(1),
            max_calls: Some(1),
            stuck: Some(1.0),
        };
        let server = ServerPart {
            executable: "p.py".to_owned(),
            executables: [("linux-amd64".to_owned(), "p.py".to_owned())].into(),
            runtime: "python".to_owned(),
            command: vec!["x".to_owned()],
            python_version: "3".to_owned(),
            python,
        };
        let text = || "x".to_owned();
        Manifest {
            id: text(),
            name: text(),
            description: text(),
            homepage_url: text(),
            support_url: text(),
            release_notes_url: text(),
            icon_path: text(),
            version: text(),
            min_server_version: text(),
            server: Some(server),
            webapp: Some(WebappPart { bundle_path: text() }),
            permissions: Some(vec![text()]),
            settings_schema: Some(SettingsSchema {
                header: text(),
                footer: text(),
                settings: vec![setting],
                sections: vec![section],
            }),
            props: [(text(), json!({"permission": 1}))].into(),
        }
    }

    /// The paths of all keys that are looked into.
    fn paths(value: &Value, known: &Known) -> usize {
        match (known, value) {
            (Keys(keys), Value::Object(fields)) => {
                assert_eq!(keys.len(), fields.len(), "{:?}", fields.keys().collect::<Vec<_>>());
                keys.iter().map(|(key, known)| 1 + paths(&fields[*key], known)).sum()
            }
            (ListOf(known), Value::Array(items)) => items.iter().map(|it| paths(it, known)).sum(),
            _ => 0,
        }
    }

    #[test]
    fn every_key_that_is_read_is_known_and_no_other() {
        let value = serde_json::to_value(whole()).unwrap();
        assert_eq!(find(&value), []);
        assert!(paths(&value, &MANIFEST) > 60);
    }
}
