//! The Python that runs a plugin: which interpreter, with which dependencies.
//!
//! [`prepare`] gives a [`PythonEnv`]. It looks, in this order, for
//!
//! 1. the interpreter that the caller names (`mm-host dev --python`); when that one belongs to a virtual environment it is used as it is,
//! 2. `server.python.venv_path`, `venv/` and `.venv/` in the bundle, used as they are,
//! 3. `python3`, `python`, then `python3.14` down to `python3.10` on the search path: the first that meets `server.python_version`.
//!
//! For an interpreter of the first or third kind, the dependencies in `server.python.requirements_path`, `requirements.txt` or
//! `pyproject.toml` go to a virtual environment in a cache folder outside the plugin ([`venv`]). A plugin without any of these files,
//! and one with `dependency_mode: system`, runs on the interpreter as it is.
//!
//! A bundle made by [`crate::bundle`] has its dependencies and the SDK in `server/<platform>/packages`, and perhaps an interpreter in
//! `server/<platform>/python`: nothing is installed for it, and of the list above only the first and third entry count ([`bundled`]).
//!
//! Everything here blocks (it starts interpreters and pip): call it from a blocking task.

mod bundled;
mod interpreter;
pub(crate) mod requirements;
pub(crate) mod venv;
mod version;

use std::path::{Path, PathBuf};

pub use self::interpreter::Interpreter;
pub use self::requirements::Requirements;
pub use self::version::VersionRequirement;
use crate::manifest::{DependencyMode, Manifest};

/// Why there is no Python for a plugin. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// No interpreter, or none of the right version.
    #[error("{0}")]
    NoInterpreter(String),
    /// The manifest and the folder do not agree, or a requirements file cannot be used.
    #[error("{0}")]
    Requirements(String),
    /// The virtual environment could not be made or filled.
    #[error("{0}")]
    Venv(String),
    /// A bundle lacks what this machine needs.
    #[error("{0}")]
    Bundle(String),
    /// The program of a plugin in another language is not there.
    #[error("{0}")]
    Command(String),
    /// The folder given as the SDK is none.
    #[error("{0}")]
    Sdk(String),
}

/// What happens while an environment is prepared, for people who wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress {
    /// A virtual environment is being made in this folder.
    CreatingVenv(PathBuf),
    /// The dependencies of this file are being installed.
    Installing {
        /// The requirements file or `pyproject.toml`.
        source: PathBuf,
    },
    /// A line of the installer, such as `Collecting requests`.
    Installer(String),
    /// All is installed.
    Done,
}

/// What [`prepare`] works from.
#[derive(Clone, Debug)]
pub struct EnvRequest<'a> {
    /// The plugin's folder.
    pub bundle: &'a Path,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// The interpreter to use, when the caller names one.
    pub python: Option<&'a Path>,
    /// Folder that holds the `mattermost_plugin` package, when the SDK is not a dependency like others.
    pub sdk: Option<&'a Path>,
    /// Where environments are kept; `None` = [`default_cache_dir`].
    pub cache_dir: Option<&'a Path>,
}

/// A Python that can run the plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PythonEnv {
    /// What to start.
    pub interpreter: Interpreter,
    /// Folders for `PYTHONPATH`.
    pub python_path: Vec<PathBuf>,
    /// The file to which a missing dependency should be added, when the plugin has one.
    pub requirements_file: Option<PathBuf>,
}

/// Finds the interpreter and makes sure of the dependencies; `progress` hears of what takes long.
///
/// # Errors
/// When no interpreter fits, or the dependencies cannot be installed; the text says what to do.
pub fn prepare(request: &EnvRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<PythonEnv, EnvError> {
    let python_path = match request.sdk {
        Some(sdk) => vec![check_sdk(sdk)?],
        None => Vec::new(),
    };
    if request.manifest.is_bundled() {
        return bundled::prepare(request, python_path);
    }
    let text = request.manifest.python_version();
    let wanted = VersionRequirement::parse(text).map_err(EnvError::NoInterpreter)?;
    let options = request.manifest.python();
    let requirements = Requirements::find(request.bundle, &options.requirements_path, request.sdk.is_some())?;
    let wanted = match requirements.as_ref().and_then(|it| it.python.clone()) {
        Some(more) => wanted.and(more),
        None => wanted,
    };
    let requirements_file = requirements.as_ref().map(|it| it.source.clone());

    let found = match request.python {
        Some(path) => interpreter::named(path, &wanted)?,
        None => match interpreter::in_bundle(request.bundle, &options.venv_path, &wanted)? {
            Some(found) => found,
            None => interpreter::on_path(&wanted)?,
        },
    };
    let as_it_is = found.is_venv() || options.dependency_mode == Some(DependencyMode::System);
    let interpreter = match requirements {
        Some(requirements) if !as_it_is => {
            let cache = request.cache_dir.map_or_else(default_cache_dir, Path::to_owned);
            venv::ensure(&cache, request.bundle, &found, &requirements, progress)?
        }
        _ => found,
    };
    Ok(PythonEnv { interpreter, python_path, requirements_file })
}

/// The interpreter that a caller names, else the first on the search path that will do.
pub(crate) fn find(python: Option<&Path>, wanted: &VersionRequirement) -> Result<Interpreter, EnvError> {
    match python {
        Some(path) => interpreter::named(path, wanted),
        None => interpreter::on_path(wanted),
    }
}

/// Where environments are kept: `$XDG_CACHE_HOME/mm-host`, else `~/.cache/mm-host`, else a folder for temporary files.
pub fn default_cache_dir() -> PathBuf {
    let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    xdg.or_else(home).unwrap_or_else(std::env::temp_dir).join("mm-host")
}

fn check_sdk(sdk: &Path) -> Result<PathBuf, EnvError> {
    let sdk = std::path::absolute(sdk).unwrap_or_else(|_| sdk.to_owned());
    if sdk.join("mattermost_plugin").join("__init__.py").is_file() {
        return Ok(sdk);
    }
    let text = format!(
        "{} does not hold the package mattermost_plugin: --sdk wants the SDK's source folder, python/src",
        sdk.display()
    );
    Err(EnvError::Sdk(text))
}

#[cfg(test)]
mod tests;
