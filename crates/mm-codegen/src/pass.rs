//! What is done to the IR after lowering, in this order. A pass is one file and one `run`; its doc says what holds after it.

mod check_names;
mod document;
mod graph;
mod number;
mod permit;
mod place;

use crate::docs::Docs;
use crate::ir::Ir;
use crate::wire_lock::WireLock;
use crate::{Diagnostic, MissingDoc};

/// What passes need besides the IR.
pub(crate) struct Context {
    pub docs: Docs,
    pub lock: WireLock,
    pub allow_missing_docs: bool,
    /// Found by `document`, if they are allowed.
    pub missing_docs: Vec<MissingDoc>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A pass and the name that `cargo xtask ir --after` knows it by.
pub(crate) struct Pass {
    pub name: &'static str,
    pub run: fn(&mut Ir, &mut Context),
}

/// All passes in order.
pub(crate) const PASSES: &[Pass] = &[
    Pass { name: "place", run: place::run },
    Pass { name: "number", run: number::run },
    Pass { name: "permit", run: permit::run },
    Pass { name: "document", run: document::run },
    Pass { name: "check-names", run: check_names::run },
];
