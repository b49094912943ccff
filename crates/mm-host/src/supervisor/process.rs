//! One process of the plugin: its private folder, its token, how it is started and signalled.
//!
//! The contract with the process (the SDK's `run_plugin` is the other side):
//!
//! | Variable | What it is |
//! |---|---|
//! | `MM_PLUGIN_HOST_SOCKET` | path of the socket where the host serves `PluginApi` and `PluginHost` |
//! | `MM_PLUGIN_SOCKET` | path at which the process binds its own socket before it says hello |
//! | `MM_PLUGIN_TOKEN_FD` | number of a descriptor to read the token from, to its end; then close it |
//! | `MM_PLUGIN_ID` | the plugin's id |
//!
//! Standard input is the lifeline: the host holds its other end and never writes; its end means that the host is gone. The working
//! directory is the plugin's folder; the process leads a process group of its own, so that Ctrl-C in a terminal reaches the host only,
//! which then ends the process in order.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{AccessFlags, Pid, access, pipe2};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::folder::SocketDir;
use super::{environment, janitor, spawner};
use crate::manifest::SandboxLevel;
use crate::python_env::PythonEnv;
use crate::runtime::Runtime;
use crate::sandbox::{self, Child as ConfinedChild, Confinement, MemoryLimit, System, Wishes};

/// What a process is started from.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) runtime: Runtime,
    pub(crate) bundle: PathBuf,
    /// The Python file, relative to the bundle; of another language the command, for messages.
    pub(crate) entry: String,
    pub(crate) plugin_id: String,
    /// More variables, which win over those of the allow-list.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// What it may use of the machine.
    pub(crate) wishes: Wishes,
}

/// What the two sides show each other: 256 random bits, as hexadecimal digits.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(hex::encode(bytes)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this token, in a time that does not depend on where they differ.
    pub(crate) fn matches(&self, other: &[u8]) -> bool {
        let own = self.0.as_bytes();
        own.len() == other.len() && own.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: i32,
    /// Held open for as long as the process should live.
    _lifeline: Option<ChildStdin>,
    confinement: Confinement,
}

/// What a process prints.
pub(crate) type Output = (ChildStdout, ChildStderr);

impl Process {
    /// Starts the plugin as the recipe says.
    pub(crate) async fn start(recipe: &Recipe, sockets: &SocketDir, token: &Token) -> io::Result<(Self, Output)> {
        let (token_reader, token_writer) = pipe2(OFlag::O_CLOEXEC)?;
        // 64 bytes fit into the pipe, so nobody waits here; its end is the end of the token.
        std::fs::File::from(token_writer).write_all(token.as_str().as_bytes())?;
        let confinement = confine(recipe, sockets)?;
        let command = command(recipe, sockets, &token_reader, &confinement);
        let mut child = spawner::spawn(command).await?;
        drop(token_reader);
        let pid = child
            .id()
            .and_then(|it| i32::try_from(it).ok())
            .ok_or_else(|| io::Error::other("the process ended at once"))?;
        let lifeline = child.stdin.take();
        let output = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        Ok((Self { child, pid, _lifeline: lifeline, confinement }, output))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// What of the manifest's wishes is enforced, and what is not; a line each.
    pub(crate) fn confined(&self) -> &[String] {
        self.confinement.said()
    }

    /// What is known of its memory.
    pub(crate) fn memory(&self) -> Option<MemoryLimit> {
        self.confinement.memory()
    }

    /// Waits for its end. Can be cancelled and called again.
    pub(crate) async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Kills what it has left behind in its group, and forgets it; its end was waited for.
    pub(crate) fn clear_group(&self) {
        self.signal(Signal::SIGKILL);
        janitor::tell(&janitor::Note::Gone(self.pid));
    }

    /// Sends a signal to the process and to what it started, as far as that stayed in its group.
    pub(crate) fn signal(&self, signal: Signal) {
        // The number stays the group's for as long as a process is in it, the leader or what it left behind; with none of them left
        // this does nothing.
        let _ = killpg(Pid::from_raw(self.pid), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_some() {
            self.signal(Signal::SIGKILL);
        }
    }
}

/// Prepares what the process is put into, and its temporary folder.
fn confine(recipe: &Recipe, sockets: &SocketDir) -> io::Result<Confinement> {
    // The number of the process among those of this host.
    let number = sockets.path().file_name().unwrap_or_default().to_string_lossy();
    let name = format!("mm-host-{}-{number}", std::process::id());
    let confinement = sandbox::prepare(&recipe.wishes, &System::here(), sockets.path(), &name)?;
    if recipe.wishes.sandbox != SandboxLevel::Off {
        std::fs::DirBuilder::new().mode(0o700).create(sockets.temporary())?;
    }
    Ok(confinement)
}

fn command(recipe: &Recipe, sockets: &SocketDir, token: &OwnedFd, confinement: &Confinement) -> Command {
    let token_fd = token.as_raw_fd();
    let parent = nix::unistd::getpid();
    let mut command = Command::new(recipe.runtime.executable());
    match &recipe.runtime {
        Runtime::Python(_) => command.arg("-u").arg(recipe.bundle.join(&recipe.entry)),
        Runtime::Command(program) => command.args(&program.arguments),
    };
    command
        .current_dir(&recipe.bundle)
        .env_clear()
        .envs(environment::allowed(std::env::vars_os()))
        .envs(recipe.runtime.python().map(|it| python_variables(it, &recipe.bundle)).unwrap_or_default())
        .envs(recipe.variables.iter().map(|(name, value)| (name, value)))
        .env("MM_PLUGIN_HOST_SOCKET", sockets.host_socket())
        .env("MM_PLUGIN_SOCKET", sockets.plugin_socket())
        .env("MM_PLUGIN_TOKEN_FD", token_fd.to_string())
        .env("MM_PLUGIN_ID", &recipe.plugin_id)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if recipe.wishes.sandbox != SandboxLevel::Off {
        // The bundle cannot be written to, so Python need not try.
        command.env("TMPDIR", sockets.temporary()).env("PYTHONDONTWRITEBYTECODE", "1");
    }
    let told = janitor::pipe();
    let confined = confinement.child();
    let prepare = move || {
        told.into_iter().for_each(janitor::announce);
        prepare_child(token_fd, parent, &confined)
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; `announce` makes getpid and write, `prepare_child` makes
    // fcntl, prctl, getppid and the calls of the confinement, and neither allocates anything.
    unsafe { command.pre_exec(prepare) };
    command
}

/// Runs in the child before the plugin: the token's descriptor survives, and the child does not survive its host.
fn prepare_child(token_fd: i32, parent: Pid, confined: &ConfinedChild) -> io::Result<()> {
    // SAFETY: the descriptor is open: the parent holds it until the child was started.
    let token = unsafe { std::os::fd::BorrowedFd::borrow_raw(token_fd) };
    fcntl(token, FcntlArg::F_SETFD(FdFlag::empty()))?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // The host may have died between fork and prctl, and then no signal comes.
    if nix::unistd::getppid() != parent {
        return Err(io::Error::from_raw_os_error(nix::errno::Errno::ESRCH as i32));
    }
    confined.enter()
}

fn python_variables(env: &PythonEnv, bundle: &Path) -> Vec<(&'static str, OsString)> {
    let mut variables = vec![
        ("PYTHONUNBUFFERED", OsString::from("1")),
        // On SIGABRT and on a crash in compiled code Python then prints where each thread was.
        ("PYTHONFAULTHANDLER", OsString::from("1")),
        ("PYTHONIOENCODING", OsString::from("utf-8:backslashreplace")),
    ];
    if !env.python_path.is_empty() {
        let joined = std::env::join_paths(&env.python_path).unwrap_or_else(|_| OsStr::new("").to_owned());
        variables.push(("PYTHONPATH", joined));
    }
    let interpreter = &env.interpreter;
    if interpreter.is_venv() {
        variables.push(("VIRTUAL_ENV", interpreter.prefix.clone().into_os_string()));
    }
    if access(bundle, AccessFlags::W_OK).is_err() {
        variables.push(("PYTHONDONTWRITEBYTECODE", OsString::from("1")));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_random_and_compared_whole() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.as_str().len(), 64);
        assert!(one.matches(one.as_str().as_bytes()));
        assert!(!one.matches(other.as_str().as_bytes()));
        assert!(!one.matches(b""));
        assert!(!one.matches(&one.as_str().as_bytes()[..63]));
    }
}
