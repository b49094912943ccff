//! Which types have another name now, and how alike two names are.

use std::collections::{BTreeMap, BTreeSet};

use super::pair;
use crate::surface::{Surface, Type};

/// Two names are one thing's if at least this many of a hundred words are in both.
const ALIKE: u32 = 60;

/// Old name of a type → new name.
#[derive(Debug, Default)]
pub(super) struct Renames(BTreeMap<String, String>);

impl Renames {
    pub(super) fn find(old: &Surface, new: &Surface) -> Self {
        let gone: Vec<&Type> = old.types.iter().filter(|it| new.find_type(&it.name).is_none()).collect();
        let come: Vec<&Type> = new.types.iter().filter(|it| old.find_type(&it.name).is_none()).collect();
        let pairs = pair(&gone, &come, |a, b| likeness(a, b));
        let renamed = pairs.into_iter().map(|(a, b)| (gone[a].name.clone(), come[b].name.clone()));
        let back = aliases(new, old).map(|(after, before)| (before, after));
        Renames(renamed.chain(aliases(old, new)).chain(back).collect())
    }

    /// What a type is called now.
    pub(super) fn name<'a>(&'a self, old: &'a str) -> &'a str {
        self.0.get(old).map_or(old, String::as_str)
    }

    /// Whether a type of the new surface is one that had another name.
    pub(super) fn is_target(&self, new: &str) -> bool {
        self.0.values().any(|it| it == new)
    }

    /// The text of a type with the new names in it.
    pub(super) fn apply(&self, ty: &str) -> String {
        let is_name = |it: char| it.is_alphanumeric() || matches!(it, '_' | '.');
        let mut text = String::new();
        let mut rest = ty;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|it| is_name(it) != is_name(first)).unwrap_or(rest.len());
            // A name in `...T` stands behind dots that are not its own.
            let (dots, token) = rest[..end].split_at(rest[..end].len() - rest[..end].trim_start_matches('.').len());
            text.push_str(dots);
            text.push_str(self.name(token));
            rest = &rest[end..];
        }
        text
    }
}

/// Types whose name is only another name for a new one in the other surface; with that one.
fn aliases<'a>(old: &'a Surface, new: &'a Surface) -> impl Iterator<Item = (String, String)> + 'a {
    old.types.iter().filter(|it| it.kind != "alias").filter_map(|before| {
        let target = new.find_type(&before.name).filter(|it| it.kind == "alias")?.ty.clone()?;
        old.find_type(&target).is_none().then(|| (before.name.clone(), target))
    })
}

/// How likely one type is the other under a new name, 0 to 200.
fn likeness(old: &Type, new: &Type) -> u32 {
    if old.kind != new.kind || old.builtin != new.builtin {
        return 0;
    }
    let names = similarity(bare(&old.name), bare(&new.name));
    let contents = if old.kind == "struct" {
        let of = |ty: &Type| ty.fields.iter().map(|it| format!("{} {}", it.name, it.json)).collect::<BTreeSet<_>>();
        shared(&of(old), &of(new))
    } else if !old.consts.is_empty() || !new.consts.is_empty() {
        let of = |ty: &Type| ty.consts.iter().map(|it| format!("{:?}", it.value)).collect::<BTreeSet<_>>();
        shared(&of(old), &of(new))
    } else if old.ty == new.ty && old.methods == new.methods {
        100
    } else {
        0
    };
    let few = old.fields.len().max(old.consts.len()) < 2;
    match (names, contents) {
        // Moved to another package, whatever else happened to it.
        (100, _) => 200,
        (_, 70..) if !few || names >= ALIKE => contents + names,
        _ => 0,
    }
}

/// The name without its package.
fn bare(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, it)| it)
}

/// How many of a hundred words two Go names share; 0 if it is too few for them to be names of one thing.
pub(super) fn alike(old: &str, new: &str) -> u32 {
    Some(similarity(old, new)).filter(|it| *it >= ALIKE).unwrap_or(0)
}

fn similarity(old: &str, new: &str) -> u32 {
    if old == new { 100 } else { shared(&words(old), &words(new)).min(99) }
}

/// The members of both in a hundred of all.
fn shared<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> u32 {
    let (both, all) = (a.intersection(b).count(), a.union(b).count());
    u32::try_from(100 * both / all.max(1)).unwrap_or(0)
}

/// `GetUsersByIDs` → get, users, by, ids.
fn words(name: &str) -> BTreeSet<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = BTreeSet::new();
    let mut word = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let after_lower = index > 0 && !letters[index - 1].is_uppercase();
        let plural = letters.get(index + 1) == Some(&'s') && letters.get(index + 2).is_none_or(|it| it.is_uppercase());
        let before_lower = !plural && letters.get(index + 1).is_some_and(|it| it.is_lowercase());
        let begins = letter.is_uppercase() && (after_lower || before_lower);
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            words.insert(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    words.insert(word);
    words.remove("");
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_words() {
        assert_eq!(words("GetLDAPUserByID").into_iter().collect::<Vec<_>>(), ["by", "get", "id", "ldap", "user"]);
        assert_eq!(alike("GetUsersByIds", "GetUsersByIDs"), 99);
        assert_eq!(alike("SendMail", "SendEmailNotification"), 0);
        assert_eq!(alike("Id", "Id"), 100);
    }

    #[test]
    fn names_are_replaced_wherever_a_type_mentions_them() {
        let renames = Renames([("model.A".to_owned(), "model.B".to_owned())].into());
        assert_eq!(renames.apply("map[string]*model.A"), "map[string]*model.B");
        assert_eq!(renames.apply("model.AB"), "model.AB");
        assert_eq!(renames.apply("func(...model.A) []model.A"), "func(...model.B) []model.B");
    }
}
