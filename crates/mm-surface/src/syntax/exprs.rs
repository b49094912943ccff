//! Expressions, as far as constants and gob registrations need them, and literals.

use tree_sitter::Node;

use super::ast::Expr;
use super::{Source, children, types};
use crate::diagnostic::Diagnostic;

type Read<T> = Result<T, Diagnostic>;

pub(super) fn read(source: &Source<'_>, node: Node<'_>) -> Read<Expr> {
    let operand = |field| match node.child_by_field_name(field) {
        Some(it) => read(source, it).map(Box::new),
        None => Err(source.unsupported(node, "this expression")),
    };
    Ok(match node.kind() {
        "int_literal" => int(source.text(node)).map_or_else(|| other(source, node), Expr::Int),
        "float_literal" => source.text(node).replace('_', "").parse().map_or_else(|_| other(source, node), Expr::Float),
        "rune_literal" => rune(source.text(node)).map_or_else(|| other(source, node), Expr::Char),
        "raw_string_literal" | "interpreted_string_literal" => Expr::String(string(source, node)?),
        "identifier" | "type_identifier" | "iota" | "true" | "false" | "nil" => plain_name(source, node),
        "selector_expression" => selector(source, node),
        "parenthesized_expression" => match children(node).as_slice() {
            [inner] => read(source, *inner)?,
            _ => other(source, node),
        },
        "unary_expression" => Expr::Unary(operator(source, node), operand("operand")?),
        "binary_expression" => Expr::Binary(operand("left")?, operator(source, node), operand("right")?),
        "call_expression" => call(source, node)?,
        "type_conversion_expression" => Expr::Convert(types::in_field(source, node, "type")?, operand("operand")?),
        "composite_literal" => match types::in_field(source, node, "type") {
            Ok(ty) => Expr::Composite(ty),
            Err(_) => other(source, node),
        },
        _ => other(source, node),
    })
}

fn other(source: &Source<'_>, node: Node<'_>) -> Expr {
    Expr::Other(source.text(node).to_owned())
}

fn plain_name(source: &Source<'_>, node: Node<'_>) -> Expr {
    Expr::Name { package: None, name: source.text(node).to_owned() }
}

fn operator(source: &Source<'_>, node: Node<'_>) -> String {
    node.child_by_field_name("operator").map(|it| source.text(it).to_owned()).unwrap_or_default()
}

fn selector(source: &Source<'_>, node: Node<'_>) -> Expr {
    let (operand, field) = (node.child_by_field_name("operand"), node.child_by_field_name("field"));
    match (operand, field) {
        (Some(operand), Some(field)) if operand.kind() == "identifier" => {
            Expr::Name { package: Some(source.text(operand).to_owned()), name: source.text(field).to_owned() }
        }
        _ => other(source, node),
    }
}

fn call(source: &Source<'_>, node: Node<'_>) -> Read<Expr> {
    let Some(function) = node.child_by_field_name("function") else { return Ok(other(source, node)) };
    let args = arguments(source, node)?;
    // `(*T)(nil)`: the grammar sees a call of a parenthesized expression.
    if let ("parenthesized_expression", [_]) = (function.kind(), args.as_slice()) {
        return Ok(match (read(source, function)?, args.into_iter().next()) {
            (Expr::Unary(star, inner), Some(arg)) if star == "*" => match inner.as_ref() {
                Expr::Name { package, name } => {
                    let line = source.line(function);
                    let ty = super::ast::TypeExpr::Name {
                        package: package.clone(),
                        name: name.clone(),
                        args: Vec::new(),
                        line,
                    };
                    Expr::Convert(super::ast::TypeExpr::Pointer(Box::new(ty)), Box::new(arg))
                }
                _ => other(source, node),
            },
            _ => other(source, node),
        });
    }
    Ok(Expr::Call(Box::new(read(source, function)?), args))
}

pub(super) fn arguments(source: &Source<'_>, call: Node<'_>) -> Read<Vec<Expr>> {
    let list = call.child_by_field_name("arguments").map(children).unwrap_or_default();
    list.into_iter().map(|it| argument(source, it)).collect()
}

fn argument(source: &Source<'_>, node: Node<'_>) -> Read<Expr> {
    let is_type = node.kind().ends_with("_type") || node.kind() == "type_identifier";
    if is_type {
        Ok(types::read(source, node).map_or_else(|_| other(source, node), Expr::Type))
    } else {
        read(source, node)
    }
}

/// `42`, `1_000`, `0x1F`, `0b1`, `0o17`, `017`.
fn int(text: &str) -> Option<i128> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x', ..] => (16, &digits[2..]),
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', b'o', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits.as_str()),
    };
    i128::from_str_radix(digits, radix).ok()
}

fn rune(text: &str) -> Option<char> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let bytes = unescape(inner)?;
    let mut chars = std::str::from_utf8(&bytes).ok()?.chars();
    chars.next()
}

/// The content of a string literal.
///
/// # Errors
/// An escape that is not UTF-8 in the end: neither JSON nor proto could hold the string.
pub(super) fn string(source: &Source<'_>, node: Node<'_>) -> Read<String> {
    let text = source.text(node);
    if node.kind() == "raw_string_literal" {
        return Ok(text.trim_matches('`').replace('\r', ""));
    }
    let inner = &text[1..text.len() - 1];
    let unescaped = unescape(inner).and_then(|it| String::from_utf8(it).ok());
    unescaped.ok_or_else(|| source.unsupported(node, "this string"))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let length = escape_length(escape)?;
        push_escape(&mut out, escape.get(..length)?)?;
        rest = &escape[length..];
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}

/// Bytes after the backslash.
fn escape_length(escape: &str) -> Option<usize> {
    Some(match escape.as_bytes().first()? {
        b'x' | b'0'..=b'7' => 3,
        b'u' => 5,
        b'U' => 9,
        _ => 1,
    })
}

fn push_escape(out: &mut Vec<u8>, escape: &str) -> Option<()> {
    let simple = |byte: &[u8]| Some(byte.to_vec());
    let bytes = match escape.as_bytes()[0] {
        b'a' => simple(b"\x07"),
        b'b' => simple(b"\x08"),
        b'f' => simple(b"\x0c"),
        b'n' => simple(b"\n"),
        b'r' => simple(b"\r"),
        b't' => simple(b"\t"),
        b'v' => simple(b"\x0b"),
        b'x' => u8::from_str_radix(&escape[1..], 16).ok().map(|it| vec![it]),
        b'u' | b'U' => {
            char::from_u32(u32::from_str_radix(&escape[1..], 16).ok()?).map(|it| it.to_string().into_bytes())
        }
        b'0'..=b'7' => u8::from_str_radix(escape, 8).ok().map(|it| vec![it]),
        b'\\' | b'\'' | b'"' => simple(escape.as_bytes()),
        _ => None,
    }?;
    out.extend(bytes);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_in_every_base() {
        for (text, value) in
            [("42", 42), ("1_000", 1000), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("017", 15), ("0", 0)]
        {
            assert_eq!(int(text), Some(value), "{text}");
        }
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(r#"a\n\t\"\\\x41\u00e9\101"#).unwrap(), "a\n\t\"\\AéA".as_bytes());
        assert_eq!(rune(r"'\n'"), Some('\n'));
        assert_eq!(rune("'é'"), Some('é'));
    }
}
