//! Words that a language keeps for itself.

/// <https://docs.python.org/3/reference/lexical_analysis.html#keywords>: the hard keywords, which cannot be identifiers.
/// Soft keywords (`match`, `case`, `type`) can.
const PYTHON: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// <https://doc.rust-lang.org/reference/keywords.html>, lower-case ones; prost writes `r#` before them.
const RUST: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// These cannot be raw identifiers; prost writes `_` behind them.
const RUST_NEVER_RAW: &[&str] = &["self", "super", "extern", "crate"];

pub(super) fn python(word: &str) -> bool {
    PYTHON.contains(&word)
}

/// A field as prost spells it.
pub(super) fn rust_field(word: &str) -> String {
    if RUST_NEVER_RAW.contains(&word) {
        format!("{word}_")
    } else if RUST.contains(&word) {
        format!("r#{word}")
    } else {
        word.to_owned()
    }
}
