//! `mm-host status`: what the hosts on this machine are doing, asked of themselves.
//!
//! A host serves a socket in its private folder, `status.sock`, for as long as that folder is there: from the moment that it is made
//! until the plugin is stopped. Whoever connects gets a [`Report`] as one line of JSON; only processes of the host's own user, and
//! root's, get it. [`find`] looks for the sockets of all hosts that may be asked.
//!
//! | Module | What it is |
//! |---|---|
//! | `about` | makes a report |
//! | `report` | what is told, and how a person reads it |
//! | `desk` | the host's side: the socket |
//! | `client` | the other one |
//! | `places` | where sockets of hosts may be |
//! | `answer` | what the command prints |

mod about;
mod answer;
mod client;
mod desk;
mod places;
mod report;

pub(crate) use self::about::About;
pub use self::answer::{Format, answer, id_of};
pub use self::client::{Found, find};
pub(crate) use self::desk::{Desk, Opening};
pub use self::report::{Report, Tally};

/// The socket's name in a host's folder.
pub(crate) const SOCKET: &str = "status.sock";

/// What the name of a host's folder begins with.
const FOLDER_PREFIX: &str = "mm-host-";

/// Longest part of the folder's name that is the plugin's id.
const MAX_ID: usize = 32;

/// What the name of the folder of a plugin's host begins with; of other plugins too, if their ids begin alike.
pub(crate) fn folder_prefix(plugin_id: &str) -> String {
    let id: String = plugin_id.chars().filter(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it)).collect();
    format!("{FOLDER_PREFIX}{}-", &id[..id.len().min(MAX_ID)])
}

#[cfg(test)]
mod tests;
