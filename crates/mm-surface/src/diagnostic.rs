//! What is wrong with an input: where, what, and what to do about it.

use std::fmt;

/// One complaint about the Go source or about `overrides.toml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file, as the caller named it; empty when it is about the tree as a whole.
    pub file: String,
    /// Counted from 1; 0 when it is about the file as a whole.
    pub line: u32,
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Diagnostic {
    pub(crate) fn new(at: &Pos, message: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic { file: at.file.clone(), line: at.line, message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (true, _) => {}
            (false, 0) => write!(f, "{}: ", self.file)?,
            (false, line) => write!(f, "{}:{line}: ", self.file)?,
        }
        write!(f, "{}", self.message)?;
        for line in self.help.lines() {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pos {
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Pos {
    pub(crate) fn new(file: &str, line: u32) -> Self {
        Pos { file: file.to_owned(), line }
    }
}
