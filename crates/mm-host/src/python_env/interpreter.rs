//! Finding a Python interpreter, by asking each candidate what it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EnvError;
use super::version::VersionRequirement;

/// Names searched on the path, in this order; the plain ones first, since they are what the user chose for the machine.
const NAMES: [&str; 7] = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// Folders of a bundle that may be a virtual environment, after the one its manifest names.
const VENV_FOLDERS: [&str; 2] = ["venv", ".venv"];

/// What an interpreter is asked. One line each, so that a banner of a wrapper script cannot be taken for an answer.
const QUESTION: &str = "import sys, platform; print('mm-host'); print(platform.python_version()); print(sys.executable); print(sys.prefix); print(sys.base_prefix)";

/// A Python interpreter that answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interpreter {
    /// What to start; `sys.executable`, so no wrapper stands before it.
    pub path: PathBuf,
    /// Such as `3.11.7`.
    pub version: String,
    /// `sys.prefix`: the virtual environment's folder, or the installation's.
    pub prefix: PathBuf,
    /// `sys.base_prefix`: the installation's folder.
    pub base_prefix: PathBuf,
}

impl Interpreter {
    /// Whether it belongs to a virtual environment.
    pub fn is_venv(&self) -> bool {
        self.prefix != self.base_prefix
    }

    /// Starts `path` and asks it; `Err` says why it is no interpreter.
    pub(crate) fn ask(path: &Path) -> Result<Self, String> {
        // -I: neither the user's site-packages nor PYTHON* variables change the answer.
        let mut command = Command::new(path);
        command.args(["-I", "-c", QUESTION]).stdin(Stdio::null());
        dies_with_this_thread(&mut command);
        let output = command.output();
        let output = output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "not found".to_owned(),
            std::io::ErrorKind::PermissionDenied => "may not be executed".to_owned(),
            _ => format!("cannot be started: {error}"),
        })?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let mut lines = answer.lines().skip_while(|it| *it != "mm-host").skip(1).map(str::trim);
        let (Some(version), Some(executable), Some(prefix), Some(base_prefix)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            let stderr = String::from_utf8_lossy(&output.stderr);
            // The first line: version managers name the trouble there, and explain themselves below.
            let why = stderr
                .lines()
                .chain(answer.lines())
                .find(|it| !it.trim().is_empty())
                .unwrap_or("it printed nothing")
                .trim();
            return Err(format!("does not run ({why})"));
        };
        Ok(Self {
            path: if executable.is_empty() { path.to_owned() } else { PathBuf::from(executable) },
            version: version.to_owned(),
            prefix: PathBuf::from(prefix),
            base_prefix: PathBuf::from(base_prefix),
        })
    }
}

/// The interpreter that the caller named.
pub(super) fn named(path: &Path, wanted: &VersionRequirement) -> Result<Interpreter, EnvError> {
    let refuse = |why: String| {
        EnvError::NoInterpreter(format!("{}: {why}: --python wants the path of a Python interpreter", path.display()))
    };
    let found = Interpreter::ask(path).map_err(refuse)?;
    wanted.check(&found.version).map_err(|why| {
        let (path, version) = (path.display(), &found.version);
        let mend = "name another one with --python, or change server.python_version";
        EnvError::NoInterpreter(format!("{path} is Python {version}{why}: {mend}"))
    })?;
    Ok(found)
}

/// The interpreter of a virtual environment in the bundle; `None` when it has none. One that does not run is an error, not a reason to
/// take another: the plugin's dependencies are in it.
pub(super) fn in_bundle(
    bundle: &Path,
    venv_path: &str,
    wanted: &VersionRequirement,
) -> Result<Option<Interpreter>, EnvError> {
    let named = Some(venv_path).filter(|it| !it.is_empty());
    for folder in named.into_iter().chain(VENV_FOLDERS) {
        let path = bundle.join(folder).join("bin").join("python");
        // A broken link does not exist for `exists`, and is what a moved or copied environment leaves.
        if path.symlink_metadata().is_err() {
            continue;
        }
        let mend = format!("remove {folder}/ or make it again with python3 -m venv {folder}");
        let refuse = |why: String| EnvError::NoInterpreter(format!("{}: {why}: {mend}", path.display()));
        let found = Interpreter::ask(&path).map_err(refuse)?;
        wanted.check(&found.version).map_err(|why| refuse(format!("it is Python {}{why}", found.version)))?;
        return Ok(Some(found));
    }
    Ok(None)
}

/// The first interpreter on the search path that will do.
pub(super) fn on_path(wanted: &VersionRequirement) -> Result<Interpreter, EnvError> {
    first_of(&NAMES, wanted)
}

pub(super) fn first_of(names: &[&str], wanted: &VersionRequirement) -> Result<Interpreter, EnvError> {
    let mut tried = Vec::new();
    let mut seen = Vec::new();
    for name in names {
        match Interpreter::ask(Path::new(name)) {
            // The same one under another name.
            Ok(found) if seen.contains(&found.path) => {}
            Ok(found) => match wanted.check(&found.version) {
                Ok(()) => return Ok(found),
                Err(why) => {
                    tried.push(format!("{name} is {}{why}", found.version));
                    seen.push(found.path);
                }
            },
            // A name that is not there says nothing; silence about it keeps the text short.
            Err(why) if why == "not found" => {}
            Err(why) => tried.push(format!("{name} {why}")),
        }
    }
    let tried = if tried.is_empty() { "there is none on the search path".to_owned() } else { tried.join("; ") };
    let wanted = wanted.describe();
    let text = format!("no Python {wanted} found ({tried}): install one, or name one with --python PATH");
    Err(EnvError::NoInterpreter(text))
}

/// Lets a child end when this thread does, which waits for it: a server that kills this process finds nothing of it left.
fn dies_with_this_thread(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let prepare = || Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?);
        // SAFETY: between fork and exec only async-signal-safe calls are allowed, and prctl is one.
        unsafe { command.pre_exec(prepare) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
