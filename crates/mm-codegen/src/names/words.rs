//! Go identifiers split into lower-case words.
//!
//! Go's own spelling is not consistent (`userID`, `channelId`, `userIds`), so order is made here: a list of
//! initialisms, longest first, and the usual rule for the rest (a capital starts a word; in a run of capitals the last
//! one starts the next word). Digits stay with the word before them.

/// Runs of capitals (or mixed case) that are one word although the rule would split them, or that the rule would glue
/// to a neighbour. Only those that occur and need it are listed.
const INITIALISMS: &[&str] = &[
    "OAuth",
    "OpenID",
    "OpenId",
    "GitLab",
    "SVGs",
    "IDs",
    "URLs",
    "URIs",
    "APIs",
    "DNs",
    "IPs",
    "JPEG",
    "GIFs",
    "KV",
    "DMs",
    "MySQL",
    "LaTeX",
    "iOS",
    "IOS",
    "eDiscovery",
    "DNS",
];

/// The words of an identifier, in lower case. An identifier in snake_case splits at its underscores too.
pub(super) fn split(identifier: &str) -> Vec<String> {
    let chars: Vec<char> = identifier.chars().collect();
    let mut words = Vec::new();
    let mut current = String::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '_' {
            flush(&mut words, &mut current);
            at += 1;
        } else if let Some(length) = initialism(&chars, at) {
            flush(&mut words, &mut current);
            words.push(chars[at..at + length].iter().collect::<String>().to_ascii_lowercase());
            at += length;
        } else {
            if starts_word(&chars, at) {
                flush(&mut words, &mut current);
            }
            current.push(chars[at].to_ascii_lowercase());
            at += 1;
        }
    }
    flush(&mut words, &mut current);
    words
}

fn flush(words: &mut Vec<String>, current: &mut String) {
    if !current.is_empty() {
        words.push(std::mem::take(current));
    }
}

/// A capital after a lower-case letter or digit, or the last capital of a run that a lower-case letter follows.
fn starts_word(chars: &[char], at: usize) -> bool {
    if !chars[at].is_uppercase() {
        return false;
    }
    let after_capital = at > 0 && chars[at - 1].is_uppercase();
    !after_capital || chars.get(at + 1).is_some_and(|next| next.is_lowercase())
}

/// The length of the initialism that starts here, when a word starts here and the next character starts another one.
fn initialism(chars: &[char], at: usize) -> Option<usize> {
    let in_word = at > 0 && chars[at - 1].is_lowercase() && chars[at].is_lowercase();
    if in_word {
        return None;
    }
    let fits = |candidate: &&&str| {
        let length = candidate.chars().count();
        candidate.chars().eq(chars[at..].iter().copied().take(length))
            && chars.get(at + length).is_none_or(|next| !next.is_lowercase() && !next.is_ascii_digit())
    };
    INITIALISMS.iter().filter(fits).map(|found| found.chars().count()).max()
}
