//! Lays out bracketed Python expressions and signatures the way `ruff format` does, so that generated files are stable
//! under it.

/// Columns a line may have.
pub(crate) const WIDTH: usize = 120;

const STEP: usize = 4;

/// An expression: text without a place to break, or brackets around items.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Atom(String),
    /// `f(a, b)`: when too long, all items on one line of their own, then one a line.
    Call(String, Vec<Expr>),
    /// `T[a, b]`, which breaks as calls do.
    Subscript(String, Vec<Expr>),
    /// `(a, b)`: when too long, one item a line.
    Tuple(Vec<Expr>),
    /// `name=a | b`: when too long, one operand a line.
    Keyword(String, Vec<String>),
    /// `"key": value` in a dict.
    Entry(String, Box<Expr>),
}

impl Expr {
    pub(crate) fn atom(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    /// A string literal.
    pub(crate) fn string(text: &str) -> Self {
        Self::Atom(string(text))
    }

    pub(crate) fn call(function: impl Into<String>, arguments: Vec<Expr>) -> Self {
        Self::Call(function.into(), arguments)
    }

    pub(crate) fn entry(key: &str, value: Expr) -> Self {
        Self::Entry(string(key), Box::new(value))
    }

    /// The expression on one line.
    pub(crate) fn flat(&self) -> String {
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(function, arguments) => format!("{function}({})", join(arguments)),
            Self::Subscript(name, items) => format!("{name}[{}]", join(items)),
            Self::Tuple(items) if items.len() == 1 => format!("({},)", items[0].flat()),
            Self::Tuple(items) => format!("({})", join(items)),
            Self::Entry(key, value) => format!("{key}: {}", value.flat()),
            Self::Keyword(name, operands) => format!("{name}={}", operands.join(" | ")),
        }
    }

    /// The expression after `before` on a line indented by `indent` columns, followed by `after` more columns. The first
    /// line comes without its indentation.
    pub(crate) fn fit(&self, indent: usize, before: usize, after: usize) -> String {
        let flat = self.flat();
        if indent + before + columns(&flat) + after <= WIDTH {
            return flat;
        }
        match self {
            Self::Atom(text) => text.clone(),
            Self::Keyword(name, operands) => format!("{name}={}", operands.join(&format!("\n{}| ", pad(indent)))),
            Self::Entry(key, value) => format!("{key}: {}", value.fit(indent, before + columns(key) + 2, after)),
            Self::Call(function, arguments) if arguments.is_empty() => format!("{function}()"),
            Self::Call(function, arguments) => format!("{function}({})", together_or_one_a_line(arguments, indent)),
            Self::Subscript(name, items) => format!("{name}[{}]", together_or_one_a_line(items, indent)),
            Self::Tuple(items) => format!("({})", one_a_line(items, indent)),
        }
    }

    /// A whole statement, such as `return …`, with its indentation.
    pub(crate) fn statement(&self, head: &str, indent: usize) -> String {
        format!("{}{head}{}", pad(indent), self.fit(indent, columns(head), 0))
    }

    /// An item of a dict display that is indented by `indent` columns, with indentation and comma.
    pub(crate) fn item(&self, indent: usize) -> String {
        format!("{}{},", pad(indent), self.fit(indent, 0, 1))
    }
}

/// `def name(parameters) -> result` and what follows (`:` or `: ...`), with its indentation.
pub(crate) fn signature(head: &str, parameters: &[String], result: &str, tail: &str, indent: usize) -> String {
    let flat = format!("{}{head}({}) -> {result}{tail}", pad(indent), parameters.join(", "));
    if columns(&flat) <= WIDTH {
        return flat;
    }
    let inner = parameters.join(", ");
    let body = if indent + STEP + columns(&inner) <= WIDTH {
        format!("{}{inner}", pad(indent + STEP))
    } else {
        parameters.iter().map(|it| format!("{}{it},", pad(indent + STEP))).collect::<Vec<_>>().join("\n")
    };
    format!("{}{head}(\n{body}\n{}) -> {result}{tail}", pad(indent), pad(indent))
}

/// A Python string literal with double quotes, unless single ones save escapes.
pub(crate) fn string(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    let mut literal = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '\r' => literal.push_str("\\r"),
            _ if character == quote => {
                literal.push('\\');
                literal.push(character);
            }
            _ if character.is_control() => literal.push_str(&format!("\\x{:02x}", u32::from(character))),
            _ => literal.push(character),
        }
    }
    literal.push(quote);
    literal
}

/// Spaces.
pub(crate) fn pad(indent: usize) -> String {
    " ".repeat(indent)
}

pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

fn join(items: &[Expr]) -> String {
    items.iter().map(Expr::flat).collect::<Vec<_>>().join(", ")
}

fn together_or_one_a_line(items: &[Expr], indent: usize) -> String {
    let inner = join(items);
    if indent + STEP + columns(&inner) <= WIDTH {
        return format!("\n{}{inner}\n{}", pad(indent + STEP), pad(indent));
    }
    one_a_line(items, indent)
}

fn one_a_line(items: &[Expr], indent: usize) -> String {
    let lines: Vec<String> = items.iter().map(|it| it.item(indent + STEP)).collect();
    format!("\n{}\n{}", lines.join("\n"), pad(indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_tuple_stays_on_its_line() {
        let tuple = Expr::Tuple(vec![Expr::atom("1"), Expr::string("id")]);
        assert_eq!(tuple.fit(0, 0, 0), "(1, \"id\")");
        assert_eq!(Expr::Tuple(vec![Expr::atom("1")]).flat(), "(1,)");
    }

    #[test]
    fn a_long_tuple_has_one_item_a_line() {
        let long = "x".repeat(70);
        let tuple = Expr::Tuple(vec![Expr::atom(&long), Expr::atom(&long)]);
        assert_eq!(tuple.fit(0, 0, 0), format!("(\n    {long},\n    {long},\n)"));
    }

    #[test]
    fn the_arguments_of_a_long_call_share_a_line_while_they_can() {
        let long = "x".repeat(55);
        let call = Expr::call("function", vec![Expr::atom(&long), Expr::atom(&long)]);
        assert_eq!(call.statement("return ", 0), format!("return function(\n    {long}, {long}\n)"));
    }

    #[test]
    fn strings_are_quoted_as_ruff_would() {
        assert_eq!(string("a\"b"), "'a\"b'");
        assert_eq!(string("a\"'b"), "\"a\\\"'b\"");
        assert_eq!(string("a\\b\n"), "\"a\\\\b\\n\"");
    }
}
