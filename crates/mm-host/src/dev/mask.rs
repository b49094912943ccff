//! Leaves out of a text what differs from run to run: ids, times, and addresses of objects.

/// How long Mattermost's ids are.
const ID_LENGTH: usize = 26;

/// `text` with ids as `<id>`, times in milliseconds as `<time>`, and addresses as `0x…`.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if end == 0 {
            let it = rest.chars().next().expect("not empty");
            masked.push(it);
            rest = &rest[it.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        masked.push_str(masked_word(word));
        rest = after;
    }
    masked
}

fn masked_word(word: &str) -> &str {
    let is_id = || {
        word.bytes().all(|it| it.is_ascii_digit() || it.is_ascii_lowercase())
            && word.bytes().any(|it| it.is_ascii_digit())
    };
    // Times of this century until 2286 have 13 digits and begin with 1 (until 2033) to 9.
    let is_time = || word.bytes().all(|it| it.is_ascii_digit()) && word.starts_with('1');
    match word.len() {
        ID_LENGTH if is_id() => "<id>",
        13 if is_time() => "<time>",
        8.. if word.starts_with("0x") && word[2..].bytes().all(|it| it.is_ascii_hexdigit()) => "0x…",
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_times_and_addresses_are_masked_and_nothing_else() {
        assert_eq!(mask("post 4yq8r7fh3jgh9k1m5n6p7q8r9s by anna"), "post <id> by anna");
        assert_eq!(mask("create_at=1760000000123, n=42"), "create_at=<time>, n=42");
        assert_eq!(mask("<P object at 0x7f3a2b1c9d0e>"), "<P object at 0x…>");
        let long_word = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(mask(long_word), long_word, "a word of 26 letters is no id");
        assert_eq!(mask("Grüße, 0xff und 1234567890123x"), "Grüße, 0xff und 1234567890123x");
    }
}
