//! After this pass every API method needs a known permission or is always allowed, and every permission has words.

use std::collections::BTreeSet;

use super::Context;
use crate::ir::{Access, Ir};
use crate::overrides;
use crate::{Diagnostic, MissingDoc, docs};

pub(super) fn run(ir: &mut Ir, context: &mut Context) {
    let mut names: BTreeSet<String> = ir.services.values().cloned().collect();
    for method in &mut ir.api {
        let go = &method.name.go;
        match &method.access {
            Some(Access::Undecided(area)) => {
                // The careful answer for a surface that is only looked at.
                let name = format!("{area}.write");
                if !context.allow_missing_docs {
                    context.diagnostics.push(Diagnostic::new(
                        overrides::FILE,
                        format!("permission.{go}"),
                        format!("the name {go} does not say whether the method reads or writes, so it needs no permission yet"),
                        format!("add `[permission.{go}]` with `name = \"{name}\"` or another, or with `always = true`, and with a `why`"),
                    ));
                }
                names.insert(name.clone());
                method.access = Some(Access::Needs(name));
            }
            Some(Access::Needs(name)) => {
                names.insert(name.clone());
            }
            Some(Access::Always(_)) | None => {}
        }
    }
    for name in names {
        let doc = context.docs.permission(&name).map(str::to_owned);
        if doc.is_none() {
            let entry = format!("permission.\"{name}\"");
            if context.allow_missing_docs {
                context.missing_docs.push(MissingDoc { entry, key: "doc".to_owned() });
            } else {
                context.diagnostics.push(Diagnostic::new(
                    docs::FILE,
                    entry,
                    "what it lets a plugin do is not documented",
                    "add an entry with `doc`, for an administrator who decides about it",
                ));
            }
        }
        ir.permissions.insert(name, doc.unwrap_or_default());
    }
}
