//! Fields of structs, of the model and of net/rpc. gob finds them by name, JSON by its own name for them.

use super::renames::alike;
use super::wire::form;
use super::{Change, Diff, Entry, Meaning, What, pair};
use crate::surface::Field;

impl Diff<'_> {
    /// The fields of a type, given with its new name.
    pub(super) fn fields(&mut self, ty: &str, old: &[Field], new: &[Field]) {
        // What is neither exported nor embedded is not sent.
        let (old, new): (Vec<&Field>, Vec<&Field>) = (sent(old), sent(new));
        let gone: Vec<&Field> = old.iter().copied().filter(|it| new.iter().all(|n| n.name != it.name)).collect();
        let come: Vec<&Field> = new.iter().copied().filter(|it| old.iter().all(|o| o.name != it.name)).collect();
        let pairs = pair(&gone, &come, |a, b| self.field_likeness(a, b));
        for (a, b) in &pairs {
            let note = "gob finds fields by name: a server of the other side sends the other one";
            let names = (format!("{ty}.{}", gone[*a].name), format!("{ty}.{}", come[*b].name));
            self.add(Entry::renamed(What::Field, (&names.0, &names.1), Meaning::BreaksWire, note));
            self.field(&names.1, gone[*a], come[*b]);
        }
        for (_, it) in gone.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(a, _)| a != index)) {
            let note = "newer servers do not send it: it is always empty there, and its number stays reserved";
            let entry =
                Entry::new(What::Field, &format!("{ty}.{}", it.name), Change::Removed, Meaning::TakesAway, note);
            self.add(Entry { before: Some(it.ty.clone()), ..entry });
        }
        for (_, it) in come.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(_, b)| b != index)) {
            let (meaning, note) = self.field_addition(it);
            let entry = Entry::new(What::Field, &format!("{ty}.{}", it.name), Change::Added, meaning, note);
            self.add(Entry { after: Some(it.ty.clone()), ..entry });
        }
        for before in &old {
            if let Some(after) = new.iter().find(|it| it.name == before.name) {
                self.field(&format!("{ty}.{}", after.name), before, after);
            }
        }
        self.field_order(ty, &old, &new);
    }

    /// The same type, and JSON's name or half of Go's.
    fn field_likeness(&self, old: &Field, new: &Field) -> u32 {
        if self.renames.apply(&old.ty) != new.ty {
            return 0;
        }
        let same_json = old.json == new.json && !matches!(old.json.as_str(), "" | "-");
        if same_json { 200 } else { alike(&old.name, &new.name) }
    }

    fn field_addition(&self, field: &Field) -> (Meaning, &'static str) {
        // As mm-codegen asks: such a name or type does not say what it holds.
        let form = form(self.new, &field.ty);
        let core = form.trim_start_matches("[]");
        let vague =
            matches!(core, "int" | "uint" | "uint8" | "float" | "bytes" | "interface") || core.starts_with("map[");
        if vague || field.name.len() <= 3 && !matches!(field.name.as_str(), "Id" | "ID" | "URL" | "Url") {
            (
                Meaning::NeedsDocs,
                "its name does not explain it: it needs words in docs.toml, unless `fields` has them for its name",
            )
        } else {
            (Meaning::Compatible, "servers before do not send it")
        }
    }

    fn field(&mut self, name: &str, old: &Field, new: &Field) {
        self.type_in_place(What::Field, name, "type", (&old.ty, &new.ty));
        if old.json != new.json {
            let note = "gob is the same, JSON (REST, websocket) is not: `to_json` follows the newest";
            self.add(Entry::changed(What::Field, name, "JSON name", (&old.json, &new.json), Meaning::BreaksWire, note));
        }
        if old.omitempty != new.omitempty {
            let say = |it: bool| if it { "left out when empty" } else { "always there" };
            let values = (say(old.omitempty), say(new.omitempty));
            self.add(Entry::changed(What::Field, name, "in JSON", values, Meaning::Compatible, "gob is the same"));
        }
        if old.embedded != new.embedded {
            let say = |it: bool| if it { "embedded" } else { "a field" };
            let values = (say(old.embedded), say(new.embedded));
            let note = "JSON lifts what is embedded; gob is the same";
            self.add(Entry::changed(What::Field, name, "embedding", values, Meaning::BreaksWire, note));
        }
    }

    /// Whether the fields that both have stand in another order.
    fn field_order(&mut self, ty: &str, old: &[&Field], new: &[&Field]) {
        let common = |these: &[&Field], others: &[&Field]| -> Vec<String> {
            let kept = these.iter().filter(|it| others.iter().any(|other| other.name == it.name));
            kept.map(|it| it.name.clone()).collect()
        };
        let (before, after) = (common(old, new), common(new, old));
        if before != after {
            let lists = (before.join(", "), after.join(", "));
            let note = "each sender of gob says its own order";
            self.add(Entry::changed(
                What::Type,
                ty,
                "order of fields",
                (&lists.0, &lists.1),
                Meaning::Compatible,
                note,
            ));
        }
    }
}

fn sent(fields: &[Field]) -> Vec<&Field> {
    fields.iter().filter(|it| it.exported || it.embedded).collect()
}
