//! What the simulator has, as far as the pages tell it.

use std::collections::BTreeSet;

use mm_codegen::ir::Ir;

use crate::error::Error;

/// What a line begins with that names a hook.
const NEVER_CALLED: &str = "never called:";

/// The API methods that the simulator has, and the hooks that nothing in it causes, by Go name. Without methods: nothing is
/// known of it, and no page mentions it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    methods: BTreeSet<String>,
    never_called: BTreeSet<String>,
}

impl Coverage {
    /// Coverage of these methods, and of all hooks.
    pub fn of(methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { methods: methods.into_iter().map(Into::into).collect(), never_called: BTreeSet::new() }
    }

    /// Coverage from a text with one Go name a line: a method's that the simulator has, or after `never called:` a hook's.
    /// Empty lines and lines that begin with `#` do not count.
    pub fn parse(text: &str) -> Self {
        let mut coverage = Self::default();
        for line in text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')) {
            match line.strip_prefix(NEVER_CALLED) {
                Some(hook) => coverage.never_called.insert(hook.trim().to_owned()),
                None => coverage.methods.insert(line.to_owned()),
            };
        }
        coverage
    }

    pub(super) fn is_known(&self) -> bool {
        !self.methods.is_empty()
    }

    pub(super) fn has(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// Whether something in the simulator causes the hook.
    pub(super) fn calls(&self, hook: &str) -> bool {
        !self.never_called.contains(hook)
    }

    pub(super) fn check(&self, ir: &Ir) -> Result<(), Error> {
        let methods = self.methods.iter().filter(|name| !ir.api.iter().any(|it| it.name.go == **name));
        let hooks = self.never_called.iter().filter(|name| !ir.hooks.iter().any(|it| it.name.go == **name));
        let methods = methods.map(|it| format!("the simulator claims {it}, which is no API method; remove it"));
        let hooks = hooks.map(|it| format!("the simulator never calls {it}, which is no hook; remove it"));
        Error::check(methods.chain(hooks).collect())
    }
}
