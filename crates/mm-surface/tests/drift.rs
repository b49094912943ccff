//! Runs the folders of `tests/drift` (what a change between two small trees is reported as) and compares the real surfaces.
//!
//! `input.go` holds the files of both trees behind lines of the form `-- path --`: those of the first below `before/`, those of the
//! second below `after/`, the rest in both. What a case leaves out is filled in. `UPDATE_EXPECT=1 cargo test -p mm-surface`
//! rewrites what is expected: read the diff before committing it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{compare, fill_in, folders, report, split};
use mm_surface::{Change, Drift, Externals, Fit, Meaning, Surface, What};

#[test]
fn every_change_is_reported_and_explained() {
    let mut failures = Vec::new();
    for folder in folders("drift", "") {
        let drift = Drift::between(&read(&folder, "before/"), &read(&folder, "after/"));
        compare(&folder.join("expected.txt"), &drift.to_text(), &mut failures);
        // Two forms more, where there is something of every kind in them.
        if folder.ends_with("fields") {
            compare(&folder.join("expected.md"), &drift.to_markdown(), &mut failures);
            compare(&folder.join("expected.json"), &drift.to_json(), &mut failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_tree_does_not_differ_from_itself() {
    for folder in folders("drift", "") {
        for side in ["before/", "after/"] {
            let surface = read(&folder, side);
            assert_eq!(Drift::between(&surface, &surface).entries, [], "{} {side}", folder.display());
        }
    }
}

/// What is new on the way there is gone on the way back.
#[test]
fn the_way_back_is_the_way_there_backwards() {
    for folder in folders("drift", "") {
        let (before, after) = (read(&folder, "before/"), read(&folder, "after/"));
        let count = |drift: &Drift, change| drift.entries.iter().filter(|it| it.change == change).count();
        let (there, back) = (Drift::between(&before, &after), Drift::between(&after, &before));
        assert_eq!(count(&there, Change::Added), count(&back, Change::Removed), "{}", folder.display());
        assert_eq!(count(&there, Change::Removed), count(&back, Change::Added), "{}", folder.display());
        assert_eq!(count(&there, Change::Renamed), count(&back, Change::Renamed), "{}", folder.display());
    }
}

#[test]
fn what_changed_between_the_servers_that_are_checked_in() {
    let (old, new) = (checked_in("versions/9.8.json"), checked_in("surface.json"));
    let drift = Drift::between(&old, &new);
    let mut failures = Vec::new();
    compare(&tests().join("drift/servers.txt"), &drift.to_text(), &mut failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // What one binary for all these servers rests on: no method is gone, or has other arguments or results.
    let methods = drift.entries.iter().filter(|it| matches!(it.what, What::Api | What::Hook));
    let grave: Vec<String> =
        methods.filter(|it| it.meaning <= Meaning::TakesAway).map(|it| format!("{} {}", it.name, it.part)).collect();
    assert_eq!(grave, [""; 0]);
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

fn checked_in(name: &str) -> Surface {
    Surface::from_json(&fs::read_to_string(tests().join("../surface").join(name)).unwrap()).unwrap()
}

/// One of the two trees of a case.
fn read(folder: &Path, side: &str) -> Surface {
    let mut files = BTreeMap::new();
    for (path, text) in split(&fs::read_to_string(folder.join("input.go")).unwrap()) {
        match path.strip_prefix(side) {
            Some(own) => files.insert(own.to_owned(), text),
            None if path.starts_with("before/") || path.starts_with("after/") => None,
            None => files.insert(path, text),
        };
    }
    let overrides = files.remove("overrides.toml").unwrap_or_default();
    fill_in(&mut files);
    let externals = Externals::from_toml("overrides.toml", &overrides).unwrap_or_else(|it| panic!("{}", report(&it)));
    mm_surface::read(&files, &externals.fitting(Fit::Unprepared))
        .unwrap_or_else(|it| panic!("{} {side}: {}", folder.display(), report(&it)))
}
