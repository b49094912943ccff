//! What stands behind a command's name.

use std::time::Duration;

use super::{Command, PostRef, first_word};
use crate::dev::outside;

/// The command of this name with these arguments; `None` when they do not fit.
pub(super) fn arguments(name: &str, rest: &str) -> Option<Command> {
    if let Some(command) = without_arguments(name) {
        return (rest.is_empty() || command == Command::Help).then_some(command);
    }
    about_post(name, rest).or_else(|| about_other(name, rest))
}

/// The command of this name, if it is one that takes no arguments.
fn without_arguments(name: &str) -> Option<Command> {
    Some(match name {
        "help" => Command::Help,
        "users" => Command::Users,
        "channels" => Command::Channels,
        "leave" => Command::Leave,
        "members" => Command::Members,
        "settings" => Command::Settings,
        "keys" => Command::Keys,
        "login" => Command::Login,
        "token" => Command::Token,
        "status" => Command::Status,
        "restart" => Command::Restart,
        "stop" => Command::Stop,
        "kill" => Command::Kill,
        "quit" => Command::Quit,
        _ => return None,
    })
}

/// The command of this name, if it is one about a post: `[#N]`, or `[#N] TEXT`.
fn about_post(name: &str, rest: &str) -> Option<Command> {
    let post = || if rest.is_empty() { Some(PostRef::Last) } else { post_ref(rest) };
    let post_and_text = || {
        let (first, after) = first_word(rest);
        let (post, text) = post_ref(first).map_or((PostRef::Last, rest), |post| (post, after));
        (!text.is_empty()).then(|| (post, text.to_owned()))
    };
    let emoji = || post_and_text().map(|(post, text)| (post, text.trim_matches(':').to_owned()));
    match name {
        "reply" => post_and_text().map(|(post, text)| Command::Reply { post, text }),
        "edit" => post_and_text().map(|(post, text)| Command::Edit { post, text }),
        "delete" => post().map(Command::Delete),
        "react" => emoji().map(|(post, emoji)| Command::React { post, emoji }),
        "unreact" => emoji().map(|(post, emoji)| Command::Unreact { post, emoji }),
        "pin" => post().map(|post| Command::Pin { post, on: true }),
        "unpin" => post().map(|post| Command::Pin { post, on: false }),
        "thread" => post().map(Command::Thread),
        _ => None,
    }
}

/// The command of this name, if it is one of the others.
fn about_other(name: &str, rest: &str) -> Option<Command> {
    let word = || (!rest.is_empty() && !rest.contains(char::is_whitespace)).then(|| rest.to_owned());
    let text = || (!rest.is_empty()).then(|| rest.to_owned());
    let user = || word().map(|it| it.trim_start_matches('@').to_owned());
    let word_and_text = || Some(first_word(rest)).filter(|(word, _)| !word.is_empty());
    match name {
        "as" => user().map(Command::As),
        "user" => user().map(Command::User),
        "go" => text().map(Command::Go),
        "create" => match word_and_text()? {
            (name, "") => Some(Command::Create { name: name.to_owned(), private: false }),
            (name, "private") => Some(Command::Create { name: name.to_owned(), private: true }),
            _ => None,
        },
        "join" => text().map(Command::Join),
        "invite" => user().map(Command::Invite),
        "remove" => user().map(Command::Remove),
        "upload" => {
            word_and_text().map(|(path, text)| Command::Upload { path: path.to_owned(), text: text.to_owned() })
        }
        "http" => {
            let (method, rest) = first_word(rest);
            let (path, body) = first_word(rest);
            let is_method = !method.is_empty() && method.bytes().all(|it| it.is_ascii_alphabetic());
            (is_method && path.starts_with('/')).then(|| Command::Http {
                method: method.to_ascii_uppercase(),
                path: path.to_owned(),
                body: body.to_owned(),
            })
        }
        "read" if rest.is_empty() => Some(Command::Read(10)),
        "read" => rest.parse().ok().filter(|it| *it > 0).map(Command::Read),
        "complete" => text().map(Command::Complete),
        "set" => word_and_text().map(|(key, value)| Command::Set { key: key.to_owned(), value: value.to_owned() }),
        "advance" => duration(rest).map(Command::Advance),
        "event" => outside::parse(rest).map(Command::Event),
        "trace" if rest == "on" => Some(Command::Trace(true)),
        "trace" if rest == "off" => Some(Command::Trace(false)),
        "log" => rest.parse().ok().map(Command::Log),
        "wait" => duration(rest).map(Command::Wait),
        "expect" => text().map(|text| Command::Expect { text, wanted: true }),
        "expect-not" => text().map(|text| Command::Expect { text, wanted: false }),
        _ => None,
    }
}

fn post_ref(text: &str) -> Option<PostRef> {
    text.strip_prefix('#')?.parse().ok().filter(|it| *it > 0).map(PostRef::Number)
}

/// `500ms`, `2s`, `15m`, `2h`, `1d`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|it: char| !it.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit_ms: u64 = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}
