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

/// `OPEN` for the constant `ChannelTypeOpen` of the type `ChannelType`: what the type's name says already is left out, from
/// all constants of the type alike or from none.
///
/// What it says is the start that all constants share with it (`PostEmbedImage` of `PostEmbedType`), or its end that all
/// constants start with (`TargetAuthor` of `NotificationTarget`).
pub fn enum_members(type_name: &str, constants: &[&str]) -> Vec<String> {
    let type_words = words::split(type_name);
    let constants: Vec<Vec<String>> = constants.iter().map(|it| words::split(it)).collect();
    let shared = |it: &Vec<String>| it.iter().zip(&type_words).take_while(|(word, of_type)| word == of_type).count();
    let front = constants.iter().map(shared).min().unwrap_or_default();
    let ends = (1..=type_words.len()).rev();
    let end = ends.into_iter().find(|length| {
        let end = &type_words[type_words.len() - length..];
        constants.iter().all(|it| it.starts_with(end))
    });
    let usable = |rest: &[String]| rest.first().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    let skip = [front, end.unwrap_or_default()].into_iter().max().unwrap_or_default();
    let skip = if constants.iter().all(|it| usable(&it[skip..])) { skip } else { 0 };
    constants.iter().map(|it| case::upper_snake(&it[skip..])).collect()
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
        let members = |type_name, constants: &[&str]| enum_members(type_name, constants).join(" ");
        assert_eq!(members("ChannelType", &["ChannelTypeOpen", "ChannelTypePrivate"]), "OPEN PRIVATE");
        assert_eq!(members("PostEmbedType", &["PostEmbedImage", "PostEmbedTypeLink"]), "IMAGE TYPE_LINK");
        assert_eq!(members("NotificationTarget", &["TargetAuthor"]), "AUTHOR");
        assert_eq!(members("Level", &["Debug", "LevelInfo"]), "DEBUG LEVEL_INFO");
        assert_eq!(members("Size", &["Size1", "SizeLarge"]), "SIZE1 SIZE_LARGE");
        assert_eq!(members("Def", &["Def", "DefOther"]), "DEF DEF_OTHER");
    }
}
