//! `mm-host dev`, as a program: scripts and their transcripts, exit codes, an interactive terminal, sudden death.
#![cfg(feature = "dev")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{HEAD, TAIL, TestPlugin, sdk, wait_until_gone};

/// A plugin with a command, a deciding hook, and a few ways to misbehave.
const BODY: &str = r#"
    @hook(HookName.OnActivate)
    def up(self):
        from mattermost_plugin.models import Command
        self.api.register_command(Command(trigger="greet", auto_complete=True, auto_complete_desc="Greets", auto_complete_hint="[name]"))

    @hook(HookName.OnDeactivate)
    def down(self):
        self.logger.info("going down")

    @hook(HookName.ExecuteCommand)
    def command(self, context, args):
        word = args.command.removeprefix("/greet").strip()
        if word == "crash":
            import os
            os._exit(7)
        if word == "log":
            self.logger.warning("as you wish", extra={"word": word})
        if word == "later":
            import threading
            threading.Timer(0.3, lambda: self.api.create_post(channel_id=args.channel_id, user_id=args.user_id, message="now")).start()
        greeting = self.config.get("Greeting", "Hello")
        return {"response_type": "ephemeral", "text": f"{greeting}, {word or 'you'}"}

    @hook(HookName.MessageWillBePosted)
    def decide(self, context, post):
        if "bad" in post.message:
            return None, "no bad words"
        return post, ""

    @hook(HookName.MessageHasBeenPosted)
    def answer(self, context, post):
        if post.message == "ping":
            self.api.create_post(channel_id=post.channel_id, user_id=post.user_id, root_id=post.id, message="pong " + post.id)
"#;

const SETTINGS: &str = r#"{"id": "com.example.test", "name": "Test", "version": "1.2.3",
    "server": {"executable": "plugin.py", "runtime": "python"},
    "settings_schema": {"settings": [{"key": "Greeting", "type": "text", "default": "Hello"}]}}"#;

fn plugin() -> TestPlugin {
    let plugin = TestPlugin::with_body(BODY);
    std::fs::write(plugin.dir.path().join("plugin.json"), SETTINGS).unwrap();
    plugin
}

fn command(dir: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    command.arg("dev").arg(dir).arg("--sdk").arg(sdk()).args(options).env("NO_COLOR", "1");
    command
}

fn run(mut command: Command, script: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What ends before it reads the script is judged by what it said.
    let written = child.stdin.take().unwrap().write_all(script.as_bytes());
    assert!(written.is_ok() || written.is_err_and(|it| it.kind() == ErrorKind::BrokenPipe));
    child.wait_with_output().unwrap()
}

/// Plays a script; gives exit code, transcript and log.
fn play(plugin: &TestPlugin, options: &[&str], script: &str) -> (i32, String, String) {
    let output = run(command(plugin.dir.path(), options), script);
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_script_prints_what_people_see_and_the_log_apart_from_it() {
    let script = "# A comment\n\nhello\n/greet Ben\nsomething bad\nexpect no bad words\nping\n/as ben\n/reply well\n/edit done\n:react #1 +1\n/greet log\n:delete\n";
    let (code, transcript, log) = play(&plugin(), &[], script);
    let expected = "\
# A comment
anna ~town-square> hello
#1 anna: hello
anna ~town-square> /greet Ben
(only visible to anna) System: Hello, Ben
anna ~town-square> something bad
✗ Post rejected by plugin. no bad words (400)
anna ~town-square> ping
#2 anna: ping
#3 (in #2) anna: pong <id>
anna ~town-square> /as ben
ben ~town-square> /reply well
#4 (in #2) ben: well
ben ~town-square> /edit done
#4 (in #2) ben: done (edited)
ben ~town-square> :react #1 +1
ben reacted to #1 with :+1:
ben ~town-square> /greet log
(only visible to ben) System: Hello, log
ben ~town-square> :delete
#4 was deleted
";
    assert_eq!(transcript, expected);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("Test 1.2.3 runs on Python 3."), "{log}");
    assert!(log.contains("warn  as you wish word=log"), "{log}");
    assert!(log.contains("info  going down"), "OnDeactivate is called at the end: {log}");
}

#[test]
fn a_name_that_nobody_has_is_told_with_those_that_are_there() {
    let script = ":go nowhere\n:join ~nowhere\n:go @nobody\n:invite nobody\n:advance x\n:log loud\n";
    let (code, _, log) = play(&plugin(), &[], script);
    assert_eq!(code, 1);
    let (channel, user) =
        ("there is no channel ~nowhere; there are ~", "there is no user nobody; there are admin, anna,");
    let usages = [
        "usage: :advance TIME (move the server's clock forward, such as",
        "usage: :log LEVEL (show log records from debug,",
    ];
    for (line, why) in [channel, channel, user, user].into_iter().chain(usages).enumerate() {
        assert!(log.contains(&format!("line {}: {why}", line + 1)), "{why}\n{log}");
    }
}

#[test]
fn a_manifest_that_is_ignored_is_told() {
    let plugin = plugin();
    let yaml = "id: com.example.test\nname: Other\nversion: 2.0.0\nserver: {executable: plugin.py, runtime: python}\n";
    std::fs::write(plugin.dir.path().join("plugin.yaml"), yaml).unwrap();
    let (code, _, log) = play(&plugin, &[], "hello\n");
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("warning: plugin.yaml is used and plugin.json ignored"), "{log}");
    assert!(log.contains("Other 2.0.0 runs on Python"), "{log}");
}

#[test]
fn a_key_of_the_manifest_that_nobody_reads_is_told() {
    let plugin = plugin();
    plugin.edit_manifest(|it| it["permission"] = serde_json::json!([]));
    let (_, _, log) = play(&plugin, &[], "");
    let told =
        "warning: plugin.json: permission: is no key of a manifest and means nothing: did you mean \"permissions\"?";
    assert!(log.contains(told), "{log}");
}

#[test]
fn a_transcript_is_the_same_each_time_with_traces_too() {
    let script = "hello\n/greet you\nping\nsomething bad\nexpect bad words\n:keys\n";
    let plugin = plugin();
    let first = play(&plugin, &["--trace"], script);
    assert_eq!(first.0, 0, "{}", first.2);
    assert!(first.2.contains("→ hook ExecuteCommand") && first.2.contains("  ← api CreatePost"), "{}", first.2);
    let line = r#"→ hook MessageHasBeenPosted context=Context("#;
    assert!(first.2.contains(line) && first.2.contains(r#"message="ping""#), "{}", first.2);
    assert!(!first.2.contains("Some(") && !first.2.contains(" { "), "no Rust shows: {}", first.2);
    for _ in 0..3 {
        assert_eq!(play(&plugin, &["--trace"], script).1, first.1);
    }
}

#[test]
fn what_goes_wrong_fails_the_script_and_names_the_line() {
    let (code, _, log) = play(&plugin(), &[], "hello\nsomething bad\nhello again\n");
    assert_eq!(code, 1);
    assert!(log.contains("line 2: Post rejected by plugin. no bad words (400)"), "{log}");
    assert!(log.ends_with("1 failure\n"), "{log}");

    let (code, transcript, log) =
        play(&plugin(), &[], "hello\nexpect-not hello\n:frobnicate\n/nothing\n:edit #9 x\n:as nobody\n");
    assert_eq!(code, 1);
    for text in [
        "line 2: shown, and not expected: hello",
        "line 3: there is no command :frobnicate",
        "line 4: There is no command /nothing.",
        "line 5: no post #9 was shown yet",
        "line 6: there is no user nobody; there are admin, anna, ben, carol",
        "5 failures",
    ] {
        assert!(log.contains(text), "{text}\n{log}");
    }
    assert!(transcript.contains("✗ no post #9 was shown yet"), "{transcript}");
}

#[test]
fn an_expectation_waits_for_what_comes_later() {
    let (code, transcript, log) = play(&plugin(), &[], "/greet later\nexpect now\n");
    assert_eq!(code, 0, "{transcript}{log}");
    assert!(transcript.ends_with("#1 anna: now\n"), "{transcript}");
}

#[test]
fn a_crash_fails_the_script_unless_it_is_expected_and_the_plugin_can_be_started_again() {
    let script = "/greet crash\nexpect ended with exit code 7\nhello\n:restart\n/greet again\nexpect Hello, again\n";
    let (code, transcript, log) = play(&plugin(), &[], script);
    assert_eq!(code, 0, "{transcript}{log}");
    assert!(transcript.contains("#1 anna: hello\n"), "the server goes on without the plugin: {transcript}");
    let (code, _, log) = play(&plugin(), &[], "/greet crash\n");
    assert_eq!(code, 1, "{log}");
}

#[test]
fn settings_come_from_the_command_line_and_change_while_it_runs() {
    let script = "/greet a\nexpect Ahoy, a\n:set greeting Good day\n/greet b\nexpect Good day, b\n:settings\nexpect Greeting = \"Good day\"\n";
    let (code, transcript, log) = play(&plugin(), &["--config", "Greeting=Ahoy"], script);
    assert_eq!(code, 0, "{transcript}{log}");
    let plugin = plugin();
    let file = plugin.dir.path().join("settings.json");
    std::fs::write(&file, r#"{"Greeting": "Moin"}"#).unwrap();
    let (code, transcript, log) = play(&plugin, &["--settings", file.to_str().unwrap()], "/greet c\nexpect Moin, c\n");
    assert_eq!(code, 0, "{transcript}{log}");
    let (code, _, log) = play(&plugin, &["--config", "Volume=11"], "");
    assert_eq!(code, 1);
    assert!(log.contains("error: the plugin has no setting Volume; it has Greeting"), "{log}");
}

#[test]
fn several_users_and_channels() {
    let script = ":create plans private\nsecret\n:as ben\n:join plans\nexpect there is no channel ~plans; there are ~off-topic, ~town-square\n:go @anna\npsst\n:as anna\n:read\nexpect psst\n:go plans\n:invite ben\n:as ben\n:channels\nexpect ~plans (private)\n:members\nexpect @ben (Ben Berger)\n:user dora\nhello from dora\nexpect dora: hello from dora\n";
    let (code, transcript, log) = play(&plugin(), &[], script);
    assert_eq!(code, 0, "{transcript}{log}");
}

#[test]
fn completion_is_that_of_mattermost() {
    let (code, transcript, log) = play(&plugin(), &[], ":complete /gr\nexpect /greet [name]  Greets\n");
    assert_eq!(code, 0, "{transcript}{log}");
}

#[test]
fn a_plugin_that_cannot_start_ends_the_program_with_one_clear_error() {
    for (source, expected) in [
        ("def f(:\n", "error: SyntaxError: invalid syntax (plugin.py:1): mend that line"),
        (
            "import not_there\n",
            "error: ModuleNotFoundError: No module named 'not_there' (plugin.py:1): write not_there in a requirements.txt",
        ),
        ("x = 1\n", "error: plugin.py ended without calling run_plugin"),
    ] {
        let (code, transcript, log) = play(&TestPlugin::raw(source), &[], "hello\n");
        assert_eq!((code, transcript.as_str()), (1, ""), "{log}");
        assert!(log.lines().any(|it| it.starts_with(expected)), "{log}");
    }
    let body = "    @hook(HookName.OnActivate)\n    def up(self):\n        raise RuntimeError('not today')\n";
    let (code, _, log) = play(&TestPlugin::with_body(body), &[], "");
    assert_eq!(code, 1);
    assert!(log.contains("error: the plugin could not be activated: ") && log.contains("not today"), "{log}");
    let nowhere = run(command(Path::new("/nowhere"), &[]), "");
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stderr).starts_with("error: /nowhere is not a folder"));
}

#[test]
fn without_a_subcommand_it_says_what_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_mm-host")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.starts_with("Hosts a Mattermost plugin written in Python.") && text.contains("mm-host dev DIR"),
        "{text}"
    );
    assert!(output.stdout.is_empty(), "standard output belongs to the handshake");
}

/// Ids of the processes that this one started.
fn children(pid: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|it| it.parse::<i32>().ok()));
    }
    found
}

fn wait_for(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[tokio::test]
async fn a_host_that_is_killed_leaves_no_python_behind() {
    let plugin = TestPlugin::with_body(
        "    @hook(HookName.OnActivate)\n    def up(self):\n        open('ready', 'w').close()\n",
    );
    let mut host = command(plugin.dir.path(), &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(wait_for(Duration::from_secs(20), || plugin.dir.path().join("ready").exists()));
    let children = children(host.id());
    assert_eq!(children.len(), 2, "Python and the janitor: {children:?}");
    host.kill().unwrap();
    host.wait().unwrap();
    for child in children {
        wait_until_gone(child).await;
    }
}

#[test]
fn a_host_that_is_asked_to_end_deactivates_the_plugin_first() {
    // A post reaches the plugin only once it is active.
    let body = "    @hook(HookName.MessageHasBeenPosted)\n    def seen(self, context, post):\n        open('ready', 'w').close()\n    @hook(HookName.OnDeactivate)\n    def down(self):\n        open('over', 'w').close()\n";
    let plugin = TestPlugin::with_body(body);
    let mut host = command(plugin.dir.path(), &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Kept open: its end would end the script, and with it the plugin, in its own way.
    let mut script = host.stdin.take().unwrap();
    script.write_all(b"hello\n").unwrap();
    assert!(wait_for(Duration::from_secs(20), || plugin.dir.path().join("ready").exists()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(host.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(host.wait().unwrap().code(), Some(1));
    assert!(plugin.dir.path().join("over").exists());
}

/// `mm-host dev` in a terminal.
struct Terminal {
    child: Child,
    master: std::fs::File,
    seen: String,
}

impl Terminal {
    fn open(plugin: &TestPlugin, options: &[&str]) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.as_fd().try_clone_to_owned().unwrap());
        let child = command(plugin.dir.path(), options)
            .env("TERM", "xterm")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        drop(pty.slave);
        let master = std::fs::File::from(pty.master);
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
        Self { child, master, seen: String::new() }
    }

    /// Waits until this text is shown, from where the last wait ended.
    fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        let found = wait_for(Duration::from_secs(20), || {
            while let Ok(n) = self.master.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
            self.seen.contains(text)
        });
        assert!(found, "{text:?} was not shown:\n{}", self.seen);
        let end = self.seen.find(text).unwrap() + text.len();
        self.seen.drain(..end);
    }

    /// Types a line at the next prompt: what is typed before it is not the line editor's.
    fn type_line(&mut self, line: &str) {
        self.wait_for(" ~town-square> ");
        self.master.write_all(format!("{line}\r").as_bytes()).unwrap();
    }

    fn exit_code(&mut self) -> Option<i32> {
        let mut code = None;
        let mut buffer = [0; 4096];
        wait_for(Duration::from_secs(15), || {
            while self.master.read(&mut buffer).is_ok_and(|n| n > 0) {}
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.and_then(|it| it.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn people_can_type_complete_and_quit() {
    let plugin = plugin();
    let mut terminal = Terminal::open(&plugin, &[]);
    terminal.wait_for(":help lists the commands");
    terminal.type_line("/gree\tBen");
    terminal.wait_for("Hello, Ben");
    terminal.type_line("/as ben");
    terminal.wait_for("ben");
    terminal.type_line(":kill");
    terminal.wait_for("was ended by SIGKILL");
    terminal.wait_for("the plugin is started again");
    terminal.wait_for("the plugin runs again");
    terminal.type_line(":restart");
    terminal.wait_for("Test 1.2.3 runs");
    terminal.type_line(":quit");
    terminal.wait_for("going down");
    assert_eq!(terminal.exit_code(), Some(0));
}

#[test]
fn a_changed_file_is_taken_over_the_state_stays_and_a_broken_one_changes_nothing() {
    let body = |text: &str| {
        format!(
            "{HEAD}\nclass P(Plugin):\n    @hook(HookName.OnActivate)\n    def up(self):\n        from mattermost_plugin.models import Command\n        self.api.register_command(Command(trigger='count'))\n    @hook(HookName.ExecuteCommand)\n    def count(self, context, args):\n        n = int(self.api.kv_get('n') or 0) + 1\n        self.api.kv_set('n', str(n).encode())\n        return {{'response_type': 'ephemeral', 'text': f'{text} {{n}}'}}\n{TAIL}"
        )
    };
    let plugin = TestPlugin::raw(&body("first"));
    let file = plugin.dir.path().join("plugin.py");
    let mut terminal = Terminal::open(&plugin, &["--watch"]);
    terminal.type_line("/count");
    terminal.wait_for("first 1");

    std::fs::write(&file, "def broken(:\n").unwrap();
    terminal.wait_for("plugin.py changed");
    terminal.wait_for("SyntaxError");
    terminal.wait_for("the plugin goes on as it was before the change");
    terminal.type_line("/count");
    terminal.wait_for("first 2");
    std::fs::write(&file, body("second")).unwrap();
    terminal.wait_for("plugin.py changed");
    terminal.wait_for("Test 1.2.3 runs");
    terminal.type_line("/count");
    terminal.wait_for("second 3");
    terminal.type_line("\u{4}");
    assert_eq!(terminal.exit_code(), Some(0));
}
