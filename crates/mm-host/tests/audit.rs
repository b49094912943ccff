//! `mm-host audit`: what it says of bundles, and that it refuses archives made to do harm.
#![cfg(feature = "dev")]

#[path = "common/archives.rs"]
mod archives;

use std::path::Path;

use archives::{Entry, LINKED, archive, bomb, file, mm_host, special};
use tar::EntryType;

/// Exit code, standard output and standard error of `mm-host audit`.
fn audit(path: &Path, more: &[&str]) -> (i32, String, String) {
    mm_host("audit", path, more)
}

const MANIFEST: &str = r#"{"id": "com.example.b", "name": "B", "version": "1.0.0", "permissions": ["posts.write", "database"],
    "server": {"executables": {"linux-amd64": "server/linux-amd64/mm-host"}, "runtime": "python", "python_version": "3.11",
    "python": {"dependency_mode": "bundled", "entry": "plugin.py", "sandbox": "files", "limits": {"memory": "512M"}}}}"#;

/// A bundle with this manifest.
fn sound(manifest: &str) -> Vec<Entry> {
    let packages = "com.example.b/server/linux-amd64/packages";
    vec![
        file("com.example.b/plugin.json", 0o644, manifest),
        file("com.example.b/plugin.py", 0o644, ""),
        file(&format!("{packages}/six-1.17.0.dist-info/METADATA"), 0o644, ""),
        file(&format!("{packages}/numpy/core.so"), 0o644, ""),
    ]
}

fn audited(entries: &[Entry], more: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    audit(&archive(dir.path(), entries), more)
}

#[test]
fn a_bundle_is_told_with_all_that_it_may_do() {
    let (code, text, errors) = audited(&sound(MANIFEST), &[]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    for line in [
        "B 1.0.0 (com.example.b)",
        "server/linux-amd64/mm-host (by the server on linux-amd64)",
        "the server's python3 plugin.py (by the host)",
        "posts.write: ",
        "AddReaction, CreatePost, DeleteEphemeralPost",
        "database: ",
        "mattermost.host.v1.PluginSql",
        "always allowed: GetBundlePath",
        "may change no file but in a temporary folder",
        "memory: 512M",
        "open files: not limited",
        "six 1.17.0",
        "packages/numpy/core.so",
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    assert!(!text.contains("users.read"), "{text}");
}

#[test]
fn programs_read_the_same_as_json() {
    let (code, text, _) = audited(&sound(MANIFEST), &["--format", "json"]);
    assert_eq!(code, 0);
    let audit: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(audit["all_permissions"], false);
    let names: Vec<&str> =
        audit["permissions"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["database", "posts.write"]);
    assert_eq!((&audit["limits"]["memory"], &audit["sandbox"]), (&"512M".into(), &"files".into()));
    assert_eq!(audit["dependencies"], serde_json::json!(["six 1.17.0"]));
}

#[test]
fn a_manifest_without_a_list_may_call_everything() {
    let manifest = MANIFEST.replace(r#""permissions": ["posts.write", "database"],"#, "");
    let (code, text, _) = audited(&sound(&manifest), &[]);
    assert_eq!(code, 0);
    assert!(text.contains("may call everything: its manifest lists no permissions"), "{text}");
    assert!(text.contains("users.write: "), "{text}");
}

#[test]
fn a_plugins_folder_is_audited_too() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = r#"{"id": "abc", "name": "A", "permissions": [], "server": {"runtime": "command", "command": ["node", "x.js"]}}"#;
    std::fs::write(dir.path().join("plugin.json"), manifest).unwrap();
    let (code, text, errors) = audit(dir.path(), &[]);
    assert_eq!(code, 0, "{errors}");
    assert!(text.contains("node x.js (by the host)") && text.contains("has no permissions"), "{text}");
}

#[test]
fn of_a_plugins_folder_that_is_audited_which_goes_into_the_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = r#"{"id": "abc", "name": "A", "permissions": [], "server": {"executable": "plugin.py"}}"#;
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("plugin.json", manifest);
    write("plugin.py", "");
    write("lib/fast.so", "");
    for tools in [".venv", "tools"] {
        write(&format!("{tools}/pyvenv.cfg"), "");
        write(&format!("{tools}/lib/mypy-2.4.1.dist-info/METADATA"), "");
        write(&format!("{tools}/lib/mypyc.so"), "");
        std::os::unix::fs::symlink("/bin/true", dir.path().join(tools).join("python")).unwrap();
    }
    let (code, text, errors) = audit(dir.path(), &[]);
    assert_eq!(code, 0, "{text}{errors}");
    assert!(text.ends_with("\ncompiled libraries\n  lib/fast.so\n"), "{text}");
    assert!(!text.contains("mypy"), "{text}");
}

#[test]
fn archives_made_to_do_harm_are_named_and_fail() {
    let link = special("com.example.b/l", EntryType::Symlink);
    let is_link = format!("is a link (to {LINKED})");
    for (entry, expected) in [
        (link, is_link.as_str()),
        (file("com.example.b/../../x", 0o644, ""), "leaves the bundle"),
        (file("/etc/x", 0o644, ""), "leaves the bundle"),
        (file("com.example.b/plugin.py", 0o644, ""), "is in the archive twice"),
    ] {
        let mut entries = sound(MANIFEST);
        let path = entry.path.clone();
        entries.push(entry);
        let (code, text, errors) = audited(&entries, &[]);
        assert_eq!(code, 1, "{path}");
        assert!(format!("{text}{errors}").contains(expected), "{path}: {text}{errors}");
    }
}

#[test]
fn a_bomb_is_refused_without_unpacking_it() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, errors) = audit(&bomb(dir.path()), &[]);
    assert_eq!(code, 1);
    assert!(errors.contains("unpacks to more than 1 GiB"), "{errors}");
}

#[test]
fn what_is_no_plugin_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    assert!(audit(dir.path(), &[]).2.contains("there is no plugin.json in it"));
    let manifest = MANIFEST.replace("posts.write", "post.write");
    let (code, _, errors) = audited(&sound(&manifest), &[]);
    assert_eq!(code, 1);
    assert!(errors.contains("did you mean posts.write"), "{errors}");
}
