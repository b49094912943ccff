//! Runs the folders of `tests/cases` (what a feature of Go becomes) and `tests/errors/surface_*` (what a mistake is told).
//!
//! `input.go` holds the files of a small tree behind lines of the form `-- path --`; text before the first is a comment. What
//! a case leaves out (go.mod, the version, an empty `API` or `Hooks`) is filled in. `overrides.toml` is a file like the others.
//! `UPDATE_EXPECT=1 cargo test -p mm-surface` rewrites what is expected: read the diff before committing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mm_surface::{Diagnostic, Externals, Surface};

#[test]
fn every_case_gives_the_expected_surface() {
    let mut failures = Vec::new();
    for folder in folders("cases", "") {
        let text = match read(&folder) {
            Ok(surface) => surface.to_json(),
            Err(diagnostics) => format!("{}\n", report(&diagnostics)),
        };
        compare(&folder.join("expected/surface.json"), &text, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_mistake_is_explained() {
    let mut failures = Vec::new();
    for folder in folders("errors", "surface_") {
        let Err(diagnostics) = read(&folder) else { panic!("{}: no complaint", folder.display()) };
        compare(&folder.join("expected.txt"), &format!("{}\n", report(&diagnostics)), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_written_reads_back() {
    for folder in folders("cases", "") {
        let surface = read(&folder).unwrap_or_else(|it| panic!("{}: {}", folder.display(), report(&it)));
        let again = Surface::from_json(&surface.to_json()).unwrap();
        assert_eq!(surface, again, "{}", folder.display());
    }
}

fn folders(kind: &str, prefix: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(kind);
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|it| it.unwrap().path())
        .filter(|it| it.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .filter(|it| it.join("input.go").is_file())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "{} has no cases", root.display());
    folders
}

fn read(folder: &Path) -> Result<Surface, Vec<Diagnostic>> {
    let mut files = split(&fs::read_to_string(folder.join("input.go")).unwrap());
    let overrides = files.remove("overrides.toml").unwrap_or_default();
    fill_in(&mut files);
    let externals = Externals::from_toml("overrides.toml", &overrides)?;
    mm_surface::read(&files, &externals)
}

/// The files of an archive: `-- path --` begins one.
fn split(archive: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in archive.lines() {
        if let Some(path) = line.strip_prefix("-- ").and_then(|it| it.strip_suffix(" --")) {
            files.insert(path.to_owned(), String::new());
            current = Some(path.to_owned());
        } else if let Some(text) = current.as_ref().and_then(|it| files.get_mut(it)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    files
}

fn fill_in(files: &mut BTreeMap<String, String>) {
    let module = "module github.com/mattermost/mattermost/server/public\n";
    let version = "package model\n\nvar versions = []string{\n\t\"1.0.0\",\n}\n\ntype AppError struct {\n\tId string `json:\"id\"`\n}\n";
    match files.get("go.mod").map(String::as_str) {
        None => files.insert("go.mod".to_owned(), module.to_owned()),
        // An empty file stands for none; another module is left alone.
        Some("") => files.remove("go.mod"),
        Some(_) => return,
    };
    files.entry("model/version.go".to_owned()).or_insert_with(|| version.to_owned());
    for interface in ["API", "Hooks"] {
        if !files.values().any(|it| it.contains(&format!("type {interface} "))) {
            let text = format!("package plugin\n\ntype {interface} interface{{}}\n");
            files.insert(format!("plugin/{}.go", interface.to_lowercase()), text);
        }
    }
}

fn report(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

fn compare(path: &Path, actual: &str, failures: &mut Vec<String>) {
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == actual {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, actual).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
    failures.push(format!(
        "{}\n{}",
        path.display(),
        diff.unified_diff().context_radius(2).header("expected", "actual")
    ));
}
