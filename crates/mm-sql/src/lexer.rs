//! The words of a statement, by PostgreSQL's rules: quotes, dollar quotes, nested comments. It never fails: what is not closed goes to
//! the end of the text, and is said to be.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or name without quotes.
    Word,
    /// A name in double quotes.
    Name,
    /// A text, with whatever prefix, or in dollar quotes.
    Text,
    /// A number.
    Number,
    /// `$1`; 0 for a number that is too large.
    Argument(u32),
    /// `::`
    Cast,
    /// Any other character.
    Symbol(char),
}

/// A token and its place, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub at: Range<usize>,
}

/// A text's tokens.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// In order; white space and comments are none.
    pub tokens: Vec<Token>,
    /// A quote or comment that is never closed.
    pub unclosed: bool,
}

/// Reads a text.
pub fn read(text: &str) -> Tokens {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, unclosed: false };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    Tokens { tokens, unclosed: lexer.unclosed }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    unclosed: bool,
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn in_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn next(&mut self) -> Option<Token> {
        self.skip_blank();
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let kind = match first {
            b'\'' => self.text_in_quotes(0, false),
            b'"' => {
                self.quoted(1, b'"', false);
                TokenKind::Name
            }
            b'$' => self.dollar(),
            b':' if self.peek(1) == b':' => {
                self.at += 2;
                TokenKind::Cast
            }
            _ if begins_word(first) => self.word(first),
            _ if first.is_ascii_digit() || (first == b'.' && self.peek(1).is_ascii_digit()) => {
                self.advance(|byte| in_word(byte) || byte == b'.');
                TokenKind::Number
            }
            _ => {
                let symbol = self.text[start..].chars().next()?;
                self.at += symbol.len_utf8();
                TokenKind::Symbol(symbol)
            }
        };
        Some(Token { kind, at: start..self.at })
    }

    fn advance(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| goes_on(*byte)) {
            self.at += 1;
        }
    }

    fn skip_blank(&mut self) {
        loop {
            self.advance(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            match (self.peek(0), self.peek(1)) {
                (b'-', b'-') => self.advance(|byte| byte != b'\n' && byte != b'\r'),
                (b'/', b'*') => self.comment(),
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += 1,
            }
            if depth == 0 {
                return;
            }
        }
        self.unclosed = true;
    }

    /// A word, or a text with a letter before it: `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `N'…'`.
    fn word(&mut self, first: u8) -> TokenKind {
        match (first, self.peek(1), self.peek(2)) {
            (b'e' | b'E', b'\'', _) => self.text_in_quotes(1, true),
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', _) => self.text_in_quotes(1, false),
            (b'u' | b'U', b'&', b'\'') => self.text_in_quotes(2, false),
            (b'u' | b'U', b'&', b'"') => {
                self.quoted(3, b'"', false);
                TokenKind::Name
            }
            _ => {
                self.advance(in_word);
                TokenKind::Word
            }
        }
    }

    fn text_in_quotes(&mut self, prefix: usize, backslash: bool) -> TokenKind {
        self.quoted(prefix + 1, b'\'', backslash);
        TokenKind::Text
    }

    /// From after the opening quote to after the closing one; a doubled quote stands for itself.
    fn quoted(&mut self, opening: usize, quote: u8, backslash: bool) {
        self.at += opening;
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            if byte == quote {
                if self.peek(1) != quote {
                    self.at += 1;
                    return;
                }
                self.at += 1;
            } else if byte == b'\\' && backslash && self.at + 1 < self.bytes.len() {
                self.at += 1;
            }
            self.at += 1;
        }
        self.unclosed = true;
    }

    fn dollar(&mut self) -> TokenKind {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            self.advance(|byte| byte.is_ascii_digit());
            return TokenKind::Argument(self.text[start + 1..self.at].parse().unwrap_or_default());
        }
        self.advance(|byte| in_word(byte) && byte != b'$');
        if self.peek(0) != b'$' {
            self.at = start + 1;
            return TokenKind::Symbol('$');
        }
        self.at += 1;
        let tag = &self.text[start..self.at];
        match self.text[self.at..].find(tag) {
            Some(found) => self.at += found + tag.len(),
            None => (self.at, self.unclosed) = (self.bytes.len(), true),
        }
        TokenKind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKind::{Argument, Cast, Name, Number, Symbol, Text, Word};
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let read = read(text);
        assert!(!read.unclosed, "{text}");
        read.tokens.into_iter().map(|it| it.kind).collect()
    }

    #[test]
    fn words_and_arguments() {
        assert_eq!(
            kinds("SELECT a$1, $23::int + .5e3"),
            [Word, Word, Symbol(','), Argument(23), Cast, Word, Symbol('+'), Number]
        );
        assert_eq!(kinds("é_ü <> $99999999999"), [Word, Symbol('<'), Symbol('>'), Argument(0)]);
    }

    #[test]
    fn quotes_hide_what_is_in_them() {
        for text in [
            "'it''s; $1 -- /*'",
            r"'\'",
            r"E'\'; $1'",
            r"e'\\'",
            "$$; ' $1$$",
            "$a$ $b$ $$ ; $a$",
            "U&'; '",
            "b'01'",
            "N''",
            "$é$;$é$",
        ] {
            assert_eq!(kinds(text), [Text], "{text}");
        }
        assert_eq!(kinds(r#""a""; b" U&"c;""#), [Name, Name]);
        assert_eq!(kinds(r"'\' ;"), [Text, Symbol(';')]);
    }

    #[test]
    fn comments_are_nothing() {
        assert_eq!(kinds("a -- ' \n b /* ; /* ' */ $1 */ c --"), [Word, Word, Word]);
        assert_eq!(kinds("a-b - -c /x"), [Word, Symbol('-'), Word, Symbol('-'), Symbol('-'), Word, Symbol('/'), Word]);
    }

    #[test]
    fn what_is_not_closed_is_noticed() {
        for text in ["'a", "\"a", "/* /* */", "$$ $", "$x$ $$", "E'\\'", "'a''", "$x$ $x"] {
            assert!(read(text).unclosed, "{text}");
        }
        assert_eq!(kinds("$ a$b$"), [Symbol('$'), Word]);
    }

    #[test]
    fn tokens_cover_all_but_blanks() {
        let text = "SELECT 'ä', \"é\"\u{b}FROM $t$x$t$ 語:: $1 ; /* x */ 🦊";
        let read = read(text);
        let joined: Vec<&str> = read.tokens.iter().map(|it| &text[it.at.clone()]).collect();
        assert_eq!(joined, ["SELECT", "'ä'", ",", "\"é\"", "FROM", "$t$x$t$", "語", "::", "$1", ";", "🦊"]);
    }
}
