//! Go's `http.Header` as messages carry it, and what Go reads in one: names have one spelling, and a length is a plain number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::plugin::v1::StringList;

/// Fields by name, each with all its values.
pub type Header = BTreeMap<String, StringList>;

/// A name as Go spells it (`CanonicalMIMEHeaderKey` of net/textproto): `Content-Type`. What is no name of a field stays as it is.
pub fn canonical(name: &str) -> Cow<'_, str> {
    let is_spelled = |(before, it): (u8, u8)| {
        if before == b'-' { !it.is_ascii_lowercase() } else { !it.is_ascii_uppercase() }
    };
    let befores = std::iter::once(b'-').chain(name.bytes());
    if befores.zip(name.bytes()).all(is_spelled) || !is_token(name) {
        return Cow::Borrowed(name);
    }
    let mut spelled = String::with_capacity(name.len());
    let mut begins = true;
    for it in name.chars() {
        spelled.push(if begins { it.to_ascii_uppercase() } else { it.to_ascii_lowercase() });
        begins = it == '-';
    }
    Cow::Owned(spelled)
}

/// Whether it can be the name of a field: a token of RFC 7230.
fn is_token(name: &str) -> bool {
    name.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it))
}

/// Fields by their names as Go spells them; those that differ in the spelling only are one, with the values of all.
pub fn canonical_fields(header: Header) -> Header {
    let mut fields = Header::new();
    for (name, list) in header {
        fields.entry(canonical(&name).into_owned()).or_default().values.extend(list.values);
    }
    fields
}

/// The length of the body that a header declares, in bytes; `None` when it declares none, or nothing that Go takes for a length.
pub fn content_length(header: &Header) -> Option<u64> {
    let text = header.get("Content-Length")?.values.first()?.trim_matches([' ', '\t']);
    let is_number = text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|it| is_number && i64::try_from(*it).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(fields: &[(&str, &[&str])]) -> Header {
        let list = |values: &[&str]| StringList { values: values.iter().map(|it| (*it).to_owned()).collect() };
        fields.iter().map(|(name, values)| ((*name).to_owned(), list(values))).collect()
    }

    /// What Go 1.25 gives for each.
    #[test]
    fn names_are_spelled_as_go_does() {
        for (name, expected) in [
            ("content-type", "Content-Type"),
            ("X-REQUEST-id", "X-Request-Id"),
            ("WWW-Authenticate", "Www-Authenticate"),
            ("ETag", "Etag"),
            ("TE", "Te"),
            ("a", "A"),
            ("-x-", "-X-"),
            ("x--y", "X--Y"),
            ("9lives-4u", "9lives-4u"),
            ("a_b-c.d", "A_b-C.d"),
            ("!#$%&'*+-.^_`|~x", "!#$%&'*+-.^_`|~x"),
            ("foo-|bar", "Foo-|bar"),
            ("Content-Type", "Content-Type"),
        ] {
            assert_eq!(canonical(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_stays_as_it_is() {
        for name in [
            "",
            "content type",
            " content-type",
            "content-type ",
            "x-a:",
            "x-ä",
            "x-\u{212a}",
            "x-\na",
            "(x)",
            "Trailer:x-sum",
        ] {
            assert_eq!(canonical(name), name);
        }
    }

    #[test]
    fn fields_that_differ_in_the_spelling_only_are_one() {
        let fields = header(&[("X-A", &["1"]), ("x a", &["4"]), ("x-a", &["2", "3"])]);
        assert_eq!(canonical_fields(fields), header(&[("X-A", &["1", "2", "3"]), ("x a", &["4"])]));
    }

    #[test]
    fn a_length_is_what_go_takes_for_one() {
        for (values, expected) in [
            (&["5"][..], Some(5)),
            (&["0"], Some(0)),
            (&[" 5\t"], Some(5)),
            (&["007"], Some(7)),
            (&["9223372036854775807"], Some(i64::MAX as u64)),
            (&["9223372036854775808"], None),
            (&["+5"], None),
            (&["-5"], None),
            (&["5, 5"], None),
            (&["0x5"], None),
            (&["5\u{a0}"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(content_length(&header(&[("Content-Length", values)])), expected, "{values:?}");
        }
        assert_eq!(content_length(&header(&[("content-length", &["5"])])), None, "names are canonical here");
    }
}
