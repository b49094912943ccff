//! What a line typed in the terminal, or written in a script, means. Pure: text in, [`Line`] out.
//!
//! Three kinds of lines, told apart by their first character:
//!
//! - `:as anna` is a command of this terminal, see [`COMMANDS`];
//! - `/todo add milk` is a slash command of Mattermost; one that no plugin and no server has, and this terminal has, is the terminal's
//!   (`/as anna`), which is decided by [`fallback`] after Mattermost was asked;
//! - anything else is posted.

use std::time::Duration;

use super::outside::{self, Outside};
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

/// A command's row in the help.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
}

impl Row {
    /// What is right, for someone who wrote something else.
    fn usage(&self) -> String {
        let space = if self.arguments.is_empty() { "" } else { " " };
        format!("usage: :{}{space}{} ({})", self.name, self.arguments, self.help)
    }
}

const fn row(name: &'static str, aliases: &'static [&'static str], arguments: &'static str, help: &'static str) -> Row {
    Row { name, aliases, arguments, help }
}

/// Every command, in the order of the help.
pub(crate) const COMMANDS: &[Row] = &[
    row("help", &["dev", "h"], "", "this list; /help lists the slash commands of Mattermost and the plugin"),
    row("as", &[], "USER", "act as this user"),
    row("user", &["adduser"], "USER", "make a user, and act as them"),
    row("users", &[], "", "who there is"),
    row("channels", &[], "", "the channels of the user you act as"),
    row("go", &["channel"], "CHANNEL", "go to a channel: town-square, or @ben for direct messages"),
    row("create", &[], "NAME [private]", "make a channel and go there"),
    row("join", &[], "CHANNEL", "join a public channel and go there"),
    row("leave", &[], "", "leave the channel"),
    row("invite", &[], "USER", "add a user to the channel"),
    row("remove", &["kick"], "USER", "remove a user from the channel"),
    row("members", &[], "", "who is in the channel"),
    row("reply", &["r"], "[#N] TEXT", "answer in the thread of a post, or of the last one"),
    row("edit", &[], "[#N] TEXT", "change a post, or one's last"),
    row("delete", &[], "[#N]", "delete a post, or one's last"),
    row("react", &[], "[#N] EMOJI", "add a reaction, such as thumbsup"),
    row("unreact", &[], "[#N] EMOJI", "take a reaction off"),
    row("pin", &[], "[#N]", "pin a post"),
    row("unpin", &[], "[#N]", "unpin a post"),
    row("upload", &[], "FILE [TEXT]", "post a file"),
    row("http", &[], "METHOD /PATH [BODY]", "ask the plugin by HTTP, as the user: the path begins after /plugins/<id>"),
    row("token", &[], "", "the user's token, for requests to the address of --http: Authorization: Bearer TOKEN"),
    row("read", &[], "[COUNT]", "the last posts, as the user reads them"),
    row("thread", &[], "[#N]", "a thread, as the user reads it"),
    row("complete", &[], "TEXT", "what Tab suggests after this text"),
    row("set", &["config"], "KEY VALUE", "change a setting of the plugin"),
    row("settings", &[], "", "the plugin's settings"),
    row("keys", &["kv"], "", "the plugin's key-value store"),
    row("login", &[], "", "log the user in, which asks the plugin"),
    row("advance", &[], "TIME", "move the server's clock forward, such as 90s, 15m, 2h"),
    row(
        "event",
        &["server"],
        "EVENT …",
        "what happens from outside the chat: saml, ping, support …; :event help lists all",
    ),
    row("trace", &[], "on|off", "show every hook and API call"),
    row("log", &[], "LEVEL", "show log records from debug, info, warn or error on"),
    row("status", &[], "", "how the plugin is"),
    row("restart", &[], "", "start the plugin's process again; what the server holds stays"),
    row("stop", &["disable"], "", "deactivate the plugin; :restart activates it"),
    row("kill", &[], "", "end the plugin's process with SIGKILL, to see what happens"),
    row("wait", &["sleep"], "TIME", "do nothing for a while, such as 500ms"),
    row("expect", &[], "TEXT", "in a script: fail unless the last action shows this, at once or within 5 s"),
    row("expect-not", &[], "TEXT", "in a script: fail if the last action showed this"),
    row("quit", &["exit", "q"], "", "end"),
];

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

fn find(name: &str) -> Option<&'static Row> {
    COMMANDS.iter().find(|it| it.name == name || it.aliases.contains(&name))
}

fn command_of(text: &str) -> Result<Command, String> {
    let (name, rest) = first_word(text);
    let Some(row) = find(name) else {
        let near = nearest(name).map_or_else(String::new, |it| format!(", did you mean :{it}?"));
        return Err(format!("there is no command :{name}{near} (:help lists them)"));
    };
    arguments(row.name, rest).ok_or_else(|| row.usage())
}

/// The command of this name with these arguments; `None` when they do not fit.
fn arguments(name: &str, rest: &str) -> Option<Command> {
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

/// The first word, and what follows it without the white space between.
pub(crate) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
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

/// The command whose name differs least, if it is near.
fn nearest(name: &str) -> Option<&'static str> {
    let names = COMMANDS.iter().map(|it| it.name);
    names.map(|it| (distance(name, it), it)).filter(|(distance, _)| *distance <= 2).min().map(|(_, it)| it)
}

/// How many letters must be added, removed or replaced to make `a` of `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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
