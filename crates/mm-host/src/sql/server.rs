//! The database of a Mattermost server, through the driver service that it has for plugins (net/rpc).
//!
//! | Module | What it is |
//! |---|---|
//! | `ledger` | which ids there are and what may be called: the server trusts its callers with its life |
//! | `wire` | arguments, results and errors in gob |
//! | `link` | the calls |
//! | `rewrite` | statements as they are sent, so that times come as text |
//! | `connection` | a connection as a [`SqlConnection`] |

mod connection;
mod ledger;
mod link;
mod rewrite;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mm_goplugin::rpc::Client;
use mm_sql::{SqlColumn, SqlConnection, SqlDriver, SqlFailure};
use tokio::sync::OnceCell;

use connection::Connection;

/// How many statements' columns are remembered. When there are more all are forgotten, which costs one question each.
const MAX_KNOWN: usize = 1024;

/// A longer statement is not remembered.
const MAX_TEXT: usize = 64 * 1024;

/// A Mattermost server's database.
pub struct ServerSql {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    plugin_id: String,
    /// The database's version, once somebody has asked.
    version: OnceCell<String>,
    known: Mutex<HashMap<String, Arc<[SqlColumn]>>>,
}

impl ServerSql {
    /// The database behind the driver service that `client` is connected with. `plugin_id` shows in the database's list of what runs;
    /// it may be "".
    pub fn new(client: Client, plugin_id: &str) -> Self {
        let shared =
            Shared { client, plugin_id: plugin_id.to_owned(), version: OnceCell::new(), known: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }
}

#[async_trait::async_trait]
impl SqlDriver for ServerSql {
    async fn connect(&self, replica: bool) -> Result<Box<dyn SqlConnection>, SqlFailure> {
        let connection = Connection::open(self.shared.clone(), replica).await?;
        Ok(Box::new(connection))
    }
}

impl Shared {
    /// What a statement gave when it was executed before.
    fn known(&self, statement: &str) -> Option<Arc<[SqlColumn]>> {
        self.lock().get(statement).cloned()
    }

    fn remember(&self, statement: &str, columns: Arc<[SqlColumn]>) {
        if statement.len() > MAX_TEXT {
            return;
        }
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(statement.to_owned(), columns);
    }

    fn forget(&self, statement: &str) {
        self.lock().remove(statement);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<[SqlColumn]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A comment that only one connection's statements begin with.
    fn new_tag(&self) -> String {
        let mut random = [0; 8];
        // Without randomness the tags are alike, and cancelling one statement might cancel another of this plugin.
        let _ = getrandom::fill(&mut random);
        // A manifest's id cannot end a comment; one that comes from elsewhere might.
        let id: String =
            self.plugin_id.chars().filter(|it| it.is_ascii_alphanumeric() || ".-_".contains(*it)).collect();
        format!("/*mattermost-plugin {id} {}*/ ", hex::encode(random))
    }
}
