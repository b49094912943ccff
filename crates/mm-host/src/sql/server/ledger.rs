//! What one connection has at the server's driver, and what may be asked about it.
//!
//! The driver service looks ids up without a check: an unknown or finished id of a transaction, statement or result, and a column that
//! is not there, end the whole Mattermost server. A row with a time in it ends the driver service, for it cannot be encoded. And a
//! connection that goes back to the pool within a transaction is the next user's trouble. So every call goes by the [`Ledger`]: it
//! knows the ids, hands each out only while it is good, and takes it back for ever when the call that ends it is made, whatever comes
//! of that call. It does no I/O.

/// What one asks for. Calls are made one at a time: a second one before the first is settled is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Connect,
    Ping,
    Exec,
    Query,
    Begin,
    Commit,
    Rollback,
    Prepare,
    ExecPrepared,
    ClosePrepared,
    /// The names of the columns of the open rows.
    Columns,
    /// The types of all columns, one call each, at the same time.
    Types,
    /// The precision of some columns, the last of which is this, one call each, at the same time.
    Precisions(usize),
    Next,
    CloseRows,
    Close,
}

/// An id at the server. It leaves this module only within the call that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(String);

impl Id {
    /// As the call wants it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was done.
    Done,
    /// It was done, and made something.
    Made(String),
    /// The result has so many columns.
    Columns(usize),
    /// No column has a type that kills the driver service; or some have.
    Types { harmless: bool },
    /// There are no more rows.
    End,
    /// The server says that it could not be done.
    Failed,
    /// Nobody knows: the call or its answer was lost.
    Unknown,
}

/// Why a call must not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no connection, or nobody knows in which state.
    Lost,
    /// Another call is under way.
    Busy,
    /// It is for something that is not there, or must be ended first.
    Order,
    /// A row would kill the driver service.
    Deadly,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Rows {
    id: Id,
    /// How many columns; `None` until the server has told.
    n_columns: Option<usize>,
    /// Whether a row can be read; `None` until the types are known.
    harmless: Option<bool>,
    ended: bool,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    connection: Option<Id>,
    transaction: Option<Id>,
    statement: Option<Id>,
    rows: Option<Rows>,
    under_way: Option<Op>,
    /// Whether there was a connection, which is not to be replaced.
    used: bool,
    lost: bool,
}

impl Ledger {
    /// Allows a call and gives the id that it is about; none for [`Op::Connect`]. [`Ledger::settle`] must follow.
    pub(super) fn permit(&mut self, op: Op) -> Result<Option<Id>, Refused> {
        if self.lost {
            return Err(Refused::Lost);
        }
        if self.under_way.is_some() {
            return Err(Refused::Busy);
        }
        let id = self.id_for(op)?;
        self.under_way = Some(op);
        Ok(id)
    }

    fn id_for(&mut self, op: Op) -> Result<Option<Id>, Refused> {
        if op == Op::Connect {
            return if self.used { Err(Refused::Order) } else { Ok(None) };
        }
        let Some(connection) = self.connection.clone() else { return Err(Refused::Lost) };
        let need = |is: bool| if is { Ok(()) } else { Err(Refused::Order) };
        match op {
            Op::Connect | Op::Ping | Op::Exec | Op::Query => {
                need(self.rows.is_none())?;
                Ok(Some(connection))
            }
            Op::Begin => {
                need(self.rows.is_none() && self.transaction.is_none())?;
                Ok(Some(connection))
            }
            Op::Prepare => {
                need(self.rows.is_none() && self.statement.is_none())?;
                Ok(Some(connection))
            }
            Op::Commit | Op::Rollback => {
                need(self.rows.is_none() && self.statement.is_none())?;
                self.transaction.take().map(Some).ok_or(Refused::Order)
            }
            Op::ExecPrepared => {
                need(self.rows.is_none())?;
                self.statement.clone().map(Some).ok_or(Refused::Order)
            }
            Op::ClosePrepared => {
                need(self.rows.is_none())?;
                self.statement.take().map(Some).ok_or(Refused::Order)
            }
            Op::CloseRows => self.rows.take().map(|it| Some(it.id)).ok_or(Refused::Order),
            Op::Columns | Op::Types | Op::Precisions(_) | Op::Next => self.about_rows(op),
            Op::Close => {
                need(self.rows.is_none() && self.statement.is_none() && self.transaction.is_none())?;
                Ok(self.connection.take())
            }
        }
    }

    fn about_rows(&self, op: Op) -> Result<Option<Id>, Refused> {
        let rows = self.rows.as_ref().ok_or(Refused::Order)?;
        let allowed = match op {
            Op::Columns => rows.n_columns.is_none(),
            Op::Types => rows.n_columns.is_some(),
            Op::Precisions(index) => rows.n_columns.is_some_and(|n| index < n),
            _ if rows.harmless == Some(false) => return Err(Refused::Deadly),
            _ => rows.harmless == Some(true) && !rows.ended,
        };
        if allowed { Ok(Some(rows.id.clone())) } else { Err(Refused::Order) }
    }

    /// Takes notice of what came of the call that was permitted.
    pub(super) fn settle(&mut self, outcome: Outcome) {
        let Some(op) = self.under_way.take() else { return };
        if outcome == Outcome::Unknown {
            // What it has made, nobody can name, and in which state the connection is, nobody knows: it must not go back to the pool.
            *self = Self { used: true, lost: true, ..Self::default() };
            return;
        }
        match (op, outcome) {
            (Op::Connect, Outcome::Made(id)) => {
                self.used = true;
                self.connection = Some(Id(id));
            }
            (Op::Begin, Outcome::Made(id)) => self.transaction = Some(Id(id)),
            (Op::Prepare, Outcome::Made(id)) => self.statement = Some(Id(id)),
            (Op::Query, Outcome::Made(id)) => {
                self.rows = Some(Rows { id: Id(id), n_columns: None, harmless: None, ended: false });
            }
            (Op::Close, _) => self.lost = true,
            (_, outcome) => self.note_rows(op, outcome),
        }
    }

    fn note_rows(&mut self, op: Op, outcome: Outcome) {
        let Some(rows) = &mut self.rows else { return };
        match (op, outcome) {
            (Op::Columns, Outcome::Columns(n)) => {
                rows.n_columns = Some(n);
                // Without columns there is nothing in a row.
                rows.harmless = (n == 0).then_some(true);
            }
            (Op::Types, Outcome::Types { harmless }) => rows.harmless = Some(harmless),
            (Op::Next, Outcome::End | Outcome::Failed) => rows.ended = true,
            _ => {}
        }
    }

    /// How many columns the open rows have.
    pub(super) fn n_columns(&self) -> Option<usize> {
        self.rows.as_ref().and_then(|it| it.n_columns)
    }

    /// Whether there are rows that are not closed.
    pub(super) fn has_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// Whether there is a prepared statement.
    pub(super) fn has_statement(&self) -> bool {
        self.statement.is_some()
    }

    /// Whether there is a transaction.
    pub(super) fn has_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Whether nothing may be called any more.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// What is to be ended next, so that at last the server has nothing of us; `None` when there is nothing, or no way.
    pub(super) fn next_to_end(&self) -> Option<Op> {
        if self.lost || self.under_way.is_some() {
            return None;
        }
        if self.rows.is_some() {
            return Some(Op::CloseRows);
        }
        if self.statement.is_some() {
            return Some(Op::ClosePrepared);
        }
        if self.transaction.is_some() {
            return Some(Op::Rollback);
        }
        self.connection.as_ref().map(|_| Op::Close)
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
