//! Virtual environments of plugins, kept in a cache folder outside the plugin.
//!
//! `<cache>/venvs/<folder name>-<hash of the plugin's path>/<hash of interpreter and requirements>`: another interpreter or other
//! requirements give another folder, so nothing in a folder is ever changed after its marker file was written. A folder without
//! the marker is what an interrupted installation left, and is made again. Two hosts that need the same one wait for each other.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::{EnvError, Interpreter, Progress, Requirements};

/// Written last; a folder that has it is complete.
const MARKER: &str = "mm-host-ready";

/// How many environments of one plugin are kept, so that switching a branch back and forth does not install each time.
const KEPT: usize = 3;

/// How many of the installer's last lines an error shows.
const SHOWN_LINES: usize = 12;

/// The interpreter of the plugin's environment; makes it when there is none yet.
pub(super) fn ensure(
    cache: &Path,
    bundle: &Path,
    base: &Interpreter,
    requirements: &Requirements,
    progress: &mut dyn FnMut(Progress),
) -> Result<Interpreter, EnvError> {
    let bundle = bundle.canonicalize().unwrap_or_else(|_| bundle.to_owned());
    let home = cache.join("venvs").join(plugin_key(&bundle));
    let venv = home.join(environment_key(base, requirements));
    let fail =
        |what: &str, error: std::io::Error| EnvError::Venv(format!("cannot {what} in {}: {error}", home.display()));
    fs::create_dir_all(&home).map_err(|error| fail("make a folder", error))?;
    let lock = File::create(home.join(".lock")).map_err(|error| fail("make a lock file", error))?;
    lock.lock().map_err(|error| fail("take the lock", error))?;

    if !venv.join(MARKER).is_file() {
        if venv.exists() {
            fs::remove_dir_all(&venv).map_err(|error| fail("remove an unfinished environment", error))?;
        }
        progress(Progress::CreatingVenv(venv.clone()));
        create(base, &venv, !requirements.is_empty())?;
        if !requirements.is_empty() {
            progress(Progress::Installing { source: requirements.source.clone() });
            install(&venv, &bundle, requirements, progress)?;
        }
        fs::write(venv.join(MARKER), format!("{}\n", bundle.display())).map_err(|error| fail("finish", error))?;
        progress(Progress::Done);
        remove_old(&home, &venv);
    }
    let python = venv.join("bin").join("python");
    Interpreter::ask(&python).map_err(|why| {
        let mend = format!("remove {} and try again", venv.display());
        EnvError::Venv(format!("{}: {why}: {mend}", python.display()))
    })
}

fn plugin_key(bundle: &Path) -> String {
    let name = bundle.file_name().map_or_else(|| "plugin".into(), |it| it.to_string_lossy());
    let name: String =
        name.chars().map(|it| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' }).take(40).collect();
    format!("{name}-{}", &hash(&[&bundle.to_string_lossy()])[..12])
}

fn environment_key(base: &Interpreter, requirements: &Requirements) -> String {
    let path = base.path.to_string_lossy();
    let mut parts: Vec<&str> = vec![&path, &base.version];
    parts.extend(requirements.lines.iter().map(String::as_str));
    hash(&parts)[..16].to_owned()
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}

fn create(base: &Interpreter, venv: &Path, with_pip: bool) -> Result<(), EnvError> {
    let mut command = Command::new(&base.path);
    command.args(["-I", "-m", "venv"]);
    if !with_pip {
        // Installing pip is what takes the time, and nothing would use it.
        command.arg("--without-pip");
    }
    let output = command.arg(venv).stdin(Stdio::null()).output();
    let output = output.map_err(|error| EnvError::Venv(format!("cannot start {}: {error}", base.path.display())))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let hint = if text.contains("ensurepip") || text.contains("No module named venv") {
        "\ninstall the missing part of Python (Debian and Ubuntu: apt install python3-venv), or name another Python with --python PATH"
    } else {
        ""
    };
    Err(EnvError::Venv(format!("{} could not make a virtual environment:\n{}{hint}", base.path.display(), tail(&text))))
}

fn install(
    venv: &Path,
    bundle: &Path,
    requirements: &Requirements,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), EnvError> {
    let list = venv.join("mm-host-requirements.txt");
    fs::write(&list, requirements.lines.join("\n") + "\n")
        .map_err(|error| EnvError::Venv(format!("cannot write {}: {error}", list.display())))?;
    let python = venv.join("bin").join("python");
    let (success, text) = pip(
        &python,
        bundle,
        &["install".as_ref(), "--progress-bar=off".as_ref(), "-r".as_ref(), list.as_os_str()],
        progress,
    )?;
    if success {
        return Ok(());
    }
    let hint = install_hint(&text, &requirements.source);
    Err(EnvError::Venv(format!("pip could not install {}:\n{}\n{hint}", requirements.source.display(), tail(&text))))
}

/// Runs pip in `folder`, to which paths such as `./wheels/x.whl` in a requirements file are relative. Gives whether all went well, and
/// what it printed.
pub(crate) fn pip(
    python: &Path,
    folder: &Path,
    arguments: &[&OsStr],
    progress: &mut dyn FnMut(Progress),
) -> Result<(bool, String), EnvError> {
    let mut child = Command::new(python)
        .args(["-I", "-m", "pip", "--disable-pip-version-check", "--no-input"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| EnvError::Venv(format!("cannot start pip: {error}")))?;
    // Both pipes are read at once: pip that fills the one nobody reads would wait for ever.
    let stderr = child.stderr.take().expect("piped above");
    let errors = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().expect("piped above")).lines().map_while(Result::ok) {
        progress(Progress::Installer(line.trim().to_owned()));
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(&errors.join().unwrap_or_default());
    let status = child.wait().map_err(|error| EnvError::Venv(format!("cannot wait for pip: {error}")))?;
    Ok((status.success(), text))
}

/// What to do about a failed installation.
fn install_hint(text: &str, source: &Path) -> String {
    let source = source.display();
    if text.contains("mattermost-plugin-sdk") && text.contains("No matching distribution") {
        return "the SDK is not on your package index: run with --sdk DIR (python/src of the repository)".to_owned();
    }
    if text.contains("No matching distribution") {
        return format!("check the package's name and version in {source}, and that it exists for this Python");
    }
    if text.contains("NewConnectionError")
        || text.contains("Temporary failure in name resolution")
        || text.contains("ProxyError")
    {
        return "check the network or the proxy settings, and try again".to_owned();
    }
    format!("mend {source}, and try again")
}

pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    shown.iter().map(|it| format!("  {it}")).collect::<Vec<_>>().join("\n")
}

/// Keeps the newest environments of the plugin. What cannot be removed costs space only.
fn remove_old(home: &Path, current: &Path) {
    let Ok(entries) = fs::read_dir(home) else { return };
    let mut others: Vec<(std::time::SystemTime, PathBuf)> = entries
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.is_dir() && it != current)
        .map(|it| (fs::metadata(it.join(MARKER)).and_then(|it| it.modified()).unwrap_or(std::time::UNIX_EPOCH), it))
        .collect();
    others.sort();
    others.reverse();
    for (_, path) in others.into_iter().skip(KEPT - 1) {
        let _ = fs::remove_dir_all(path);
    }
}
