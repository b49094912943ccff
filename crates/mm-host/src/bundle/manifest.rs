//! The manifest of a bundle, made of the plugin's.

use std::path::Path;

use serde_json::{Value, json};

use super::layout::{self, Target};
use crate::manifest::{Manifest, ManifestError};

/// The text of the bundle's `plugin.json`. All that the plugin's manifest says stays, also what this program does not know; in
/// `server` the host takes the Python file's place, per target. `python_version` is what the packages turned out to need.
///
/// # Errors
/// When the file is no longer the one that was loaded.
pub(super) fn rewrite(
    path: &Path,
    text: &str,
    manifest: &Manifest,
    targets: &[Target],
    python_version: &str,
) -> Result<Vec<u8>, ManifestError> {
    let mut document = crate::manifest::value(path, text)?;
    document["id"] = json!(manifest.id);
    let server = &mut document["server"];
    // Without a match in `executables` a server runs `executable`: no message is worse than one from a Python file run by a shell.
    if let Some(fields) = server.as_object_mut() {
        fields.remove("executable");
    }
    let executables: serde_json::Map<String, Value> =
        targets.iter().map(|it| (it.name().to_owned(), json!(layout::host(it)))).collect();
    server["executables"] = Value::Object(executables);
    if manifest.command().is_none() {
        of_python(server, manifest, python_version);
    }
    let mut text = serde_json::to_vec_pretty(&document).expect("a JSON value has a text");
    text.push(b'\n');
    Ok(text)
}

/// What the host needs to know of a plugin in Python.
fn of_python(server: &mut Value, manifest: &Manifest, python_version: &str) {
    server["runtime"] = json!("python");
    server["python_version"] = json!(python_version);
    if !server["python"].is_object() {
        server["python"] = json!({});
    }
    let python = &mut server["python"];
    python["dependency_mode"] = json!("bundled");
    python["entry"] = json!(manifest.entry().unwrap_or_default());
    if let Some(fields) = python.as_object_mut() {
        fields.remove("venv_path");
    }
}
