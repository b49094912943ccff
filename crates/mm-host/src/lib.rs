//! Hosts a Mattermost plugin written in Python, or in another language with gRPC.
//!
//! A [`PluginHost`] starts the plugin's Python process, serves it the plugin API (any implementation of
//! [`PluginApi`](mm_proto::PluginApi)), and gives its hooks as a [`PluginHooks`](mm_proto::PluginHooks):
//!
//! ```no_run
//! # use std::path::Path;
//! # async fn example(api: std::sync::Arc<dyn mm_proto::PluginApi>) -> Result<(), mm_host::HostError> {
//! use mm_host::{EnvRequest, Manifest, PluginHost, prepare};
//!
//! let bundle = Path::new("examples/hello_python");
//! let (manifest, _) = Manifest::load(bundle)?;
//! let request = EnvRequest { bundle, manifest: &manifest, python: None, sdk: Some(Path::new("python/src")), cache_dir: None };
//! let env = prepare(&request, &mut |progress| eprintln!("{progress:?}"))?;
//!
//! let host = PluginHost::builder(bundle, manifest, env).api(api).build()?;
//! let hello = host.start().await?; // Python runs, and said which hooks it has
//! host.activate().await?;
//! let hooks = host.hooks(); // call them; a process that dies is followed by another
//! # let _ = (hello, hooks);
//! host.stop("no longer needed").await;
//! # Ok(())
//! # }
//! ```
//!
//! | Module | What it is |
//! |---|---|
//! | [`manifest`] | `plugin.json` |
//! | `permissions` | what the plugin may call |
//! | [`python_env`] | which Python, with which packages |
//! | `runtime` | what is started: that Python, or the command that the manifest names |
//! | [`supervisor`] | the life of the process: a state machine, and what carries it out |
//! | `downstream` | gRPC with the process, both ways |
//! | `workers` | the processes as the calls see them: one picked for each |
//! | [`upstream`] | the executable of a plugin under a Mattermost server |
//! | `sandbox` | limits of the process, and its view of the files |
//! | `guard` | limits, failures and queues of hook calls |
//! | `sql` | the database: the service that the process calls, and the driver service of a server |
//! | [`metrics`] | what is counted |
//! | [`status`] | what `mm-host status` tells of it |
//! | `host` | joins the two traits with all of this |
//! | [`bundle`] | the file that a server takes |
//! | [`audit`] | what a bundle may do |
//! | [`mod@check`] | what is wrong with a plugin or a bundle |
//! | `dev` (feature) | `mm-host dev`: a plugin in a simulated Mattermost, with a terminal |
//! | `scaffold` (feature `dev`) | `mm-host new`: a new plugin |
//!
//! Nothing here knows a method or a hook by its arguments: that is generated, in `mm-proto`.

pub mod audit;
pub mod bundle;
pub mod check;
mod downstream;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod host;
pub mod log;
pub mod manifest;
pub mod metrics;
mod permissions;
pub mod python_env;
mod runtime;
mod sandbox;
mod sql;
pub mod status;
pub mod supervisor;
pub mod upstream;
mod value;
mod workers;

#[cfg(feature = "dev")]
pub mod dev;
#[cfg(feature = "dev")]
pub mod scaffold;

pub use self::downstream::{Deadlines, LateApi};
pub use self::error::HostError;
pub use self::host::{Builder, PluginHost};
pub use self::manifest::Manifest;
pub use self::permissions::PERMISSION_ERROR;
pub use self::python_env::{EnvRequest, PythonEnv, prepare};
pub use self::runtime::{Program, Runtime};
pub use self::sql::{LateSql, ServerSql};
pub use self::supervisor::State;
pub use self::supervisor::failure::Failure;
pub use self::supervisor::restart::RestartPolicy;
pub use self::supervisor::status::{Hello, HookOptions, Limits, ProcessStatus};
