//! What a plugin's process is started from: a Python, or the command that the manifest names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::python_env::{EnvError, EnvRequest, Progress, PythonEnv, prepare};

/// What to start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Runtime {
    /// A Python, which runs the file that the manifest names.
    Python(PythonEnv),
    /// A program, for a plugin in any language (`server.runtime: "command"`).
    Command(Program),
}

/// A program with its arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// The file to start.
    pub path: PathBuf,
    /// Its arguments, as the manifest has them.
    pub arguments: Vec<String>,
}

impl From<PythonEnv> for Runtime {
    fn from(env: PythonEnv) -> Self {
        Self::Python(env)
    }
}

impl Runtime {
    /// Finds what the manifest asks for: prepares a Python as [`prepare`] does, or looks for the program of `server.command`. Blocks.
    ///
    /// # Errors
    /// When there is none; the text says what to do.
    pub fn prepare(request: &EnvRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Self, EnvError> {
        match request.manifest.command() {
            Some(words) => Program::find(request.bundle, words).map(Self::Command),
            None => prepare(request, progress).map(Self::Python),
        }
    }

    /// The file that is started.
    pub(crate) fn executable(&self) -> &Path {
        match self {
            Self::Python(env) => &env.interpreter.path,
            Self::Command(program) => &program.path,
        }
    }

    /// The Python, if it is one.
    pub(crate) fn python(&self) -> Option<&PythonEnv> {
        match self {
            Self::Python(env) => Some(env),
            Self::Command(_) => None,
        }
    }
}

impl Program {
    /// A first word with a `/` is a file in the bundle, any other the name of a program on the search path.
    fn find(bundle: &Path, words: &[String]) -> Result<Self, EnvError> {
        let (name, arguments) =
            words.split_first().ok_or_else(|| EnvError::Command("server.command is empty".to_owned()))?;
        let path = if name.contains('/') {
            in_bundle(bundle, name)?
        } else {
            let search = std::env::var_os("PATH").unwrap_or_default();
            on_path(name, &search).ok_or_else(|| {
                EnvError::Command(format!(
                    "{name}, which server.command names, is not on the PATH ({}): install it where the plugin runs, or bring it in the \
                     bundle and name it with a /",
                    search.display()
                ))
            })?
        };
        Ok(Self { path, arguments: arguments.to_vec() })
    }
}

fn in_bundle(bundle: &Path, name: &str) -> Result<PathBuf, EnvError> {
    let bundle = std::path::absolute(bundle).unwrap_or_else(|_| bundle.to_owned());
    let path = bundle.join(name);
    if is_program(&path) {
        return Ok(path);
    }
    let why =
        if path.is_file() { "may not be executed: chmod +x" } else { "is missing: write it, or mend the manifest" };
    Err(EnvError::Command(format!("{}, which server.command names, {why}", path.display())))
}

/// The first program of this name. Relative folders on the search path are passed over: the working directory is the plugin's.
fn on_path(name: &str, search: &OsStr) -> Option<PathBuf> {
    let folders = search.as_bytes().split(|it| *it == b':').map(|it| Path::new(OsStr::from_bytes(it)));
    folders.filter(|it| it.is_absolute()).map(|it| it.join(name)).find(|it| is_program(it))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_name_is_looked_for_on_the_path() {
        let found = Program::find(Path::new("/nowhere"), &words(&["sh", "-c", "true"])).unwrap();
        assert!(found.path.is_absolute() && found.path.ends_with("sh"), "{found:?}");
        assert_eq!(found.arguments, ["-c", "true"]);
        let error = Program::find(Path::new("/nowhere"), &words(&["no-such-program"])).unwrap_err().to_string();
        assert!(error.starts_with("no-such-program, which server.command names, is not on the PATH ("), "{error}");
        assert_eq!(on_path("sh", OsStr::new("bin:.:")), None);
    }

    #[test]
    fn a_path_is_a_file_of_the_bundle_that_may_be_executed() {
        let dir = tempfile::tempdir().unwrap();
        let find = || Program::find(dir.path(), &words(&["./run"])).map_err(|it| it.to_string());
        assert!(find().unwrap_err().ends_with("is missing: write it, or mend the manifest"));
        let path = dir.path().join("run");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(find().unwrap_err().ends_with("may not be executed: chmod +x"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find().unwrap().path, dir.path().join("./run"));
    }
}
