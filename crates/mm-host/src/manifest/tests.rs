//! Manifests that are taken, and the texts for those that are not.

use super::*;

fn parse(name: &str, text: &str) -> Result<Manifest, String> {
    Manifest::parse(Path::new(name), text).map_err(|error| error.to_string())
}

const HELLO: &str = r#"{
  "id": "com.Example.Hello", "name": "Hello", "version": "0.1.0", "min_server_version": "9.0.0",
  "server": {"executable": "plugin.py", "runtime": "python", "python_version": ">=3.10",
    "python": {"dependency_mode": "venv", "venv_path": "env", "requirements_path": "deps/requirements.txt"}},
  "webapp": {"bundle_path": "webapp/dist/main.js"},
  "settings_schema": {"header": "H", "settings": [
      {"key": "Greeting", "type": "text", "default": "Hello", "placeholder": "p"},
      {"key": "Loud", "type": "bool", "default": false}],
    "sections": [{"key": "more", "settings": [
      {"key": "Mode", "type": "radio", "options": [{"display_name": "A", "value": "a"}]}]}]},
  "props": {"support_packet": {"deep": [1, 2.5, null]}},
  "unknown_to_us": 1
}"#;

#[test]
fn a_full_manifest_is_read() {
    let manifest = parse("plugin.json", HELLO).unwrap();
    assert_eq!(manifest.id, "com.example.hello", "ids are put in lower case, as the server does");
    assert_eq!(manifest.executable(), Some("plugin.py"));
    assert_eq!(manifest.python_version(), ">=3.10");
    assert_eq!(manifest.python().dependency_mode, Some(DependencyMode::Venv));
    assert_eq!(manifest.python().requirements_path, "deps/requirements.txt");
    let schema = manifest.settings_schema.as_ref().unwrap();
    let keys: Vec<_> = schema.all().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["Greeting", "Loud", "Mode"]);
    assert_eq!(schema.settings[1].default, serde_json::json!(false));
    assert_eq!(manifest.props["support_packet"]["deep"][1], 2.5);
}

#[test]
fn yaml_says_the_same_as_json() {
    let yaml = "id: com.example.hello\nname: Hello\nserver:\n  executable: plugin.py\n  python_version: '3.10'\n\
                settings_schema:\n  settings:\n    - key: A\n      type: number\n      default: 3\n";
    let json = r#"{"id": "com.example.hello", "name": "Hello", "server": {"executable": "plugin.py", "python_version": "3.10"},
        "settings_schema": {"settings": [{"key": "A", "type": "number", "default": 3}]}}"#;
    assert_eq!(parse("plugin.yaml", yaml).unwrap(), parse("plugin.json", json).unwrap());
}

#[test]
fn an_executable_for_the_platform_wins() {
    let text = format!(
        r#"{{"id": "abc", "name": "A", "server": {{"executable": "other.py", "executables": {{"{}": "here.py"}}}}}}"#,
        platform()
    );
    assert_eq!(parse("plugin.json", &text).unwrap().executable(), Some("here.py"));
}

#[test]
fn a_null_list_is_an_empty_one_and_a_byte_order_mark_is_skipped() {
    let text = "\u{feff}{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"p.py\"}, \
                \"settings_schema\": {\"settings\": null, \"sections\": null}}";
    assert!(parse("plugin.json", text).unwrap().settings_schema.unwrap().settings.is_empty());
}

/// File name, text, and what the error must contain.
const REFUSED: &[(&str, &str, &str)] = &[
    ("plugin.json", "{\n  \"id\": \"abc\",\n  \"name\": }", "plugin.json:3:11: not valid JSON: expected value"),
    ("plugin.json", "{\"id\": 3}", "plugin.json:1:8: id: invalid type: integer `3`, expected a string"),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"server\": {\"python\": {\"max_calls\": -1}}}",
        "plugin.json:1:51: server.python.max_calls: invalid value: integer `-1`, expected a whole number that is not negative",
    ),
    (
        "plugin.yaml",
        "id: abc\nserver:\n  python:\n    max_calls: -1",
        "plugin.yaml:4:16: server.python.max_calls: invalid value: integer `-1`, expected a whole number that is not negative",
    ),
    (
        "plugin.yaml",
        "id: abc\nserver:\n  python:\n    deadlines:\n      MessageWillBePosted: soon",
        "server.python.deadlines.MessageWillBePosted: invalid type: string \"soon\", expected a number",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"server\": \"plugin.py\"}",
        "server: invalid type: string \"plugin.py\", expected an object",
    ),
    (
        "plugin.yaml",
        "id: abc\nsettings_schema:\n  settings:\n    - key: a\n    - key: [b]",
        "settings_schema.settings[1].key: invalid type: sequence, expected a string",
    ),
    ("plugin.yaml", "id: abc\nserver:\n  python: {", "not valid YAML: "),
    ("plugin.yaml", "id: abc\nname: [", "plugin.yaml:2:"),
    ("plugin.json", "{\"name\": \"A\"}", "id: is missing"),
    ("plugin.json", "{\"id\": \"ab\", \"name\": \"A\"}", "an id has 3 to 190"),
    ("plugin.json", "{\"id\": \"a b c\", \"name\": \"A\"}", "contains ' '"),
    ("plugin.json", "{\"id\": \"abc\"}", "name: is missing"),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"version\": \"1.0\"}",
        "version: \"1.0\" is no semantic version",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"homepage_url\": \"x\"}",
        "homepage_url: \"x\" is no web address",
    ),
    ("plugin.json", "{\"id\": \"abc\", \"name\": \"A\"}", "server: is missing"),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"runtime\": \"python\"}}",
        "server.executable: is missing",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.exe\"}}",
        "\"a.exe\" is no Python file",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"../a.py\"}}",
        "leaves the bundle",
    ),
    ("plugin.json", "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"/a.py\"}}", "leaves the bundle"),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\", \"runtime\": \"node\"}}",
        "server.runtime: \"node\" is unknown",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"runtime\": \"command\"}}",
        "server.command: is missing: write what to start",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"runtime\": \"command\", \"command\": [\"../run\"]}}",
        "server.command[0]: \"../run\" leaves the bundle",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"runtime\": \"command\", \"command\": [\"a\"], \"executable\": \"a\"}}",
        "server.executable: means nothing beside server.command",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\", \"command\": [\"a\"]}}",
        "server.command: is for plugins in other languages",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\", \"python_version\": \"three\"}}",
        "server.python_version: \"three\" is no Python version",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\", \"python\": {\"dependency_mode\": \"magic\"}}}",
        "invalid value: string \"magic\", expected \"system\", \"venv\" or \"bundled\"",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\", \"python\": {\"sandbox\": true}}}",
        "plugin.json:1:86: server.python.sandbox: invalid type: boolean `true`, expected \"off\" or \"files\"",
    ),
    ("plugin.yaml", "server:\n  python:\n    sandbox: strict\n", "expected \"off\" or \"files\""),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\"}, \"settings_schema\": {\"settings\": [{\"key\": \"k\", \"type\": \"date\"}]}}",
        "settings_schema.settings[0].type: \"date\" is unknown: write one of bool, dropdown",
    ),
    (
        "plugin.json",
        "{\"id\": \"abc\", \"name\": \"A\", \"server\": {\"executable\": \"a.py\"}, \"settings_schema\": {\"settings\": [{\"key\": \"k\", \"type\": \"bool\", \"placeholder\": \"p\"}]}}",
        "settings_schema.settings[0].placeholder: a setting of type \"bool\" shows none",
    ),
];

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    for (name, text, expected) in REFUSED {
        let error = parse(name, text).expect_err(text);
        assert!(error.contains(expected), "{text}\n  gave: {error}\n  want: {expected}");
    }
}

#[test]
fn folders_without_a_manifest_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = Manifest::load(dir.path()).unwrap_err().to_string();
    assert!(error.starts_with("no plugin.json, plugin.yaml or plugin.yml in "), "{error}");
    let error = Manifest::load(&dir.path().join("nowhere")).unwrap_err().to_string();
    assert!(error.contains("is not a folder"), "{error}");
}

#[test]
fn yaml_is_preferred_as_on_the_server() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("plugin.json"), HELLO).unwrap();
    fs::write(dir.path().join("plugin.yaml"), "id: from.yaml\nname: Y\nserver: {executable: p.py}\n").unwrap();
    let (manifest, path) = Manifest::load(dir.path()).unwrap();
    assert_eq!(manifest.id, "from.yaml");
    assert!(path.ends_with("plugin.yaml"));
    assert_eq!(
        Manifest::ignored(dir.path()),
        "plugin.yaml is used and plugin.json ignored, as Mattermost does: remove it, or plugin.yaml"
    );
    fs::write(dir.path().join("plugin.yml"), "id: from.yml\nname: Y\nserver: {executable: p.py}\n").unwrap();
    assert_eq!(
        Manifest::ignored(dir.path()),
        "plugin.yml is used and plugin.yaml and plugin.json ignored, as Mattermost does: remove them, or plugin.yml"
    );
    for name in ["plugin.yml", "plugin.yaml"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    assert_eq!(Manifest::ignored(dir.path()), "");
}
