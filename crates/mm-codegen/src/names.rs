//! The one owner of names: how a Go identifier splits into words, how the words join per language, which words a
//! language keeps for itself.
//!
//! Everything else asks [`name`], [`message_name`] or [`rust_type`]; nothing else changes case.

mod case;
mod reserved;
mod words;

pub use case::rust_type;

use crate::ir::Name;

/// The spellings of a method, parameter, field or type.
pub fn name(go: &str) -> Name {
    named(go, &words::split(go))
}

/// The same for a Go identifier that another one replaces in the targets (an override); `go` stays as Go spells it.
pub fn renamed(go: &str, replacement: &str) -> Name {
    named(go, &words::split(replacement))
}

/// The spellings of a message or enum whose proto name is given.
pub fn message_name(proto: &str) -> Name {
    Name { camel: proto.to_owned(), ..name(proto) }
}

/// The snake_case spelling alone.
pub fn snake(go: &str) -> String {
    case::snake(&words::split(go))
}

/// `OPEN` for the constant `ChannelTypeOpen` of the type `ChannelType`: the words that the type's name already says are
/// left out, at the front and at the back, as long as something that can start an identifier remains.
pub fn enum_member(type_name: &str, constant: &str) -> String {
    let type_words = words::split(type_name);
    let words = words::split(constant);
    let front = words.iter().zip(&type_words).take_while(|(word, of_type)| word == of_type).count();
    let rest = &words[front..];
    let usable = |rest: &[String]| rest.first().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    if front > 0 && usable(rest) {
        // `PostPriorityTypeUrgent` of `PostType`: only a whole prefix counts, or what is left would mislead.
        if front == type_words.len() || rest.len() + front > type_words.len() {
            return case::upper_snake(rest);
        }
    }
    case::upper_snake(&words)
}

/// Whether Python keeps the word for itself, so that it gets a `_` behind it.
pub fn is_python_reserved(word: &str) -> bool {
    reserved::python(word)
}

fn named(go: &str, words: &[String]) -> Name {
    let snake = case::snake(words);
    Name {
        go: go.to_owned(),
        camel: case::camel(words),
        python: if reserved::python(&snake) { format!("{snake}_") } else { snake.clone() },
        rust: reserved::rust_field(&snake),
        snake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialisms_stay_whole() {
        for (go, snake) in [
            ("GetLDAPUserAttributes", "get_ldap_user_attributes"),
            ("SetUserStatusTimedDND", "set_user_status_timed_dnd"),
            ("userIDs", "user_ids"),
            ("KVSetWithOptions", "kv_set_with_options"),
            ("CreateOAuthApp", "create_oauth_app"),
            ("PluginHTTP", "plugin_http"),
            ("OnSAMLLogin", "on_saml_login"),
            ("userId1", "user_id1"),
            ("RequestURI", "request_uri"),
            ("IPAddress", "ip_address"),
            ("T", "t"),
            ("AllowedIPRanges", "allowed_ip_ranges"),
            ("SiteURL", "site_url"),
            ("EnableSVGs", "enable_svgs"),
        ] {
            assert_eq!(name(go).snake, snake, "{go}");
        }
    }

    #[test]
    fn reserved_words_are_avoided_per_language() {
        let word = name("From");
        assert_eq!((word.python.as_str(), word.rust.as_str()), ("from_", "from"));
        let word = name("Type");
        assert_eq!((word.python.as_str(), word.rust.as_str()), ("type", "r#type"));
    }

    #[test]
    fn constants_lose_what_their_type_says() {
        assert_eq!(enum_member("ChannelType", "ChannelTypeOpen"), "OPEN");
        assert_eq!(enum_member("GroupSource", "GroupSourceLdap"), "LDAP");
        assert_eq!(enum_member("FileDownloadType", "FileDownloadTypeFile"), "FILE");
        assert_eq!(enum_member("Level", "Debug"), "DEBUG");
    }
}
