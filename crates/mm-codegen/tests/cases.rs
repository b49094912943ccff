//! Runs the folders of `tests/cases` (what a feature of Go becomes) and `tests/errors/codegen_*` (what a mistake is told).
//!
//! A case gives its protos, its message types and its traits. The protos and types of `Value` are the same for all that
//! register nothing with gob; they stand once, in `tests/cases/common`. `UPDATE_EXPECT=1 cargo test -p mm-codegen` rewrites
//! what is expected: read the diff before committing it.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{case_inputs, compare, folders, name, report, tests, text};
use mm_codegen::Inputs;

#[test]
fn every_case_gives_the_expected_protos_and_rust() {
    let mut failures = Vec::new();
    let mut goldens = GOLDENS_HEADER.to_owned();
    let common = value_files(&Inputs { surface: EMPTY.to_owned(), ..Inputs::default() });
    for (file, text) in &common {
        compare(&tests().join("cases/common/expected").join(file), Some(text), &mut failures);
    }
    for folder in folders("cases", "", "expected/surface.json") {
        let mut files = outputs(&case_inputs(&folder)).unwrap_or_else(|it| [(DIAGNOSTICS.to_owned(), it)].into());
        let own_value =
            files.keys().any(|it| it == "value.rs") && common.iter().any(|(file, text)| files[file] != *text);
        if !own_value {
            files.retain(|file, _| !common.contains_key(file));
        }
        let expected = folder.join("expected");
        for file in present(&expected).into_iter().filter(|it| !files.contains_key(it)) {
            compare(&expected.join(file), None, &mut failures);
        }
        for (file, text) in &files {
            compare(&expected.join(file), Some(text), &mut failures);
        }
        golden_module(&name(&folder), &files, &mut goldens);
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens.rs"), Some(&goldens), &mut failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_mistake_is_explained() {
    let mut failures = Vec::new();
    for folder in folders("errors", "codegen_", "expected.txt") {
        let read = |file: &str| text(&folder.join(file));
        let surface = if folder.join("surface.json").is_file() { read("surface.json") } else { EMPTY.to_owned() };
        let inputs = Inputs {
            surface,
            older: Vec::new(),
            overrides: read("overrides.toml"),
            docs: read("docs.toml"),
            wire_lock: read("wire.lock"),
            allow_missing_docs: !folder.join("docs.toml").is_file(),
        };
        let Err(diagnostics) = mm_codegen::load(&inputs) else { panic!("{}: no complaint", folder.display()) };
        compare(&folder.join("expected.txt"), Some(&report(&diagnostics)), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn two_runs_give_the_same_bytes_and_numbers_stay() {
    for folder in folders("cases", "", "expected/surface.json") {
        let inputs = case_inputs(&folder);
        let Ok(first) = mm_codegen::compile(&inputs) else { continue };
        let second = mm_codegen::compile(&Inputs { wire_lock: first.wire_lock.clone(), ..inputs }).unwrap();
        assert_eq!(first.wire_lock, second.wire_lock, "{}", folder.display());
        assert!(mm_codegen::proto::generate(&first.ir) == mm_codegen::proto::generate(&second.ir));
        assert!(mm_codegen::rust::generate(&first.ir).unwrap() == mm_codegen::rust::generate(&second.ir).unwrap());
    }
}

/// Holds what is wrong where nothing can be generated.
const DIAGNOSTICS: &str = "codegen.txt";

/// A surface without anything.
const EMPTY: &str = r#"{"upstream": {"module": "m", "version": "1.0.0"}, "api": [], "hooks": [], "types": [],
    "gob_registered": [], "rpc": [], "rpc_methods": []}"#;

/// Protos, message types and traits by file name, without services that have no method.
/// Or what is wrong with the inputs: Go has things that cannot travel.
fn outputs(inputs: &Inputs) -> Result<BTreeMap<String, String>, String> {
    let ir = mm_codegen::load(inputs).map_err(|it| report(&it))?;
    let mut files = BTreeMap::new();
    let protos = mm_codegen::proto::generate(&ir);
    let rust = mm_codegen::rust::generate(&ir)?;
    for (path, text) in protos.iter().chain(rust.iter()) {
        let file = path.rsplit('/').next().unwrap();
        let wanted = file.ends_with(".proto") || path.contains("/plugin_v1/") || file.ends_with("_trait.rs");
        let empty =
            (file.starts_with("api") && ir.api.is_empty()) || (file.starts_with("hooks") && ir.hooks.is_empty());
        if wanted && !empty {
            files.insert(file.to_owned(), text.to_owned());
        }
    }
    Ok(files)
}

fn value_files(inputs: &Inputs) -> BTreeMap<String, String> {
    let mut files = outputs(inputs).unwrap();
    files.retain(|file, _| file.starts_with("value."));
    files
}

/// The files of `expected` that this test is about.
fn present(expected: &Path) -> BTreeSet<String> {
    let ours = |file: &String| file.ends_with(".proto") || file.ends_with(".rs") || file == DIAGNOSTICS;
    fs::read_dir(expected).unwrap().map(|it| name(&it.unwrap().path())).filter(ours).collect()
}

const GOLDENS_HEADER: &str = "\
//! Compiles what is expected of the cases. Written by `UPDATE_EXPECT=1 cargo test -p mm-codegen`.
#![allow(clippy::all, dead_code, unreachable_pub, unused_imports)]

macro_rules! golden {
    ($path:literal) => {
        include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../tests/cases/\", $path));
    };
}
";

/// A module that holds the Rust of one case.
fn golden_module(case: &str, files: &BTreeMap<String, String>, goldens: &mut String) {
    let rust: Vec<&str> = files.keys().filter_map(|it| it.strip_suffix(".rs")).collect();
    if rust.is_empty() {
        return;
    }
    let mut write = |line: String| writeln!(goldens, "{line}").unwrap();
    write(format!("\nmod {case} {{\n    use mm_proto::ApiError;\n    use mm_proto::grpc::Parts;\n\n    pub mod v1 {{"));
    if !rust.contains(&"value") {
        write("        golden!(\"common/expected/value.rs\");".to_owned());
    }
    for file in rust.iter().filter(|it| !it.ends_with("_trait")) {
        write(format!("        golden!(\"{case}/expected/{file}.rs\");"));
    }
    write("    }".to_owned());
    for file in rust.iter().filter(|it| it.ends_with("_trait")) {
        write(format!("\n    mod {file} {{\n        golden!(\"{case}/expected/{file}.rs\");\n    }}"));
    }
    write("}".to_owned());
}
