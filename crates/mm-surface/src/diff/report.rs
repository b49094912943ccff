//! A drift as text for a terminal, as Markdown for an issue, and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Change, Drift, Entry, Meaning, What};

impl Meaning {
    /// The heading of its entries.
    pub fn title(self) -> &'static str {
        match self {
            Meaning::BreaksWire => "Breaks the wire",
            Meaning::TakesAway => "Takes something away",
            Meaning::NeedsOverride => "Needs an override",
            Meaning::NeedsDocs => "Needs docs",
            Meaning::Compatible => "Compatible",
        }
    }
}

impl What {
    fn title(self) -> &'static str {
        match self {
            What::Module => "module",
            What::Api => "API method",
            What::Hook => "hook",
            What::Type => "type",
            What::Field => "field",
            What::Constant => "constant",
            What::GobType => "gob registration",
            What::RpcStruct => "RPC struct",
            What::RpcMethod => "RPC method",
            What::HandWritten => "written by hand upstream",
        }
    }
}

impl Entry {
    /// `+`, `-`, `>` (renamed) or `~`.
    fn sign(&self) -> char {
        match self.change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Renamed => '>',
            Change::Changed => '~',
        }
    }

    /// Which fact and what it was and is, with `quote` around what stands in Go.
    fn facts(&self, quote: &str) -> String {
        let part = if self.part.is_empty() { String::new() } else { format!(", {}", self.part) };
        let go = |it: &String| if it.is_empty() { "none".to_owned() } else { format!("{quote}{it}{quote}") };
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{part}: {} → {}", go(before), go(after)),
            (None, Some(after)) if self.change == Change::Renamed => format!("{part} → {}", go(after)),
            (None, Some(only)) | (Some(only), None) => format!("{part}: {}", go(only)),
            (None, None) => part,
        }
    }
}

/// What a program gets: the drift, and how often each meaning occurs.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    drift: &'a Drift,
    counts: BTreeMap<Meaning, usize>,
}

impl Drift {
    fn headline(&self) -> String {
        let count = match self.entries.len() {
            0 => "no difference".to_owned(),
            1 => "1 difference".to_owned(),
            many => format!("{many} differences"),
        };
        format!("Mattermost {} → {}: {count}", self.from.version, self.to.version)
    }

    /// For a terminal.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        for meaning in Meaning::ALL {
            let entries: Vec<&Entry> = self.meaning(meaning).collect();
            if !entries.is_empty() {
                let _ = write!(text, "\n{} ({})\n", meaning.title(), entries.len());
            }
            for (index, it) in entries.iter().enumerate() {
                let _ = writeln!(text, "  {} {} {}{}", it.sign(), it.what.title(), it.name, it.facts(""));
                // Said once for neighbours that have it in common.
                if entries.get(index + 1).is_none_or(|next| next.note != it.note) {
                    let _ = writeln!(text, "      {}", it.note);
                }
            }
        }
        if !self.todo.is_empty() {
            let _ = write!(text, "\nThe generators ask for ({})\n", self.todo.len());
            self.todo.iter().for_each(|it| text.push_str(&format!("  {}\n", it.replace('\n', "\n  "))));
        }
        text
    }

    /// For an issue, or a page of the documentation.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", self.headline());
        for meaning in Meaning::ALL {
            let entries: Vec<&Entry> = self.meaning(meaning).collect();
            if entries.is_empty() {
                continue;
            }
            let _ = write!(text, "\n## {} ({})\n", meaning.title(), entries.len());
            let mut note = "";
            for it in entries {
                if it.note != note {
                    note = &it.note;
                    let _ = write!(text, "\n{}:\n\n", sentence(note));
                }
                let change = format!("{:?}", it.change).to_lowercase();
                let _ = writeln!(text, "- {change} {} `{}`{}", it.what.title(), it.name, it.facts("`"));
            }
        }
        if !self.todo.is_empty() {
            let _ = write!(
                text,
                "\n## The generators ask for ({})\n\n```text\n{}\n```\n",
                self.todo.len(),
                self.todo.join("\n")
            );
        }
        text
    }

    /// For a program: `from`, `to`, `entries`, `counts`, and `todo` if there is any.
    pub fn to_json(&self) -> String {
        let counts = Meaning::ALL.map(|it| (it, self.meaning(it).count())).into();
        let json = serde_json::to_string_pretty(&Json { drift: self, counts }).expect("plain data");
        format!("{json}\n")
    }
}

/// With a capital letter.
fn sentence(note: &str) -> String {
    let mut letters = note.chars();
    letters.next().map_or_else(String::new, |it| it.to_uppercase().chain(letters).collect())
}
