//! Runs the folders of `tests/cases` (what a feature of Go becomes) and `tests/errors/surface_*` (what a mistake is told).
//!
//! `input.go` holds the files of a small tree behind lines of the form `-- path --`; text before the first is a comment. What
//! a case leaves out (go.mod, the version, an empty `API` or `Hooks`) is filled in. `overrides.toml` is a file like the others.
//! `UPDATE_EXPECT=1 cargo test -p mm-surface` rewrites what is expected: read the diff before committing it.

mod common;

use std::fs;
use std::path::Path;

use common::{compare, fill_in, folders, report, split};
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

fn read(folder: &Path) -> Result<Surface, Vec<Diagnostic>> {
    let mut files = split(&fs::read_to_string(folder.join("input.go")).unwrap());
    let overrides = files.remove("overrides.toml").unwrap_or_default();
    fill_in(&mut files);
    let externals = Externals::from_toml("overrides.toml", &overrides)?;
    mm_surface::read(&files, &externals)
}
