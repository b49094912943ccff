//! `coverage.txt`, from which the reference pages are made, says what the simulator really has.

use std::collections::BTreeSet;
use std::fs;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/coverage.txt");
const MEND: &str = "UPDATE_COVERAGE=1 cargo test -p mm-sim --test coverage";

#[test]
fn coverage_txt_lists_what_is_simulated() {
    let names: BTreeSet<&str> = mm_sim::COVERAGE.iter().copied().collect();
    let lines: String = names.iter().map(|it| format!("{it}\n")).collect();
    let wanted = format!("# The API methods that the simulator has, made from mm_sim::COVERAGE: {MEND}\n{lines}");
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(FILE, &wanted).expect("coverage.txt can be written");
    }
    let found = fs::read_to_string(FILE).expect("coverage.txt can be read");
    assert!(found == wanted, "coverage.txt is not up to date; run {MEND}, then cargo xtask regenerate --only docs");
}
