//! API methods and hooks.

use super::renames::alike;
use super::{Change, Diff, Entry, Meaning, What, pair};
use crate::GoType;
use crate::surface::{Builtin, Method, Surface, Type};

const LOST: &str =
    "newer servers lack it: a call raises NotSupportedByServer, a hook is never called; its numbers stay reserved";

impl Diff<'_> {
    pub(super) fn methods(&mut self, what: What, old: &[Method], new: &[Method]) {
        let gone: Vec<&Method> = old.iter().filter(|it| new.iter().all(|n| n.name != it.name)).collect();
        let come: Vec<&Method> = new.iter().filter(|it| old.iter().all(|o| o.name != it.name)).collect();
        let pairs = pair(&gone, &come, |a, b| self.method_likeness(a, b));
        for (a, b) in &pairs {
            let (before, after) = (gone[*a], come[*b]);
            self.touched.extend([before.name.clone(), after.name.clone()]);
            let note = "net/rpc calls it by name: keep the old name for servers before, and our own by an override";
            self.add(Entry::renamed(what, (&before.name, &after.name), Meaning::BreaksWire, note));
            self.method(what, before, after);
        }
        for (_, it) in gone.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(a, _)| a != index)) {
            self.touched.insert(it.name.clone());
            let before = Some(signature(it));
            self.add(Entry { before, ..Entry::new(what, &it.name, Change::Removed, Meaning::TakesAway, LOST) });
        }
        for (_, it) in come.iter().enumerate().filter(|(index, _)| pairs.iter().all(|(_, b)| b != index)) {
            self.touched.insert(it.name.clone());
            let (meaning, note) = addition(self.new, what, it);
            let after = Some(signature(it));
            self.add(Entry { after, ..Entry::new(what, &it.name, Change::Added, meaning, note) });
        }
        for before in old {
            if let Some(after) = new.iter().find(|it| it.name == before.name) {
                self.method(what, before, after);
            }
        }
    }

    /// A hook keeps its id for ever; a method is known by what it takes and gives, and by half of its name.
    fn method_likeness(&self, old: &Method, new: &Method) -> u32 {
        let types = |it: &Method| -> Vec<String> {
            it.params.iter().map(|it| it.ty.clone()).chain(["→".to_owned()]).chain(it.results.clone()).collect()
        };
        let same = types(old).iter().map(|it| self.renames.apply(it)).collect::<Vec<_>>() == types(new);
        match (old.id, new.id) {
            (Some(a), Some(b)) if a == b => 200,
            _ if same => alike(&old.name, &new.name),
            _ => 0,
        }
    }

    /// One method, with its name as it is now.
    fn method(&mut self, what: What, old: &Method, new: &Method) {
        let entries = self.entries.len();
        self.params(what, old, new);
        self.results(what, old, new);
        if old.variadic != new.variadic {
            let values = if new.variadic { ("a list", "variadic") } else { ("variadic", "a list") };
            let note = "a list on the wire either way; Python takes it in another form";
            self.add(Entry::changed(what, &new.name, "last parameter", values, Meaning::Compatible, note));
        }
        if self.entries.len() > entries {
            self.touched.insert(new.name.clone());
        }
        if old.id != new.id {
            let id = |it: &Method| it.id.map_or_else(|| "none".to_owned(), |id| id.to_string());
            let note = "an id belongs to one hook for ever: check with upstream before following";
            self.add(Entry::changed(what, &new.name, "id", (&id(old), &id(new)), Meaning::BreaksWire, note));
        }
        if old.since != new.since {
            let note = "upstream says another first version; `since` in overrides.toml may have to say which is right";
            self.add(Entry::changed(what, &new.name, "since", (&old.since, &new.since), Meaning::Compatible, note));
        }
        if old.tags != new.tags {
            let tags = (old.tags.join(", "), new.tags.join(", "));
            let note = "the first tag is its group: keep the old one with `group`, or let it move";
            let meaning =
                if old.tags.first() == new.tags.first() { Meaning::Compatible } else { Meaning::NeedsOverride };
            self.add(Entry::changed(what, &new.name, "tags", (&tags.0, &tags.1), meaning, note));
        }
    }
}

/// What a new method asks of us.
fn addition(surface: &Surface, what: What, method: &Method) -> (Meaning, String) {
    let mut decide: Vec<String> = Vec::new();
    if surface.hand_written.contains(&method.name) {
        decide.push("upstream writes its net/rpc code by hand, so the bridge needs some too".to_owned());
    }
    let types = method.params.iter().map(|it| &it.ty).chain(&method.results);
    decide.extend(types.filter_map(|it| unusual(surface, it)));
    if what == What::Hook && method.results.last().is_some_and(|it| it == "string") {
        decide.push("its last result is a string: say with `outcome` whether it is a reason".to_owned());
    }
    if what == What::Api && method.tags.is_empty() {
        decide.push("it has no tag: say `group`".to_owned());
    }
    if method.since.is_empty() {
        decide.push("upstream does not say since when it exists".to_owned());
    }
    let docs = "it needs words in docs.toml";
    if decide.is_empty() {
        (Meaning::NeedsDocs, format!("{docs}; older servers answer NotSupportedByServer"))
    } else {
        (Meaning::NeedsOverride, format!("{}; {docs}", decide.join("; ")))
    }
}

/// What there is to decide about a type with a stream, a function or something undeclared in it.
fn unusual(surface: &Surface, ty: &str) -> Option<String> {
    let mut found = None;
    let parsed = GoType::parse(ty).ok()?;
    parsed.walk(&mut |part| {
        let known = part.qualified_name().and_then(|it| surface.find_type(&it));
        if known.is_some_and(|it| it.kind == Type::UNDECLARED) {
            found.get_or_insert_with(|| format!("`{part}` has to be declared"));
        } else if known.is_some_and(is_stream) || matches!(part, GoType::Func { .. } | GoType::Chan(..)) {
            found
                .get_or_insert_with(|| format!("`{part}` cannot cross the wire as it is: say `stream` or `signature`"));
        }
    });
    found
}

fn is_stream(ty: &Type) -> bool {
    use Builtin::{HttpRequest, HttpResponse, HttpResponseWriter, Reader, Writer};
    matches!(ty.builtin, Some(Reader | Writer | HttpRequest | HttpResponse | HttpResponseWriter))
}

/// As Go writes it.
pub(super) fn signature(method: &Method) -> String {
    let params: Vec<String> =
        method.params.iter().map(|it| format!("{} {}", it.name, it.ty).trim().to_owned()).collect();
    let params = params.join(", ");
    match method.results.as_slice() {
        [] => format!("({params})"),
        [one] => format!("({params}) {one}"),
        many => format!("({params}) ({})", many.join(", ")),
    }
}
