//! Names that only exist in Python: modules, mixin classes, and what must not be hidden.
//!
//! Names of methods, parameters, fields and models come from the IR, where they are made once for all languages.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Names that generated modules of models import or define; a model may not be called so.
pub(crate) const TAKEN_BY_IMPORTS: [&str; 6] = ["Any", "IntEnum", "StrEnum", "TABLES", "TYPE_CHECKING", "CodecTable"];

/// Words that cannot name a module: Python 3.10's keywords
/// (<https://docs.python.org/3.10/reference/lexical_analysis.html#keywords>).
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

/// The Python module of a group: `post`, `import_`.
pub(crate) fn module(group: &str) -> String {
    let mut module = group.to_snake_case();
    if KEYWORDS.contains(&module.as_str()) {
        module.push('_');
    }
    module
}

/// The mixin of a group of API methods: `KeyValueStoreApi`.
pub(crate) fn mixin(group: &str) -> String {
    format!("{}Api", group.to_upper_camel_case())
}

/// A group in running text: `key value store`.
pub(crate) fn words(group: &str) -> String {
    group.trim_end_matches('_').replace('_', " ")
}

/// Names that the bodies of methods use: a parameter of one of them gets a `_`, as reserved words do.
const TAKEN_IN_BODIES: [&str; 10] = ["bool", "bytes", "cast", "dict", "float", "int", "list", "self", "str", "tuple"];

/// The name of a parameter: `self_` for one that Go calls `self`.
pub(crate) fn parameter(name: &str) -> String {
    if TAKEN_IN_BODIES.contains(&name) { format!("{name}_") } else { name.to_owned() }
}
