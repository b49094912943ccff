//! The plugin's manifest: `plugin.yml`, `plugin.yaml` or `plugin.json` in the bundle folder, in the format of Mattermost.
//!
//! [`Manifest::load`] finds, reads and checks it. What it refuses, it refuses with the file, the place in it, and what to do.
//! Fields that Mattermost ignores are ignored here too; fields that only this program knows (`server.runtime`, `server.command`,
//! `server.python_version`, `server.python`) are described in [`ServerPart`] and [`PythonOptions`].

mod check;
mod confine;
mod handling;
mod named;
mod settings;
mod supervision;
mod syntax;
pub(crate) mod unknown;
mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

pub use self::confine::{Bytes, ProcessLimits, SandboxLevel};
pub use self::settings::{Setting, SettingOption, SettingType, SettingsSchema, SettingsSection};
pub use self::supervision::RestartOptions;
pub(crate) use self::syntax::value;

/// File names of a manifest, in the order in which Mattermost looks for them.
pub(crate) const FILE_NAMES: [&str; 3] = ["plugin.yml", "plugin.yaml", "plugin.json"];

/// The runtime of plugins in other languages than Python.
pub(crate) const COMMAND: &str = "command";

/// Why a plugin's manifest cannot be used. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The folder itself is missing, or is no folder.
    #[error("{} is not a folder: give the folder that holds the plugin's plugin.json", dir.display())]
    NotAFolder {
        /// The folder that was asked for.
        dir: PathBuf,
    },
    /// No manifest in the folder.
    #[error("no plugin.json, plugin.yaml or plugin.yml in {}: is this a plugin's folder?", dir.display())]
    Missing {
        /// The folder that was searched.
        dir: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The manifest's path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not JSON or YAML, or a value has the wrong type.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The manifest's path.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: u64,
        /// Column of the mistake, from 1.
        column: u64,
        /// What is wrong there.
        message: String,
    },
    /// The file reads well and says something that cannot be.
    #[error("{}: {field}: {message}", path.display())]
    Invalid {
        /// The manifest's path.
        path: PathBuf,
        /// Path of the field, such as `server.executable`.
        field: String,
        /// What is wrong and what to write instead.
        message: String,
    },
}

/// A manifest as written in its file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Manifest {
    /// Unique id, 3 to 190 characters of `a-z 0-9 - _ .`; Mattermost puts it in lower case.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What the plugin does.
    pub description: String,
    /// Page of the plugin.
    pub homepage_url: String,
    /// Where to ask for help.
    pub support_url: String,
    /// What changed.
    pub release_notes_url: String,
    /// Path of the icon (SVG) in the bundle.
    pub icon_path: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// Least version of the server, a semantic version.
    pub min_server_version: String,
    /// The server part; a plugin without one has nothing for this program to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerPart>,
    /// The web application's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webapp: Option<WebappPart>,
    /// What the plugin may call; none = everything. `docs/reference/permissions.md` lists the names.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::permissions::list")]
    pub permissions: Option<Vec<String>>,
    /// Settings shown in the System Console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_schema: Option<SettingsSchema>,
    /// Anything, for other plugins to read.
    pub props: BTreeMap<String, serde_json::Value>,
}

/// `server` of a manifest.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct ServerPart {
    /// Path in the bundle of what to run: the Python file; nothing for the runtime `"command"`.
    pub executable: String,
    /// The same per platform (`linux-amd64`), used before `executable`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub executables: BTreeMap<String, String>,
    /// `"python"`, or nothing when the executable ends in `.py`; `"command"` for a plugin in another language.
    pub runtime: String,
    /// For the runtime `"command"`: what to start in the place of Python, a program and its arguments. A program with a `/` is a file in
    /// the bundle, any other is looked for on the `PATH`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Which Python is wanted, such as `"3.10"` (3.10 or newer) or `">=3.10,<3.14"`.
    pub python_version: String,
    /// Where its dependencies come from.
    pub python: PythonOptions,
}

/// `server.python` of a manifest.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct PythonOptions {
    /// Where dependencies come from; nothing means: what is found, in the order of [`crate::python_env`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency_mode: Option<DependencyMode>,
    /// The Python file, in a bundle made by [`crate::bundle`]: there `executables` names the host, because the server starts that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entry: String,
    /// Folder of the virtual environment in the bundle.
    pub venv_path: String,
    /// Path of the requirements file in the bundle.
    pub requirements_path: String,
    /// How many Python processes the plugin has; see [`Manifest::workers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// How often a process that dies is followed by another; see [`Manifest::restart_policy`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartOptions>,
    /// What the process may use.
    #[serde(skip_serializing_if = "ProcessLimits::is_empty")]
    pub limits: ProcessLimits,
    /// What it may do with files.
    #[serde(skip_serializing_if = "SandboxLevel::is_off")]
    pub sandbox: SandboxLevel,
    /// Seconds that calls of single hooks may take, by Go name; they go before what handlers ask for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deadlines: BTreeMap<String, f64>,
    /// How many calls may wait of the hooks that nobody waits for; 1000 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u64>,
    /// How many calls of the hooks that somebody waits for may be under way; 4096 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// How many seconds a handler may go on after its time was over, before its process is replaced; 30 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<f64>,
}

/// Where a plugin's dependencies come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyMode {
    /// They are installed for the machine's Python; nothing is prepared.
    System,
    /// They live in a virtual environment in the bundle.
    Venv,
    /// They are part of the bundle as plain files.
    Bundled,
}

impl<'de> Deserialize<'de> for DependencyMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = &[("system", Self::System), ("venv", Self::Venv), ("bundled", Self::Bundled)];
        named::one_of(deserializer, words, "\"system\", \"venv\" or \"bundled\"")
    }
}

/// `webapp` of a manifest.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct WebappPart {
    /// Path in the bundle of the JavaScript file.
    pub bundle_path: String,
}

impl Manifest {
    /// Finds, reads and checks the manifest in `dir`; gives it with the path of its file.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it says something that cannot be; the text says what to do.
    pub fn load(dir: &Path) -> Result<(Self, PathBuf), ManifestError> {
        if !dir.is_dir() {
            return Err(ManifestError::NotAFolder { dir: dir.to_owned() });
        }
        for name in FILE_NAMES {
            let path = dir.join(name);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(ManifestError::Unreadable { path, source }),
            };
            let manifest = Self::parse(&path, &text)?;
            return Ok((manifest, path));
        }
        Err(ManifestError::Missing { dir: dir.to_owned() })
    }

    /// The manifests in `dir` that nobody reads, because another comes before them: what a person edits in vain. "" when there is
    /// at most one, else a sentence that says so.
    pub fn ignored(dir: &Path) -> String {
        let present: Vec<&str> = FILE_NAMES.into_iter().filter(|it| dir.join(it).is_file()).collect();
        match present.as_slice() {
            [used, ignored @ ..] if !ignored.is_empty() => {
                let them = if ignored.len() == 1 { "it" } else { "them" };
                format!(
                    "{used} is used and {} ignored, as Mattermost does: remove {them}, or {used}",
                    ignored.join(" and ")
                )
            }
            _ => String::new(),
        }
    }

    /// All that is wrong in the text of a manifest, at most one finding for each of its parts; nothing when it can be used.
    pub fn problems(path: &Path, text: &str) -> Vec<ManifestError> {
        match Self::read(path, text) {
            Ok(manifest) => check::all(path, &manifest),
            Err(error) => vec![error],
        }
    }

    /// Reads and checks the text of a manifest; `path` decides between JSON and YAML and stands in errors.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ManifestError> {
        let manifest = Self::read(path, text)?;
        check::check(path, &manifest)?;
        Ok(manifest)
    }

    fn read(path: &Path, text: &str) -> Result<Self, ManifestError> {
        let mut manifest: Self = syntax::read(path, text)?;
        manifest.id = manifest.id.to_lowercase();
        Ok(manifest)
    }

    /// The executable for this platform: `server.executables["<os>-<arch>"]`, else `server.executable`; `None` without a server part.
    pub fn executable(&self) -> Option<&str> {
        let server = self.server.as_ref()?;
        let platform = server.executables.get(&platform()).filter(|it| !it.is_empty());
        Some(platform.unwrap_or(&server.executable).as_str()).filter(|it| !it.is_empty())
    }

    /// The Python file: `server.python.entry` in a bundle, else [`Manifest::executable`].
    pub fn entry(&self) -> Option<&str> {
        let named = self.server.as_ref().map(|it| it.python.entry.as_str()).filter(|it| !it.is_empty());
        named.or_else(|| self.executable())
    }

    /// `server.command`, for a plugin that is not in Python.
    pub fn command(&self) -> Option<&[String]> {
        self.server.as_ref().filter(|it| it.runtime == COMMAND).map(|it| it.command.as_slice())
    }

    /// Whether it is the manifest of a bundle made by [`crate::bundle`].
    pub fn is_bundled(&self) -> bool {
        if self.command().is_some() {
            return self.server.as_ref().is_some_and(|it| !it.executables.is_empty());
        }
        let python = self.server.as_ref().map(|it| &it.python);
        python.is_some_and(|it| !it.entry.is_empty() && it.dependency_mode == Some(DependencyMode::Bundled))
    }

    /// `server.python`, or its defaults.
    pub fn python(&self) -> PythonOptions {
        self.server.as_ref().map(|it| it.python.clone()).unwrap_or_default()
    }

    /// `server.python_version`, or "" when any supported version will do.
    pub fn python_version(&self) -> &str {
        self.server.as_ref().map_or("", |it| &it.python_version)
    }
}

/// This platform as manifests name it: Go's names for system and processor.
pub(crate) fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}

#[cfg(test)]
mod tests;
