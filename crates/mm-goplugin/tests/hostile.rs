//! Bytes that no peer says: the corpora of the fuzz targets, and what becomes of them when they are cut and changed.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

/// The corpus of a fuzz target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is checked in")
        .map(|entry| {
            let entry = entry.expect("it can be listed");
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("it can be read"))
        })
        .collect();
    seeds.sort();
    assert!(seeds.len() > 5, "{}", seeds.len());
    seeds
}

fn holds(target: &str, check: fn(&[u8])) {
    for (name, seed) in corpus(target) {
        println!("{name}");
        check(&seed);
        check(&seed[..seed.len() / 2]);
        let mut changed = seed.clone();
        for at in (0..seed.len()).step_by(1 + seed.len() / 16) {
            changed[at] = seed[at].wrapping_add(1);
            check(&changed);
            changed[at] = seed[at];
        }
    }
}

#[test]
fn frames_that_nobody_sends() {
    holds("yamux", checks::yamux);
}

#[test]
fn requests_and_replies_that_nobody_sends() {
    holds("rpc", checks::rpc);
}
