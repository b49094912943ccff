//! What holds of the files without running them; `tests/e2e/test_new.py` runs them.

use std::path::Path;

use super::*;
use crate::manifest::Manifest;
use crate::python_env::Requirements;

const ALL: [Part; 4] = [Part::Command, Part::Http, Part::Jobs, Part::Webapp];

/// Every choice of parts that can be made.
fn choices() -> Vec<BTreeSet<Part>> {
    let chosen = |bits: u32| ALL.into_iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|it| it.1);
    let mut choices: Vec<BTreeSet<Part>> =
        (1..16).map(|bits| chosen(bits).flat_map(|it| [Some(it), it.needs()]).flatten().collect()).collect();
    choices.sort();
    choices.dedup();
    choices
}

fn files(parts: &BTreeSet<Part>) -> Vec<(&'static str, String)> {
    let name: Name = "my-plugin".parse().unwrap();
    render(&name, &Id::example(&name), parts)
}

fn text(parts: &BTreeSet<Part>, path: &str) -> String {
    files(parts).into_iter().find(|it| it.0 == path).unwrap_or_else(|| panic!("there is no {path}")).1
}

#[test]
fn each_manifest_is_sound_and_names_the_least() {
    assert_eq!(choices().len(), 11);
    for parts in choices() {
        let manifest = Manifest::parse(Path::new("plugin.json"), &text(&parts, "plugin.json")).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.name.as_str()), ("com.example.my-plugin", "My Plugin"));
        assert_eq!(manifest.permissions.unwrap(), parts::permissions(&parts), "{parts:?}");
        assert_eq!(manifest.webapp.is_some(), parts.contains(&Part::Webapp));
    }
    let all = choices().pop().map(|_| ALL.into_iter().collect()).unwrap();
    assert_eq!(parts::permissions(&all), ["commands.write", "kv.write", "users.read"]);
}

#[test]
fn each_part_brings_its_files_and_no_others() {
    for parts in choices() {
        let paths: Vec<&str> = files(&parts).iter().map(|it| it.0).collect();
        for (part, path) in [
            (Part::Command, "tests/command.txt"),
            (Part::Http, "tests/http.txt"),
            (Part::Jobs, "tests/jobs.txt"),
            (Part::Webapp, "webapp/main.js"),
        ] {
            assert_eq!(paths.contains(&path), parts.contains(&part), "{parts:?} {path}");
        }
    }
}

#[test]
fn texts_are_tidy() {
    for parts in choices() {
        for (path, text) in files(&parts) {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{parts:?} {path}");
            assert!(!text.contains("{%") && !text.contains("\n\n\n\n"), "{parts:?} {path}");
            assert!(text.lines().all(|it| it == it.trim_end()), "{parts:?} {path}");
        }
    }
}

#[test]
fn the_workflow_is_yaml_and_tests_before_it_bundles() {
    for parts in choices() {
        let workflow: serde_json::Value = serde_saphyr::from_str(&text(&parts, ".github/workflows/ci.yml")).unwrap();
        let steps = workflow["jobs"]["plugin"]["steps"].as_array().unwrap();
        let commands: Vec<&str> =
            steps.iter().filter(|it| it["name"].is_null()).filter_map(|it| it["run"].as_str()).collect();
        let node: &[&str] = if parts.contains(&Part::Webapp) { &["node --check webapp/main.js"] } else { &[] };
        let first: &[&str] = &["ruff check", "ruff format --check", "mypy"];
        assert_eq!(commands, [first, node, &["pytest", "mm-host check", "mm-host bundle"]].concat());
        let release = steps.iter().find_map(|it| it["env"]["MM_HOST_RELEASE"].as_str()).unwrap();
        assert_eq!(release, "${{ vars.MM_HOST_RELEASE }}");
        assert_eq!(workflow["permissions"]["contents"], "read");
    }
}

#[test]
fn what_is_required_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let parts = BTreeSet::from([Part::Command]);
    for name in ["requirements.txt", "requirements-dev.txt", "pyproject.toml"] {
        std::fs::write(dir.path().join(name), text(&parts, name)).unwrap();
    }
    let read = |path: &str, without_sdk| Requirements::find(dir.path(), path, without_sdk).unwrap().unwrap();
    assert_eq!(read("", false).lines, [concat!("mattermost-plugin-sdk==", env!("CARGO_PKG_VERSION"))]);
    assert!(read("", true).is_empty());
    let tools = read("requirements-dev.txt", false).lines;
    assert_eq!(tools.len(), WANTED.len());
    assert!(tools.iter().zip(WANTED).all(|(line, name)| line.starts_with(&format!("{name}=="))), "{tools:?}");
}

#[test]
fn the_sdk_has_the_version_of_this_program() {
    let project: toml::Table = include_str!("../../../../../python/pyproject.toml").parse().unwrap();
    assert_eq!(project["project"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
}
