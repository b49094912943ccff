//! What the features of Go in `tests/cases` become in Go again. `UPDATE_EXPECT=1 cargo test -p mm-codegen --test go` rewrites
//! what is expected: read the diff before committing it. That the whole of it compiles is seen by `go test` in
//! `tests/interop-go`.

mod common;

use common::{case_inputs, compare, tests};

/// The cases that say something about Go; the others are about names and decisions of ours.
const CASES: &[&str] = &[
    "aliases",
    "anonymous_structs",
    "embedded_structs",
    "external_types",
    "funcs_and_channels",
    "generics",
    "gob_registrations",
    "iota_consts",
    "recursive_types",
    "rpc_structs",
    "variadic_log",
];

#[test]
fn every_case_gives_the_expected_go() {
    let mut failures = Vec::new();
    for case in CASES {
        let folder = tests().join("cases").join(case);
        let files = mm_codegen::go::generate(&case_inputs(&folder).surface, mm_codegen::go::FOLDER).unwrap();
        // The module and the errors are the same for all.
        let own = files.iter().filter(|(path, _)| !path.ends_with("/errors.go") && !path.ends_with("/go.mod"));
        let text: String = own.map(|(path, text)| format!("==> {path} <==\n{text}\n")).collect();
        compare(&folder.join("expected/go.txt"), Some(&text), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_type_that_is_not_described_is_named() {
    let surface = r#"{"upstream": {"module": "m", "version": "1.0.0"}, "api": [], "hooks": [], "types": [],
        "gob_registered": [{"name": "*model.Gone", "type": "*model.Gone"}], "rpc": [], "rpc_methods": []}"#;
    let error = mm_codegen::go::generate(surface, mm_codegen::go::FOLDER).unwrap_err();
    assert_eq!(error, "surface.json mentions model.Gone but does not describe it");
}

#[test]
fn a_text_that_is_no_surface_is_an_error() {
    assert!(
        mm_codegen::go::generate("{}", mm_codegen::go::FOLDER).unwrap_err().starts_with("surface.json: missing field")
    );
}
