//! `mm-host audit`: what it says of bundles, and that it refuses archives made to do harm.
#![cfg(feature = "dev")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// Exit code, standard output and standard error of `mm-host audit`.
fn audit(path: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    let output = command.arg("audit").arg(path).args(more).env("NO_COLOR", "1").output().unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const MANIFEST: &str = r#"{"id": "com.example.b", "name": "B", "version": "1.0.0", "permissions": ["posts.write", "database"],
    "server": {"executables": {"linux-amd64": "server/linux-amd64/mm-host"}, "runtime": "python", "python_version": "3.11",
    "python": {"dependency_mode": "bundled", "entry": "plugin.py", "sandbox": "files", "limits": {"memory": "512M"}}}}"#;

/// An archive of these files; a name that begins with `->` is a link.
fn bundle(dir: &Path, files: &[(&str, &str)]) -> PathBuf {
    let path = dir.join("bundle.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
    for (name, text) in files {
        let link = name.strip_prefix("->");
        let name = link.unwrap_or(name).as_bytes();
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(if link.is_some() { 0 } else { text.len() as u64 });
        if link.is_some() {
            header.set_entry_type(EntryType::Symlink);
            header.set_link_name(text).unwrap();
        }
        // The library refuses the names that are tried here, so they are written past it.
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        archive.append(&header, if link.is_some() { &[] } else { text.as_bytes() }).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    path
}

fn sound(manifest: &str) -> Vec<(&'static str, String)> {
    let packages = "com.example.b/server/linux-amd64/packages";
    vec![
        ("com.example.b/plugin.json", manifest.to_owned()),
        ("com.example.b/plugin.py", String::new()),
        (&*format!("{packages}/six-1.17.0.dist-info/METADATA").leak(), String::new()),
        (&*format!("{packages}/numpy/core.so").leak(), String::new()),
    ]
}

fn audited(files: &[(&'static str, String)], more: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    audit(&bundle(dir.path(), &files), more)
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
fn archives_made_to_do_harm_are_named_and_fail() {
    let cases = [
        ("->com.example.b/l", "/etc/passwd", "is a link (to /etc/passwd)"),
        ("com.example.b/../../x", "", "leaves the bundle"),
        ("/etc/x", "", "leaves the bundle"),
        ("com.example.b/plugin.py", "", "is in the archive twice"),
    ];
    for (name, content, expected) in cases {
        let mut files = sound(MANIFEST);
        files.push((name, content.to_owned()));
        let (code, text, errors) = audited(&files, &[]);
        assert_eq!(code, 1, "{name}");
        assert!(format!("{text}{errors}").contains(expected), "{name}: {text}{errors}");
    }
}

#[test]
fn a_bomb_is_refused_without_unpacking_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
    let mut header = Header::new_gnu();
    header.set_size((1 << 30) + 1);
    header.set_mode(0o644);
    archive.append_data(&mut header, "com.example.b/zeros", std::io::empty()).unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    let (code, _, errors) = audit(&path, &[]);
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
