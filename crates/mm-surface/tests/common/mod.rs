//! What the tests of this crate share: folders of small trees, archives of files, comparison with what is expected.

#![allow(unreachable_pub, reason = "a module of every test file")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mm_surface::Diagnostic;

/// The subfolders of a folder of `tests` that hold an `input.go` and whose name begins with `prefix`, sorted.
pub fn folders(kind: &str, prefix: &str) -> Vec<PathBuf> {
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

/// The files of an archive: `-- path --` begins one.
pub fn split(archive: &str) -> BTreeMap<String, String> {
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

/// What a small tree leaves out: go.mod, the version, an empty `API` or `Hooks`.
pub fn fill_in(files: &mut BTreeMap<String, String>) {
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

pub fn report(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n")
}

/// Notes a difference, or writes what is there when `UPDATE_EXPECT` is set.
pub fn compare(path: &Path, actual: &str, failures: &mut Vec<String>) {
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
