//! What changed between two surfaces, fact by fact, and what each change means for us.
//!
//! Takes two surfaces, gives a [`Drift`]. Renames are found first, so that a renamed type is one change and not one for every
//! place that mentions it. What follows from another change (the net/rpc structs of a new method, the fields of a new
//! type) is not listed again. What neither gob nor JSON carries (unexported fields) is not compared.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::surface::{Surface, Upstream};

mod consts;
mod fields;
mod hand_written;
mod methods;
mod params;
mod renames;
mod report;
mod rpc;
mod types;
mod wire;

use renames::Renames;

/// Everything that differs, the gravest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    pub from: Upstream,
    pub to: Upstream,
    pub entries: Vec<Entry>,
    /// What the generators ask for before they take the newer surface; found and filled in by who runs them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub todo: Vec<String>,
}

/// One fact that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub meaning: Meaning,
    pub what: What,
    /// The method, the type, or the field or constant with its type (`model.Post.Message`); after a rename the old name.
    pub name: String,
    pub change: Change,
    /// Which fact about it: `type`, `parameter userID`, `id`; empty when it is the thing itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why it means that, and what to do.
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Removed,
    Renamed,
    Changed,
    Added,
}

/// What kind of thing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Module,
    Api,
    Hook,
    Type,
    Field,
    Constant,
    GobType,
    RpcStruct,
    RpcMethod,
    HandWritten,
}

/// What a change means for us, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Peers from before and after it do not understand each other where it is used.
    BreaksWire,
    /// It is there no longer: plugins that use it lose it.
    TakesAway,
    /// `surface/overrides.toml` has something to decide.
    NeedsOverride,
    /// `surface/docs.toml` needs words.
    NeedsDocs,
    /// Nothing to do.
    Compatible,
}

impl Meaning {
    pub const ALL: [Meaning; 5] =
        [Meaning::BreaksWire, Meaning::TakesAway, Meaning::NeedsOverride, Meaning::NeedsDocs, Meaning::Compatible];
}

/// The comparison while it goes on.
struct Diff<'a> {
    old: &'a Surface,
    new: &'a Surface,
    renames: Renames,
    entries: Vec<Entry>,
    /// Methods and hooks with a change that their net/rpc code only follows, by both names.
    touched: BTreeSet<String>,
}

impl Drift {
    /// Compares two surfaces: what was there, and what is there now.
    pub fn between(old: &Surface, new: &Surface) -> Self {
        let renames = Renames::find(old, new);
        let mut diff = Diff { old, new, renames, entries: Vec::new(), touched: BTreeSet::new() };
        diff.module();
        diff.methods(What::Api, &old.api, &new.api);
        diff.methods(What::Hook, &old.hooks, &new.hooks);
        diff.types();
        diff.gob_types();
        diff.rpc();
        diff.hand_written();
        let (from, to) = (old.upstream.clone(), new.upstream.clone());
        let mut drift = Drift { from, to, entries: diff.entries, todo: Vec::new() };
        drift.sort();
        drift
    }

    /// Puts the entries into their order again, after their meaning was changed.
    pub fn sort(&mut self) {
        // What has the same note stands together.
        self.entries.sort_by(|a, b| a.order().cmp(&b.order()));
    }

    /// The entries with this meaning, in order.
    pub fn meaning(&self, meaning: Meaning) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |it| it.meaning == meaning)
    }
}

impl Diff<'_> {
    fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    fn module(&mut self) {
        let (before, after) = (&self.old.upstream.module, &self.new.upstream.module);
        if before != after {
            let note = "the Go module has another path; what gob calls its types is compared by itself";
            self.add(Entry::changed(What::Module, after, "path", (before, after), Meaning::Compatible, note));
        }
    }
}

impl Entry {
    fn new(what: What, name: &str, change: Change, meaning: Meaning, note: impl Into<String>) -> Self {
        let note = note.into();
        Entry { meaning, what, name: name.to_owned(), change, part: String::new(), before: None, after: None, note }
    }

    fn renamed(what: What, names: (&str, &str), meaning: Meaning, note: impl Into<String>) -> Self {
        let after = Some(names.1.to_owned());
        Entry { after, ..Entry::new(what, names.0, Change::Renamed, meaning, note) }
    }

    fn changed(
        what: What,
        name: &str,
        part: &str,
        values: (&str, &str),
        meaning: Meaning,
        note: impl Into<String>,
    ) -> Self {
        let (before, after) = (Some(values.0.to_owned()), Some(values.1.to_owned()));
        Entry { part: part.to_owned(), before, after, ..Entry::new(what, name, Change::Changed, meaning, note) }
    }

    fn order(&self) -> impl Ord {
        (self.meaning, self.what, self.change, &self.note, &self.name, &self.part)
    }

    /// The same about a part of the thing.
    fn of_part(self, part: impl Into<String>) -> Self {
        Entry { part: part.into(), ..self }
    }
}

/// Pairs each thing that is gone with the new one that is most likely it: the pair that `likeness` rates highest comes
/// first, and what it rates 0 is no pair.
fn pair<T>(gone: &[T], come: &[T], likeness: impl Fn(&T, &T) -> u32) -> Vec<(usize, usize)> {
    let mut candidates: Vec<(u32, usize, usize)> = Vec::new();
    for (left, old) in gone.iter().enumerate() {
        let rated = come.iter().enumerate().map(|(right, new)| (likeness(old, new), left, right));
        candidates.extend(rated.filter(|(rate, ..)| *rate > 0));
    }
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, left, right) in candidates {
        if !pairs.iter().any(|(l, r)| *l == left || *r == right) {
            pairs.push((left, right));
        }
    }
    pairs.sort_unstable();
    pairs
}
