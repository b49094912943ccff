//! What a new plugin may have, and what each part calls.

use std::collections::BTreeSet;

use clap::ValueEnum;

/// A part of a new plugin.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
pub enum Part {
    /// A slash command
    Command,
    /// A route for HTTP
    Http,
    /// A job that runs again and again, in a cluster on one node
    Jobs,
    /// A part of the web app, without a build step; it asks the route, so `http` comes along
    Webapp,
}

/// A permission, and what for.
pub(super) struct Reason {
    pub(super) permission: &'static str,
    pub(super) why: &'static str,
}

const fn reason(permission: &'static str, why: &'static str) -> Reason {
    Reason { permission, why }
}

impl Part {
    /// The part without which this one makes no sense.
    pub(super) fn needs(self) -> Option<Self> {
        (self == Self::Webapp).then_some(Self::Http)
    }

    /// What it is, in a sentence.
    fn words(self) -> &'static str {
        match self {
            Self::Command => "a slash command",
            Self::Http => "a route for HTTP",
            Self::Jobs => "a job",
            Self::Webapp => "a button in the web app",
        }
    }

    /// What it calls of the API, and no more: without any of these its test fails.
    pub(super) fn reasons(self) -> &'static [Reason] {
        const COMMAND: &[Reason] = &[
            reason("commands.write", "registers the slash command"),
            reason("users.read", "looks up who is to be greeted"),
        ];
        const HTTP: &[Reason] = &[reason("users.read", "looks up who is to be greeted")];
        const JOBS: &[Reason] = &[reason("kv.write", "takes an interval, so that the job runs once in it")];
        match self {
            Self::Command => COMMAND,
            Self::Http => HTTP,
            Self::Jobs => JOBS,
            Self::Webapp => &[],
        }
    }
}

/// The permissions of these parts, each once, by name.
pub(super) fn reasons(parts: &BTreeSet<Part>) -> Vec<&'static Reason> {
    let mut reasons: Vec<&Reason> = parts.iter().flat_map(|it| it.reasons()).collect();
    reasons.sort_by_key(|it| it.permission);
    reasons.dedup_by_key(|it| it.permission);
    reasons
}

/// Their names.
pub(super) fn permissions(parts: &BTreeSet<Part>) -> Vec<&'static str> {
    reasons(parts).into_iter().map(|it| it.permission).collect()
}

/// The part to try first.
///
/// # Panics
/// When there is none: the command line has a default.
pub(super) fn first(parts: &BTreeSet<Part>) -> Part {
    *parts.first().expect("a plugin has a part")
}

/// Such as `a slash command, a route for HTTP and a job`.
pub(super) fn words(parts: &BTreeSet<Part>) -> String {
    let words: Vec<&str> = parts.iter().map(|it| it.words()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
