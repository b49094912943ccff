//! Holds `since` of our docs against the surfaces of real servers that are checked in: `surface/versions` and the newest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mm_codegen::Inputs;
use mm_codegen::ir::Ir;
use mm_surface::Surface;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../surface").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn ir() -> Ir {
    let inputs = Inputs {
        surface: file("surface.json"),
        older: vec![file("versions/9.8.json")],
        overrides: file("overrides.toml"),
        docs: file("docs.toml"),
        wire_lock: file("wire.lock"),
        allow_missing_docs: false,
    };
    mm_codegen::load(&inputs).unwrap_or_else(|it| panic!("{}", it[0]))
}

/// `11.6.0` → 11, 6. A patch release adds no method.
fn minor(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|it| it.parse().unwrap_or_else(|_| panic!("{version}")));
    (parts.next().unwrap(), parts.next().unwrap_or(0))
}

fn names(surface: &Surface) -> BTreeSet<String> {
    surface.api.iter().chain(&surface.hooks).map(|it| it.name.clone()).collect()
}

/// `name (since)` of every method and hook for which `wrong` holds.
fn found(ir: &Ir, wrong: impl Fn(&str, (u32, u32)) -> bool) -> Vec<String> {
    let methods = ir.api.iter().chain(&ir.hooks);
    let wrong = methods.filter(|it| wrong(&it.name.go, minor(&it.since)));
    wrong.map(|it| format!("{} ({})", it.name.go, it.since)).collect()
}

#[test]
fn since_agrees_with_every_server_that_is_checked_in() {
    let ir = ir();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../surface/versions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let surface = Surface::from_json(&file(&format!("versions/{name}"))).unwrap();
        let (there, version) = (names(&surface), minor(&surface.upstream.version));
        let help = "say the right version with `since` in surface/overrides.toml";
        let too_early = found(&ir, |name, since| !there.contains(name) && since <= version);
        assert_eq!(too_early, [""; 0], "not in {name}, and said to be: {help}");
        let too_late = found(&ir, |name, since| there.contains(name) && since > version);
        assert_eq!(too_late, [""; 0], "in {name}, and said not to be: {help}");
    }
}

/// The tree that the newest surface is read from was developed after 11.6 had been branched off: it has three hooks of the
/// release after, and still calls itself 11.6.0.
#[test]
fn only_what_comes_with_the_next_release_is_newer_than_the_newest() {
    let version = minor(file("UPSTREAM").trim());
    let newer = found(&ir(), |_, since| since > version);
    assert_eq!(
        newer,
        ["ChannelMemberWillBeAdded (11.7)", "ChannelWillBeArchived (11.7)", "TeamMemberWillBeAdded (11.7)"]
    );
}
