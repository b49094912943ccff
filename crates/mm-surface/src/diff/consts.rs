//! Constants of types.

use super::renames::alike;
use super::{Change, Diff, Entry, Meaning, What, pair};
use crate::surface::{Const, ConstValue, Type};

impl Diff<'_> {
    pub(super) fn consts(&mut self, old: &Type, new: &Type) {
        let gone: Vec<&Const> = old.consts.iter().filter(|it| new.consts.iter().all(|n| n.name != it.name)).collect();
        let come: Vec<&Const> = new.consts.iter().filter(|it| old.consts.iter().all(|o| o.name != it.name)).collect();
        // The value is what is sent; two names of one value may both have been there.
        let pairs = pair(&gone, &come, |a, b| if a.value == b.value { 1 + alike(&a.name, &b.name) } else { 0 });
        let full = |it: &Const| format!("{}.{}", new.name, it.name);
        for (a, b) in &pairs {
            let note = "the value is the same: keep our member's name with `members` in `[type]`, or let it change";
            let names = (full(gone[*a]), full(come[*b]));
            self.add(Entry::renamed(What::Constant, (&names.0, &names.1), Meaning::NeedsOverride, note));
        }
        for (_, it) in gone.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(a, _)| a != index)) {
            let note = "values without a name pass through";
            let entry = Entry::new(What::Constant, &full(it), Change::Removed, Meaning::TakesAway, note);
            self.add(Entry { before: Some(show(&it.value)), ..entry });
        }
        for (_, it) in come.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(_, b)| b != index)) {
            let note = "values without a name pass through";
            let entry = Entry::new(What::Constant, &full(it), Change::Added, Meaning::Compatible, note);
            self.add(Entry { after: Some(show(&it.value)), ..entry });
        }
        for before in &old.consts {
            let Some(after) = new.consts.iter().find(|it| it.name == before.name) else { continue };
            if before.value != after.value {
                let values = (show(&before.value), show(&after.value));
                let note = "the value is what is sent: the same name means another thing to older servers";
                let name = full(after);
                self.add(Entry::changed(
                    What::Constant,
                    &name,
                    "value",
                    (&values.0, &values.1),
                    Meaning::BreaksWire,
                    note,
                ));
            }
        }
    }
}

/// As Go writes it.
fn show(value: &ConstValue) -> String {
    match value {
        ConstValue::Bool(it) => it.to_string(),
        ConstValue::Int(it) => it.to_string(),
        ConstValue::UInt(it) => it.to_string(),
        ConstValue::Float(it) => it.to_string(),
        ConstValue::String(it) => format!("{it:?}"),
    }
}
