//! The database that plugins reach: the trait [`SqlDriver`], and what the text of a statement tells ([`Statement`]).
//!
//! Two implementations are ours: the driver service of a Mattermost server (`mm-host`) and an embedded database (`mm-sim`). The types
//! are those of `mattermost/host/v1/sql.proto`. Statements have PostgreSQL's syntax and arguments `$1`, `$2`, …; times never travel
//! as anything but text.

mod driver;
mod error;
pub mod lexer;
mod statement;

pub use driver::{SqlCanceller, SqlConnection, SqlDriver};
pub use error::SqlFailure;
pub use mm_proto::host::v1::{
    SqlColumn, SqlErrorKind, SqlIsolation, SqlOpened, SqlResult, SqlRow, SqlRows, SqlTransaction,
};
pub use mm_proto::plugin::v1::Value;
pub use statement::{Kind, Statement};
