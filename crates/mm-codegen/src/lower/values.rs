//! What Go may put into `any`: the typed members of `Value.kind` and of `ErrorValue`, from gob's registry.

use mm_surface::GobType;

use super::methods::plural;
use super::types::Types;
use crate::ir::{Field, Presence, Ty};
use crate::names;

pub(super) struct Variants {
    pub values: Vec<Field>,
    pub errors: Vec<Field>,
}

/// In the order of the registry, which is sorted by wire name.
pub(super) fn lower(registered: &[GobType], types: &mut Types<'_>) -> Variants {
    let mut variants = Variants { values: Vec::new(), errors: Vec::new() };
    for entry in registered {
        let override_ = types.overrides.value(&entry.name);
        if override_.is_some_and(|it| it.exclude) {
            continue;
        }
        let Some(mut field) = types.field("", "value", &entry.ty, &entry.name) else { continue };
        if is_plain(&field.ty) {
            continue;
        }
        if let Ty::List(_) | Ty::Map(..) = field.ty {
            field.ty = types.wrap(field.ty);
        }
        let name = override_.and_then(|it| it.name.clone()).unwrap_or_else(|| default_name(&field.ty));
        field.name = names::renamed("", &name);
        field.presence = Presence::Optional;
        if override_.is_some_and(|it| it.error) {
            variants.errors.push(field);
        } else {
            variants.values.push(field);
        }
    }
    variants
}

/// Whether `Value` holds it without a member of its own.
fn is_plain(ty: &Ty) -> bool {
    match ty {
        Ty::List(element) | Ty::Map(_, element) => **element == Ty::Value,
        other => other.is_scalar() || matches!(other, Ty::Value | Ty::Error),
    }
}

/// `preview_post`, `message_attachments`.
fn default_name(ty: &Ty) -> String {
    match ty {
        Ty::Wrapped(name) => match name.strip_suffix("List") {
            Some(element) => plural(&names::snake(element)),
            None => names::snake(name),
        },
        Ty::Message(name) => names::snake(name),
        _ => "value".to_owned(),
    }
}
