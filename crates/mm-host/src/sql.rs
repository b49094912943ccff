//! SQL of a plugin: the service that its process calls, and the database behind it.
//!
//! | Module | What it is |
//! |---|---|
//! | `service` | one gRPC stream a connection: requests, answers, time limits |
//! | `session` | the task that owns a connection and always brings to an end what it began |
//! | `late` | a database that comes when the process may run already |
//! | `server` | the database of a Mattermost server |

mod late;
mod server;
mod service;
mod session;

pub use late::LateSql;
pub use server::ServerSql;
pub(crate) use service::SqlService;
