//! Towards a Mattermost server: this program as the executable of a plugin.
//!
//! The server knows nothing of us. It starts the executable, reads the handshake line, connects, and calls hooks over net/rpc; a
//! [`Plugin`] is what answers them. The Python plugin of a bundle is one ([`executable`]); a program in Rust brings another:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Arc;
//! use mm_host::upstream::{self, InProcess};
//! use mm_proto::plugin::v1::{OnActivateRequest, OnActivateResponse, LogInfoRequest};
//! use mm_proto::{ApiError, HookName, PluginApi, PluginHooks};
//!
//! struct Hello {
//!     api: Arc<dyn PluginApi>,
//! }
//!
//! #[async_trait::async_trait]
//! impl PluginHooks for Hello {
//!     async fn on_activate(&self, _: OnActivateRequest) -> Result<OnActivateResponse, ApiError> {
//!         self.api.log_info(LogInfoRequest { msg: "Hello!".to_owned(), ..Default::default() }).await?;
//!         Ok(OnActivateResponse {})
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     upstream::run(|_| Arc::new(InProcess::new([HookName::OnActivate], |api| Arc::new(Hello { api }))))
//! }
//! ```
//!
//! | Module | What it is |
//! |---|---|
//! | `life` | from the handshake to the end of the process |
//! | `service` | the hooks as net/rpc methods; `activate` is the first of them that matters, `streams` are those with streams |
//! | `plugin` | what stands behind the hooks |
//! | `python` | the Python plugin of a bundle as such a thing |
//! | `logs`, `hclog` | the way of log records to the server |

mod activate;
mod hclog;
mod life;
mod logs;
mod plugin;
mod python;
mod service;
mod streams;

use std::process::ExitCode;
use std::sync::Arc;

use mm_goplugin::Cookie;

#[cfg(any(test, fuzzing))]
pub(crate) use self::hclog::lines as hclog_lines;
pub use self::plugin::{Hurry, InProcess, Plugin};
#[cfg(any(test, fuzzing))]
pub(crate) use self::streams::{asked, carried};
use crate::log::LogSink;

/// What Mattermost sets in the environment of a plugin's executable; no secret.
const COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, anywhere.");

/// The version of Mattermost's services, in go-plugin's terms.
const PROTOCOL_VERSION: u32 = 1;

/// The one plugin that a server asks an executable for.
const PLUGIN_NAME: &str = "hooks";

fn cookie() -> Cookie {
    Cookie { key: COOKIE.0.to_owned(), value: COOKIE.1.to_owned() }
}

/// Whether a Mattermost server has started this process, as a plugin.
pub fn started_by_server() -> bool {
    mm_goplugin::started_by_host(&cookie())
}

/// Runs a plugin from the handshake to its end, for the server that has started this process. `make` is called after the handshake,
/// inside of a runtime, and must not take long; what it is given takes log records.
///
/// The process should end when this returns, with the code that it returns: 0 after the server asked the plugin to quit or a SIGTERM,
/// 1 when the server is gone or the plugin cannot go on, so that the server starts it again.
pub fn run(make: impl FnOnce(LogSink) -> Arc<dyn Plugin>) -> ExitCode {
    life::run(life::Threads::Two, make)
}

/// Keeps the plugin's process, which is of the same user, from reading this one's environment: it is the server's, with the password of
/// the database. Costs core dumps and debuggers without root.
fn hide() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Runs the Python plugin in whose bundle this executable lies.
pub fn executable() -> ExitCode {
    hide();
    // Before there is a second thread. Without a janitor there is still the kernel, which ends Python with this process.
    let _ = crate::supervisor::janitor::start();
    let code = life::run(life::Threads::One, |sink| Arc::new(python::PythonPlugin::start(sink)));
    crate::supervisor::janitor::end();
    code
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_environment_is_hidden_from_processes_of_the_same_user() {
        super::hide();
        let hidden = !nix::sys::prctl::get_dumpable().unwrap();
        // The other tests of this process may be debugged.
        nix::sys::prctl::set_dumpable(true).unwrap();
        assert!(hidden);
    }
}
