//! The methods and hooks whose net/rpc code upstream writes by hand: the list that its own generator leaves out.
//!
//! It stands in the generator's program, `plugin/interface_generator/main.go`, which is no part of the surface otherwise.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Pos};
use crate::syntax;

const FILE: &str = "plugin/interface_generator/main.go";
/// What the list is called, and was called up to Mattermost 7.1.
const LISTS: &[&str] = &["excludedPluginHooks", "excluded"];

/// The names, sorted; none for a tree that has no generator.
///
/// # Errors
/// The program cannot be read, or does not hold the list.
pub(crate) fn read(source: &BTreeMap<String, String>) -> Result<Vec<String>, Diagnostic> {
    let Some(text) = source.get(FILE) else { return Ok(Vec::new()) };
    let mut file = syntax::read(FILE, text)?;
    let found = LISTS.iter().find_map(|it| file.lists.remove(*it));
    let mut names = found.ok_or_else(|| {
        Diagnostic::new(
            &Pos::new(FILE, 0),
            format!("cannot find the list of what upstream writes by hand, `var {} = []string{{…}}`", LISTS[0]),
            "see how its generator says it now, and teach that to crates/mm-surface/src/hand_written.rs",
        )
    })?;
    names.sort();
    names.dedup();
    Ok(names)
}
