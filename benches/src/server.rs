//! What a hook costs on a server: Go's own go-plugin (`tests/interop-go/cmd/minimost`) calls `MessageWillBePosted` of a plugin written in
//! Go, and of `mm-host` with a Rust program in Python's place that gives the post back. How fast the handshake is there, and how
//! much memory the host takes.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::contest::Contestant as _;
use crate::echo::Echo;
use crate::lines::Lines;
use crate::report::{Report, Target};
use crate::{samples, startup};

/// What is needed.
pub(crate) struct Server<'a> {
    /// The folder of the repository.
    pub(crate) root: &'a Path,
    /// `mm-host`, built for release.
    pub(crate) host: &'a Path,
    /// The Python whose pip is used for the bundle.
    pub(crate) python: &'a Path,
    /// The folder that holds the package `mattermost_plugin`.
    pub(crate) sdk: &'a Path,
    /// The folder of the programs written in Go.
    pub(crate) go: &'a Path,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// How many calls in a round.
    pub(crate) calls: usize,
}

/// What Mattermost starts a plugin with.
const COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, anywhere.");

/// What a hook's call takes, in microseconds.
struct Round {
    /// Through go-plugin, of the echo, the plugin in Go and the one in Python.
    times: [f64; 3],
    /// The echo by itself.
    bare: f64,
}

/// Of a hook's calls, in microseconds.
#[derive(Deserialize)]
struct Timing {
    median: f64,
}

impl Server<'_> {
    /// Measures everything.
    pub(crate) async fn measure(&self, report: &mut Report) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let reference = self.reference(scratch.path())?;
        let bundle = self.bundle(scratch.path(), "echo")?;
        let echo = Echo::start(scratch.path()).await?;
        let (mut go, _) = Plugin::start(self, &reference, &[("REFPLUGIN", "echo".as_ref())])?;
        let own = std::env::current_exe()?;
        let (mut host, pid) = Plugin::start(self, &bundle, &[("PLUGIN_BENCH_ECHO", own.as_ref())])?;
        let sdk = self.bundle(scratch.path(), "sdk")?;
        let (mut python, _) = Plugin::start(self, &sdk, &[])?;

        std::thread::sleep(Duration::from_secs(1));
        report.add(
            "mm-host idle with a plugin, VmRSS",
            startup::resident(pid)? / 1024.0,
            "MiB",
            Some(Target::AtMost(15.0)),
        );

        let mut rounds = Vec::new();
        // The first round warms up and does not count.
        for round in 0..=self.rounds {
            eprint!("\rhook through go-plugin: round {round} of {}   ", self.rounds);
            let mut times = [0.0; 3];
            let mut plugins = [(0, &mut host), (1, &mut go), (2, &mut python)];
            if round % 2 == 1 {
                plugins.reverse();
            }
            for (which, plugin) in plugins {
                times[which] = plugin.hook(self.calls)?;
            }
            let bare = echo.hook(1, self.calls).await?.percentile(0.5);
            if round > 0 {
                rounds.push(Round { times, bare });
            }
        }
        eprintln!();
        let median = |figure: &dyn Fn(&Round) -> f64| startup::middle(rounds.iter().map(figure).collect());
        for (which, name) in ["mm-host and a Rust echo", "a plugin in Go", "a plugin in Python"].iter().enumerate() {
            report.add(format!("hook through go-plugin, {name}"), median(&|it| it.times[which]), "µs", None);
        }
        let against_go = |which: usize| median(&|it| it.times[which] / it.times[1]);
        report.add("mm-host and a Rust echo, against a plugin in Go", against_go(0), "×", None);
        report.add("a plugin in Python, against a plugin in Go", against_go(2), "×", None);
        let own = "mm-host's own share (less what the echo takes by itself), against a plugin in Go";
        report.add(own, median(&|it| (it.times[0] - it.bare) / it.times[1]), "×", Some(Target::AtMost(1.0)));
        let web = self.bundle(scratch.path(), "web")?;
        drop(python);
        let (mut python, _) = Plugin::start(self, &web, &[])?;
        crate::web::measure(self, &mut python, &mut go, report)?;
        self.handshake(&bundle, report)
    }

    /// A folder with the plugin written in Go.
    fn reference(&self, scratch: &Path) -> Result<PathBuf> {
        let folder = scratch.join("reference");
        std::fs::create_dir(&folder)?;
        std::fs::copy(self.go.join("refplugin"), folder.join("plugin"))?;
        std::fs::write(
            folder.join("plugin.json"),
            r#"{"id": "org.example.reference", "server": {"executable": "plugin"}}"#,
        )?;
        Ok(folder)
    }

    /// The unpacked bundle of a plugin of `benches/plugins`.
    fn bundle(&self, scratch: &Path, plugin: &str) -> Result<PathBuf> {
        let mut command = Command::new(self.host);
        command.arg("bundle").arg(self.root.join("benches/plugins").join(plugin));
        command.arg("--sdk").arg(self.sdk).arg("--build-python").arg(self.python).arg("--output").arg(scratch);
        let output = command.output()?;
        ensure!(output.status.success(), "mm-host bundle: {}", String::from_utf8_lossy(&output.stderr));
        let (id, folder) = (format!("org.example.bench-{plugin}"), scratch.join("bundles"));
        let mut unpack = Command::new(self.go.join("minimost"));
        unpack.arg("-folder").arg(folder.join(plugin)).arg(scratch.join(format!("{id}-1.0.0.tar.gz")));
        ensure!(unpack.stdin(Stdio::null()).status()?.success(), "the bundle cannot be unpacked");
        Ok(folder.join(plugin).join(id))
    }

    /// From the start of the process to the line that the server waits for.
    fn handshake(&self, bundle: &Path, report: &mut Report) -> Result<()> {
        let manifest: Value = serde_json::from_slice(&std::fs::read(bundle.join("plugin.json"))?)?;
        let here = mm_host::bundle::layout::Target::here().context("this machine is none that servers run on")?;
        let program =
            manifest["server"]["executables"][here.name()].as_str().context("the bundle has no executable")?;
        let mut millis = Vec::new();
        for _ in 0..self.rounds {
            let start = Instant::now();
            let mut child = Command::new(bundle.join(program))
                .env(COOKIE.0, COOKIE.1)
                .env("PLUGIN_PROTOCOL_VERSIONS", "1")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut line = String::new();
            BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line)?;
            millis.push(start.elapsed().as_secs_f64() * 1e3);
            child.kill()?;
            child.wait()?;
            ensure!(line.starts_with("1|1|unix|"), "the handshake is {line:?}");
        }
        report.add("start to handshake", startup::middle(millis), "ms", Some(Target::AtMost(50.0)));
        Ok(())
    }
}

/// A plugin that a server runs.
pub(crate) struct Plugin {
    server: Lines,
    count: u64,
    hook: Value,
}

impl Plugin {
    /// Starts and activates it; gives its process too.
    fn start(needed: &Server<'_>, folder: &Path, variables: &[(&str, &std::ffi::OsStr)]) -> Result<(Self, u32)> {
        let mut command = Command::new(needed.go.join("minimost"));
        let server = Lines::start(command.arg(folder).envs(variables.iter().copied()))?;
        let mut plugin = Self { server, count: 0, hook: hook() };
        plugin.ask(json!({"command": "configure", "configuration": {}}))?;
        let started = plugin.ask(json!({"command": "start"}))?;
        let pid = started["pid"].as_u64().context("no process id")?;
        plugin.ask(json!({"command": "activate"}))?;
        Ok((plugin, u32::try_from(pid)?))
    }

    /// Microseconds of a call.
    fn hook(&mut self, calls: usize) -> Result<f64> {
        let wanted = json!({"command": "measure", "times": calls, "hook": self.hook});
        let timing: Timing = serde_json::from_value(self.ask(wanted)?)?;
        Ok(timing.median)
    }

    /// Microseconds of an exchange of HTTP.
    pub(crate) fn request(&mut self, load: &Value, times: usize) -> Result<f64> {
        let wanted = json!({"command": "measure_http", "times": times, "load": load});
        let timing: Timing = serde_json::from_value(self.ask(wanted)?)?;
        Ok(timing.median)
    }

    /// Has a command done; what happens meanwhile is passed over, but for errors.
    fn ask(&mut self, mut wanted: Value) -> Result<Value> {
        self.count += 1;
        wanted["id"] = self.count.into();
        self.server.write(&wanted)?;
        loop {
            let mut told: Value = self.server.read()?;
            if told["level"] == "error" {
                eprintln!("{told}");
            }
            if told["id"] == wanted["id"] {
                ensure!(told["ok"] == true, "{}: {}", wanted["command"], told["error"]);
                return Ok(told["result"].take());
            }
        }
    }
}

/// The call, with Go's names: what `samples` has.
fn hook() -> Value {
    let request = samples::message_will_be_posted();
    let (context, post) = (request.context.unwrap_or_default(), request.post.unwrap_or_default());
    let props: serde_json::Map<String, Value> = post.props.keys().map(|it| (it.clone(), it.as_str().into())).collect();
    json!({"name": "MessageWillBePosted", "args": [
        {
            "SessionId": context.session_id, "RequestId": context.request_id, "IPAddress": context.ip_address,
            "AcceptLanguage": context.accept_language, "UserAgent": context.user_agent,
        },
        {
            "Id": post.id, "CreateAt": post.create_at, "UpdateAt": post.update_at, "IsPinned": post.is_pinned,
            "UserId": post.user_id, "ChannelId": post.channel_id, "RootId": post.root_id, "Message": post.message,
            "Type": post.r#type, "Props": props, "Hashtags": post.hashtags, "FileIds": post.file_ids,
            "PendingPostId": post.pending_post_id, "ReplyCount": post.reply_count, "LastReplyAt": post.last_reply_at,
            "IsFollowing": post.is_following,
        },
    ]})
}
