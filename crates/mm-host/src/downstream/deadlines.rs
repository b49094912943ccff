//! How long a hook may take.

use std::collections::BTreeMap;
use std::time::Duration;

use mm_proto::{HookName, Shape};

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

/// Limits per hook. A call that takes longer fails with `DEADLINE_EXCEEDED`, and Python's handler sees its call cancelled.
#[derive(Clone, Debug)]
pub struct Deadlines {
    default: Duration,
    deciding: Duration,
    by_hook: BTreeMap<String, Duration>,
}

impl Default for Deadlines {
    /// 5 s for hooks that hold up a user's action (`…WillBe…`, `UserWillLogIn`), 30 s for others, more for a few.
    fn default() -> Self {
        let by_hook = LONG.iter().map(|(hook, seconds)| ((*hook).to_owned(), Duration::from_secs(*seconds))).collect();
        Self { default: Duration::from_secs(30), deciding: Duration::from_secs(5), by_hook }
    }
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
        Self { default: limit, deciding: limit, by_hook: BTreeMap::new() }
    }

    /// The limit of the hook with this Go name.
    pub fn of(&self, hook: &str) -> Duration {
        match self.by_hook.get(hook) {
            Some(limit) => *limit,
            None if hook.contains("WillBe") || hook == "UserWillLogIn" => self.deciding,
            None => self.default,
        }
    }

    /// Whether the hook's call is a stream, whose limit is for the first answer only.
    pub(crate) fn is_stream(hook: &str) -> bool {
        hook.parse::<HookName>().is_ok_and(|it| it.info().shape != Shape::Unary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_that_hold_up_a_user_are_shortest() {
        let deadlines = Deadlines::default().with("ExecuteCommand", Duration::from_secs(3));
        assert_eq!(deadlines.of("MessageWillBePosted"), Duration::from_secs(5));
        assert_eq!(deadlines.of("MessageHasBeenPosted"), Duration::from_secs(30));
        assert_eq!(deadlines.of("OnActivate"), Duration::from_secs(60));
        assert_eq!(deadlines.of("FileWillBeUploaded"), Duration::from_secs(60));
        assert_eq!(deadlines.of("ExecuteCommand"), Duration::from_secs(3));
        assert_eq!(Deadlines::all(Duration::from_secs(1)).of("RunDataRetention"), Duration::from_secs(1));
    }
}
