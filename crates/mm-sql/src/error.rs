//! Why something with a database failed.

use std::fmt;

use mm_proto::host::v1::{SqlError, SqlErrorKind};

/// A failure, as it travels to the plugin. In a box: it has many fields, and most calls succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlFailure(Box<SqlError>);

impl SqlFailure {
    /// There is no connection, or none any more.
    pub fn lost(message: impl Into<String>) -> Self {
        Self::from(SqlError { lost: true, ..Self::text(SqlErrorKind::Connection, message) })
    }

    /// It took longer than was allowed.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::from(Self::text(SqlErrorKind::Timeout, message))
    }

    /// What was asked for makes no sense.
    pub fn misuse(message: impl Into<String>) -> Self {
        Self::from(Self::text(SqlErrorKind::Misuse, message))
    }

    /// What was asked for cannot be done by this way to the database.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::from(Self::text(SqlErrorKind::Unsupported, message))
    }

    /// The database says so; `sqlstate` is PostgreSQL's code for it, or "".
    pub fn database(sqlstate: &str, message: impl Into<String>) -> Self {
        Self::from(SqlError { sqlstate: sqlstate.to_owned(), ..Self::text(SqlErrorKind::Unspecified, message) })
    }

    fn text(kind: SqlErrorKind, message: impl Into<String>) -> SqlError {
        SqlError { kind: kind.into(), message: message.into(), ..SqlError::default() }
    }

    /// All that is known.
    pub fn error(&self) -> &SqlError {
        &self.0
    }

    /// To add to what is known.
    pub fn error_mut(&mut self) -> &mut SqlError {
        &mut self.0
    }

    /// Whether the connection can be used for nothing any more.
    pub fn is_lost(&self) -> bool {
        self.0.lost
    }
}

impl From<SqlError> for SqlFailure {
    fn from(error: SqlError) -> Self {
        Self(Box::new(error))
    }
}

impl From<SqlFailure> for SqlError {
    fn from(failure: SqlFailure) -> Self {
        *failure.0
    }
}

impl fmt::Display for SqlFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if !self.0.sqlstate.is_empty() {
            write!(f, " (SQLSTATE {})", self.0.sqlstate)?;
        }
        Ok(())
    }
}

impl std::error::Error for SqlFailure {}
