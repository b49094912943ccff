//! What the simulator has, as far as the pages tell it.

use std::collections::BTreeSet;

use mm_codegen::ir::Ir;

use crate::error::Error;

/// The API methods that the simulator has, by Go name. Empty: nothing is known of it, and no page mentions it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    methods: BTreeSet<String>,
}

impl Coverage {
    /// Coverage of these methods.
    pub fn of(methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { methods: methods.into_iter().map(Into::into).collect() }
    }

    /// Coverage from a text with one Go name a line; empty lines and lines that begin with `#` do not count.
    pub fn parse(text: &str) -> Self {
        Self::of(text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')))
    }

    pub(super) fn is_known(&self) -> bool {
        !self.methods.is_empty()
    }

    pub(super) fn has(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    pub(super) fn check(&self, ir: &Ir) -> Result<(), Error> {
        let unknown = self.methods.iter().filter(|name| !ir.api.iter().any(|it| it.name.go == **name));
        Error::check(
            unknown.map(|it| format!("the simulator claims {it}, which is no API method; remove it")).collect(),
        )
    }
}
