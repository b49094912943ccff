//! Mattermost's rules for names, ids and lengths, and the errors that tell about them.

use mm_proto::ApiError;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, Result};
use crate::{post_types, values};

/// The longest message in characters: what the real server's database column allows.
pub(crate) const MAX_MESSAGE: usize = 16_383;
/// The longest props of a post, in characters of JSON.
const MAX_PROPS: usize = 800_000;
const MAX_ROLES: usize = 256;
const RESERVED_TEAM_NAMES: [&str; 17] = [
    "admin",
    "api",
    "channel",
    "claim",
    "error",
    "files",
    "help",
    "landing",
    "login",
    "mfa",
    "oauth",
    "plug",
    "plugins",
    "post",
    "signup",
    "boards",
    "playbooks",
];

/// An id as the server makes them: 26 letters or digits.
pub(crate) fn is_id(id: &str) -> bool {
    id.len() == 26 && id.chars().all(char::is_alphanumeric)
}

pub(crate) fn is_username(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'))
        && !["all", "channel", "matterbot", "system"].contains(&name)
}

/// A plain lower-case address with one `@` and something on both sides.
fn is_email(email: &str) -> bool {
    let parts: Vec<_> = email.split('@').collect();
    email.to_lowercase() == email
        && parts.len() == 2
        && parts.iter().all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.'))
        && !email.contains([' ', '<', '>', ',', '(', ')', '"'])
}

/// A channel's name: lower-case letters, digits, dashes and underscores, the first being a letter or a digit.
fn is_channel_name(name: &str) -> bool {
    name.as_bytes().first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
}

/// A team's name: lower-case letters, digits and dashes, beginning and ending with a letter or a digit.
fn is_team_name(name: &str) -> bool {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.len() >= 2
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|b| plain(b) || *b == b'-')
}

/// The name of a group.
pub(crate) fn is_group_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(fits)
}

/// The name of an emoji, custom or not.
pub(crate) fn is_emoji_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'_'))
}

fn longer(text: &str, max: usize) -> bool {
    text.chars().count() > max
}

fn refuse(place: &str, id: &str, message: &str, detail: String) -> ApiError {
    errors::app_with(place, id, BAD_REQUEST, message, detail)
}

pub(crate) fn user(user: &v1::User) -> Result<()> {
    let field = if !is_id(&user.id) {
        ("id", &user.id)
    } else if !is_username(&user.username) {
        ("username", &user.username)
    } else if user.email.len() > 128 || !is_email(&user.email) {
        ("email", &user.email)
    } else if longer(&user.nickname, 64) {
        ("nickname", &user.nickname)
    } else if longer(&user.position, 128) {
        ("position", &user.position)
    } else if longer(&user.first_name, 64) {
        ("first_name", &user.first_name)
    } else if longer(&user.last_name, 64) {
        ("last_name", &user.last_name)
    } else if user.roles.len() > MAX_ROLES {
        ("roles_limit", &user.roles)
    } else {
        return Ok(());
    };
    let (name, value) = field;
    let id = format!("model.user.is_valid.{name}.app_error");
    Err(refuse("User.IsValid", &id, "A field of the user is not valid.", format!("user_id={} {name}={value}", user.id)))
}

pub(crate) fn bot(bot: &v1::Bot) -> Result<()> {
    let field = if !is_username(&bot.username) {
        "username"
    } else if longer(&bot.display_name, 64) {
        // Mattermost names the user id here, by an oversight of its own.
        "user_id"
    } else if longer(&bot.description, 1024) {
        "description"
    } else if bot.owner_id.is_empty() || longer(&bot.owner_id, 190) {
        "creator_id"
    } else {
        return Ok(());
    };
    let id = format!("model.bot.is_valid.{field}.app_error");
    Err(refuse("Bot.IsValid", &id, "A field of the bot is not valid.", format!("username={}", bot.username)))
}

pub(crate) fn team(team: &v1::Team) -> Result<()> {
    let field = if !is_id(&team.id) {
        "id"
    } else if !team.email.is_empty() && (team.email.len() > 128 || !is_email(&team.email)) {
        "email"
    } else if team.display_name.is_empty() || longer(&team.display_name, 64) {
        "name"
    } else if team.name.len() > 64 {
        "url"
    } else if team.description.len() > 255 {
        "description"
    } else if RESERVED_TEAM_NAMES.iter().any(|reserved| team.name.to_lowercase().starts_with(reserved)) {
        "reserved"
    } else if !is_team_name(&team.name) {
        "characters"
    } else if !matches!(team.r#type.as_str(), "O" | "I") {
        "type"
    } else if team.company_name.len() > 64 {
        "company"
    } else if team.allowed_domains.len() > 500 {
        "domains"
    } else {
        return Ok(());
    };
    let id = format!("model.team.is_valid.{field}.app_error");
    Err(refuse("Team.IsValid", &id, "A field of the team is not valid.", format!("id={}", team.id)))
}

pub(crate) fn channel(channel: &v1::Channel) -> Result<()> {
    let two_ids = channel.name.split_once("__").is_some_and(|(a, b)| is_id(a) && is_id(b));
    let hash = channel.name.len() == 40 && channel.name.bytes().all(|b| b.is_ascii_hexdigit());
    let field = if !is_id(&channel.id) {
        "id"
    } else if longer(&channel.display_name, 64) {
        "display_name"
    } else if !is_channel_name(&channel.name) || channel.name.len() > 64 {
        "1_or_more"
    } else if !matches!(channel.r#type.as_str(), "O" | "P" | "D" | "G") {
        "type"
    } else if longer(&channel.header, 1024) {
        "header"
    } else if longer(&channel.purpose, 250) {
        "purpose"
    } else if channel.creator_id.len() > 26 {
        "creator_id"
    } else if matches!(channel.r#type.as_str(), "O" | "P") && (two_ids || hash) {
        "name"
    } else {
        return Ok(());
    };
    let id = format!("model.channel.is_valid.{field}.app_error");
    Err(refuse("Channel.IsValid", &id, "A field of the channel is not valid.", format!("id={}", channel.id)))
}

pub(crate) fn post(post: &v1::Post) -> Result<()> {
    let list_length = |items: &[String]| items.iter().map(|item| item.chars().count() + 3).sum::<usize>() + 1;
    let (field, detail) = if !is_id(&post.id) {
        ("id", String::new())
    } else if !is_id(&post.user_id) {
        ("user_id", String::new())
    } else if !is_id(&post.channel_id) {
        ("channel_id", String::new())
    } else if !post.root_id.is_empty() && !is_id(&post.root_id) {
        ("root_id", String::new())
    } else if longer(&post.message, MAX_MESSAGE) {
        ("message_length", format!("id={}, length={}, limit={MAX_MESSAGE}", post.id, post.message.chars().count()))
    } else if longer(&post.hashtags, 1000) {
        ("hashtags", format!("id={}", post.id))
    } else if !post_types::KNOWN.contains(&post.r#type.as_str()) && !post.r#type.starts_with("custom_") {
        ("type", format!("id={}", post.r#type))
    } else if list_length(&post.filenames) > 4000 {
        ("filenames", format!("id={}", post.id))
    } else if list_length(&post.file_ids) > 300 {
        ("file_ids", format!("id={}", post.id))
    } else if !post.props.is_empty() && longer(&values::map_json(&post.props).to_string(), MAX_PROPS) {
        ("props", format!("id={}", post.id))
    } else {
        return Ok(());
    };
    let id = format!("model.post.is_valid.{field}.app_error");
    Err(refuse("Post.IsValid", &id, "A field of the post is not valid.", detail))
}

pub(crate) fn reaction(reaction: &v1::Reaction) -> Result<()> {
    let (field, value) = if !is_id(&reaction.user_id) {
        ("user_id", &reaction.user_id)
    } else if !is_id(&reaction.post_id) {
        ("post_id", &reaction.post_id)
    } else if !is_emoji_name(&reaction.emoji_name) {
        ("emoji_name", &reaction.emoji_name)
    } else {
        return Ok(());
    };
    let id = format!("model.reaction.is_valid.{field}.app_error");
    Err(refuse("Reaction.IsValid", &id, "A field of the reaction is not valid.", format!("{field}={value}")))
}

pub(crate) fn preference(preference: &v1::Preference) -> Result<()> {
    let (field, value) = if !is_id(&preference.user_id) {
        ("id", &preference.user_id)
    } else if preference.category.is_empty() || preference.category.len() > 32 {
        ("category", &preference.category)
    } else if preference.name.len() > 32 {
        ("name", &preference.name)
    } else if longer(&preference.value, 20_000) {
        ("value", &preference.value)
    } else {
        return Ok(());
    };
    let id = format!("model.preference.is_valid.{field}.app_error");
    Err(refuse("Preference.IsValid", &id, "A field of the preference is not valid.", format!("{field}={value}")))
}

/// The rules for commands made with `CreateCommand`.
pub(crate) fn command(command: &v1::Command) -> Result<()> {
    let trigger = &command.trigger;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-');
    let field = if !is_id(&command.team_id) {
        "team_id"
    } else if trigger.is_empty() || trigger.len() > 128 || trigger.starts_with('/') || !trigger.bytes().all(plain) {
        "trigger"
    } else if command.url.is_empty() || command.url.len() > 1024 {
        "url"
    } else if !(command.url.starts_with("http://") || command.url.starts_with("https://")) {
        "url_http"
    } else if !matches!(command.method.as_str(), "G" | "P") {
        "method"
    } else if command.display_name.len() > 64 {
        "display_name"
    } else if command.description.len() > 128 {
        "description"
    } else {
        return Ok(());
    };
    let id = format!("model.command.is_valid.{field}.app_error");
    Err(refuse("Command.IsValid", &id, "A field of the command is not valid.", format!("trigger={trigger}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_mattermost() {
        for (name, valid) in
            [("anna", true), ("a.b-c_1", true), ("Anna", false), ("", false), ("all", false), ("ü", false)]
        {
            assert_eq!(is_username(name), valid, "{name}");
        }
        for (name, valid) in
            [("town-square", true), ("a", true), ("1_2", true), ("-a", false), ("Town", false), ("", false)]
        {
            assert_eq!(is_channel_name(name), valid, "{name}");
        }
        for (name, valid) in [("dev", true), ("d", false), ("dev-", false), ("my-team", true), ("my_team", false)] {
            assert_eq!(is_team_name(name), valid, "{name}");
        }
        for (email, valid) in
            [("a@b", true), ("a@b.c", true), ("a", false), ("@b", false), ("A@b", false), ("a@b@c", false)]
        {
            assert_eq!(is_email(email), valid, "{email}");
        }
    }
}
