//! Which pointers of the configuration were zero if they arrive as nil.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ir::{Ir, Message, Presence, Ty, reference};
use crate::names;

#[derive(Serialize)]
pub(super) struct Settings<'a> {
    header: &'a str,
    messages: Vec<Filled>,
}

/// A message with something to fill.
#[derive(Serialize)]
struct Filled {
    name: String,
    /// Scalars and lists behind pointers.
    scalars: Vec<String>,
    /// Fields whose messages, one or many, have something to fill.
    messages: Vec<String>,
    /// The same, as the values of a map.
    maps: Vec<String>,
}

/// The messages that are marked `never_nil`, and what they hold.
pub(super) fn settings<'a>(ir: &Ir, header: &'a str) -> Result<Settings<'a>, String> {
    let mut reached = BTreeSet::new();
    for root in ir.messages.values().filter(|it| it.never_nil) {
        let holder =
            ir.messages.values().find(|it| it.fields.iter().any(|it| reference(&it.ty) == Some(&root.name.camel)));
        if let Some(holder) = holder {
            let (root, holder) = (&root.go_type, &holder.go_type);
            return Err(format!("{root} is never_nil and in {holder}; only parameters and results can be so"));
        }
        reach(ir, &root.name.camel, &mut reached);
    }
    let mut filled: BTreeMap<&str, Filled> = BTreeMap::new();
    // What holds nothing to fill is left out, which is known only after what it holds: so once more until nothing changes.
    loop {
        let before = filled.len();
        for name in &reached {
            let Some(message) = ir.messages.get(name) else { continue };
            let found = fields(message, &filled);
            if !(found.scalars.is_empty() && found.messages.is_empty() && found.maps.is_empty()) {
                filled.insert(name, found);
            }
        }
        if filled.len() == before {
            return Ok(Settings { header, messages: filled.into_values().collect() });
        }
    }
}

fn reach(ir: &Ir, name: &str, reached: &mut BTreeSet<String>) {
    let Some(message) = ir.messages.get(name) else { return };
    if reached.insert(name.to_owned()) {
        for inner in message.fields.iter().filter_map(|it| reference(&it.ty)) {
            reach(ir, inner, reached);
        }
    }
}

fn fields(message: &Message, filled: &BTreeMap<&str, Filled>) -> Filled {
    let is_filled = |ty: &Ty| matches!(ty, Ty::Message(name) if filled.contains_key(name.as_str()));
    let mut found = Filled {
        name: names::rust_type(&message.name.camel),
        scalars: Vec::new(),
        messages: Vec::new(),
        maps: Vec::new(),
    };
    for field in &message.fields {
        let name = field.name.rust.clone();
        match &field.ty {
            ty @ Ty::Message(_) if is_filled(ty) => found.messages.push(name),
            Ty::List(element) if is_filled(element) => found.messages.push(name),
            Ty::Map(_, value) if is_filled(value) => found.maps.push(name),
            ty if (ty.is_scalar() || matches!(ty, Ty::Wrapped(_))) && field.presence == Presence::Optional => {
                found.scalars.push(name);
            }
            _ => {}
        }
    }
    found
}
