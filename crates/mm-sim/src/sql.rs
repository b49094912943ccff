//! The database of the simulated server: SQLite, made to look like PostgreSQL as far as that goes.
//!
//! It is empty at first, lives as long as the server, and all plugins share it. What is PostgreSQL's alone is refused with a hint;
//! `docs/guide/sql.md` lists the differences.

mod connection;
mod dialect;
mod failure;
mod value;
mod worker;

use std::sync::{Arc, OnceLock};

use mm_sql::{SqlConnection, SqlDriver, SqlFailure};
use tempfile::TempDir;

/// The database's file in its folder.
const FILE: &str = "database.sqlite";

/// A database in a temporary folder, which is made when somebody first connects and goes with the server.
#[derive(Clone, Default)]
pub(crate) struct Database {
    folder: Arc<OnceLock<Option<TempDir>>>,
}

#[async_trait::async_trait]
impl SqlDriver for Database {
    async fn connect(&self, replica: bool) -> Result<Box<dyn SqlConnection>, SqlFailure> {
        let folder = self.folder.get_or_init(|| TempDir::with_prefix("mattermost-simulator-").ok());
        let Some(folder) = folder else {
            return Err(SqlFailure::lost("the simulator could not make a temporary folder for its database"));
        };
        let connection = connection::Connection::open(folder.path().join(FILE), replica).await?;
        Ok(Box::new(connection))
    }
}
