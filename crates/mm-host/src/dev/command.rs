//! What a line typed in the terminal, or written in a script, means. Pure: text in, [`Line`] out.
//!
//! Three kinds of lines, told apart by their first character:
//!
//! - `:as anna` is a command of this terminal, see [`COMMANDS`];
//! - `/todo add milk` is a slash command of Mattermost; one that no plugin and no server has, and this terminal has, is the terminal's
//!   (`/as anna`), which is decided by [`fallback`] after Mattermost was asked;
//! - anything else is posted.

mod arguments;
mod rows;

use std::time::Duration;

use self::arguments::arguments;
pub(crate) use self::rows::{COMMANDS, Row};
use self::rows::{find, nearest};
use super::outside::Outside;
use crate::log::LogLevel;

/// A line, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    /// Nothing to do: empty, or a comment.
    Nothing,
    /// Posted, or executed when it starts with `/`.
    Say(String),
    /// A command of this terminal.
    Command(Command),
}

/// Commands of this terminal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    As(String),
    User(String),
    Users,
    Channels,
    Go(String),
    Create { name: String, private: bool },
    Join(String),
    Leave,
    Invite(String),
    Remove(String),
    Members,
    Reply { post: PostRef, text: String },
    Edit { post: PostRef, text: String },
    Delete(PostRef),
    React { post: PostRef, emoji: String },
    Unreact { post: PostRef, emoji: String },
    Pin { post: PostRef, on: bool },
    Upload { path: String, text: String },
    Http { method: String, path: String, body: String },
    Token,
    Read(usize),
    Thread(PostRef),
    Complete(String),
    Set { key: String, value: String },
    Settings,
    Keys,
    Login,
    Advance(Duration),
    Event(Outside),
    Trace(bool),
    Log(LogLevel),
    Status,
    Restart,
    Stop,
    Kill,
    Wait(Duration),
    Quit,
    Expect { text: String, wanted: bool },
}

/// A post.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PostRef {
    /// `#3`: by the number shown before it.
    Number(usize),
    /// Not said: the newest one that fits, which is one's own where it is to be changed.
    Last,
}

/// Understands a line.
///
/// # Errors
/// A text for people when it is a command of this terminal and makes no sense.
pub(crate) fn parse(line: &str) -> Result<Line, String> {
    let line = line.trim();
    if line.is_empty() || line == "#" || line.starts_with("# ") || line.starts_with("#!") {
        return Ok(Line::Nothing);
    }
    // `:)` and `:smile:` are messages.
    let command =
        line.strip_prefix(':').filter(|it| it.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_emoji(it));
    match command {
        Some(text) => command_of(text).map(Line::Command),
        None => Ok(Line::Say(line.to_owned())),
    }
}

/// Understands a line of a script: as [`parse`], and `expect TEXT` and `expect-not TEXT` without a colon are expectations.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_script(line: &str) -> Result<Line, String> {
    let (name, rest) = first_word(line);
    match name {
        "expect" | "expect-not" => {
            arguments(name, rest).map(Line::Command).ok_or_else(|| format!("usage: {name} TEXT"))
        }
        _ => parse(line),
    }
}

/// The terminal's own meaning of a slash command that Mattermost does not know; `None` when it has none.
pub(crate) fn fallback(line: &str) -> Option<Result<Command, String>> {
    let text = line.strip_prefix('/')?;
    let name = text.split_whitespace().next()?;
    find(name).map(|_| command_of(text))
}

fn is_emoji(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|it| it.ends_with(':') || it.contains(":"))
}

fn command_of(text: &str) -> Result<Command, String> {
    let (name, rest) = first_word(text);
    let Some(row) = find(name) else {
        let near = nearest(name).map_or_else(String::new, |it| format!(", did you mean :{it}?"));
        return Err(format!("there is no command :{name}{near} (:help lists them)"));
    };
    arguments(row.name, rest).ok_or_else(|| row.usage())
}

/// The first word, and what follows it without the white space between.
pub(crate) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        match parse(text) {
            Ok(Line::Command(command)) => command,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_first_character_decides() {
        assert_eq!(parse("  "), Ok(Line::Nothing));
        assert_eq!(parse("# a comment"), Ok(Line::Nothing));
        assert_eq!(parse("#channel is nice"), Ok(Line::Say("#channel is nice".to_owned())));
        assert_eq!(parse(" hello : there "), Ok(Line::Say("hello : there".to_owned())));
        assert_eq!(parse("/todo add x"), Ok(Line::Say("/todo add x".to_owned())));
        for emoji in [":)", ":smile: hi", ":-(", ":+1:"] {
            assert_eq!(parse(emoji), Ok(Line::Say(emoji.to_owned())));
        }
        assert_eq!(command(":as anna"), Command::As("anna".to_owned()));
        assert_eq!(command(":as @anna"), Command::As("anna".to_owned()));
    }

    #[test]
    fn arguments_are_understood() {
        assert_eq!(
            command(":reply #3 hi there"),
            Command::Reply { post: PostRef::Number(3), text: "hi there".to_owned() }
        );
        assert_eq!(command(":r 3 apples"), Command::Reply { post: PostRef::Last, text: "3 apples".to_owned() });
        assert_eq!(command(":delete"), Command::Delete(PostRef::Last));
        assert_eq!(command(":react #2 :+1:"), Command::React { post: PostRef::Number(2), emoji: "+1".to_owned() });
        assert_eq!(command(":create plans private"), Command::Create { name: "plans".to_owned(), private: true });
        assert_eq!(
            command(":set Greeting Good day"),
            Command::Set { key: "Greeting".to_owned(), value: "Good day".to_owned() }
        );
        assert_eq!(
            command(":http post /a?b=c {\"d\": 1}"),
            Command::Http { method: "POST".to_owned(), path: "/a?b=c".to_owned(), body: "{\"d\": 1}".to_owned() }
        );
        assert_eq!(command(":advance 2h"), Command::Advance(Duration::from_secs(7200)));
        assert_eq!(command(":expect-not oops"), Command::Expect { text: "oops".to_owned(), wanted: false });
        assert_eq!(command(":log warn"), Command::Log(LogLevel::Warn));
    }

    #[test]
    fn a_command_that_makes_no_sense_says_what_would() {
        assert_eq!(
            parse(":reply #3"),
            Err("usage: :reply [#N] TEXT (answer in the thread of a post, or of the last one)".to_owned())
        );
        assert_eq!(parse(":delete that"), Err("usage: :delete [#N] (delete a post, or one's last)".to_owned()));
        assert_eq!(parse(":users now"), Err("usage: :users (who there is)".to_owned()));
        assert_eq!(parse(":trace"), Err("usage: :trace on|off (show every hook and API call)".to_owned()));
        for time in ["5", "x", "s", "1.5h", "5 s", "1w", ""] {
            let usage = "usage: :advance TIME (move the server's clock forward, such as 90s, 15m, 2h)";
            assert_eq!(parse(&format!(":advance {time}")), Err(usage.to_owned()));
        }
        let usage = "usage: :log LEVEL (show log records from debug, info, warn or error on)";
        assert_eq!(parse(":log loud"), Err(usage.to_owned()));
        assert_eq!(
            parse(":statsu"),
            Err("there is no command :statsu, did you mean :status? (:help lists them)".to_owned())
        );
        assert_eq!(parse(":frobnicate"), Err("there is no command :frobnicate (:help lists them)".to_owned()));
    }

    #[test]
    fn expectations_need_no_colon_in_a_script() {
        let expected = Line::Command(Command::Expect { text: "a b".to_owned(), wanted: true });
        assert_eq!(parse_script("expect a b"), Ok(expected.clone()));
        assert_eq!(parse_script(":expect a b"), Ok(expected));
        assert_eq!(parse_script("expect"), Err("usage: expect TEXT".to_owned()));
        assert_eq!(parse("expect a b"), Ok(Line::Say("expect a b".to_owned())));
    }

    #[test]
    fn a_slash_command_can_be_the_terminals() {
        assert_eq!(fallback("/as anna"), Some(Ok(Command::As("anna".to_owned()))));
        assert_eq!(fallback("/dev"), Some(Ok(Command::Help)));
        assert_eq!(
            fallback("/trace maybe"),
            Some(Err("usage: :trace on|off (show every hook and API call)".to_owned()))
        );
        assert_eq!(fallback("/frobnicate"), None);
    }

    #[test]
    fn every_row_is_a_command_and_every_name_is_unique() {
        let mut names = std::collections::BTreeSet::new();
        for row in COMMANDS {
            for name in row.aliases.iter().chain([&row.name]) {
                assert!(names.insert(*name), "{name}");
            }
            let samples = ["", "x", "#1", "#1 x", "on", "debug", "1s", "get /x"];
            assert!(samples.iter().any(|it| arguments(row.name, it).is_some()), "{}", row.name);
        }
    }
}
