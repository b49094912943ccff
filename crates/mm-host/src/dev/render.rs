//! Events of the simulated server as lines of the terminal.
//!
//! What happens in the channel one is in is shown plainly, what happens elsewhere with the channel before it. Everybody's ephemeral
//! posts are shown, marked with who alone sees them: a developer acts for all users.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_sim::{Event, Server, Subject, Trace, TracePhase, TraceSide, WebSocketEvent};

use super::mask::mask;
use crate::log::LogLevel;
use crate::value;

const AUTHOR: Style = Style::new().bold();
const BOT: Style = AnsiColor::Magenta.on_default().bold();
const EPHEMERAL: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();
const SYSTEM: Style = Style::new().italic().dimmed();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(super) const FAILURE: Style = AnsiColor::Red.on_default();
const HOOK: Style = AnsiColor::Blue.on_default();
const API: Style = AnsiColor::Green.on_default();

/// How much of a traced call's arguments or result is shown: a whole configuration would fill the screen.
const MOST_TRACED: usize = 600;

/// Text in a style.
pub(super) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Makes lines of events, and remembers the numbers of posts.
pub(crate) struct Renderer {
    server: Server,
    numbers: BTreeMap<String, usize>,
    posts: Vec<String>,
    /// Who wrote a post.
    authors: BTreeMap<String, String>,
    /// The channel that is shown plainly.
    pub(crate) channel_id: String,
    /// Whether hook and API calls are shown.
    pub(crate) tracing: bool,
    /// The least level of log records to show.
    pub(crate) log_level: LogLevel,
    /// Whether times, and ids in texts, are left out, so that two runs print the same.
    stable: bool,
}

impl Renderer {
    pub(crate) fn new(server: Server, log_level: LogLevel, stable: bool) -> Self {
        Self {
            server,
            numbers: BTreeMap::new(),
            posts: Vec::new(),
            authors: BTreeMap::new(),
            channel_id: String::new(),
            tracing: false,
            log_level,
            stable,
        }
    }

    /// The lines that show an event; none when it is not to be shown.
    pub(crate) fn event(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::WebSocket(event) => self.websocket(event),
            Event::Log(record) => self.log(record),
            Event::Trace(trace) if self.tracing => self.trace(trace),
            Event::Trace(_) => Vec::new(),
        }
    }

    /// The id of the post with this number.
    pub(crate) fn post_id(&self, number: usize) -> Option<&str> {
        self.posts.get(number.checked_sub(1)?).map(String::as_str)
    }

    /// The id of the post shown last.
    pub(crate) fn last_post_id(&self) -> Option<&str> {
        self.posts.last().map(String::as_str)
    }

    /// The id of the post of this user that was shown last.
    pub(crate) fn last_post_of(&self, user_id: &str) -> Option<&str> {
        self.posts.iter().rev().find(|it| self.authors.get(*it).is_some_and(|it| it == user_id)).map(String::as_str)
    }

    /// A post as a user reads it.
    pub(crate) fn post(&mut self, post: &v1::Post) -> Vec<String> {
        let number = self.number(post);
        let mut head = styled(DIM, format!("#{number}")) + " ";
        if !post.root_id.is_empty() {
            let root = self.numbers.get(&post.root_id).map_or_else(|| "a thread".to_owned(), |it| format!("#{it}"));
            head += &styled(DIM, format!("(in {root}) "));
        }
        self.post_after(head, post)
    }

    fn number(&mut self, post: &v1::Post) -> usize {
        if let Some(number) = self.numbers.get(&post.id) {
            return *number;
        }
        self.posts.push(post.id.clone());
        if !post.r#type.starts_with("system_") {
            self.authors.insert(post.id.clone(), post.user_id.clone());
        }
        self.numbers.insert(post.id.clone(), self.posts.len());
        self.posts.len()
    }

    /// A post's author and text after `head`; further lines are indented.
    fn post_after(&self, head: String, post: &v1::Post) -> Vec<String> {
        let head = self.elsewhere(&post.channel_id) + &head;
        let mut body: Vec<String> = post.message.lines().map(|it| self.text(it)).collect();
        body.extend(attachments(post).into_iter().map(|it| self.text(&it)));
        if !post.file_ids.is_empty() {
            let plural = if post.file_ids.len() == 1 { "" } else { "s" };
            body.push(styled(DIM, format!("[{} file{plural}]", post.file_ids.len())));
        }
        let mut body = body.into_iter();
        let first = body.next().unwrap_or_default();
        let first = if post.r#type.starts_with("system_") && post.r#type != "system_ephemeral" {
            format!("{head}{}", styled(SYSTEM, first))
        } else {
            format!("{head}{}: {first}", self.author(post))
        };
        std::iter::once(first).chain(body.map(|it| format!("    {it}"))).collect()
    }

    fn author(&self, post: &v1::Post) -> String {
        let overridden = post.props.get("override_username").and_then(|it| match &it.kind {
            Some(Kind::StringValue(name)) if !name.is_empty() => Some(name.clone()),
            _ => None,
        });
        let user = self.server.user(&post.user_id).ok();
        let is_bot = overridden.is_some() || user.as_ref().is_some_and(|it| it.is_bot);
        // Clients show the answer of a slash command as the system's, although the post has the user's id.
        let user = user.filter(|_| is_bot || post.r#type != "system_ephemeral");
        let name = overridden.or(user.map(|it| it.username)).unwrap_or_else(|| "System".to_owned());
        if is_bot { format!("{} {}", styled(BOT, name), styled(DIM, "BOT")) } else { styled(AUTHOR, name) }
    }

    /// The name of another channel than the one that is shown plainly.
    fn elsewhere(&self, channel_id: &str) -> String {
        if channel_id == self.channel_id || channel_id.is_empty() {
            return String::new();
        }
        styled(DIM, format!("[{}] ", channel_name(&self.server, channel_id, None)))
    }

    fn text(&self, text: &str) -> String {
        if self.stable { mask(text) } else { text.to_owned() }
    }

    fn websocket(&mut self, event: &WebSocketEvent) -> Vec<String> {
        match (event.name.as_str(), &event.subject) {
            ("posted", Subject::Post(post)) => self.post(post),
            ("ephemeral_message", Subject::Post(post)) => {
                let user =
                    event.audience.user_id.as_deref().map_or_else(|| "somebody".to_owned(), |it| self.username(it));
                self.post_after(styled(EPHEMERAL, format!("(only visible to {user}) ")), post)
            }
            ("post_edited", Subject::Post(post)) => {
                let mut lines = self.post(post);
                if let Some(last) = lines.last_mut() {
                    last.push_str(&styled(DIM, " (edited)"));
                }
                lines
            }
            ("post_deleted", Subject::Post(post)) => {
                let number = self.number(post);
                vec![self.elsewhere(&post.channel_id) + &styled(SYSTEM, format!("#{number} was deleted"))]
            }
            ("reaction_added" | "reaction_removed", Subject::Reaction(reaction)) => {
                let number =
                    self.numbers.get(&reaction.post_id).map_or_else(|| "a post".to_owned(), |it| format!("#{it}"));
                let what = if event.name == "reaction_added" { "reacted to" } else { "no longer reacts to" };
                let line =
                    format!("{} {what} {number} with :{}:", self.username(&reaction.user_id), reaction.emoji_name);
                vec![styled(SYSTEM, line)]
            }
            ("channel_created", Subject::Channel(channel)) => {
                vec![styled(SYSTEM, format!("~{} was made", channel.name))]
            }
            // Those of plugins; those of the server tell clients of what is shown here already.
            (name, _) if name.starts_with("custom_") => {
                let data: serde_json::Map<_, _> =
                    event.data.iter().map(|(key, it)| (key.clone(), value::to_json(it))).collect();
                let data = self.text(&serde_json::Value::from(data).to_string());
                vec![styled(DIM, format!("event {name} {data}"))]
            }
            _ => Vec::new(),
        }
    }

    fn username(&self, user_id: &str) -> String {
        self.server.user(user_id).map_or_else(|_| "somebody".to_owned(), |it| it.username)
    }

    fn log(&self, record: &mm_sim::LogRecord) -> Vec<String> {
        let (level, style) = match record.level {
            mm_sim::LogLevel::Debug => (LogLevel::Debug, DIM),
            mm_sim::LogLevel::Info => (LogLevel::Info, AnsiColor::Green.on_default()),
            mm_sim::LogLevel::Warn => (LogLevel::Warn, WARNING),
            mm_sim::LogLevel::Error => (LogLevel::Error, FAILURE),
        };
        if level < self.log_level || (record.plugin_id.is_empty() && level < LogLevel::Warn && !self.tracing) {
            return Vec::new();
        }
        let mut lines = record.message.lines();
        let mut first = format!(
            "{} {}",
            styled(style, format!("{:5}", level.as_str())),
            self.text(lines.next().unwrap_or_default())
        );
        for (name, value) in &record.fields {
            first += &styled(DIM, format!(" {name}={}", self.text(&quoted(value))));
        }
        std::iter::once(first).chain(lines.map(|it| format!("      {}", self.text(it)))).collect()
    }

    fn trace(&self, trace: &Trace) -> Vec<String> {
        let (side, style, indent) = match trace.side {
            TraceSide::Hook => ("hook", HOOK, ""),
            TraceSide::Api => ("api", API, "  "),
        };
        let took = |micros: u64| if self.stable { String::new() } else { format!(" {:.1} ms", micros as f64 / 1000.0) };
        let (arrow, text, took) = match &trace.phase {
            TracePhase::Call { request } => ("→", request.clone(), String::new()),
            TracePhase::Return { response, took_us } => ("←", response.clone(), took(*took_us)),
            TracePhase::Fail { error, took_us } => ("✗", error.clone(), took(*took_us)),
        };
        let text = if text.is_empty() { String::new() } else { format!(" {}", self.text(&shortened(&text))) };
        vec![format!(
            "{indent}{}{}{}",
            styled(style, format!("{arrow} {side} {}", trace.name)),
            styled(DIM, text),
            styled(DIM, took)
        )]
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= MOST_TRACED {
        return text.to_owned();
    }
    format!("{}… ({} characters)", &text[..text.floor_char_boundary(MOST_TRACED)], text.len())
}

/// A channel's name as people type it: `~town-square`, or `@ben` for direct messages; for a user the other one's name.
pub(super) fn channel_name(server: &Server, channel_id: &str, user_id: Option<&str>) -> String {
    let Ok(channel) = server.channel(channel_id) else { return "?".to_owned() };
    if channel.r#type != "D" {
        let name = if channel.r#type == "G" { &channel.display_name } else { &channel.name };
        return format!("~{name}");
    }
    let names: Vec<String> = channel
        .name
        .split("__")
        .filter(|it| Some(*it) != user_id)
        .map(|it| server.user(it).map_or_else(|_| "?".to_owned(), |it| it.username))
        .collect();
    format!("@{}", names.join(",@"))
}

/// A value of a log field: quoted when it has spaces.
fn quoted(value: &str) -> String {
    if value.is_empty() || value.contains(char::is_whitespace) { format!("{value:?}") } else { value.to_owned() }
}

/// The texts of a post's attachments.
fn attachments(post: &v1::Post) -> Vec<String> {
    let Some(Kind::MessageAttachments(list)) = post.props.get("attachments").and_then(|it| it.kind.as_ref()) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for it in &list.values {
        let texts = [&it.pretext, &it.title, &it.text];
        let shown: Vec<&String> = texts.into_iter().filter(|it| !it.is_empty()).collect();
        let texts = if shown.is_empty() { vec![&it.fallback] } else { shown };
        lines.extend(texts.into_iter().flat_map(|it| it.lines()).map(|it| format!("| {it}")));
        for field in &it.fields {
            let value = field.value.as_ref().map_or_else(String::new, |it| match value::to_json(it) {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            });
            lines.push(format!("| {}: {value}", field.title));
        }
        let buttons: Vec<String> = it.actions.iter().map(|it| format!("[{}]", it.name)).collect();
        if !buttons.is_empty() {
            lines.push(format!("| {}", buttons.join(" ")));
        }
    }
    lines
}
