//! What a manifest must say: the server's own rules, and those of a plugin that runs in a process beside the host.

use std::path::{Component, Path};

use super::{COMMAND, Manifest, ManifestError, ServerPart, Setting, SettingType};
use crate::python_env::VersionRequirement;

/// Refuses the first thing that cannot be.
pub(super) fn check(path: &Path, manifest: &Manifest) -> Result<(), ManifestError> {
    all(path, manifest).into_iter().next().map_or(Ok(()), Err)
}

/// The first thing that cannot be of each of its parts.
pub(super) fn all(path: &Path, manifest: &Manifest) -> Vec<ManifestError> {
    let report = |(field, message): Fault| ManifestError::Invalid { path: path.to_owned(), field, message };
    let parts = [
        identity(manifest),
        versions(manifest),
        addresses(manifest),
        server(manifest),
        limits(manifest),
        permissions(manifest),
        super::supervision::check(manifest),
        settings(manifest),
    ];
    parts.into_iter().filter_map(Result::err).map(report).collect()
}

/// Path of a field and what is wrong with it.
pub(super) type Fault = (String, String);

fn fault(field: impl Into<String>, message: impl Into<String>) -> Result<(), Fault> {
    Err((field.into(), message.into()))
}

fn identity(manifest: &Manifest) -> Result<(), Fault> {
    let id = &manifest.id;
    if id.is_empty() {
        return fault("id", "is missing: write an id such as \"com.example.my-plugin\"");
    }
    if !(3..=190).contains(&id.len()) {
        return fault("id", format!("{id:?} has {} characters: an id has 3 to 190", id.len()));
    }
    if let Some(bad) = id.chars().find(|it| !it.is_ascii_alphanumeric() && !"-_.".contains(*it)) {
        return fault("id", format!("{id:?} contains {bad:?}: an id is made of letters, digits, '-', '_' and '.'"));
    }
    if manifest.name.trim().is_empty() {
        return fault("name", "is missing: write the plugin's name for people");
    }
    Ok(())
}

fn versions(manifest: &Manifest) -> Result<(), Fault> {
    for (field, version) in [("version", &manifest.version), ("min_server_version", &manifest.min_server_version)] {
        if !version.is_empty() && semver::Version::parse(version).is_err() {
            return fault(field, format!("{version:?} is no semantic version: write three numbers, such as \"1.0.0\""));
        }
    }
    Ok(())
}

fn addresses(manifest: &Manifest) -> Result<(), Fault> {
    for (field, url) in [
        ("homepage_url", &manifest.homepage_url),
        ("support_url", &manifest.support_url),
        ("release_notes_url", &manifest.release_notes_url),
    ] {
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return fault(field, format!("{url:?} is no web address: it starts with http:// or https://"));
        }
    }
    Ok(())
}

fn server(manifest: &Manifest) -> Result<(), Fault> {
    let Some(server) = &manifest.server else {
        return fault(
            "server",
            "is missing: a Python plugin has {\"server\": {\"executable\": \"plugin.py\", \"runtime\": \"python\"}}",
        );
    };
    super::handling::check(&server.python)?;
    if server.runtime == COMMAND {
        return command(server);
    }
    if !server.command.is_empty() {
        return fault(
            "server.command",
            "is for plugins in other languages: write \"runtime\": \"command\" beside it, or remove it",
        );
    }
    let Some(executable) = manifest.entry() else {
        return fault(
            "server.executable",
            "is missing: write the path of the plugin's Python file, such as \"plugin.py\"",
        );
    };
    inside_bundle("server.executable", executable)?;
    for (platform, path) in &server.executables {
        inside_bundle(&format!("server.executables.{platform}"), path)?;
    }
    match server.runtime.as_str() {
        "python" => {}
        "" if executable.ends_with(".py") => {}
        "" => {
            let message =
                format!("{executable:?} is no Python file: name the .py file, or write \"runtime\": \"python\"");
            return fault("server.executable", message);
        }
        other => {
            let message = format!("{other:?} is unknown: write \"python\", or \"command\" with server.command");
            return fault("server.runtime", message);
        }
    }
    if let Err(message) = VersionRequirement::parse(&server.python_version) {
        return fault("server.python_version", message);
    }
    inside_bundle("server.python.venv_path", &server.python.venv_path)?;
    inside_bundle("server.python.requirements_path", &server.python.requirements_path)
}

/// The server's part of a plugin in another language.
fn command(server: &ServerPart) -> Result<(), Fault> {
    let Some(program) = server.command.first().filter(|it| !it.trim().is_empty()) else {
        return fault("server.command", "is missing: write what to start, such as [\"node\", \"plugin.js\"]");
    };
    if !server.executable.is_empty() {
        return fault("server.executable", "means nothing beside server.command: remove it");
    }
    if let Some(i) = server.command.iter().position(|it| it.contains('\0')) {
        return fault(format!("server.command[{i}]"), "contains a zero byte, which no argument can");
    }
    for (platform, path) in &server.executables {
        inside_bundle(&format!("server.executables.{platform}"), path)?;
    }
    if program.contains('/') { inside_bundle("server.command[0]", program) } else { Ok(()) }
}

/// A path in the bundle is relative and does not climb out.
fn inside_bundle(field: &str, value: &str) -> Result<(), Fault> {
    let path = Path::new(value);
    let climbs = path.components().any(|it| !matches!(it, Component::Normal(_) | Component::CurDir));
    if climbs {
        return fault(
            field,
            format!("{value:?} leaves the bundle: write a path relative to the manifest, without \"..\""),
        );
    }
    Ok(())
}

fn limits(manifest: &Manifest) -> Result<(), Fault> {
    let problem = manifest.server.as_ref().and_then(|it| it.python.limits.problem());
    problem.map_or(Ok(()), |(key, why)| fault(format!("server.python.limits.{key}"), why))
}

fn permissions(manifest: &Manifest) -> Result<(), Fault> {
    let problem = manifest.permissions.as_deref().and_then(crate::permissions::problem);
    problem.map_or(Ok(()), |(place, why)| fault(format!("permissions[{place}]"), why))
}

fn settings(manifest: &Manifest) -> Result<(), Fault> {
    let Some(schema) = &manifest.settings_schema else { return Ok(()) };
    for (i, it) in schema.settings.iter().enumerate() {
        setting(&format!("settings_schema.settings[{i}]"), it)?;
    }
    for (i, section) in schema.sections.iter().enumerate() {
        let place = format!("settings_schema.sections[{i}]");
        if section.key.is_empty() {
            return fault(format!("{place}.key"), "is missing: every section has a key of its own");
        }
        for (j, it) in section.settings.iter().enumerate() {
            setting(&format!("{place}.settings[{j}]"), it)?;
        }
    }
    Ok(())
}

fn setting(place: &str, setting: &Setting) -> Result<(), Fault> {
    let names = || SettingType::ALL.map(|(name, _)| name).join(", ");
    let Some(kind) = SettingType::from_name(&setting.kind) else {
        return fault(format!("{place}.type"), format!("{:?} is unknown: write one of {}", setting.kind, names()));
    };
    if setting.key.is_empty() {
        return fault(format!("{place}.key"), "is missing: every setting has a key");
    }
    if !setting.regenerate_help_text.is_empty() && kind != SettingType::Generated {
        return fault(
            format!("{place}.regenerate_help_text"),
            "belongs to settings of type \"generated\" only: remove it",
        );
    }
    if !setting.placeholder.is_empty() && !kind.has_placeholder() {
        return fault(
            format!("{place}.placeholder"),
            format!("a setting of type {:?} shows none: remove it", setting.kind),
        );
    }
    if !setting.options.is_empty() && !kind.has_options() {
        return fault(
            format!("{place}.options"),
            "belongs to settings of type \"radio\" and \"dropdown\" only: remove it",
        );
    }
    if setting.options.iter().any(|it| it.display_name.is_empty() || it.value.is_empty()) {
        return fault(format!("{place}.options"), "every option has a display_name and a value that are not empty");
    }
    Ok(())
}
