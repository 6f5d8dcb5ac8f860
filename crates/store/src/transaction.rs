//! A transaction in progress, alike on both engines.

use std::borrow::Cow;
use std::cmp::Ordering;

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
    /// A statement failed: nothing more is done here, and nothing of it is committed.
    pub(crate) has_failed: bool,
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

    /// What the times of this transaction come from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.clock
    }

    /// The id of this transaction, written in it, by which its outcome can be looked up.
    #[must_use]
    pub fn batch(&self) -> Uuid {
        self.batch
    }

    /// Runs one statement with `$n` parameters and says how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        self.statement()?;
        let changed = on_engine!(self, connection => connection.execute(sql, params));
        let changed = self.whole(changed)?;
        self.writes += changed;
        Ok(changed)
    }

    /// Runs one query and reads each row.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.statement()?;
        let found = on_engine!(self, connection => connection.query(sql, params, read));
        self.whole(found)
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
        self.statement()?;
        if rows.is_empty() {
            return Ok(0);
        }
        let changed = on_engine!(self, connection => connection.execute_many(bulk, rows));
        let changed = self.whole(changed)?;
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
        self.statement()?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = in_key_order(keys, lookup.keys.len());
        let found = on_engine!(self, connection => connection.lookup(lookup, &keys, read));
        self.whole(found)
    }

    /// Runs text of several statements without parameters, such as a migration.
    pub fn batch_execute(&mut self, sql: &str) -> Result<(), StoreError> {
        self.statement()?;
        let done = on_engine!(self, connection => connection.batch(sql));
        self.whole(done)
    }

    /// Refuses once a statement has failed: PostgreSQL would too, and SQLite may have ended the transaction, so that
    /// what follows would be committed on its own.
    pub(crate) fn check_whole(&self) -> Result<(), StoreError> {
        if self.has_failed {
            return Err(StoreError::Statement("an earlier statement of this unit of work failed".into()));
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<(), StoreError> {
        self.check_whole()?;
        match self.faults.and_then(|faults| faults.before(self.unit, Step::Statement)) {
            Some(fault) => self.whole(apply(fault)),
            None => Ok(()),
        }
    }

    /// Passes a result on, and remembers a failure that the engine had; a value that only did not decode is none.
    fn whole<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.has_failed |= matches!(&result, Err(error) if !matches!(error, StoreError::Decode(_)));
        result
    }
}

/// `keys`, row after row of `width` values, ascending and each once: both engines then give rows in one order.
fn in_key_order<'a, 'p>(keys: &'a [Param<'p>], width: usize) -> Cow<'a, [Param<'p>]> {
    let order = |a: &&[Param<'_>], b: &&[Param<'_>]| compare_rows(a, b);
    if keys.chunks_exact(width).is_sorted_by(|a, b| order(a, b).is_lt()) {
        return Cow::Borrowed(keys);
    }
    let mut rows: Vec<&[Param<'p>]> = keys.chunks_exact(width).collect();
    rows.sort_unstable_by(order);
    rows.dedup_by(|a, b| compare_rows(a, b).is_eq());
    Cow::Owned(rows.concat())
}

fn compare_rows(a: &[Param<'_>], b: &[Param<'_>]) -> Ordering {
    let compared = a.iter().zip(b).map(|(a, b)| a.compare(b));
    compared.fold(Ordering::Equal, Ordering::then)
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
