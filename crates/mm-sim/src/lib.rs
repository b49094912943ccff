//! A Mattermost in memory, for running and testing plugins.
//!
//! [`Server`] is one simulated server: users, teams, channels, posts, slash commands, key-value stores, configuration and so on,
//! all in memory, behaving as the real one does. A plugin talks to it through [`Server::api`], an implementation of
//! [`PluginApi`](mm_proto::PluginApi); the server calls the plugin through the [`PluginHooks`](mm_proto::PluginHooks) given to
//! [`Server::activate`]. People act through [`Server::act_as`], and whoever wants to watch takes [`Server::subscribe`].
//!
//! ```no_run
//! # async fn example(hooks: std::sync::Arc<dyn mm_proto::PluginHooks>) -> Result<(), mm_sim::SimError> {
//! use mm_sim::{PluginRegistration, Server};
//!
//! let server = Server::demo();
//! let manifest = mm_proto::plugin::v1::Manifest { id: "com.example.echo".into(), ..Default::default() };
//! server.activate(PluginRegistration::new(manifest, hooks, ["MessageWillBePosted"])).await?;
//!
//! let anna = server.act_as("anna")?;
//! let square = anna.channel("town-square")?;
//! let post = anna.post(&square.id, "hello").await?;
//! server.settle().await; // the hooks that the server calls in the background have returned
//! # let _ = post;
//! # Ok(())
//! # }
//! ```
//!
//! What the simulator does not have answers 501 with an error that says so; [`COVERAGE`] lists what it has, [`HOOKS_NOT_CALLED`]
//! which hooks nothing in it causes. State outlives the plugin's process: stop it, start another and call [`Server::activate`] again.
//!
//! Two things are set otherwise than on a new server: the feature flag `ConsumePostHook` is on, so `MessagesWillBeConsumed` is called,
//! and plugins may be uploaded (`PluginSettings.EnableUploads`).
//!
//! Rules of the inside: all state is in one [`std::sync::Mutex`], held for short computations only; no hook is called while it is
//! held, so a hook may call the API, which may fire hooks again.

mod actor;
mod api;
mod autocomplete;
mod bots;
mod builtin;
mod bus;
mod channels;
mod clock;
mod commands;
mod config;
mod config_defaults;
mod errors;
mod events;
mod files;
mod groups;
mod hooks;
mod http;
mod installs;
mod integrations;
mod kv;
mod members;
mod notifications;
mod operations;
mod people;
mod permissions;
mod plugins;
mod post_lists;
mod post_types;
mod posts;
mod properties;
mod reactions;
mod server;
mod shared_channels;
mod sidebars;
mod sql;
mod system_posts;
mod teams;
mod text;
mod trace_text;
mod users;
mod validate;
mod values;
mod web;
mod world;

pub use actor::{Actor, ChannelView, Sent};
pub use api::COVERAGE;
pub use autocomplete::Suggestion;
pub use builtin::built_in_triggers;
pub use events::{Audience, Event, Feed, LogLevel, LogRecord, Subject, Trace, TracePhase, TraceSide, WebSocketEvent};
pub use hooks::HOOKS_NOT_CALLED;
pub use http::{HttpRequest, HttpResponse};
pub use installs::PluginStarter;
pub use notifications::EmailNotification;
pub use plugins::PluginRegistration;
pub use server::{Options, Server};
pub use web::{Web, WebService};

/// What an action or a query fails with: the same errors that a plugin gets, with Mattermost's ids and status codes.
pub use mm_proto::ApiError as SimError;
