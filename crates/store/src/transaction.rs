//! A transaction in progress, alike on both engines.

use uuid::Uuid;

use crate::fault::{Faults, Injected, Step};
use crate::{Bulk, Clock, EngineKind, Lookup, Param, Row, StoreError, Timestamp};
use crate::{postgres, sqlite};

pub(crate) enum Session<'a> {
    Sqlite(&'a mut sqlite::Connection),
    Postgres(&'a mut postgres::Connection),
}

/// A transaction. What it wrote is there once the unit of work that it was lent to has returned and been committed.
pub struct Tx<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) unit: &'static str,
    pub(crate) batch: Uuid,
    pub(crate) clock: &'a Clock,
    pub(crate) machine_time: Timestamp,
    pub(crate) faults: Option<&'a dyn Faults>,
    pub(crate) writes: u64,
}

macro_rules! on_engine {
    ($tx:expr, $connection:ident => $call:expr) => {
        match &mut $tx.session {
            Session::Sqlite($connection) => $call,
            Session::Postgres($connection) => $call,
        }
    };
}

impl Tx<'_> {
    /// The engine underneath, for the few statements that differ.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        match self.session {
            Session::Sqlite(_) => EngineKind::Sqlite,
            Session::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// The id of this transaction, written in it, by which its outcome can be looked up.
    #[must_use]
    pub fn batch(&self) -> Uuid {
        self.batch
    }

    /// Runs one statement with `$n` parameters and says how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        self.step(Step::Statement)?;
        self.writes += 1;
        on_engine!(self, connection => connection.execute(sql, params))
    }

    /// Runs one query and reads each row.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.step(Step::Statement)?;
        on_engine!(self, connection => connection.query(sql, params, read))
    }

    /// The first row of a query, if there is one.
    pub fn query_first<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, params, read)?.into_iter().next())
    }

    /// Writes all rows, given row after row, and says how many changed.
    pub fn execute_many(&mut self, bulk: &'static Bulk, rows: &[Param<'_>]) -> Result<u64, StoreError> {
        self.step(Step::Statement)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let changed = on_engine!(self, connection => connection.execute_many(bulk, rows))?;
        self.writes += changed;
        Ok(changed)
    }

    /// Reads the rows whose key columns are among `keys`, given row after row; keys without a row are simply absent.
    pub fn lookup<T>(
        &mut self,
        lookup: &'static Lookup,
        keys: &[Param<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.step(Step::Statement)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        on_engine!(self, connection => connection.lookup(lookup, keys, read))
    }

    /// Runs text of several statements without parameters, such as a migration.
    pub fn batch_execute(&mut self, sql: &str) -> Result<(), StoreError> {
        self.step(Step::Statement)?;
        on_engine!(self, connection => connection.batch(sql))
    }

    pub(crate) fn step(&self, step: Step) -> Result<(), StoreError> {
        match self.faults.and_then(|faults| faults.before(self.unit, step)) {
            Some(fault) => apply(fault),
            None => Ok(()),
        }
    }
}

/// Turns an injected fault into what the engine would have said.
pub(crate) fn apply(fault: Injected) -> Result<(), StoreError> {
    let text = || "injected by the fault layer".to_owned();
    match fault {
        Injected::StatementFails => Err(StoreError::Statement(text())),
        Injected::ConnectionLost => Err(StoreError::Unavailable(text())),
        Injected::Conflict => Err(StoreError::Conflict(text())),
        Injected::DiskFull => Err(StoreError::DiskFull(text())),
        Injected::AnswerLost => Err(StoreError::UnknownCommit(text())),
        Injected::Kill => std::process::abort(),
    }
}
