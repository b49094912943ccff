//! Named types, without what is in them.

use super::{Change, Diff, Entry, Meaning, What};
use crate::surface::Type;

impl Diff<'_> {
    pub(super) fn types(&mut self) {
        let (old, new) = (self.old, self.new);
        for before in &old.types {
            let name = self.renames.name(&before.name).to_owned();
            // The alias has become the type's own name.
            let is_own_name = |after: &Type| before.ty.as_deref().is_some_and(|it| self.renames.name(it) == after.name);
            if before.kind == "alias" && new.find_type(&name).is_some_and(is_own_name) {
                continue;
            }
            let Some(after) = new.find_type(&name) else {
                let note = "nothing that is sent mentions it any more; its numbers stay reserved";
                self.add(Entry::new(What::Type, &before.name, Change::Removed, Meaning::TakesAway, note));
                continue;
            };
            if before.name != after.name {
                let note =
                    "gob does not send it; keep our message's name with `name` in `[type]`, or let it be a new message";
                let names = (before.name.as_str(), after.name.as_str());
                self.add(Entry::renamed(What::Type, names, Meaning::NeedsOverride, note));
            }
            self.ty(before, after);
            if before.kind == after.kind {
                self.fields(&after.name, &before.fields, &after.fields);
            }
            self.consts(before, after);
        }
        for it in new.types.iter().filter(|it| old.find_type(&it.name).is_none() && !self.renames.is_target(&it.name)) {
            let (meaning, note) = addition(it);
            let entry = Entry::new(What::Type, &it.name, Change::Added, meaning, note);
            self.entries.push(Entry { after: Some(it.kind.clone()), ..entry });
        }
    }

    fn ty(&mut self, old: &Type, new: &Type) {
        let behind = |it: &Type| it.ty.clone().unwrap_or_else(|| it.kind.clone());
        let (before, after) = (behind(old), behind(new));
        if old.kind != new.kind || self.renames.apply(&before) != after {
            let basic = |it: &Type| !matches!(it.kind.as_str(), "struct" | "interface" | "builtin" | Type::UNDECLARED);
            let (meaning, note) = if basic(old) && basic(new) {
                self.type_meaning(&before, &after)
            } else {
                (Meaning::BreaksWire, "it is something else now: older and newer servers need different code")
            };
            self.add(Entry::changed(What::Type, &new.name, "kind", (&before, &after), meaning, note));
        }
        if old.marshalers != new.marshalers {
            let lists = (old.marshalers.join(", "), new.marshalers.join(", "));
            let note = "it encodes itself in another way: read upstream's methods before following";
            self.add(Entry::changed(
                What::Type,
                &new.name,
                "marshalers",
                (&lists.0, &lists.1),
                Meaning::BreaksWire,
                note,
            ));
        }
        if old.methods != new.methods {
            let lists = (old.methods.join(", "), new.methods.join(", "));
            let note = "what an interface asks for is not sent";
            self.add(Entry::changed(What::Type, &new.name, "methods", (&lists.0, &lists.1), Meaning::Compatible, note));
        }
        if let (Some(before), Some(after)) = (&old.file, &new.file)
            && before != after
        {
            let note = "its group is called after the file: keep the old one with `group` in `[type]`, or let it move";
            self.add(Entry::changed(What::Type, &new.name, "file", (before, after), Meaning::NeedsOverride, note));
        }
        if old.import != new.import {
            let path = |it: &Type| it.import.clone().unwrap_or_default();
            let note = "it comes from another module: check its entry in `[external]`";
            let paths = (path(old), path(new));
            self.add(Entry::changed(
                What::Type,
                &new.name,
                "import",
                (&paths.0, &paths.1),
                Meaning::NeedsOverride,
                note,
            ));
        }
    }
}

/// What a new type asks of us.
fn addition(ty: &Type) -> (Meaning, String) {
    match ty.kind.as_str() {
        Type::UNDECLARED => {
            let import = ty.import.as_deref().unwrap_or_default();
            let note =
                format!("a type of another module ({import}): `[external.\"{}\"]` has to say what it is", ty.name);
            (Meaning::NeedsOverride, note)
        }
        "struct" => (
            Meaning::NeedsDocs,
            "it needs words in docs.toml, and so do fields that do not explain themselves".to_owned(),
        ),
        _ if !ty.consts.is_empty() => (Meaning::NeedsDocs, "it needs words in docs.toml".to_owned()),
        _ => (Meaning::Compatible, "it is written as what stands behind it".to_owned()),
    }
}
