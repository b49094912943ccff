//! `mm-host bundle` and `mm-host check`, as programs: real pip, the repository's examples, bundles unpacked and run.
#![cfg(feature = "dev")]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::sdk;

/// This machine's name among targets.
fn here() -> &'static str {
    if cfg!(target_arch = "x86_64") { "linux-amd64" } else { "linux-arm64" }
}

fn other() -> &'static str {
    if cfg!(target_arch = "x86_64") { "linux-arm64" } else { "linux-amd64" }
}

fn mm_host(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    command.args(arguments).env("NO_COLOR", "1").env("MM_HOST_SDK", sdk()).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// An SDK without its compiled part's weight: the real one, for tests that do not run a plugin.
fn light_sdk(dir: &Path) -> PathBuf {
    let sdk = dir.join("sdk");
    let package = sdk.join("mattermost_plugin");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("__init__.py"), "").unwrap();
    fs::copy(true_program(), package.join("_native.abi3.so")).unwrap();
    sdk
}

/// A small program for this machine, in place of the host.
fn true_program() -> PathBuf {
    Path::new("/bin/true").canonicalize().unwrap()
}

/// A plugin in a folder, and where its bundle goes.
struct Plugin {
    dir: tempfile::TempDir,
}

impl Plugin {
    fn new() -> Self {
        let plugin = Self { dir: tempfile::tempdir().unwrap() };
        plugin.write(
            "plugin.json",
            r#"{"id": "com.Example.Packed", "name": "P", "version": "1.2.3", "props": {"kept": [1]}, "unknown": "kept too",
                "server": {"executable": "plugin.py", "python_version": ">=3.10"}}"#,
        );
        plugin.write("plugin.py", "from lib import helper\nrun_plugin(helper.P)\n");
        plugin.write("lib/helper.py", "P = 1\n");
        plugin
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("plugin")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Bundles with a light SDK and a small host.
    fn bundle(&self, more: &[&str]) -> Output {
        let sdk = light_sdk(self.dir.path());
        let host = format!("{}={}", here(), true_program().display());
        let path = self.path();
        let basic = ["bundle", path.to_str().unwrap(), "--sdk", sdk.to_str().unwrap(), "--host", &host];
        mm_host(&[&basic, more].concat())
    }

    fn archive(&self) -> PathBuf {
        self.path().join("dist/com.example.packed-1.2.3.tar.gz")
    }

    fn bundled(&self, more: &[&str]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let output = self.bundle(more);
        assert!(output.status.success(), "{}", said(&output));
        entries(&self.archive())
    }
}

/// Mode and bytes of each entry, by path.
fn entries(archive: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert!(header.entry_type().is_file() || header.entry_type().is_dir());
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        let (path, mode) = (entry.path().unwrap().to_str().unwrap().to_owned(), header.mode().unwrap());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert!(found.insert(path, (mode, bytes)).is_none());
    }
    found
}

fn unpack(archive: &Path, folder: &Path) {
    // By another process: what another test forks off meanwhile would hold a file open for writing that this one has open, and nobody
    // can start such a file.
    let mut tar = Command::new("tar");
    assert!(tar.arg("-xzpf").arg(archive).arg("-C").arg(folder).status().unwrap().success());
}

#[test]
fn a_bundle_holds_the_plugin_the_host_and_the_sdk() {
    let plugin = Plugin::new();
    for (name, text) in [
        ("public/.well-known/x", "x"),
        ("assets/icon.svg", "<svg/>"),
        ("webapp/dist/main.js", "//"),
        ("webapp/node_modules/x.js", "//"),
        (".env", "SECRET=1"),
        ("tests/test_it.py", ""),
        ("lib/__pycache__/helper.pyc", ""),
        ("notes.md", ""),
        (".mmignore", "*.md\n"),
        (".venv/pyvenv.cfg", ""),
        ("env/pyvenv.cfg", ""),
        ("run.sh", "#!/bin/sh\n"),
    ] {
        plugin.write(name, text);
    }
    let found = plugin.bundled(&[]);
    let files: Vec<&str> = found.keys().map(String::as_str).filter(|it| !it.ends_with('/')).collect();
    let inside = |it: &str| format!("com.example.packed/{it}");
    let mut expected: Vec<String> = [
        "plugin.json",
        "plugin.py",
        "lib/helper.py",
        "run.sh",
        "public/.well-known/x",
        "assets/icon.svg",
        "webapp/dist/main.js",
    ]
    .map(inside)
    .to_vec();
    expected.extend(
        ["mm-host", "packages/mattermost_plugin/__init__.py", "packages/mattermost_plugin/_native.abi3.so"]
            .map(|it| inside(&format!("server/{}/{it}", here()))),
    );
    expected.sort();
    assert_eq!(files, expected);
    for (path, (mode, _)) in &found {
        let executable = path.ends_with('/') || path.ends_with("mm-host") || path.ends_with("run.sh");
        assert_eq!(*mode, if executable { 0o755 } else { 0o644 }, "{path}");
    }

    let manifest: serde_json::Value = serde_json::from_slice(&found[&inside("plugin.json")].1).unwrap();
    let executables = serde_json::json!({here(): format!("server/{}/mm-host", here())});
    assert_eq!(manifest["server"]["executables"], executables);
    assert_eq!(manifest["server"].get("executable"), None);
    assert_eq!(manifest["server"]["python"], serde_json::json!({"dependency_mode": "bundled", "entry": "plugin.py"}));
    assert_eq!((&manifest["id"], &manifest["unknown"]), (&"com.example.packed".into(), &"kept too".into()));
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let (one, two) = (Plugin::new(), Plugin::new());
    for plugin in [&one, &two] {
        plugin.write("requirements.txt", "idna==3.10\n");
    }
    // Another order of making, other modes, other times, another place.
    fs::set_permissions(two.path().join("plugin.py"), fs::Permissions::from_mode(0o600)).unwrap();
    let (first, second) = (one.bundle(&[]), two.bundle(&[]));
    assert!(first.status.success() && second.status.success(), "{}{}", said(&first), said(&second));
    assert_eq!(fs::read(one.archive()).unwrap(), fs::read(two.archive()).unwrap());
    assert!(said(&first).contains("sha256 ") && said(&first).contains(&format!("server/{}/packages", here())));
    let again = one.bundle(&[]);
    assert!(again.status.success(), "a bundle in dist/ is no part of the next one: {}", said(&again));
    assert_eq!(fs::read(one.archive()).unwrap(), fs::read(two.archive()).unwrap());
}

#[test]
fn dependencies_are_plain_files_of_the_target() {
    let plugin = Plugin::new();
    plugin.write("requirements.txt", "MarkupSafe==3.0.2\nidna\n");
    let host = format!("{}={}", other(), foreign_program(plugin.dir.path()).display());
    let sdk = format!("{}={}", other(), foreign_sdk(plugin.dir.path()).display());
    let both = format!("{},{}", here(), other());
    let output = plugin.bundle(&["--target", &both, "--host", &host, "--sdk", &sdk]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("warning: requirements.txt: idna may be another version next time"),
        "{}",
        said(&output)
    );

    let found = entries(&plugin.archive());
    for target in [here(), other()] {
        let machine = if target == "linux-amd64" { "x86_64" } else { "aarch64" };
        let compiled = |it: &&String| {
            it.contains(&format!("{target}/packages/markupsafe/_speedups.cpython-3")) && it.contains(machine)
        };
        assert!(found.keys().any(|it| compiled(&it)), "{target}: {:?}", found.keys());
        assert!(found.contains_key(&format!("com.example.packed/server/{target}/packages/idna/core.py")));
    }
    assert!(!found.keys().any(|it| it.contains("/packages/bin/") || it.contains("direct_url")));
    let manifest: serde_json::Value = serde_json::from_slice(&found["com.example.packed/plugin.json"].1).unwrap();
    let version = manifest["server"]["python_version"].as_str().unwrap();
    assert!(version.starts_with("==3.") && version.ends_with(".*"), "compiled packages tie the bundle to {version}");
}

/// A file that says to be a program of the other target.
fn foreign_program(dir: &Path) -> PathBuf {
    let path = dir.join("foreign");
    let mut bytes = fs::read(true_program()).unwrap();
    let machine: u16 = if other() == "linux-arm64" { 183 } else { 62 };
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    path
}

fn foreign_sdk(dir: &Path) -> PathBuf {
    let sdk = dir.join("foreign-sdk");
    fs::create_dir_all(sdk.join("mattermost_plugin")).unwrap();
    fs::write(sdk.join("mattermost_plugin/__init__.py"), "").unwrap();
    fs::copy(foreign_program(dir), sdk.join("mattermost_plugin/_native.abi3.so")).unwrap();
    sdk
}

#[test]
fn what_cannot_be_bundled_says_what_to_do() {
    let wheel = Plugin::new();
    wheel.write("requirements.txt", "idna==0.0.99\n");
    let escaping = Plugin::new();
    std::os::unix::fs::symlink("/etc/hostname", escaping.path().join("lib/host.txt")).unwrap();
    let ignored = Plugin::new();
    ignored.write(".mmignore", "plugin.py\n");
    let foreign = Plugin::new();
    let host = format!("{}={}", here(), foreign_program(foreign.dir.path()).display());
    let cases: [(&Plugin, Vec<&str>, &str); 6] = [
        (&wheel, vec![], "idna==0.0.99 has no wheel for"),
        (&escaping, vec![], "error: lib/host.txt: is a link that leaves the plugin"),
        (&ignored, vec![], "plugin.py, is missing, or left out of bundles (.mmignore)"),
        (&foreign, vec!["--host", &host], "--host wants an mm-host built for"),
        (&foreign, vec!["--target", other()], "add --target"),
        (
            &foreign,
            vec!["--python", "/nowhere"],
            "has no bin/python3: --python wants the folder of a relocatable Python",
        ),
    ];
    for (plugin, more, expected) in cases {
        let output = plugin.bundle(&more);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(expected), "want {expected}, got {}", said(&output));
        assert!(!plugin.archive().exists());
    }
}

/// A bundle of the example, with the real SDK, unpacked as a server does.
fn unpacked_example(name: &str, more: &[&str], folder: &Path) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let host = format!("{}={}", here(), true_program().display());
    let file = folder.join("bundle.tar.gz");
    let basic = ["bundle", example.to_str().unwrap(), "--host", &host, "-o", file.to_str().unwrap()];
    let output = mm_host(&[&basic, more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let check = mm_host(&["check", file.to_str().unwrap()]);
    assert!(check.status.success(), "{}", said(&check));
    unpack(&file, folder);
    fs::remove_file(file).unwrap();
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

/// Plays the example's demo on the unpacked bundle, with no SDK but its own.
fn play(bundle: &Path, name: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_mm-host"))
        .arg("dev")
        .arg(bundle)
        .arg("--script")
        .arg(example.join("demo.txt"))
        .env("NO_COLOR", "1")
        .env_remove("MM_HOST_SDK")
        .output()
        .unwrap();
    let expected = fs::read_to_string(example.join("demo.expected.txt")).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", said(&output));
    assert!(output.status.success());
}

#[test]
fn the_examples_run_from_their_bundles() {
    for name in ["hello_python", "todo", "moderation", "async_assistant"] {
        let folder = tempfile::tempdir().unwrap();
        let bundle = unpacked_example(name, &[], folder.path());
        play(&bundle, name);
        let check = mm_host(&["check", bundle.to_str().unwrap()]);
        assert!(check.status.success(), "what Python left behind does no harm: {}", said(&check));
    }
}

#[test]
fn a_bundle_brings_its_own_interpreter() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .args(["-I", "-c", "import sys; print(sys.base_prefix); print('%d.%d' % sys.version_info[:2])"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (prefix, version) = text.trim().split_once('\n').unwrap();
    let python = folder.path().join("python");
    relocatable(Path::new(prefix), version, &python);
    let unpacked = folder.path().join("unpacked");
    fs::create_dir_all(&unpacked).unwrap();
    let bundle = unpacked_example("hello_python", &["--python", python.to_str().unwrap()], &unpacked);
    let own = bundle.join(format!("server/{}/python/bin/python3", here()));
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(!own.parent().unwrap().parent().unwrap().join(format!("lib/python{version}/test")).exists());

    fs::remove_dir_all(&python).unwrap();
    let answer = Command::new(&own).args(["-I", "-B", "-c", "import os; print(os.__file__)"]).output().unwrap();
    let library = String::from_utf8(answer.stdout).unwrap();
    assert!(Path::new(library.trim()).starts_with(bundle.canonicalize().unwrap()), "its own library, not {library}");
    play(&bundle, "hello_python");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
    let check = mm_host(&["check", bundle.to_str().unwrap()]);
    assert!(said(&check).contains("python/bin/python3: has lost its executable bit"), "{}", said(&check));
}

/// The machine's Python, laid out as a relocatable one is: links, and a library beside `bin`.
fn relocatable(prefix: &Path, version: &str, to: &Path) {
    fs::create_dir_all(to.join("bin")).unwrap();
    fs::create_dir_all(to.join("lib")).unwrap();
    let binary = format!("python{version}");
    fs::copy(prefix.join("bin").join(&binary), to.join("bin").join(&binary)).unwrap();
    std::os::unix::fs::symlink(&binary, to.join("bin/python3")).unwrap();
    let copied =
        Command::new("cp").arg("-rL").arg(prefix.join("lib").join(&binary)).arg(to.join("lib")).status().unwrap();
    assert!(copied.success());
}
