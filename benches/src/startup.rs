//! How fast the tools are, and how light a plugin is when it starts. Each is started several times; the median counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::report::{Report, Target};

/// What is started.
pub(crate) struct Tools {
    /// The folder of the repository.
    pub(crate) root: PathBuf,
    /// `xtask`, built for release.
    pub(crate) xtask: PathBuf,
    /// `mm-host`, built for release.
    pub(crate) host: PathBuf,
    /// The Python to run plugins with.
    pub(crate) python: PathBuf,
    /// The folder that holds the package `mattermost_plugin`.
    pub(crate) sdk: PathBuf,
    /// `server/public` of a Mattermost checkout, if there is one.
    pub(crate) source: Option<PathBuf>,
    /// How often each is started.
    pub(crate) times: usize,
}

impl Tools {
    /// Measures everything.
    pub(crate) fn measure(&self, report: &mut Report) -> Result<()> {
        self.generators(report)?;
        self.import(report)?;
        self.hello(report)
    }

    fn generators(&self, report: &mut Report) -> Result<()> {
        if let Some(source) = &self.source {
            let seconds = self.median(|| {
                let mut command = Command::new(&self.xtask);
                finished(command.arg("surface").arg("--source").arg(source).args(["--out", "-"]))
            })?;
            report.add("reading the surface of Mattermost's Go source", seconds, "s", Some(Target::AtMost(1.0)));
        }
        for option in ["--print", "--check"] {
            let seconds = self.median(|| finished(Command::new(&self.xtask).args(["regenerate", option])))?;
            report.add(format!("regenerate {option}"), seconds, "s", Some(Target::AtMost(5.0)));
        }
        Ok(())
    }

    /// The time inside a running interpreter, in a fresh process each time.
    fn import(&self, report: &mut Report) -> Result<()> {
        for (name, statement, target) in [
            ("import mattermost_plugin", "import mattermost_plugin", Some(Target::AtMost(100.0))),
            ("what hello_python imports", HELLO_IMPORTS, None),
        ] {
            let code =
                format!("import time; start = time.perf_counter()\n{statement}\nprint(time.perf_counter() - start)");
            let seconds = self.median(|| {
                let mut command = Command::new(&self.python);
                let output =
                    command.args(["-c", &code]).env("PYTHONPATH", &self.sdk).stderr(Stdio::inherit()).output()?;
                let text = String::from_utf8_lossy(&output.stdout);
                text.trim().parse().with_context(|| format!("`{statement}` printed {text:?}"))
            })?;
            report.add(name, seconds * 1e3, "ms", target);
        }
        Ok(())
    }

    /// `mm-host dev` up to the first answer, and the plugin's process then.
    fn hello(&self, report: &mut Report) -> Result<()> {
        // The first start prepares what there is to prepare and fills Python's cache of byte code.
        self.first_answer()?;
        let mut kibibytes = Vec::new();
        let seconds = self.median(|| {
            let (seconds, resident) = self.first_answer()?;
            kibibytes.push(resident);
            Ok(seconds)
        })?;
        report.add("mm-host dev to the first answered command", seconds, "s", Some(Target::AtMost(2.0)));
        let resident = middle(kibibytes) / 1024.0;
        report.add("hello_python's Python process, VmRSS", resident, "MiB", Some(Target::AtMost(32.0)));
        Ok(())
    }

    /// Seconds until `/hello` was answered, and the resident memory of the plugin's process then, in KiB.
    fn first_answer(&self) -> Result<(f64, f64)> {
        let start = Instant::now();
        let mut child = Command::new(&self.host)
            .arg("dev")
            .arg(self.root.join("examples/hello_python"))
            .arg("--python")
            .arg(&self.python)
            .arg("--sdk")
            .arg(&self.sdk)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.host.display()))?;
        let result = ask_hello(&mut child).map(|()| start.elapsed().as_secs_f64());
        let resident = result.is_ok().then(|| python_of(child.id()).and_then(resident));
        drop(child.stdin.take());
        if result.is_err() {
            child.kill()?;
        }
        child.wait()?;
        Ok((result?, resident.context("mm-host dev did not answer")??))
    }

    fn median(&self, mut once: impl FnMut() -> Result<f64>) -> Result<f64> {
        let values: Result<Vec<f64>> = (0..self.times).map(|_| once()).collect();
        values.map(middle)
    }
}

const HELLO_IMPORTS: &str = "\
from mattermost_plugin import HookName, Plugin, Reject, hook
from mattermost_plugin.models import ChannelMember, Command, CommandArgs, CommandResponse, Context, Post, User
from mattermost_plugin.server import run_plugin";

/// The one in the middle.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Seconds that a command takes, its output thrown away.
fn finished(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let output = command.stdout(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(seconds)
}

/// Types `/hello` and reads until the plugin's answer is there.
fn ask_hello(child: &mut Child) -> Result<()> {
    let input = child.stdin.as_mut().context("no standard input")?;
    input.write_all(b"/hello\n")?;
    input.flush()?;
    let output = child.stdout.take().context("no standard output")?;
    for line in BufReader::new(output).lines() {
        if line?.contains("This is Python speaking") {
            return Ok(());
        }
    }
    bail!("mm-host dev ended without the answer of hello_python")
}

/// The process that `host` started.
fn python_of(host: u32) -> Result<u32> {
    let tasks = format!("/proc/{host}/task");
    for task in std::fs::read_dir(&tasks).with_context(|| tasks.clone())? {
        let children = std::fs::read_to_string(task?.path().join("children"))?;
        for child in children.split_whitespace() {
            // The other one is the janitor, a process of the host's own program.
            if !std::fs::read_to_string(format!("/proc/{child}/comm"))?.starts_with("mm-host") {
                return Ok(child.parse()?);
            }
        }
    }
    bail!("mm-host has no child process")
}

/// Resident memory of a process, in KiB.
pub(crate) fn resident(process: u32) -> Result<f64> {
    let status = Path::new("/proc").join(process.to_string()).join("status");
    let text = std::fs::read_to_string(&status).with_context(|| status.display().to_string())?;
    let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
