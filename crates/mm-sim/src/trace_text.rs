//! Traced messages as a plugin's author knows them: Python's names, one line, without what says nothing.
//!
//! A message comes as any `Debug` value, since requests and responses have no other form in common. Its text is read into a tree
//! and written anew: `post=Post(channel_id="…", message="hi", props={"a": 1})`. Left out are fields that are empty, zero, false or
//! absent; what is long is cut.

/// Characters of a text that are shown.
const MOST_CHARACTERS: usize = 120;

/// Items of a list or a map that are shown.
const MOST_ITEMS: usize = 10;

/// The fields of a request or response, as `user_id="x", page=1`; another value as itself.
pub(crate) fn message(value: &dyn std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    match (Parser { text: &text, at: 0 }).whole() {
        Some(Node::Fields(_, fields)) => shown_fields(fields),
        Some(node) => shown(node),
        // Not the text of a derived `Debug`.
        None => text,
    }
}

/// A value as its `Debug` text says it.
enum Node<'a> {
    /// A number, `true`, `None`, or a variant without content.
    Atom(&'a str),
    /// A text between its quotes, with its escapes.
    Text(&'a str),
    /// The same of bytes, as `bytes::Bytes` writes them.
    Bytes(&'a str),
    List(Vec<Node<'a>>),
    Map(Vec<(Node<'a>, Node<'a>)>),
    Fields(&'a str, Vec<(&'a str, Node<'a>)>),
    /// `Some(x)`, `StringValue(x)`.
    Variant(&'a str, Box<Node<'a>>),
}

impl Node<'_> {
    /// Whether a field of this value says no more than one that is not there.
    fn is_empty(&self) -> bool {
        match self {
            Node::Atom(text) => matches!(*text, "0" | "0.0" | "-0.0" | "false" | "None"),
            Node::Text(text) | Node::Bytes(text) => text.is_empty(),
            Node::List(items) => items.is_empty(),
            Node::Map(entries) => entries.is_empty(),
            Node::Fields(..) | Node::Variant(..) => false,
        }
    }
}

fn shown(node: Node<'_>) -> String {
    match node {
        Node::Atom("true") => "True".to_owned(),
        Node::Atom("false") => "False".to_owned(),
        Node::Atom(text) => text.to_owned(),
        Node::Text(text) => shown_text(text),
        Node::Bytes(text) => shown_bytes(text),
        Node::List(items) => match numbers(&items) {
            Some(bytes) => shown_bytes(&bytes.escape_ascii().to_string()),
            None => format!("[{}]", some_of(items.into_iter().map(shown))),
        },
        Node::Map(entries) => {
            let mut entries: Vec<(String, String)> =
                entries.into_iter().map(|(key, value)| (shown(key), shown(value))).collect();
            entries.sort();
            format!("{{{}}}", some_of(entries.into_iter().map(|(key, value)| format!("{key}: {value}"))))
        }
        Node::Fields("Value", mut fields) => fields.pop().map_or_else(|| "None".to_owned(), |(_, kind)| shown(kind)),
        Node::Fields(_, mut fields) if matches!(fields.as_slice(), [("values", Node::List(_) | Node::Map(_))]) => {
            // A message that only exists because proto cannot nest lists and maps.
            fields.pop().map_or_else(String::new, |(_, values)| shown(values))
        }
        Node::Fields(name, fields) => format!("{name}({})", shown_fields(fields)),
        Node::Variant("NullValue", _) => "None".to_owned(),
        Node::Variant(_, inner) => shown(*inner),
    }
}

fn shown_fields(fields: Vec<(&str, Node<'_>)>) -> String {
    let present = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let shown = present.map(|(name, value)| format!("{}={}", name.trim_start_matches("r#"), shown(value)));
    shown.collect::<Vec<_>>().join(", ")
}

fn shown_text(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MOST_CHARACTERS) else { return format!("\"{text}\"") };
    let start = text[..end].trim_end_matches('\\');
    format!("\"{start}…\" ({} characters)", text.chars().count())
}

/// Bytes that are text as it, others by their number.
fn shown_bytes(text: &str) -> String {
    if text.len() <= MOST_CHARACTERS && !text.contains("\\x") && !text.contains("\\0") {
        return format!("b\"{text}\"");
    }
    let mut characters = text.chars();
    let mut count = 0;
    while let Some(character) = characters.next() {
        // An escape is one byte: two hexadecimal digits follow an x.
        if character == '\\' && characters.next() == Some('x') {
            characters.nth(1);
        }
        count += 1;
    }
    format!("<{count} bytes>")
}

/// The bytes of a `Vec<u8>`: no message of the API has a list of other numbers.
fn numbers(items: &[Node<'_>]) -> Option<Vec<u8>> {
    let number = |item: &Node<'_>| match item {
        Node::Atom(text) => text.parse().ok(),
        _ => None,
    };
    items.iter().map(number).collect::<Option<Vec<u8>>>().filter(|it| !it.is_empty())
}

fn some_of(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(MOST_ITEMS);
    let mut shown: Vec<String> = items.take(MOST_ITEMS).collect();
    if more > 0 {
        shown.push(format!("… {more} more"));
    }
    shown.join(", ")
}

/// Reads the text of derived `Debug`s.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// The one value that the text is; `None` when it is something else.
    fn whole(mut self) -> Option<Node<'a>> {
        let node = self.value()?;
        (self.at == self.text.len()).then_some(node)
    }

    fn value(&mut self) -> Option<Node<'a>> {
        match self.rest().chars().next()? {
            '"' => self.string(),
            '[' => {
                self.at += 1;
                Some(Node::List(self.items("]", Self::value)?))
            }
            '{' => {
                self.at += 1;
                Some(Node::Map(self.items("}", |it| {
                    let key = it.value()?;
                    it.skip(": ")?;
                    Some((key, it.value()?))
                })?))
            }
            _ => self.named(),
        }
    }

    /// What starts with a name, and numbers.
    fn named(&mut self) -> Option<Node<'a>> {
        let name = self.word()?;
        if name == "b" && self.rest().starts_with('"') {
            return self.string().map(|it| if let Node::Text(text) = it { Node::Bytes(text) } else { it });
        }
        if self.skip(" { ").is_some() {
            let fields = self.items(" }", |it| {
                let name = it.word()?;
                it.skip(": ")?;
                Some((name, it.value()?))
            })?;
            return Some(Node::Fields(name, fields));
        }
        if self.skip("(").is_some() {
            let inner = self.value()?;
            self.skip(")")?;
            return Some(Node::Variant(name, Box::new(inner)));
        }
        // A struct without fields, unlike a number, starts with a capital letter and is no variant of ours.
        let is_struct = name.starts_with(|it: char| it.is_ascii_uppercase()) && name != "None";
        Some(if is_struct { Node::Fields(name, Vec::new()) } else { Node::Atom(name) })
    }

    fn string(&mut self) -> Option<Node<'a>> {
        let start = self.at + 1;
        let mut escaped = false;
        for (index, character) in self.text[start..].char_indices() {
            if character == '"' && !escaped {
                self.at = start + index + 1;
                return Some(Node::Text(&self.text[start..start + index]));
            }
            escaped = character == '\\' && !escaped;
        }
        None
    }

    /// Items with commas between them, up to `end`.
    fn items<T>(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while self.skip(end).is_none() {
            if !items.is_empty() {
                self.skip(", ")?;
            }
            items.push(item(self)?);
        }
        Some(items)
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find([' ', ',', ':', '(', ')', '[', ']', '{', '}', '"']).unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| &rest[..end])
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text).then(|| self.at += text.len())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mm_proto::plugin::v1::value::Kind;
    use mm_proto::plugin::v1::{self, Value, ValueList};

    use super::message;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    #[test]
    fn fields_have_pythons_names_and_empty_ones_are_left_out() {
        let post = v1::Post {
            message: "say \"hi\" {a: 0, ".into(),
            r#type: "custom_x".into(),
            is_pinned: true,
            ..Default::default()
        };
        let request = v1::CreatePostRequest { post: Some(post) };
        let expected = r#"post=Post(is_pinned=True, message="say \"hi\" {a: 0, ", type="custom_x")"#;
        assert_eq!(message(&request), expected);
        assert_eq!(message(&v1::CreatePostRequest { post: None }), "");
        assert_eq!(message(&v1::CreatePostRequest { post: Some(v1::Post::default()) }), "post=Post()");
        assert_eq!(message(&v1::GetServerVersionRequest {}), "");
        assert_eq!(message(&v1::GetUsersByIdsRequest { user_ids: vec!["a".into()] }), r#"user_ids=["a"]"#);
    }

    #[test]
    fn values_are_what_they_hold() {
        let list = Kind::ListValue(ValueList { values: vec![value(Kind::IntValue(-3)), value(Kind::NullValue(0))] });
        let props: BTreeMap<String, Value> =
            [("b".to_owned(), value(list)), ("a".to_owned(), value(Kind::StringValue("x".into())))].into();
        let post = v1::Post { props: props.into_iter().collect(), ..Default::default() };
        let request = v1::CreatePostRequest { post: Some(post) };
        assert_eq!(message(&request), r#"post=Post(props={"a": "x", "b": [-3, None]})"#);
    }

    #[test]
    fn what_is_long_is_cut_and_bytes_are_counted() {
        let set = |value: Vec<u8>| message(&v1::KvSetRequest { key: "k".into(), value: value.into() });
        assert_eq!(set(b"hello".to_vec()), r#"key="k", value=b"hello""#);
        assert_eq!(set(vec![0, 200]), r#"key="k", value=<2 bytes>"#);
        assert_eq!(set(b"a\n\xff\\".to_vec()), r#"key="k", value=<4 bytes>"#);
        assert_eq!(set(vec![b'a'; 500]), r#"key="k", value=<500 bytes>"#);
        assert_eq!(message(&vec![104_u8, 105]), "b\"hi\"");
        assert_eq!(message(&vec![0_u8, 255, 10]), "<3 bytes>");
        let key = message(&v1::KvGetRequest { key: "ü".repeat(121) });
        assert_eq!(key, format!("key=\"{}…\" (121 characters)", "ü".repeat(120)));
        let many = v1::KvListResponse { result: vec!["k".into(); 12] };
        assert_eq!(message(&many), format!("result=[{}… 2 more]", "\"k\", ".repeat(10)));
    }
}
