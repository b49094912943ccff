//! Which permission an API method needs: an area, which is its group's, and whether it reads or writes, which its name says.

use mm_surface::Method as GoMethod;

use super::methods::plural;
use super::types::Types;
use crate::Diagnostic;
use crate::ir::Access;
use crate::names;
use crate::overrides;

/// First words of methods that only tell something.
const READS: [&str; 8] = ["count", "get", "has", "is", "list", "load", "read", "search"];

/// First words of methods that change something, or reach somebody.
const WRITES: [&str; 38] = [
    "add",
    "copy",
    "create",
    "delete",
    "disable",
    "enable",
    "ensure",
    "execute",
    "extend",
    "install",
    "invite",
    "log",
    "open",
    "patch",
    "permanent",
    "plugin",
    "publish",
    "register",
    "remove",
    "request",
    "restore",
    "revoke",
    "save",
    "send",
    "set",
    "share",
    "sync",
    "uninvite",
    "unregister",
    "unshare",
    "update",
    "upload",
    "upsert",
    // Words after `KV`, which is none by itself.
    "compare_and_delete",
    "compare_and_set",
    "delete_all",
    "set_with_expiry",
    "set_with_options",
];

/// What the method needs: what `overrides.toml` says of it, else what its group and its name say.
pub(super) fn access(go: &GoMethod, group: &str, types: &mut Types<'_>) -> Access {
    if let Some(decision) = types.overrides.permission(&go.name) {
        match (&decision.name, decision.always) {
            (Some(name), false) => {
                check(name, &go.name, types.diagnostics);
                return Access::Needs(name.clone());
            }
            (None, true) => return Access::Always(decision.why.text().to_owned()),
            _ => types.diagnostics.push(Diagnostic::new(
                overrides::FILE,
                format!("permission.{}", go.name),
                "the entry says neither which permission the method needs nor that it is always allowed, or both",
                "write `name = \"posts.read\"`, or `always = true`",
            )),
        }
    }
    let area = types.overrides.area(group).map_or_else(|| plural(group), ToOwned::to_owned);
    match is_write(&go.name) {
        Some(true) => Access::Needs(format!("{area}.write")),
        Some(false) => Access::Needs(format!("{area}.read")),
        None => Access::Undecided(area),
    }
}

/// That a permission is called like the others.
fn check(name: &str, method: &str, diagnostics: &mut Vec<Diagnostic>) {
    let is_word = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    let fits = name.split_once('.').is_some_and(|(area, verb)| is_word(area) && matches!(verb, "read" | "write"));
    if !fits {
        diagnostics.push(Diagnostic::new(
            overrides::FILE,
            format!("permission.{method}"),
            format!("{name:?} is no name for a permission"),
            "write an area and what is done there, such as \"posts.read\" or \"posts.write\"",
        ));
    }
}

/// Whether the name is that of a method that changes something; `None` when its first word is unknown.
fn is_write(go: &str) -> Option<bool> {
    let snake = names::snake(go);
    let words = snake.strip_prefix("kv_").unwrap_or(&snake);
    let first = words.split('_').next().unwrap_or_default();
    if READS.contains(&first) {
        return Some(false);
    }
    (WRITES.contains(&first) || WRITES.contains(&words)).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        assert_eq!(is_write("GetUser"), Some(false));
        assert_eq!(is_write("KVList"), Some(false));
        assert_eq!(is_write("KVCompareAndDelete"), Some(true));
        assert_eq!(is_write("UpsertGroupMembers"), Some(true));
        assert_eq!(is_write("FrobnicateUser"), None);
        assert_eq!(is_write("Getaway"), None);
    }
}
