//! What methods take and give. On the wire both are structs whose fields are called A, B, C … in order.

use super::{Change, Diff, Entry, Meaning, What};
use crate::surface::Method;

impl Diff<'_> {
    pub(super) fn params(&mut self, what: What, old: &Method, new: &Method) {
        let types = |it: &Method| -> Vec<String> { it.params.iter().map(|it| it.ty.clone()).collect() };
        if !self.in_order(&types(old), &types(new)) {
            let list = |it: &Method| {
                let all: Vec<String> = it.params.iter().map(|it| format!("{} {}", it.name, it.ty)).collect();
                format!("({})", all.join(", "))
            };
            let note = "arguments are sent by position: older and newer servers need different code";
            let lists = (list(old), list(new));
            self.add(Entry::changed(what, &new.name, "parameters", (&lists.0, &lists.1), Meaning::BreaksWire, note));
            return;
        }
        for (before, after) in old.params.iter().zip(&new.params) {
            let part = format!("parameter {}", after.name);
            self.type_in_place(what, &new.name, &part, (&before.ty, &after.ty));
            if before.name != after.name {
                let note = "our field and Python's keyword are called after it: keep the old spelling with `[param]`, or let it have a new number";
                let names = (before.name.as_str(), after.name.as_str());
                let entry = Entry::changed(what, &new.name, "parameter", names, Meaning::NeedsOverride, note);
                self.add(Entry { change: Change::Renamed, ..entry });
            }
        }
        for it in new.params.iter().skip(old.params.len()) {
            let note = "older servers ignore it; it needs words in docs.toml, unless `params` has them for its name";
            let after = Some(format!("{} {}", it.name, it.ty));
            let entry = Entry::new(what, &new.name, Change::Added, Meaning::NeedsDocs, note);
            self.add(Entry { after, ..entry.of_part(format!("parameter {}", it.name)) });
        }
        for it in old.params.iter().skip(new.params.len()) {
            let before = Some(format!("{} {}", it.name, it.ty));
            let entry = Entry::new(what, &new.name, Change::Removed, Meaning::TakesAway, "newer servers ignore it");
            self.add(Entry { before, ..entry.of_part(format!("parameter {}", it.name)) });
        }
    }

    pub(super) fn results(&mut self, what: What, old: &Method, new: &Method) {
        if old.results.len() != new.results.len() {
            let list = |it: &Method| format!("({})", it.results.join(", "));
            let in_order = old.results.iter().zip(&new.results).all(|(a, b)| self.renames.apply(a) == *b);
            let (meaning, note) = match in_order {
                true if old.results.len() < new.results.len() => {
                    (Meaning::NeedsOverride, "older servers send no more than before; with several, say `results`")
                }
                true => (Meaning::TakesAway, "newer servers send no more than the rest"),
                false => {
                    (Meaning::BreaksWire, "results are sent by position: older and newer servers need different code")
                }
            };
            self.add(Entry::changed(what, &new.name, "results", (&list(old), &list(new)), meaning, note));
            return;
        }
        for (index, (before, after)) in old.results.iter().zip(&new.results).enumerate() {
            self.type_in_place(what, &new.name, &format!("result {}", index + 1), (before, after));
        }
    }

    /// Whether parameters were at most added or taken away at the end: those that both have are of the same types, or
    /// there are as many as before.
    fn in_order(&self, old: &[String], new: &[String]) -> bool {
        old.len() == new.len() || old.iter().zip(new).all(|(a, b)| self.renames.apply(a) == *b)
    }

    /// Another type where there was one.
    pub(super) fn type_in_place(&mut self, what: What, name: &str, part: &str, types: (&str, &str)) {
        if self.renames.apply(types.0) != types.1 {
            let (meaning, note) = self.type_meaning(types.0, types.1);
            self.add(Entry::changed(what, name, part, types, meaning, note));
        }
    }
}
