//! What is wrong with an input, where, and what to do about it.

use std::fmt;

/// One mistake in an input. All that a run finds are reported together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file that has to change, such as `surface/docs.toml`.
    pub file: &'static str,
    /// The entry it is about, such as `api.GetUser`; "" when it is the file as a whole.
    pub subject: String,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Diagnostic {
    /// A diagnostic about `subject` in `file`.
    pub fn new(
        file: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { file, subject: subject.into(), message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if !self.subject.is_empty() {
            write!(f, ": {}", self.subject)?;
        }
        write!(f, ": {}\n  help: {}", self.message, self.help)
    }
}

impl std::error::Error for Diagnostic {}
