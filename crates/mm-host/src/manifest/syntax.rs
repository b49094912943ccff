//! Reads the text of a manifest, and says where it is wrong.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::ManifestError;

/// What serde calls the types of Rust, and what they are in a manifest. The first that fits counts.
const KINDS: [(&str, &str); 6] = [
    ("u32", "a whole number that is not negative"),
    ("u64", "a whole number that is not negative"),
    ("f64", "a number"),
    ("struct ", "an object"),
    ("a map", "an object"),
    ("a sequence", "a list"),
];

/// Reads a manifest.
///
/// # Errors
/// When it is not JSON or YAML, or a value has the wrong type; the text names the value by its keys.
pub(super) fn read<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ManifestError> {
    parse(path, text).map_err(|error| match parse::<serde_json::Value>(path, text) {
        Ok(value) => named::<T>(error, value),
        Err(syntax) => syntax,
    })
}

/// The text of a manifest as a JSON value, with all that this program does not know.
///
/// # Errors
/// When it is not JSON or YAML.
pub(crate) fn value(path: &Path, text: &str) -> Result<serde_json::Value, ManifestError> {
    parse(path, text)
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ManifestError> {
    // A byte order mark is not white space to a JSON or YAML reader, and Windows editors write one.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if path.extension().is_some_and(|it| it == "json") {
        serde_json::from_str(text).map_err(|error| json_error(path, &error))
    } else {
        serde_saphyr::from_str(text).map_err(|error| yaml_error(path, &error))
    }
}

fn json_error(path: &Path, error: &serde_json::Error) -> ManifestError {
    let (line, column) = (error.line() as u64, error.column() as u64);
    // serde_json appends the position to its text; the position stands in front already.
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let message =
        if error.is_syntax() || error.is_eof() { format!("not valid JSON: {message}") } else { message.into() };
    ManifestError::Syntax { path: path.to_owned(), line, column, message }
}

fn yaml_error(path: &Path, error: &serde_saphyr::Error) -> ManifestError {
    let (line, column) = error.location().map_or((1, 1), |it| (it.line(), it.column()));
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or("not valid YAML");
    ManifestError::Syntax { path: path.to_owned(), line, column, message: format!("not valid YAML: {first}") }
}

/// The error about a text that is JSON or YAML: the place stays, and what is wrong there gets its name.
fn named<T: DeserializeOwned>(error: ManifestError, value: serde_json::Value) -> ManifestError {
    let ManifestError::Syntax { path, line, column, message } = error else { return error };
    let message = match serde_path_to_error::deserialize::<_, T>(value) {
        Err(wrong) => format!("{}: {}", wrong.path(), in_words(&wrong.inner().to_string())),
        // It is wrong only in the notation in which it stands.
        Ok(_) => message,
    };
    ManifestError::Syntax { path, line, column, message }
}

/// Names the expected kind of value as the manifest's author knows it.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let known = KINDS.iter().find(|(name, _)| expected.starts_with(name));
    format!("{found}, expected {}", known.map_or(expected, |(_, words)| words))
}
