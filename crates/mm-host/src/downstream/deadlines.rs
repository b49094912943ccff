//! How long a hook may take.

use std::collections::BTreeMap;
use std::time::Duration;

use mm_proto::{HookKind, HookName, Shape};

/// Hooks that take longer by nature.
const LONG: [(&str, u64); 7] = [
    ("FileWillBeUploaded", 60),
    ("GenerateSupportData", 60),
    ("OnActivate", 60),
    ("OnDeactivate", 8),
    ("OnInstall", 60),
    ("OnSharedChannelsSyncMsg", 60),
    ("RunDataRetention", 600),
];

/// Hooks that hold up what somebody does.
const DECIDING: Duration = Duration::from_secs(5);

/// All others.
const OTHERS: Duration = Duration::from_secs(30);

/// Limits per hook. A call that takes longer is answered as the handler's `on_error` says, and Python's handler sees it cancelled.
///
/// What is set here goes before what a handler asks for, and that before the defaults: 5 s for hooks that hold up what somebody does
/// (`…WillBe…`, `UserWillLogIn`), 30 s for others, more for a few.
#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    all: Option<Duration>,
    by_hook: BTreeMap<String, Duration>,
}

impl Deadlines {
    /// Another limit for the hook with this Go name.
    #[must_use]
    pub fn with(mut self, hook: impl Into<String>, limit: Duration) -> Self {
        self.by_hook.insert(hook.into(), limit);
        self
    }

    /// One limit for all hooks.
    #[must_use]
    pub fn all(limit: Duration) -> Self {
        Self { all: Some(limit), by_hook: BTreeMap::new() }
    }

    /// These, and for hooks that have none here those of `others`.
    #[must_use]
    pub(crate) fn or(mut self, others: impl IntoIterator<Item = (String, Duration)>) -> Self {
        if self.all.is_none() {
            for (hook, limit) in others {
                self.by_hook.entry(hook).or_insert(limit);
            }
        }
        self
    }

    /// The limit of a hook whose handler asks for `asked`.
    pub fn of(&self, hook: HookName, asked: Option<Duration>) -> Duration {
        let set = self.by_hook.get(hook.as_str()).copied().or(self.all);
        set.or(asked).unwrap_or_else(|| by_default(hook))
    }

    /// Whether the hook's call is a stream, whose limit is for the first answer only.
    pub(crate) fn is_stream(hook: &str) -> bool {
        hook.parse::<HookName>().is_ok_and(|it| it.info().shape != Shape::Unary)
    }
}

fn by_default(hook: HookName) -> Duration {
    let long = LONG.iter().find(|(name, _)| *name == hook.as_str()).map(|(_, seconds)| Duration::from_secs(*seconds));
    long.unwrap_or(if hook.info().kind == HookKind::Decides { DECIDING } else { OTHERS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_that_hold_up_a_user_are_shortest() {
        let deadlines = Deadlines::default();
        let seconds = |hook| deadlines.of(hook, None).as_secs();
        assert_eq!(seconds(HookName::MessageWillBePosted), 5);
        assert_eq!(seconds(HookName::OnSamlLogin), 5);
        assert_eq!(seconds(HookName::MessagesWillBeConsumed), 5);
        assert_eq!(seconds(HookName::ExecuteCommand), 30);
        assert_eq!(seconds(HookName::ServeHttp), 30);
        assert_eq!(seconds(HookName::MessageHasBeenPosted), 30);
        assert_eq!(seconds(HookName::OnActivate), 60);
        assert_eq!(seconds(HookName::FileWillBeUploaded), 60);
        assert_eq!(seconds(HookName::RunDataRetention), 600);
    }

    #[test]
    fn what_is_set_goes_before_what_is_asked_for_and_that_before_the_default() {
        let (set, asked) = (Duration::from_secs(3), Duration::from_secs(7));
        let deadlines = Deadlines::default().with("ExecuteCommand", set);
        assert_eq!(deadlines.of(HookName::ExecuteCommand, Some(asked)), set);
        assert_eq!(deadlines.of(HookName::UserWillLogIn, Some(asked)), asked);
        assert_eq!(Deadlines::all(set).of(HookName::RunDataRetention, Some(asked)), set);
    }

    #[test]
    fn every_long_hook_is_one() {
        for (hook, _) in LONG {
            hook.parse::<HookName>().unwrap();
        }
    }
}
