//! `mm-host new`, as a program: what it says, what it refuses, its exit codes, and the question in a terminal. That what it makes is sound
//! is in `tests/e2e/test_new.py`.
#![cfg(feature = "dev")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use mm_host::{Manifest, audit, check};

/// `mm-host new` in a folder.
fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    command.arg("new").args(arguments).current_dir(dir).env("NO_COLOR", "1");
    command
}

/// Its exit code, standard output and standard error.
fn new(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(dir, arguments).stdin(Stdio::null()).output().unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn it_says_what_there_is_and_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    let (code, shown, errors) = new(dir.path(), &["my-plugin"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let expected = "my-plugin is the plugin com.example.my-plugin, with a slash command\n\
        it may call: commands.write, users.read\n\
        its id is an example: change it in plugin.json before you install it anywhere\n\
        \n\
        next:\n\
        \x20 cd my-plugin\n\
        \x20 python3 -m venv .venv && . .venv/bin/activate\n\
        \x20 pip install -r requirements.txt -r requirements-dev.txt\n\
        \x20 mm-host dev       # chat with it; type /my-plugin\n\
        \x20 pytest            # its tests\n\
        \x20 mm-host bundle    # the file for a server\n\
        README.md has more\n";
    assert_eq!(shown, expected);
}

#[test]
fn the_audit_of_a_new_plugin_lists_the_least() {
    let dir = tempfile::tempdir().unwrap();
    let all = ["--with", "command,http", "--with", "jobs,webapp,http", "--id", "de.beispiel.dice"];
    let (code, shown, errors) = new(dir.path(), &[&["dice"], all.as_slice()].concat());
    assert_eq!(code, 0, "{errors}");
    assert!(shown.contains("with a slash command, a route for HTTP, a job and a button in the web app\n"), "{shown}");
    assert!(!shown.contains("an example"), "{shown}");
    let audit = audit::run(&dir.path().join("dice")).unwrap();
    assert_eq!((audit.id.as_str(), audit.name.as_str(), audit.version.as_str()), ("de.beispiel.dice", "Dice", "0.1.0"));
    assert!(!audit.all_permissions && audit.findings.is_empty());
    let names: Vec<&str> = audit.permissions.iter().map(|it| it.name).collect();
    assert_eq!(names, ["commands.write", "kv.write", "users.read"]);
    assert_eq!(audit.webapp, "webapp/main.js");
    let options = check::Options { offline: true, ..check::Options::default() };
    assert_eq!(check::run(&dir.path().join("dice"), &options, &mut |_| {}), []);
}

#[test]
fn a_part_brings_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (_, shown, _) = new(dir.path(), &["page", "--with", "webapp"]);
    assert!(shown.contains("with a route for HTTP and a button in the web app\n"), "{shown}");
    assert!(shown.contains("type :http GET /hello"), "{shown}");
}

#[test]
fn the_folder_one_is_in_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("here");
    fs::create_dir(&folder).unwrap();
    let (code, shown, _) = new(&folder, &["."]);
    assert_eq!(code, 0);
    assert!(shown.starts_with(". is the plugin com.example.here"), "{shown}");
    assert_eq!(Manifest::load(&folder).unwrap().0.name, "Here");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/notes.txt"), "mine").unwrap();
    let before = listed(dir.path());
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["My Plugin"],
            2,
            "error: \"My Plugin\" cannot be a plugin's name: write lower-case letters and digits, with - between words, such as my-plugin\n",
        ),
        (&["help"], 2, "Mattermost has a slash command /help of its own: choose another name"),
        (&["full"], 1, "error: full is not empty (notes.txt): choose another name, or empty it\n"),
        (
            &["x", "--id", "x"],
            2,
            "\"x\" cannot be an id: it has 1 characters, and an id has 3 to 190, such as com.example.my-plugin",
        ),
        (&["x", "--id", "Com.Example.X"], 2, "it has 'C', and lower-case letters, digits, '-', '_' and '.' make an id"),
        (&["x", "--with", "comand"], 2, "a similar value exists: 'command'"),
        (&["x", "--with", ""], 2, "[possible values: command, http, jobs, webapp]"),
        (&[], 2, "<NAME>"),
    ];
    for (arguments, code, says) in cases {
        let (found, shown, errors) = new(dir.path(), arguments);
        assert_eq!((found, shown.as_str()), (code, ""), "{arguments:?} {errors}");
        assert!(errors.contains(says), "{arguments:?} {errors}");
    }
    assert_eq!(listed(dir.path()), before);
}

fn listed(dir: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().flatten().map(|it| it.file_name()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let (code, _, errors) = new(dir.path(), &["file/my-plugin"]);
    assert_eq!(code, 1);
    assert!(errors.contains("file/my-plugin") && errors.starts_with("error: "), "{errors}");
}

#[test]
fn in_a_terminal_the_id_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let pty = nix::pty::openpty(None, None).unwrap();
    let side = || Stdio::from(pty.slave.as_fd().try_clone_to_owned().unwrap());
    let mut child = command(dir.path(), &["dice"]).stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    drop(pty.slave);
    let mut terminal = fs::File::from(pty.master);
    terminal.write_all(b"dice\nde.beispiel.dice\n").unwrap();
    let mut shown = Vec::new();
    // The terminal ends with an error when its other side is closed.
    let _ = terminal.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert!(child.wait().unwrap().success(), "{shown}");
    assert!(shown.contains("[com.example.dice]: ") && shown.contains("\"dice\" cannot be an id"), "{shown}");
    assert_eq!(Manifest::load(&dir.path().join("dice")).unwrap().0.id, "de.beispiel.dice");
}

#[test]
fn the_help_begins_with_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_mm-host")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (new, dev) = (help.find("  new "), help.find("  dev "));
    assert!(new.is_some() && new < dev, "{help}");
}
