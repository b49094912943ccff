//! What the tests of this crate share: folders of `tests/cases` and `tests/errors`, and comparison with what is expected.

#![allow(dead_code, unreachable_pub, reason = "a module of every test file, and each uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

use mm_codegen::{Diagnostic, Inputs};

/// `tests` of the repository.
pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

/// The subfolders whose name begins with `prefix` and that hold `marker`, sorted.
pub fn folders(kind: &str, prefix: &str, marker: &str) -> Vec<PathBuf> {
    let root = tests().join(kind);
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|it| it.unwrap().path())
        .filter(|it| name(it).starts_with(prefix) && it.join(marker).is_file())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "{} has no folders", root.display());
    folders
}

/// A folder's own name.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// A file's text, "" when there is none.
pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The inputs of a case. Its overrides are in `overrides.toml` and among the files of `input.go`; docs may be missing.
pub fn case_inputs(folder: &Path) -> Inputs {
    let archive = text(&folder.join("input.go"));
    let external = archive.split("-- overrides.toml --\n").nth(1).unwrap_or_default();
    let external = external.split("\n-- ").next().unwrap_or_default();
    Inputs {
        surface: tagged(&text(&folder.join("expected/surface.json"))),
        older: Vec::new(),
        overrides: format!("{external}\n{}", text(&folder.join("overrides.toml"))),
        docs: text(&folder.join("docs.toml")),
        wire_lock: text(&folder.join("wire.lock")),
        allow_missing_docs: !folder.join("docs.toml").is_file(),
    }
}

/// Methods of small inputs mostly have no tag, and so would have no group.
fn tagged(surface: &str) -> String {
    let mut surface: serde_json::Value = serde_json::from_str(surface).unwrap();
    for method in surface["api"].as_array_mut().unwrap() {
        let tags = method["tags"].as_array_mut().unwrap();
        if tags.is_empty() {
            tags.push("Case".into());
        }
    }
    surface.to_string()
}

pub fn report(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|it| format!("{it}\n")).collect()
}

/// Notes a difference, or writes what is there when `UPDATE_EXPECT` is set. `None` means that no file is expected.
pub fn compare(path: &Path, actual: Option<&str>, failures: &mut Vec<String>) {
    let expected = fs::read_to_string(path).ok();
    if expected.as_deref() == actual {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        match actual {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None => fs::remove_file(path).unwrap(),
        }
        return;
    }
    let (expected, actual) = (expected.unwrap_or_default(), actual.unwrap_or_default());
    let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
    let diff = diff.unified_diff().context_radius(2).header("expected", "actual").to_string();
    failures.push(format!("{}\n{diff}", path.display()));
}
