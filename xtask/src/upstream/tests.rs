//! Fetching from a repository on this disk, and every way in which it can fail.

use std::fs;
use std::process::Command;

use super::*;

/// A repository with the given files under each tag, oldest first, and the newest of them on the branch `master`.
fn repository(versions: &[(&str, &[(&str, &str)])]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch", "master"]);
    // As the servers of public repositories do.
    git(folder.path(), &["config", "uploadpack.allowFilter", "true"]);
    for (tag, files) in versions {
        for (path, text) in *files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "--quiet", "--allow-empty", "--message", tag]);
        git(folder.path(), &["tag", "--annotate", "--message", tag, tag]);
    }
    let url = format!("file://{}", folder.path().display());
    (folder, url)
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgSign=false",
        "-c",
        "tag.gpgSign=false",
    ];
    let output = Command::new("git").current_dir(folder).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const MODERN: &[(&str, &str)] = &[
    ("server/public/go.mod", "module example.com/public\n"),
    ("server/public/plugin/api.go", "package plugin\n"),
    ("server/channels/app/app.go", "package app\n"),
    ("webapp/index.js", "// not needed\n"),
];

/// The files below a folder, without git's own.
fn files(folder: &Path, prefix: &str) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true if name == ".git" => {}
            true => all.extend(files(&entry.path(), &format!("{name}/"))),
            false => all.push(name),
        }
    }
    all.sort();
    all
}

fn error(git: &Git, url: &str, version: &str) -> String {
    format!("{:#}", fetch(git, url, version).unwrap_err())
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    which: Which,
}

#[test]
fn a_folder_or_a_version_is_asked_for_and_not_both() {
    let parsed = |arguments: &str| {
        let arguments = std::iter::once("drift").chain(arguments.split_whitespace());
        <Cli as clap::Parser>::try_parse_from(arguments).map(|it| it.which).map_err(|error| error.to_string())
    };
    assert_eq!(parsed("--source tree").ok().and_then(|it| it.source), Some(PathBuf::from("tree")));
    assert_eq!(parsed("--version v9.0.0 --repository url").ok().map(|it| it.repository), Some("url".to_owned()));
    for (arguments, why) in [
        ("", "<--source <DIR>|--version <TAG>>"),
        ("--source tree --version v9.0.0", "'--source <DIR>' cannot be used with '--version <TAG>'"),
        ("--source tree --repository url", "cannot be used with"),
    ] {
        let error = parsed(arguments).err().unwrap_or_default();
        assert!(error.contains(why), "{arguments}: {error}");
    }
}

#[test]
fn only_what_is_needed_is_fetched() {
    let (_folder, url) =
        repository(&[("v9.0.0", MODERN), ("v9.1.0", &[("server/public/plugin/new.go", "package plugin\n")])]);
    let tree = fetch(&Git::default(), &url, "v9.0.0").unwrap();
    assert_eq!(files(tree.folder(), ""), ["go.mod", "plugin/api.go"]);
    let root = tree.folder().ancestors().nth(2).unwrap();
    assert!(!root.join("server/channels").exists() && !root.join("webapp").exists());
    // A tag without its `v`, and a branch.
    assert_eq!(files(fetch(&Git::default(), &url, "9.1.0").unwrap().folder(), "").len(), 3);
    assert_eq!(files(fetch(&Git::default(), &url, "master").unwrap().folder(), "").len(), 3);
}

#[test]
fn what_was_fetched_is_deleted() {
    let (_folder, url) = repository(&[("v9.0.0", MODERN)]);
    let tree = fetch(&Git::default(), &url, "v9.0.0").unwrap();
    let folder = tree.folder().to_owned();
    assert!(folder.is_dir());
    drop(tree);
    assert!(!folder.exists());
}

#[test]
fn before_8_0_the_packages_are_in_the_root() {
    let old: &[(&str, &str)] = &[
        ("go.mod", "module example.com/old\n"),
        ("plugin/api.go", "package plugin\n"),
        ("model/post.go", "package model\n"),
        ("shared/mlog/log.go", "package mlog\n"),
        ("app/app.go", "package app\n"),
    ];
    let (_folder, url) = repository(&[("v7.8.0", old)]);
    let tree = fetch(&Git::default(), &url, "v7.8.0").unwrap();
    assert_eq!(files(tree.folder(), ""), ["go.mod", "model/post.go", "plugin/api.go", "shared/mlog/log.go"]);
}

#[test]
fn the_newest_release_and_candidate_are_found() {
    let tags = ["v9.0.0", "v10.0.0-rc1", "v10.0.0", "v10.1.0-rc2", "v10.1.0-rc10", "v9.11.12", "nightly", "v10.1"];
    let versions: Vec<(&str, &[(&str, &str)])> = tags.iter().map(|it| (*it, MODERN)).collect();
    let (folder, url) = repository(&versions);
    let resolve = |version: &str| Git::default().resolve(&url, version).unwrap();
    assert_eq!(resolve("release"), "v10.0.0");
    assert_eq!(resolve("candidate"), "v10.1.0-rc10");
    assert_eq!(resolve("nightly"), "nightly");
    git(folder.path(), &["tag", "v10.1.0"]);
    assert_eq!(resolve("candidate"), "v10.1.0");
}

#[test]
fn an_unknown_tag_is_told_what_there_is() {
    let (_folder, url) = repository(&[("v9.0.0", MODERN), ("v10.0.0", MODERN)]);
    let error = error(&Git::default(), &url, "v12.0.0");
    assert_eq!(error, format!("{url} has no tag or branch `v12.0.0`; its newest versions: v10.0.0, v9.0.0"));
    let (_folder, url) = repository(&[("first", MODERN)]);
    assert!(super::tests::error(&Git::default(), &url, "release").contains("no tag of a release"));
}

#[test]
fn a_repository_that_is_not_mattermost_is_refused() {
    let (_folder, url) = repository(&[("v1.0.0", &[("README.md", "something else\n")])]);
    let error = error(&Git::default(), &url, "v1.0.0");
    assert!(error.contains("at v1.0.0 is not Mattermost: it has neither `server/public`"), "{error}");
}

#[test]
fn a_repository_that_cannot_be_reached_says_what_to_do() {
    // Port 1 of this machine: nobody listens there.
    for url in ["http://127.0.0.1:1/mattermost.git", "file:///nowhere/at/all"] {
        let error = error(&Git::default(), url, "master");
        assert!(error.starts_with(&format!("cannot read {url}: ")), "{error}");
        assert!(error.contains("check the address and the network, or give a checkout with --source DIR"), "{error}");
    }
}

#[test]
fn without_git_it_says_so() {
    let error = error(&Git::at("no-such-git"), "file:///anywhere", "master");
    assert_eq!(
        error,
        "--version needs git, and there is no `no-such-git` on the PATH: install it, or give a checkout with --source DIR"
    );
}
