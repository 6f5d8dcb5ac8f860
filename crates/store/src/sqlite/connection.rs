//! One SQLite connection: settings, statements with `$n` bound by number, and errors.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ErrorCode, OpenFlags, ffi};

use crate::{Bulk, Lookup, Param, Row, StoreError};

/// Distinct statements kept prepared on one connection.
const STATEMENTS_KEPT: usize = 256;

/// A connection and the SQLite forms of the statements it has seen.
pub struct Connection {
    inner: rusqlite::Connection,
    numbered: HashMap<(usize, usize), String>,
    /// How long it waits for another process's write lock.
    wait: Duration,
}

impl Connection {
    /// Opens `path`. `wait` is how long it waits for another process's write lock.
    pub fn open(path: &Path, vfs: Option<&str>, read_only: bool, wait: Duration) -> Result<Self, StoreError> {
        let access = if read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = match vfs {
            Some(vfs) => rusqlite::Connection::open_with_flags_and_vfs(path, flags, vfs),
            None => rusqlite::Connection::open_with_flags(path, flags),
        }
        .map_err(classify)?;
        inner.busy_timeout(wait).map_err(classify)?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // A plan that looks at bound values is made anew at every call, which costs more than the call.
        inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(classify)?;
        Ok(Connection { inner, numbered: HashMap::new(), wait })
    }

    /// Settings of the connection that writes: durable commits, checkpoints left to their one owner, and zeros in place of
    /// what was deleted from a page that is written anyway.
    pub fn configure_writer(&self, cache_kib: u32) -> Result<(), StoreError> {
        let text = format!(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
             PRAGMA journal_size_limit = 167772160; PRAGMA secure_delete = FAST; \
             PRAGMA cache_size = -{cache_kib};"
        );
        self.batch(&text)?;
        let mode: String =
            self.inner.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(classify)?;
        if mode == "wal" {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "the database cannot keep a write-ahead log here (journal mode {mode})"
        )))
    }

    /// Settings of a connection that only reads.
    pub fn configure_reader(&self, cache_kib: u32) -> Result<(), StoreError> {
        self.batch(&format!(
            "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib};"
        ))
    }

    /// Lets every statement fail once `stop()` says so; it is asked every few thousand steps of the virtual machine.
    pub fn interrupt_when(
        &mut self,
        stop: Option<Box<dyn FnMut() -> bool + Send>>,
    ) -> Result<(), StoreError> {
        match stop {
            Some(stop) => self.inner.progress_handler(4_000, Some(stop)),
            None => self.inner.progress_handler(0, None::<fn() -> bool>),
        }
        .map_err(classify)
    }

    /// Starts a transaction; a writer takes the one write lock at once.
    pub fn begin(&mut self, read_only: bool) -> Result<(), StoreError> {
        self.run(if read_only { "BEGIN" } else { "BEGIN IMMEDIATE" })
    }

    /// Makes it durable. A disk that fails here, in the flush or in a write before it, stops the process: what is on
    /// disk is then unknown, and a write that was reported as failed may come back as a commit after a crash.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.inner.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute());
        match result {
            Ok(_) => Ok(()),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
                crate::fail_stop(&format!("writing a commit to disk failed: {error}"))
            }
            Err(error) => Err(classify(error)),
        }
    }

    /// Gives it up, if one is open.
    pub fn rollback(&mut self) {
        if !self.inner.is_autocommit() {
            // After an I/O error SQLite may have rolled back by itself; then this fails harmlessly.
            let _ = self.run("ROLLBACK");
        }
    }

    /// Runs text without parameters, several statements allowed.
    pub fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(classify)
    }

    /// Runs one statement and says how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let mut statement = prepare(&self.inner, &mut self.numbered, sql)?;
        let changed = run_bound(&mut statement, params)?;
        u64::try_from(changed).map_err(|_| StoreError::Decode("row count".into()))
    }

    /// Runs one query and reads each row.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = prepare(&self.inner, &mut self.numbered, sql)?;
        let mut found = Vec::new();
        query_bound(&mut statement, params, &mut |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Writes all rows of `params`, one prepared statement run for each.
    pub fn execute_many(&mut self, bulk: &'static Bulk, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let mut statement = prepare(&self.inner, &mut self.numbered, &bulk.sqlite)?;
        let mut changed = 0;
        for row in params.chunks_exact(bulk.columns.len()) {
            changed += run_bound(&mut statement, row)?;
        }
        u64::try_from(changed).map_err(|_| StoreError::Decode("row count".into()))
    }

    /// Reads the rows of many keys, one prepared statement run for each.
    pub fn lookup<T>(
        &mut self,
        lookup: &'static Lookup,
        keys: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = prepare(&self.inner, &mut self.numbered, &lookup.sqlite)?;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys.chunks_exact(lookup.keys.len()) {
            query_bound(&mut statement, key, &mut |row| {
                found.push(read(row)?);
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// Copies what it can of the write-ahead log into the database: (frames in the log, frames copied).
    pub fn checkpoint(&self) -> Result<(i64, i64), StoreError> {
        self.inner
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
            .map_err(classify)
    }

    /// Copies all of the write-ahead log into the database and cuts it to nothing; `false` = somebody reads, writes or
    /// copies. Waits for nobody: cutting takes the write lock first, and would keep it while it waits for readers.
    pub fn empty_log(&self) -> Result<bool, StoreError> {
        self.inner.busy_timeout(Duration::ZERO).map_err(classify)?;
        let emptied = self.copy_and_cut();
        self.inner.busy_timeout(self.wait).map_err(classify)?;
        match emptied {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            emptied => emptied.map_err(classify),
        }
    }

    fn copy_and_cut(&self) -> rusqlite::Result<bool> {
        // Most is copied beside the writers, so that little is left to copy under their lock.
        self.inner.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        let busy: i64 = self.inner.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }

    fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let mut statement = self.inner.prepare_cached(sql).map_err(classify)?;
        statement.raw_execute().map(|_| ()).map_err(classify)
    }
}

/// The prepared form of `sql`. SQLite numbers `$n` by first appearance, so `$n` is given to it as `?n`.
fn prepare<'c>(
    inner: &'c rusqlite::Connection,
    numbered: &mut HashMap<(usize, usize), String>,
    sql: &'static str,
) -> Result<CachedStatement<'c>, StoreError> {
    let text = numbered.entry((sql.as_ptr().addr(), sql.len())).or_insert_with(|| number_parameters(sql));
    inner.prepare_cached(text).map_err(classify)
}

/// Turns every `$n` outside quotes into `?n`.
fn number_parameters(sql: &str) -> String {
    let mut quote = None;
    let mut text = String::with_capacity(sql.len());
    let mut characters = sql.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '$') if characters.peek().is_some_and(char::is_ascii_digit) => {
                text.push('?');
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    text
}

fn run_bound(statement: &mut CachedStatement<'_>, params: &[Param<'_>]) -> Result<usize, StoreError> {
    bind(statement, params)?;
    statement.raw_execute().map_err(classify)
}

fn query_bound(
    statement: &mut CachedStatement<'_>,
    params: &[Param<'_>],
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    bind(statement, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(classify)? {
        each(&Row::Sqlite(row))?;
    }
    Ok(())
}

fn bind(statement: &mut CachedStatement<'_>, params: &[Param<'_>]) -> Result<(), StoreError> {
    if statement.parameter_count() != params.len() {
        let (want, given) = (statement.parameter_count(), params.len());
        return Err(StoreError::Statement(format!("{given} values for {want} parameters")));
    }
    for (index, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Bound(param)).map_err(classify)?;
    }
    Ok(())
}

struct Bound<'a>(&'a Param<'a>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = |value| Ok(ToSqlOutput::Borrowed(value));
        match self.0 {
            Param::Null => Ok(ToSqlOutput::from(Null)),
            Param::Int(value) => borrowed(ValueRef::Integer(*value)),
            Param::Time(time) => borrowed(ValueRef::Integer(time.ms())),
            Param::Bool(value) => borrowed(ValueRef::Integer(i64::from(*value))),
            Param::Bytes(bytes) => borrowed(ValueRef::Blob(bytes)),
            Param::Uuid(uuid) => borrowed(ValueRef::Blob(uuid.as_bytes())),
            Param::Amount(amount) => Ok(ToSqlOutput::from(amount.to_be_bytes().to_vec())),
            Param::U256(value) => Ok(ToSqlOutput::from(value.to_be_bytes::<32>().to_vec())),
            Param::Text(text) | Param::Json(text) => match text.as_bytes().contains(&0) {
                true => Err(rusqlite::Error::ToSqlConversionFailure("text with a NUL character".into())),
                false => borrowed(ValueRef::Text(text.as_bytes())),
            },
        }
    }
}

fn is_duplicate(error: &rusqlite::Error) -> bool {
    let keys =
        [ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_ROWID];
    matches!(error.sqlite_error(), Some(code) if keys.contains(&code.extended_code))
}

/// SQLite's errors as the store names them (SQLite documentation, "Result and Error Codes").
pub fn classify(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable(format!("another process holds the write lock of the database: {text}"))
        }
        Some(ErrorCode::DiskFull) => StoreError::DiskFull(text),
        Some(ErrorCode::ConstraintViolation) if is_duplicate(&error) => StoreError::Duplicate(text),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(text),
        _ => StoreError::Statement(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_numbers_whatever_their_order_and_quotes_stay() {
        assert_eq!(number_parameters("SELECT $2, $1, $2, '$3', \"$4\""), "SELECT ?2, ?1, ?2, '$3', \"$4\"");
    }
}
