//! A Go type as `surface.json` writes it: parsed from text, printed as text.
//!
//! Named types carry their package (`model.Post`), Go's own do not (`string`, `error`). `interface{}` is always `any`.

use std::fmt;

/// A reference to a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GoType {
    /// `string`, `error`, `model.Post`, `model.PropertyOptions[*model.PluginPropertyOption]`.
    Named {
        /// The package's name; `None` for Go's own types.
        package: Option<String>,
        /// The name without its package; with dots inside for anonymous structs (`Packet.License`).
        name: String,
        /// Type arguments of a generic type.
        args: Vec<GoType>,
    },
    /// `any`.
    Any,
    Pointer(Box<GoType>),
    Slice(Box<GoType>),
    Array(u64, Box<GoType>),
    Map(Box<GoType>, Box<GoType>),
    Chan(ChanDir, Box<GoType>),
    Func {
        params: Vec<GoType>,
        /// Whether the last parameter, here the element's type, is `...T`.
        variadic: bool,
        results: Vec<GoType>,
    },
    /// `struct{}`; an anonymous struct with fields gets a name instead.
    EmptyStruct,
}

/// What may be done with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChanDir {
    Both,
    Send,
    Receive,
}

/// Text that is no type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeSyntaxError {
    text: String,
    at: usize,
}

impl fmt::Display for TypeSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a Go type: unexpected text at `{}`", self.text, &self.text[self.at..])
    }
}

impl std::error::Error for TypeSyntaxError {}

impl GoType {
    /// A type of Go itself, such as `string`.
    pub fn basic(name: &str) -> Self {
        GoType::Named { package: None, name: name.to_owned(), args: Vec::new() }
    }

    /// Reads what `Display` writes.
    ///
    /// # Errors
    /// The text is not a type as `surface.json` writes them.
    pub fn parse(text: &str) -> Result<Self, TypeSyntaxError> {
        let mut parser = Parser { text, at: 0 };
        let ty = parser.ty()?;
        if parser.at == text.len() { Ok(ty) } else { Err(parser.error()) }
    }

    /// `model.Post` for a named type with a package (with its type arguments), the name `types` lists it by.
    pub fn qualified_name(&self) -> Option<String> {
        match self {
            GoType::Named { package: Some(_), .. } => Some(self.to_string()),
            _ => None,
        }
    }

    /// Every type that is part of this one, itself included, outermost first.
    pub fn walk(&self, visit: &mut impl FnMut(&GoType)) {
        visit(self);
        match self {
            GoType::Named { args, .. } => args.iter().for_each(|it| it.walk(visit)),
            GoType::Any | GoType::EmptyStruct => {}
            GoType::Pointer(inner) | GoType::Slice(inner) | GoType::Array(_, inner) | GoType::Chan(_, inner) => {
                inner.walk(visit);
            }
            GoType::Map(key, value) => {
                key.walk(visit);
                value.walk(visit);
            }
            GoType::Func { params, results, .. } => params.iter().chain(results).for_each(|it| it.walk(visit)),
        }
    }
}

impl fmt::Display for GoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GoType::Named { package, name, args } => {
                if let Some(package) = package {
                    write!(f, "{package}.")?;
                }
                f.write_str(name)?;
                if args.is_empty() { Ok(()) } else { write!(f, "[{}]", Joined(args)) }
            }
            GoType::Any => f.write_str("any"),
            GoType::Pointer(inner) => write!(f, "*{inner}"),
            GoType::Slice(inner) => write!(f, "[]{inner}"),
            GoType::Array(length, inner) => write!(f, "[{length}]{inner}"),
            GoType::Map(key, value) => write!(f, "map[{key}]{value}"),
            GoType::Chan(ChanDir::Both, inner) => write!(f, "chan {inner}"),
            GoType::Chan(ChanDir::Send, inner) => write!(f, "chan<- {inner}"),
            GoType::Chan(ChanDir::Receive, inner) => write!(f, "<-chan {inner}"),
            GoType::Func { params, variadic, results } => write_func(f, params, *variadic, results),
            GoType::EmptyStruct => f.write_str("struct{}"),
        }
    }
}

fn write_func(f: &mut fmt::Formatter<'_>, params: &[GoType], variadic: bool, results: &[GoType]) -> fmt::Result {
    f.write_str("func(")?;
    for (index, param) in params.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let dots = if variadic && index + 1 == params.len() { "..." } else { "" };
        write!(f, "{separator}{dots}{param}")?;
    }
    match results {
        [] => f.write_str(")"),
        [one] => write!(f, ") {one}"),
        many => write!(f, ") ({})", Joined(many)),
    }
}

struct Joined<'a>(&'a [GoType]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, it) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{it}")?;
        }
        Ok(())
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self) -> TypeSyntaxError {
        TypeSyntaxError { text: self.text.to_owned(), at: self.at }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), TypeSyntaxError> {
        if self.eat(token) { Ok(()) } else { Err(self.error()) }
    }

    fn boxed(&mut self) -> Result<Box<GoType>, TypeSyntaxError> {
        self.ty().map(Box::new)
    }

    fn ty(&mut self) -> Result<GoType, TypeSyntaxError> {
        if self.eat("*") {
            Ok(GoType::Pointer(self.boxed()?))
        } else if self.eat("[]") {
            Ok(GoType::Slice(self.boxed()?))
        } else if self.eat("[") {
            let length = self.number()?;
            self.expect("]")?;
            Ok(GoType::Array(length, self.boxed()?))
        } else if self.eat("map[") {
            let key = self.boxed()?;
            self.expect("]")?;
            Ok(GoType::Map(key, self.boxed()?))
        } else if self.eat("<-chan ") {
            Ok(GoType::Chan(ChanDir::Receive, self.boxed()?))
        } else if self.eat("chan<- ") {
            Ok(GoType::Chan(ChanDir::Send, self.boxed()?))
        } else if self.eat("chan ") {
            Ok(GoType::Chan(ChanDir::Both, self.boxed()?))
        } else if self.eat("struct{}") {
            Ok(GoType::EmptyStruct)
        } else if self.eat("func(") {
            self.func()
        } else {
            self.named()
        }
    }

    fn number(&mut self) -> Result<u64, TypeSyntaxError> {
        let digits = self.rest().len() - self.rest().trim_start_matches(|it: char| it.is_ascii_digit()).len();
        let value = self.rest()[..digits].parse().map_err(|_| self.error())?;
        self.at += digits;
        Ok(value)
    }

    fn func(&mut self) -> Result<GoType, TypeSyntaxError> {
        let (params, variadic) = self.list(")")?;
        let results = if self.eat(" (") {
            self.list(")")?.0
        } else if self.eat(" ") {
            vec![self.ty()?]
        } else {
            Vec::new()
        };
        Ok(GoType::Func { params, variadic, results })
    }

    /// Types up to and including `end`, and whether the last one had `...` before it.
    fn list(&mut self, end: &str) -> Result<(Vec<GoType>, bool), TypeSyntaxError> {
        let (mut types, mut variadic) = (Vec::new(), false);
        if self.eat(end) {
            return Ok((types, variadic));
        }
        loop {
            variadic = self.eat("...");
            types.push(self.ty()?);
            if self.eat(end) {
                return Ok((types, variadic));
            }
            self.expect(", ")?;
        }
    }

    fn named(&mut self) -> Result<GoType, TypeSyntaxError> {
        let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '.';
        let length = self.rest().len() - self.rest().trim_start_matches(is_part).len();
        if length == 0 {
            return Err(self.error());
        }
        let path = self.rest()[..length].to_owned();
        self.at += length;
        if path == "any" {
            return Ok(GoType::Any);
        }
        let args = if self.eat("[") { self.list("]")?.0 } else { Vec::new() };
        let (package, name) = match path.split_once('.') {
            Some((package, name)) => (Some(package.to_owned()), name.to_owned()),
            None => (None, path),
        };
        Ok(GoType::Named { package, name, args })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "string",
            "any",
            "*model.User",
            "map[string][]*model.User",
            "[5]uint8",
            "model.PropertyOptions[*model.PluginPropertyOption]",
            "pkg.Pair[string, map[string]int]",
            "model.Packet.License",
            "chan<- int",
            "<-chan struct{}",
            "func(string, ...any) (int, error)",
            "func() error",
            "func()",
        ] {
            assert_eq!(GoType::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn text_that_is_no_type_is_refused() {
        for text in ["", "[]", "map[string", "*", "a b", "func(", "[x]int"] {
            assert!(GoType::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn walking_meets_every_part() {
        let mut seen = Vec::new();
        GoType::parse("map[string]*model.A[model.B]").unwrap().walk(&mut |it| seen.push(it.to_string()));
        assert_eq!(
            seen,
            ["map[string]*model.A[model.B]", "string", "*model.A[model.B]", "model.A[model.B]", "model.B"]
        );
    }
}
