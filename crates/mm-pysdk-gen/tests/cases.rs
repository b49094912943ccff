//! What the features in `tests/cases` become in Python.
//!
//! Of each case the modules that tell something are kept: models, the sync client, the hooks, their typing and the codec's
//! tables. `python/tests/generated/test_cases.py` imports them and has them read by mypy and pyright.
//! `UPDATE_EXPECT=1 cargo test -p mm-pysdk-gen` rewrites what is expected: read the diff before committing it.

#[path = "../../mm-codegen/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{case_inputs, compare, folders, tests, text};
use mm_codegen::ir::Ir;

const ROOT: &str = "python/src/mattermost_plugin/_generated/";

#[test]
fn every_case_gives_the_expected_python() {
    let mut failures = Vec::new();
    let value = tests().join("cases/common/expected/python/models/value.py");
    compare(&value, outputs(&empty()).get("models/value.py").map(String::as_str), &mut failures);
    for folder in folders("cases", "", "expected/surface.json") {
        // Some cases hold what cannot travel: they are about the reader alone.
        let Ok(ir) = mm_codegen::load(&case_inputs(&folder)) else { continue };
        let mut files = outputs(&ir);
        files.retain(|file, text| tells_something(&ir, file, text, &value));
        let expected = folder.join("expected/python");
        for file in python_files(&expected).iter().filter(|it| !files.contains_key(*it)) {
            compare(&expected.join(file), None, &mut failures);
        }
        for (file, text) in &files {
            compare(&expected.join(file), Some(text), &mut failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn two_runs_give_the_same_bytes() {
    for folder in folders("cases", "", "expected/surface.json") {
        let Ok(ir) = mm_codegen::load(&case_inputs(&folder)) else { continue };
        let coverage = mm_pysdk_gen::Coverage::default();
        assert!(mm_pysdk_gen::generate_python(&ir) == mm_pysdk_gen::generate_python(&ir));
        assert!(mm_pysdk_gen::generate_docs(&ir, &coverage) == mm_pysdk_gen::generate_docs(&ir, &coverage));
    }
}

/// Files by their path in the generated package.
fn outputs(ir: &Ir) -> BTreeMap<String, String> {
    let files = mm_pysdk_gen::generate_python(ir).unwrap_or_else(|error| panic!("{error}"));
    let inner = |path: &str| path.strip_prefix(ROOT).expect("all files are in the package").to_owned();
    files.into_iter().map(|(path, text)| (inner(&path), text)).collect()
}

fn tells_something(ir: &Ir, file: &str, text: &str, common_value: &Path) -> bool {
    match file {
        "keywords.py" => text.contains("\nclass "),
        "codec_api.py" => !ir.api.is_empty(),
        "codec_hooks.py" | "hooks.py" | "hook_typing.py" => !ir.hooks.is_empty(),
        "models/value.py" => text != common::text(common_value),
        _ => !file.ends_with("__init__.py") && (file.starts_with("models/") || file.starts_with("api_sync/")),
    }
}

fn empty() -> Ir {
    Ir { upstream_version: "1.0.0".into(), ..Ir::default() }
}

fn python_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder).expect("it is inside").to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_cases_are_read_from_where_codegen_keeps_them() {
    assert!(!text(&tests().join("cases/recursive_types/input.go")).is_empty());
}
