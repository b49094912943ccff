//! The server's side, for tests of the executable: unpacked bundles, the process, its connection, and an API that remembers.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mm_gob::codec::{Bytes, Slice, Str, Struct};
use mm_goplugin::rpc::{Args, CallError, Client, Empty, Refusal, Reply, Running, Service};
use mm_goplugin::testing::{Host, address};
use mm_proto::gob::api;
use mm_proto::gob::hooks as gob;
use mm_proto::netrpc::{Activation, OnActivateArgs, OnActivateReturns};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;

use crate::common::{AT_LAST, HEAD, TAIL, is_alive, sdk, wait_until};

/// How long a process may take to be gone. The server allows 2 s, and the process ends itself after 1.9 s; the rest is for a machine
/// that is busy with other tests.
pub(crate) const GONE: Duration = Duration::from_secs(3);

/// The environment of a plugin.
pub(crate) const COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, anywhere.");

/// What else a server's environment may hold, and what no plugin may see.
pub(crate) const SECRETS: [(&str, &str); 4] = [
    ("MM_SQLSETTINGS_DATASOURCE", "postgres://mmuser:secret@db/mattermost"),
    ("MM_SQLSETTINGS_DATASOURCEREPLICAS", "postgres://secret@replica/mattermost"),
    ("MM_SERVICESETTINGS_SITEURL", "https://secret"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

/// An unpacked bundle, as a server has it.
pub(crate) struct Bundle {
    pub(crate) dir: tempfile::TempDir,
    /// Where the process may put what it wants to.
    pub(crate) temporary: tempfile::TempDir,
}

impl Bundle {
    /// With this `plugin.py`.
    pub(crate) fn raw(source: &str) -> Self {
        Self::with_version(source, "")
    }

    /// With a class of this body.
    pub(crate) fn with_body(body: &str) -> Self {
        Self::raw(&format!("{HEAD}\nclass P(Plugin):\n{body}\n{TAIL}"))
    }

    /// With this `plugin.py`, for these versions of Python.
    pub(crate) fn with_version(source: &str, python: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = dir.path().join("server").join(mm_host::bundle::layout::Target::here().unwrap().name());
        std::fs::create_dir_all(&server).unwrap();
        let manifest = serde_json::json!({
            "id": "com.example.test", "name": "Test", "version": "1.2.3",
            "server": {
                "executable": "", "runtime": "python", "python_version": python,
                "python": {"dependency_mode": "bundled", "entry": "plugin.py"},
            },
        });
        std::fs::write(dir.path().join("plugin.json"), manifest.to_string()).unwrap();
        std::fs::write(dir.path().join("plugin.py"), source).unwrap();
        let executable = env!("CARGO_BIN_EXE_mm-host");
        let host = server.join("mm-host");
        // Elsewhere than on this disk it is copied, by another process: what another test forks off meanwhile would hold a file open for
        // writing that this one has open, and nobody can start such a file.
        if std::fs::hard_link(executable, &host).is_err() {
            assert!(Command::new("cp").arg(executable).arg(&host).status().unwrap().success());
        }
        std::os::unix::fs::symlink(sdk(), server.join("packages")).unwrap();
        Self { dir, temporary: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn executable(&self) -> PathBuf {
        let target = mm_host::bundle::layout::Target::here().unwrap().name();
        self.dir.path().join("server").join(target).join("mm-host")
    }

    /// Every file in it but the SDK's.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
                found.insert(entry.path());
            }
        }
        found
    }

    /// Starts it as a server does, and reads the handshake.
    pub(crate) fn start(&self) -> Started {
        let mut command = Command::new(self.executable());
        command.env(COOKIE.0, COOKIE.1).env("TMPDIR", self.temporary.path()).envs(SECRETS).current_dir("/");
        Started::new(command)
    }

    /// Starts it, connects and asks for its hooks.
    pub(crate) async fn connect(&self) -> Server {
        Server::connect(self.start()).await
    }

    /// Starts and activates it.
    pub(crate) async fn activate(&self) -> Server {
        let server = self.connect().await;
        let implemented = server.implemented().await;
        server.activate().await.unwrap_or_else(|error| panic!("{error:?} {implemented:?} {:?}", server.lines()));
        server
    }
}

/// What an open file is, such as `pipe:[123]`.
fn link(file: &impl std::os::fd::AsRawFd) -> PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
}

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

/// A process that has said where it listens. It is killed at the latest when the test ends.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
    stderr: Lines,
    /// The pipes that it was given.
    pub(crate) pipes: [PathBuf; 2],
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Started {
    /// Starts a process and reads the handshake.
    pub(crate) fn new(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = loop {
            match command.spawn() {
                // Another test forked while this one's copy of the executable was open for writing: until that child's exec.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                spawned => break spawned.expect("it starts"),
            }
        };
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let stderr = Lines::default();
        let (pipe, lines) = (child.stderr.take().unwrap(), stderr.clone());
        let pipes = [link(child.stdout.as_ref().unwrap()), link(&pipe)];
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                lines.0.lock().unwrap().push(line.unwrap());
            }
        });
        let socket = address(&line).unwrap_or_else(|| panic!("{line:?}: {:?}", stderr.0.lock().unwrap())).to_owned();
        Self { child, socket, stderr, pipes }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        let ended = || {
            status = child.try_wait().unwrap();
            status.is_some()
        };
        wait_until(limit, ended).await;
        status.unwrap_or_else(|| panic!("the plugin lives: {:#?}", self.stderr.0.lock().unwrap()))
    }

    /// Its Python processes, and theirs.
    pub(crate) fn pythons(&self) -> Vec<i32> {
        let is_janitor = |pid: &i32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|it| it.trim() == "mm-host-janitor")
        };
        self.descendants().into_iter().filter(|it| !is_janitor(it)).collect()
    }

    /// Its Python processes, and theirs, and its janitor.
    pub(crate) fn descendants(&self) -> Vec<i32> {
        let mut found = vec![self.pid()];
        let mut next = 0;
        while next < found.len() {
            for task in std::fs::read_dir(format!("/proc/{}/task", found[next])).into_iter().flatten() {
                let children = task.unwrap().path().join("children");
                let children = std::fs::read_to_string(children).unwrap_or_default();
                found.extend(children.split_whitespace().map(|it| it.parse::<i32>().unwrap()));
            }
            next += 1;
        }
        found.split_off(1)
    }
}

type Returns = mm_proto::gob::Returned<v1::OnActivateResponse, v1::ErrorValue>;

/// A connection with the process.
pub(crate) struct Server {
    pub(crate) started: Started,
    pub(crate) host: Host,
    pub(crate) hooks: Client,
    pub(crate) api: Arc<Api>,
    /// Ends the API's connection.
    pub(crate) api_task: Mutex<Option<tokio::task::AbortHandle>>,
}

impl Server {
    pub(crate) async fn connect(started: Started) -> Self {
        let host = Host::connect(&started.socket).await.unwrap();
        let hooks = host.dispense("hooks").await.unwrap();
        Self { started, host, hooks, api: Arc::default(), api_task: Mutex::default() }
    }

    pub(crate) async fn implemented(&self) -> Vec<String> {
        self.hooks.call::<Struct<Empty>, _, Slice<Str>, _>("Plugin.Implemented", &Empty).await.unwrap()
    }

    /// OnActivate; `Err` is what an administrator sees.
    pub(crate) async fn activate(&self) -> Result<(), v1::ErrorValue> {
        let ids = Activation { api: self.host.broker().next_id(), driver: self.host.broker().next_id() };
        for id in [ids.api, ids.driver] {
            let accepted = self.host.broker().accept(id);
            let api = self.api.clone();
            let task = tokio::spawn(async move {
                let (read, write) = accepted.await.expect("it is dialled").into_split();
                mm_goplugin::rpc::Server::new().register("Plugin", api).serve(read, write).await
            });
            if id == ids.api {
                *self.api_task.lock().unwrap() = Some(task.abort_handle());
            }
        }
        let returns =
            self.hooks.call::<Struct<OnActivateArgs>, _, Struct<OnActivateReturns>, Returns>("Plugin.OnActivate", &ids);
        returns.await.expect("no error of the call itself").error.map_or(Ok(()), Err)
    }

    /// A hook that returns a text.
    pub(crate) async fn user_will_log_in(&self, name: &str) -> Result<String, CallError> {
        let request = v1::UserWillLogInRequest {
            context: Some(v1::Context::default()),
            user: Some(v1::User { username: name.to_owned(), ..v1::User::default() }),
        };
        let answer: Result<v1::UserWillLogInResponse, _> = self
            .hooks
            .call::<Struct<gob::UserWillLogInArgs>, _, Struct<gob::UserWillLogInReturns>, _>(
                "Plugin.UserWillLogIn",
                &request,
            )
            .await;
        answer.map(|it| it.reason)
    }

    pub(crate) async fn deactivate(&self) {
        let request = v1::OnDeactivateRequest {};
        type Answer = mm_proto::gob::Returned<v1::OnDeactivateResponse, v1::ErrorValue>;
        let answer: Answer = self
            .hooks
            .call::<Struct<gob::OnDeactivateArgs>, _, Struct<gob::OnDeactivateReturns>, _>(
                "Plugin.OnDeactivate",
                &request,
            )
            .await
            .unwrap();
        assert_eq!(answer.error, None);
    }

    /// What came on standard error, every line a record as go-plugin must have it.
    pub(crate) fn lines(&self) -> Vec<serde_json::Map<String, serde_json::Value>> {
        let lines = self.started.stderr.0.lock().unwrap().clone();
        let parse = |line: &String| {
            assert!(line.len() < 64 * 1024, "a line of {} bytes", line.len());
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            for key in ["@level", "@message", "@timestamp"] {
                assert!(object[key].is_string(), "{line}");
            }
            object
        };
        lines.iter().map(parse).collect()
    }

    /// Waits for a line with this text.
    pub(crate) async fn wait_for_line(&self, text: &str) -> serde_json::Map<String, serde_json::Value> {
        let found = || self.lines().into_iter().find(|it| it["@message"].as_str().unwrap().contains(text));
        wait_until(AT_LAST, || found().is_some()).await;
        found().unwrap_or_else(|| panic!("no line with {text:?}: {:#?} {:#?}", self.lines(), self.api.logged()))
    }

    /// Asks it to quit: it must be gone with everything in time.
    pub(crate) async fn quit(mut self) {
        let descendants = self.started.descendants();
        self.host.quit().await.unwrap();
        self.host.close().await;
        let status = self.started.ended(GONE).await;
        assert_eq!(status.code(), Some(0), "{:#?}", self.lines());
        assert_gone(&descendants).await;
    }
}

/// None of these processes runs any more. A host that had to end itself leaves the killing to its janitor, which needs a moment.
pub(crate) async fn assert_gone(pids: &[i32]) {
    let gone = wait_until(GONE, || !pids.iter().any(|it| is_alive(*it))).await;
    assert!(gone.is_some(), "still there: {:?}", pids.iter().filter(|it| is_alive(**it)).collect::<Vec<_>>());
}

#[derive(Debug, Default)]
struct Configuration {
    json: Vec<u8>,
}

mm_gob::gob_struct! {
    Configuration as "Z_LoadPluginConfigurationReturns" {
        "A" => json: Bytes,
    }
}

/// A record that came through the API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logged {
    pub(crate) level: &'static str,
    pub(crate) message: String,
    pub(crate) pairs: Vec<(String, String)>,
}

impl Logged {
    pub(crate) fn pair(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|it| it.0 == key).map(|it| it.1.as_str())
    }
}

/// The plugin API, as far as these tests need it.
#[derive(Default)]
pub(crate) struct Api {
    pub(crate) logs: Mutex<Vec<Logged>>,
    /// While this is set, log calls are not answered.
    pub(crate) stuck: std::sync::atomic::AtomicBool,
}

impl Api {
    pub(crate) fn logged(&self) -> Vec<Logged> {
        self.logs.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for(&self, text: &str) -> Logged {
        let found = || self.logged().into_iter().find(|it| it.message.contains(text));
        wait_until(AT_LAST, || found().is_some()).await;
        found().unwrap_or_else(|| panic!("nothing with {text:?} was logged: {:#?}", self.logged()))
    }

    fn log(&self, level: &'static str, message: String, values: Vec<v1::Value>) -> Running {
        let text = |it: v1::Value| match it.kind {
            Some(Kind::StringValue(text)) => text,
            other => panic!("{other:?}"),
        };
        let texts: Vec<String> = values.into_iter().map(text).collect();
        let pairs = texts.chunks(2).map(|it| (it[0].clone(), it[1].clone())).collect();
        self.logs.lock().unwrap().push(Logged { level, message, pairs });
        let stuck = self.stuck.load(std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            if stuck {
                std::future::pending::<()>().await;
            }
            Ok(Reply::empty())
        })
    }
}

impl Service for Api {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "LogDebug" => {
                let it = args.read::<Struct<api::LogDebugArgs>, v1::LogDebugRequest>()?;
                Ok(self.log("debug", it.msg, it.key_value_pairs))
            }
            "LogInfo" => {
                let it = args.read::<Struct<api::LogInfoArgs>, v1::LogInfoRequest>()?;
                Ok(self.log("info", it.msg, it.key_value_pairs))
            }
            "LogWarn" => {
                let it = args.read::<Struct<api::LogWarnArgs>, v1::LogWarnRequest>()?;
                Ok(self.log("warn", it.msg, it.key_value_pairs))
            }
            "LogError" => {
                let it = args.read::<Struct<api::LogErrorArgs>, v1::LogErrorRequest>()?;
                Ok(self.log("error", it.msg, it.key_value_pairs))
            }
            "LoadPluginConfiguration" => {
                args.read::<Struct<Empty>, Empty>()?;
                let answer = Configuration { json: b"{\"answer\": 42}".to_vec() };
                Ok(Box::pin(async { Ok(Reply::new::<Struct<Configuration>, _>(answer)) }))
            }
            "GetServerVersion" => {
                args.read::<Struct<Empty>, Empty>()?;
                let answer = v1::GetServerVersionResponse { result: "9.8.1".to_owned() };
                Ok(Box::pin(async { Ok(Reply::new::<Struct<api::GetServerVersionReturns>, _>(answer)) }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// Whether no open file of the process is one of these.
pub(crate) fn holds_none_of(pid: i32, files: &[PathBuf]) -> bool {
    let open: Vec<PathBuf> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|it| std::fs::read_link(it.unwrap().path()).ok())
        .collect();
    assert!(!open.is_empty());
    !open.iter().any(|it| files.iter().any(|file| Path::new(file) == it))
}
