//! Every diagnostic of `mm-host check`, on plugins and bundles made for it, some by hand as nobody well-meaning would.
#![cfg(feature = "dev")]

#[path = "common/archives.rs"]
mod archives;

use std::fs;
use std::path::Path;

use archives::{Entry, archive, bomb, file, mm_host, special};
use tar::EntryType;

/// Exit code and findings of `mm-host check`.
fn check(path: &Path, more: &[&str]) -> (i32, String) {
    let (code, _, findings) = mm_host("check", path, more);
    (code, findings)
}

fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    bytes.extend(machine.to_le_bytes());
    bytes
}

const AMD64: u16 = 62;
const ARM64: u16 = 183;

const MANIFEST: &str = r#"{"id": "com.example.b", "name": "B", "version": "1.0.0", "server": {"executables": {"linux-amd64": "server/linux-amd64/mm-host"},
    "runtime": "python", "python": {"dependency_mode": "bundled", "entry": "plugin.py"}}}"#;

/// A bundle with nothing wrong.
fn sound() -> Vec<Entry> {
    let packages = "com.example.b/server/linux-amd64/packages";
    vec![
        file("com.example.b/plugin.json", 0o644, MANIFEST),
        file("com.example.b/plugin.py", 0o644, "run_plugin(P)"),
        file("com.example.b/server/linux-amd64/mm-host", 0o755, elf(AMD64)),
        file(&format!("{packages}/mattermost_plugin/__init__.py"), 0o644, ""),
        file(&format!("{packages}/mattermost_plugin/_native.abi3.so"), 0o644, elf(AMD64)),
    ]
}

/// What is found in the sound bundle after `change`.
fn after(change: impl FnOnce(&mut Vec<Entry>)) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut entries = sound();
    change(&mut entries);
    check(&archive(dir.path(), &entries), &[])
}

#[test]
fn nothing_is_said_of_a_sound_bundle() {
    assert_eq!(after(|_| {}), (0, String::new()));
}

#[test]
fn each_fault_of_a_bundle_is_named_with_its_remedy() {
    type Change = fn(&mut Vec<Entry>);
    let cases: [(Change, &str); 19] = [
        (|it| it[2].mode = 0o644, "error: server/linux-amd64/mm-host: has lost its executable bit"),
        (|it| it[2].bytes = elf(ARM64), "server/linux-amd64/mm-host: is for linux-arm64, not linux-amd64"),
        (|it| it[2].bytes = b"#!/bin/sh".to_vec(), "server/linux-amd64/mm-host: is no Linux executable"),
        (|it| drop(it.remove(2)), "server/linux-amd64/mm-host, which it names for linux-amd64, is missing"),
        (|it| drop(it.remove(1)), "the plugin's Python file, plugin.py, is missing"),
        (|it| drop(it.remove(3)), "does not hold the SDK (mattermost_plugin): make the bundle again, with --sdk PATH"),
        (|it| drop(it.remove(4)), "the SDK has no native module for linux-amd64"),
        (|it| it[4].bytes = elf(ARM64), "_native.abi3.so: is for linux-arm64, not linux-amd64"),
        (|it| drop(it.remove(0)), "there is no plugin.json in the bundle's folder"),
        (|it| it.push(file("com.example.b/../../etc/x", 0o644, "")), "com.example.b/../../etc/x: leaves the bundle"),
        (|it| it.push(file("/etc/x", 0o644, "")), "/etc/x: leaves the bundle"),
        (
            |it| it.push(special("com.example.b/l", EntryType::Symlink)),
            "com.example.b/l: is a link (to /etc/passwd), which a server drops",
        ),
        (|it| it.push(special("com.example.b/h", EntryType::Link)), "com.example.b/h: is a link (to /etc/passwd)"),
        (|it| it.push(special("com.example.b/d", EntryType::Char)), "com.example.b/d: is neither a file nor a folder"),
        (|it| it.push(file("com.example.b/./plugin.py", 0o644, "")), "is in the archive twice"),
        (|it| it.push(file("com.example.b/plugin.py/x", 0o644, "")), "plugin.py: is a file and a folder at once"),
        (|it| it.push(file("elsewhere/x", 0o644, "")), "has no single folder at its top"),
        (
            |it| it.push(file("com.example.b/plugin.yml", 0o644, MANIFEST)),
            "plugin.json too, and a server reads plugin.yml: remove one",
        ),
        (
            |it| {
                let path = "com.example.b/server/linux-amd64/packages/numpy-2.dist-info/WHEEL";
                it.push(file(path, 0o644, "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux2014_aarch64\n"));
            },
            "numpy-2 is a wheel for cp311-cp311-manylinux2014_aarch64, not for linux-amd64",
        ),
    ];
    for (change, expected) in cases {
        let (code, found) = after(change);
        assert!(found.contains(expected), "want {expected}, got {found}");
        assert_eq!(code, 1, "{found}");
    }
}

#[test]
fn each_fault_of_a_bundles_manifest_is_named() {
    let cases = [
        ("com.example.b\"", "a b\"", "id: \"a b\" contains ' '"),
        ("1.0.0", "1.0", "version: \"1.0\" is no semantic version"),
        ("linux-amd64\":", "linux-x86\":", "\"linux-x86\" is no target"),
        ("server/linux-amd64/mm-host", "../mm-host", "\"../mm-host\" leaves the bundle"),
        ("\"entry\": \"plugin.py\"", "\"entry\": \"\"", "this is a plugin's source, not a bundle"),
        (
            "\"name\": \"B\",",
            "\"name\": \"B\", \"webapp\": {\"bundle_path\": \"webapp/main.js\"},",
            "webapp.bundle_path, webapp/main.js, is missing",
        ),
        (
            "\"name\": \"B\",",
            "\"name\": \"B\", \"icon_path\": \"../icon.svg\",",
            "icon_path: \"../icon.svg\" leaves the bundle",
        ),
        ("{\"id\"", "{id", "not valid JSON"),
        (
            "{\"id\"",
            "{\"permission\": [], \"id\"",
            "permission: is no key of a manifest and means nothing: did you mean \"permissions\"?",
        ),
    ];
    for (old, new, expected) in cases {
        let text = MANIFEST.replacen(old, new, 1);
        let (code, found) = after(|it| it[0].bytes = text.into_bytes());
        assert!(found.contains(expected), "want {expected}, got {found}");
        assert_eq!(code, 1, "{found}");
    }
    let both = MANIFEST.replace("1.0.0", "1").replace("com.example.b\"", "b\"");
    let (_, found) = after(|it| it[0].bytes = both.into_bytes());
    assert_eq!(found.lines().filter(|it| it.starts_with("error: ")).count(), 2, "one line each: {found}");
}

#[test]
fn an_archive_that_would_fill_the_disk_is_refused_early() {
    let dir = tempfile::tempdir().unwrap();
    let (code, found) = check(&bomb(dir.path()), &[]);
    assert_eq!(code, 1);
    assert!(found.contains("unpacks to more than 1 GiB"), "{found}");
}

#[test]
fn files_that_are_no_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugin.zip");
    fs::write(&path, "PK\x03\x04").unwrap();
    assert!(check(&path, &[]).1.contains("is no .tar.gz file"));
    let cut = archive(dir.path(), &sound());
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert!(check(&cut, &[]).1.contains("is damaged"), "{}", check(&cut, &[]).1);
    assert!(check(&dir.path().join("nowhere.tar.gz"), &[]).1.contains("cannot be read"));
}

/// What is found in a plugin's folder with these files.
fn plugin(files: &[(&str, &str)], more: &[&str]) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let sound = [
        ("plugin.json", r#"{"id": "abc", "name": "A", "version": "1.0.0", "server": {"executable": "plugin.py"}}"#),
        ("plugin.py", "run_plugin(P)\n"),
    ];
    for (name, text) in sound.iter().chain(files) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    check(dir.path(), more)
}

const IGNORED: &str =
    "warning: plugin.yaml is used and plugin.json ignored, as Mattermost does: remove it, or plugin.yaml\n";

#[test]
fn plugins_are_checked_before_they_are_bundled() {
    assert_eq!(plugin(&[], &[]), (0, String::new()));
    let (code, found) =
        plugin(&[("plugin.json", r#"{"id": "abc", "name": "A", "server": {"executable": "main.py"}}"#)], &[]);
    assert_eq!(code, 1);
    assert!(
        found.contains("the plugin's Python file, main.py, is missing") && found.contains("version: is missing"),
        "{found}"
    );
    let (code, found) = plugin(&[("plugin.py", "print(1)\n")], &[]);
    assert_eq!(code, 0, "a warning is no error");
    assert!(found.starts_with("warning: plugin.py: nothing here calls run_plugin"), "{found}");
    let (code, found) =
        plugin(&[("plugin.yaml", "id: abc\nname: A\nversion: 1.0.0\nserver: {executable: plugin.py}\n")], &[]);
    assert_eq!((code, found.as_str()), (0, IGNORED));
    let (code, found) = plugin(
        &[("plugin.json", r#"{"id": "a", "name": "A", "version": "x", "server": {"executable": "plugin.py"}}"#)],
        &[],
    );
    assert_eq!((code, found.lines().count()), (1, 2), "{found}");
    assert!(found.contains("an id has 3 to 190") && found.contains("is no semantic version"), "{found}");
}

/// A key that nobody reads is a wish that does not come true.
#[test]
fn a_misspelled_key_of_the_manifest_is_found() {
    let with = |more: &str, server: &str| {
        let text = format!(
            r#"{{"id": "abc", "name": "A", "version": "1.0.0", {more}"server": {{"executable": "plugin.py"{server}}}}}"#
        );
        plugin(&[("plugin.json", &text)], &[])
    };
    assert_eq!(
        with(r#""permissions": [], "props": {"permission": 1}, "#, r#", "executables": {"x": "plugin.py"}"#).0,
        0
    );
    for (more, server, expected) in [
        (
            r#""permission": ["posts.read"], "#,
            "",
            "error: plugin.json: permission: is no key of a manifest and means nothing: did you mean \"permissions\"?",
        ),
        (
            "",
            r#", "permissions": []"#,
            "error: plugin.json: server.permissions: is no key of a manifest and means nothing: did you mean permissions?",
        ),
        (
            "",
            r#", "python": {"sandbax": "files"}"#,
            "error: plugin.json: server.python.sandbax: is no key of a manifest and means nothing: did you mean \"sandbox\"?",
        ),
    ] {
        let (code, found) = with(more, server);
        assert_eq!((code, found.lines().next()), (1, Some(expected)), "{found}");
    }
    let (code, found) = with(r#""zebra": 1, "#, "");
    assert_eq!(code, 0, "somebody's own note: {found}");
    assert!(
        found.starts_with("warning: plugin.json: zebra: is no key of a manifest and means nothing: remove it"),
        "{found}"
    );
    // Beside another mistake, and in YAML.
    let (_, found) = with(r#""permission": [], "homepage_url": "x", "#, "");
    assert!(
        found.contains("permission: is no key") && found.contains("homepage_url: \"x\" is no web address"),
        "{found}"
    );
    let yaml = "id: abc\nname: A\nversion: 1.0.0\npermission: []\nserver: {executable: plugin.py}\n";
    assert!(plugin(&[("plugin.yaml", yaml)], &[]).1.contains("error: plugin.yaml: permission: is no key"));
}

#[test]
fn a_dependency_without_a_wheel_is_found_before_anything_is_installed() {
    // The second never had a wheel for Linux, the third is no version at all.
    let files = [("requirements.txt", "idna==3.10\npywin32==308\nsix==0.0.99\n")];
    let (code, found) = plugin(&files, &["--target", "linux-arm64"]);
    assert_eq!(code, 1, "{found}");
    assert!(found.contains("requirements.txt: pywin32==308 has no wheel for linux-arm64 and Python 3."), "{found}");
    assert!(found.contains("six==0.0.99 has no wheel") && !found.contains("idna"), "{found}");
    assert_eq!(plugin(&files, &["--offline"]), (0, String::new()));
}
