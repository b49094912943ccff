//! What is found in the text of messages: hashtags, mentions of users and channels.

/// The hashtags of a message, separated by blanks, as `Post.hashtags` holds them.
pub(crate) fn hashtags(message: &str) -> String {
    let letter_or_digit = |c: char| c.is_alphabetic() || c.is_ascii_digit();
    let mut tags = Vec::new();
    let mut length = 0;
    for word in message.split_whitespace() {
        let word = word.trim_start_matches(|c: char| !letter_or_digit(c) && c != '#');
        let word = word.trim_end_matches(|c: char| !letter_or_digit(c));
        let Some(name) = word.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) else { continue };
        let inner = |c: char| letter_or_digit(c) || matches!(c, '-' | '_' | '.');
        let valid = name.chars().count() >= 2 && name.starts_with(char::is_alphabetic) && name.chars().all(inner);
        // Mattermost keeps at most 1,000 bytes of them.
        length += name.len() + 2;
        if valid && length <= 1000 {
            tags.push(format!("#{name}"));
        }
    }
    tags.join(" ")
}

/// Names after `@` as they stand, without the `@`: `anna`, `channel`, `all`, `here`; with and without punctuation at the end.
pub(crate) fn user_mentions(message: &str) -> Vec<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    marked_names(message, '@', allowed).filter(|name| name.starts_with(|c: char| c.is_ascii_alphanumeric())).collect()
}

/// Names after `~`, without the `~`, each once.
pub(crate) fn channel_mentions(message: &str) -> Vec<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut names: Vec<String> = Vec::new();
    for name in marked_names(message, '~', allowed) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a message speaks to the whole channel: `channel`, `all` or `here`.
pub(crate) fn channel_wide_mention(message: &str) -> Option<String> {
    let wide = |name: &String| matches!(name.trim_end_matches(['.', '-', '_', ':']), "channel" | "all" | "here");
    user_mentions(&message.to_lowercase()).into_iter().find(wide)
}

/// The usernames that a mention may mean: as it stands, then without punctuation at its end.
pub(crate) fn username_candidates(mention: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(mention), |name| name.strip_suffix(['.', '-', '_', ':']))
}

/// Names that follow a mark which does not follow a letter or digit.
fn marked_names(message: &str, mark: char, allowed: impl Fn(char) -> bool) -> impl Iterator<Item = String> {
    message.match_indices(mark).filter_map(move |(at, _)| {
        let before = message[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let name: String = message[at + 1..].chars().take_while(|c| allowed(*c)).collect();
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_words_of_two_letters_or_more() {
        assert_eq!(hashtags("see #release and (##v2.0), not #1 nor #a nor a#b"), "#release #v2.0");
    }

    #[test]
    fn mentions_are_not_email_addresses() {
        assert_eq!(user_mentions("hi @anna, @ben.: a@b.c @channel"), ["anna", "ben.:", "channel"]);
        assert_eq!(username_candidates("ben.:").collect::<Vec<_>>(), ["ben.:", "ben.", "ben"]);
        assert_eq!(channel_mentions("~dev ~dev a~b ~off-topic."), ["dev", "off-topic"]);
        assert_eq!(channel_wide_mention("look @HERE."), Some("here.".to_owned()));
        assert_eq!(channel_wide_mention("look at heres"), None);
    }
}
