//! Tables of all methods and hooks, for those that handle them by name.

#[rustfmt::skip]
#[path = "generated/tables.rs"]
mod tables;

use std::fmt;
use std::str::FromStr;

pub use tables::{API_METHODS, HOOKS, HookName, PERMISSIONS, SERVICE_PERMISSIONS, SURFACE_VERSION};

/// How the messages of a method travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One message in, one message out.
    Unary,
    /// A stream in, one message out.
    Upload,
    /// A stream in, a stream out.
    Exchange,
}

/// Who waits for a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    /// Nobody: it tells what has happened, and has no results.
    Tells,
    /// Somebody whose doing it may change or refuse.
    Decides,
    /// Somebody who wants what it gives.
    Serves,
}

/// How a hook's answer refuses what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// By a text in the response: the numbers of the fields that lead to it.
    Reason(&'static [u32]),
    /// By a Go error: a failed call whose detail is an `ErrorValue`.
    Error,
    /// By a failed call whose detail is an `AppError`.
    AppError,
}

/// An API method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodInfo {
    /// `GetUser`
    pub go: &'static str,
    /// `get_user`
    pub snake: &'static str,
    /// The page it belongs to: `user`.
    pub group: &'static str,
    /// The first server that has it: `5.2`.
    pub since: &'static str,
    pub shape: Shape,
    /// The permission that a plugin needs to call it; `None` when every plugin may.
    pub permission: Option<&'static str>,
}

/// What a manifest may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionInfo {
    /// `posts.read`
    pub name: &'static str,
    /// What it lets a plugin do, for an administrator.
    pub doc: &'static str,
}

/// A hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookInfo {
    pub name: HookName,
    /// `MessageWillBePosted`
    pub go: &'static str,
    /// `message_will_be_posted`
    pub snake: &'static str,
    /// Upstream's number of the hook.
    pub id: u32,
    /// The first server that has it: `5.2`.
    pub since: &'static str,
    pub shape: Shape,
    pub kind: HookKind,
    /// `None` where it cannot refuse.
    pub refusal: Option<Refusal>,
}

impl MethodInfo {
    /// The method of this Go name.
    pub fn find(go: &str) -> Option<&'static MethodInfo> {
        Self::position(go).map(|index| &API_METHODS[index])
    }

    /// Where the method of this Go name is in [`API_METHODS`].
    pub fn position(go: &str) -> Option<usize> {
        API_METHODS.binary_search_by(|it| it.go.cmp(go)).ok()
    }
}

impl HookName {
    /// Its row in [`HOOKS`].
    pub fn info(self) -> &'static HookInfo {
        &HOOKS[self as usize]
    }

    /// Its Go name.
    pub fn as_str(self) -> &'static str {
        self.info().go
    }
}

impl fmt::Display for HookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No hook has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no hook called {0}")]
pub struct UnknownHook(pub String);

impl FromStr for HookName {
    type Err = UnknownHook;

    /// Reads a Go name.
    fn from_str(go: &str) -> Result<Self, UnknownHook> {
        let index = HOOKS.binary_search_by(|it| it.go.cmp(go)).map_err(|_| UnknownHook(go.to_owned()))?;
        Ok(HOOKS[index].name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_rows_agree() {
        for hook in HOOKS {
            assert_eq!(hook.name.info(), hook);
            assert_eq!(hook.go.parse(), Ok(hook.name));
        }
        for method in API_METHODS {
            assert_eq!(MethodInfo::find(method.go), Some(method));
        }
        assert_eq!("NoSuchHook".parse::<HookName>(), Err(UnknownHook("NoSuchHook".to_owned())));
    }
}
