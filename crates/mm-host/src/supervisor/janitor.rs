//! The janitor: a small process of this program that outlives it for a moment, and clears away after it.
//!
//! A host that is killed with SIGKILL can clear nothing away. The kernel kills the processes that it started (`PR_SET_PDEATHSIG`), but
//! not what those have started in turn, and folders with sockets stay. So before the program has a second thread it forks, and the
//! copy waits for the end of a pipe whose other end only the host holds. Through that pipe it is told, one line each, which process
//! groups and which folders there are. When the pipe ends, whatever the reason, it kills the groups, removes the folders, and ends.
//!
//! Each plugin process announces its own group between fork and exec: there is no moment at which a group is there and unknown.
//!
//! A program that embeds hosts calls [`start`] first of all and [`end`] last of all, if it wants one; without it nothing else changes.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pipe2, setsid};

/// How long killed processes may take to be gone before their folders are removed all the same.
const DYING: Duration = Duration::from_millis(1500);

/// The janitor of this process.
static JANITOR: OnceLock<Janitor> = OnceLock::new();

struct Janitor {
    /// The host's end of the pipe.
    pipe: OwnedFd,
    pid: Pid,
}

/// The line that has the janitor do its work at once.
const END: &[u8] = b".\n";

/// What the janitor is told.
pub(crate) enum Note<'a> {
    /// This process group is gone, its leader was reaped.
    Gone(i32),
    /// This folder is to be removed at the end.
    Folder(&'a Path),
}

/// Starts the janitor of this process, once. To be called before the process has a second thread.
///
/// # Errors
/// When the system has no pipe or process left. The program can go on without a janitor.
pub fn start() -> io::Result<()> {
    if JANITOR.get().is_some() {
        return Ok(());
    }
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the caller has no other thread, so that the copy is a whole program; it ends in `_exit`.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(writer);
            attend(reader);
        }
        ForkResult::Parent { child } => {
            let _ = JANITOR.set(Janitor { pipe: writer, pid: child });
            Ok(())
        }
    }
}

/// Has the janitor do its work now, and waits for its end: the last thing that a program does. What is left of plugins is killed.
pub fn end() {
    if let Some(janitor) = JANITOR.get()
        && nix::unistd::write(&janitor.pipe, END).is_ok()
    {
        // It takes a moment, unless something is left that does not die.
        let _ = waitpid(janitor.pid, None);
    }
}

/// Tells the janitor, if there is one.
pub(crate) fn tell(note: &Note<'_>) {
    let Some(janitor) = JANITOR.get() else { return };
    let mut line = match note {
        Note::Gone(group) => format!("-{group}").into_bytes(),
        Note::Folder(path) => [b"/", path.as_os_str().as_bytes()].concat(),
    };
    line.push(b'\n');
    // Lines are far shorter than what a pipe takes in one piece.
    let _ = nix::unistd::write(&janitor.pipe, &line);
}

/// The pipe, for [`announce`]; what it refers to stays open for ever.
pub(super) fn pipe() -> Option<RawFd> {
    JANITOR.get().map(|it| it.pipe.as_raw_fd())
}

/// Tells the janitor of the process group that the calling process leads. Async-signal-safe: between fork and exec.
pub(super) fn announce(pipe: RawFd) {
    let mut line = [0_u8; 16];
    let mut begin = line.len() - 1;
    line[begin] = b'\n';
    let mut rest = std::process::id();
    while rest > 0 || begin == line.len() - 1 {
        begin -= 1;
        line[begin] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    begin -= 1;
    line[begin] = b'+';
    // SAFETY: the descriptor is that of `JANITOR`, which is never closed.
    let pipe = unsafe { BorrowedFd::borrow_raw(pipe) };
    let _ = nix::unistd::write(pipe, &line[begin..]);
}

/// The life of the janitor. Never returns.
fn attend(pipe: OwnedFd) -> ! {
    detach(&pipe);
    let mut told = Vec::new();
    let mut pipe = File::from(pipe);
    let mut buffer = [0; 4096];
    let mut known = Known::default();
    while !known.ended {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                told.extend_from_slice(&buffer[..n]);
                while let Some(end) = told.iter().position(|it| *it == b'\n') {
                    let line: Vec<u8> = told.drain(..=end).collect();
                    known.note(&line[..end]);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    known.clear();
    // SAFETY: it ends the process, which has nothing to flush.
    unsafe { nix::libc::_exit(0) }
}

/// Lets go of everything that was the host's: its session, signals, folder and files.
fn detach(pipe: &OwnedFd) {
    let _ = setsid();
    for ignored in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGPIPE] {
        // SAFETY: ignoring a signal runs no code.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    let _ = std::env::set_current_dir("/");
    #[cfg(target_os = "linux")]
    if let Ok(name) = CString::new("mm-host-janitor") {
        let _ = nix::sys::prctl::set_name(&name);
    }
    let own = pipe.as_fd().as_raw_fd();
    let open: Vec<RawFd> = match std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd")) {
        Ok(entries) => {
            entries.flatten().filter_map(|it| it.file_name().to_str().and_then(|it| it.parse().ok())).collect()
        }
        Err(_) => (0..256).collect(),
    };
    for other in open.into_iter().filter(|it| *it != own) {
        // SAFETY: nothing of this process uses the descriptor: it has no other thread, and all values that own one were the host's.
        unsafe { nix::libc::close(other) };
    }
}

/// What the janitor was told.
#[derive(Debug, Default, Eq, PartialEq)]
struct Known {
    groups: Vec<i32>,
    folders: Vec<PathBuf>,
    /// Whether the host says that this was all.
    ended: bool,
}

impl Known {
    fn note(&mut self, line: &[u8]) {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|it| it.parse::<i32>().ok());
        match line.split_first() {
            Some((b'+', digits)) => self.groups.extend(number(digits).filter(|it| *it > 1)),
            Some((b'-', digits)) => self.groups.retain(|it| Some(*it) != number(digits)),
            Some((b'/', path)) => self.folders.push(PathBuf::from(OsStr::from_bytes(path))),
            Some((b'.', [])) => self.ended = true,
            _ => {}
        }
    }

    /// Kills the groups and removes the folders.
    fn clear(&self) {
        for group in &self.groups {
            let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
        }
        // One that lives could still make a socket.
        let begun = Instant::now();
        while begun.elapsed() < DYING && self.groups.iter().any(|it| killpg(Pid::from_raw(*it), None).is_ok()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_what_is_there() {
        let mut known = Known::default();
        for line in [&b"+12"[..], b"+345", b"//tmp/a b", b"-12", b"-99", b"+1", b"+x", b"", b"?"] {
            known.note(line);
        }
        let folders = vec![PathBuf::from("/tmp/a b")];
        assert_eq!(known, Known { groups: vec![345], folders: folders.clone(), ended: false });
        known.note(b".");
        assert!(known.ended);
    }

    #[test]
    fn a_process_says_its_own_number() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        announce(writer.as_raw_fd());
        drop(writer);
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("+{}\n", std::process::id()));
    }

    #[test]
    fn clearing_kills_the_group_and_removes_the_folder() {
        use std::os::unix::process::CommandExt;
        let dir = tempfile::tempdir().unwrap().keep();
        std::fs::write(dir.join("x.sock"), "").unwrap();
        let script = "sleep 100 & echo $!; wait";
        let mut command = std::process::Command::new("sh");
        let mut leader =
            command.args(["-c", script]).process_group(0).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut output = io::BufReader::new(leader.stdout.take().unwrap());
        let mut child = String::new();
        io::BufRead::read_line(&mut output, &mut child).unwrap();
        let group = i32::try_from(leader.id()).unwrap();
        let reaper = std::thread::spawn(move || leader.wait().unwrap());
        Known { groups: vec![group], folders: vec![dir.clone()], ended: false }.clear();
        assert!(!dir.exists());
        assert!(!reaper.join().unwrap().success());
        // The end of its output: nobody of the group holds it any more.
        assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}
