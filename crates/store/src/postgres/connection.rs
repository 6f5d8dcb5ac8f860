//! One connection to PostgreSQL with its prepared statements.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::Duration;

use postgres::error::Severity;
use postgres::types::{ToSql, Type};
use postgres::{Client, SimpleQueryMessage, Statement};

use super::codec::{ColumnArray, array_types, param_type};
use crate::{Bulk, Column, Lookup, Param, Row, StoreError};

/// Every statement finds its rows by an index and joins only against the arrays it is sent. The planner is told so,
/// since a plan made for tables that were nearly empty then, and kept, would read them whole once they are full. What
/// remains to be read whole (a handful of rows) then looks dear enough to be compiled first, which takes far longer.
const PLANNING: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
                        SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";
/// Whoever stands still within a transaction loses it: its locks keep stops and other processes waiting.
const IDLE: &str = "SET LOCAL idle_in_transaction_session_timeout = 60000";
const ASYNCHRONOUS: &str = "synchronous_commit is off for this role and database, so the server would forget what it said was \
                            committed; set it to on (ALTER ROLE or ALTER DATABASE ... SET synchronous_commit = on)";
/// One session. It keeps no session state, so that a pooler between transactions may swap it.
pub struct Connection {
    client: Client,
    /// Prepared statements by the place of their static text; `None` = a pooler that cannot keep them.
    statements: Option<HashMap<(usize, usize), Statement>>,
}

impl Connection {
    /// Over a session that was just opened.
    pub fn new(client: Client, keep_statements: bool) -> Connection {
        Connection { client, statements: keep_statements.then(HashMap::new) }
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Refuses a server that would tell of commits before they are on its disk, as its role or database is set up to.
    pub fn check_durability(&mut self) -> Result<(), StoreError> {
        let rows = self.client.simple_query("SHOW synchronous_commit").map_err(classify)?;
        let is_off = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0) == Some("off"),
            _ => false,
        };
        match rows.iter().any(is_off) {
            true => Err(StoreError::Unavailable(ASYNCHRONOUS.to_owned())),
            false => Ok(()),
        }
    }

    /// Starts a transaction, each statement of which may take up to `limit`.
    pub fn begin(&mut self, read_only: bool, limit: Duration) -> Result<(), StoreError> {
        let mode = if read_only {
            "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        } else {
            "ISOLATION LEVEL READ COMMITTED"
        };
        let limit_ms = limit.as_millis().max(1);
        let text = format!("BEGIN {mode}; SET LOCAL statement_timeout = {limit_ms}; {IDLE}; {PLANNING}");
        self.client.batch_execute(&text).map_err(classify)
    }

    /// Ends it. Unless the server refused the commit and lives on, what became of it is not known: a server that ends
    /// the session may do so right after it has committed.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.client.batch_execute("COMMIT").map_err(|error| {
            match error.as_db_error().and_then(postgres::error::DbError::parsed_severity) {
                Some(Severity::Error) => classify(error),
                _ => StoreError::UnknownCommit(describe(&error)),
            }
        })
    }

    /// Gives it up. A connection that cannot even do that is dropped by the pool.
    pub fn rollback(&mut self) {
        let _ = self.client.batch_execute("ROLLBACK");
    }

    /// Runs text without parameters, several statements allowed.
    pub fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(classify)
    }

    /// Runs one statement and says how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        if let Some(statement) = self.prepared(sql)? {
            let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
            return self.client.execute(&statement, &values).map_err(classify);
        }
        self.client.execute_typed(sql, &typed(params)).map_err(classify)
    }

    /// Runs one query and reads each row.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = match self.prepared(sql)? {
            Some(statement) => {
                let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as _).collect();
                self.client.query(&statement, &values)
            }
            None => self.client.query_typed(sql, &typed(params)),
        };
        rows.map_err(classify)?.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    /// Writes all rows of `params` in one statement.
    pub fn execute_many(&mut self, bulk: &'static Bulk, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let arrays = arrays_of(&bulk.columns, params);
        let statement = self.prepared(&bulk.postgres)?;
        let values = arrays.iter().map(|array| array as &(dyn ToSql + Sync));
        match statement {
            Some(statement) => self.client.execute(&statement, &values.collect::<Vec<_>>()),
            None => {
                let types = arrays.iter().map(|array| array_types(array.column).1);
                self.client.execute_typed(&bulk.postgres, &values.zip(types).collect::<Vec<_>>())
            }
        }
        .map_err(classify)
    }

    /// Reads the rows of many keys in one statement.
    pub fn lookup<T>(
        &mut self,
        lookup: &'static Lookup,
        keys: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let arrays = arrays_of(&lookup.keys, keys);
        let statement = self.prepared(&lookup.postgres)?;
        let values = arrays.iter().map(|array| array as &(dyn ToSql + Sync));
        let rows = match statement {
            Some(statement) => self.client.query(&statement, &values.collect::<Vec<_>>()),
            None => {
                let types = arrays.iter().map(|array| array_types(array.column).1);
                self.client.query_typed(&lookup.postgres, &values.zip(types).collect::<Vec<_>>())
            }
        };
        rows.map_err(classify)?.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Option<Statement>, StoreError> {
        let Some(statements) = &mut self.statements else { return Ok(None) };
        let place = (sql.as_ptr().addr(), sql.len());
        if let Some(statement) = statements.get(&place) {
            return Ok(Some(statement.clone()));
        }
        let statement = self.client.prepare(sql).map_err(classify)?;
        statements.insert(place, statement.clone());
        Ok(Some(statement))
    }
}

/// The columns of row-major `params`, each as an array.
fn arrays_of<'a>(columns: &[Column], params: &'a [Param<'a>]) -> Vec<ColumnArray<'a>> {
    let column = |(offset, column): (usize, &Column)| ColumnArray {
        column: *column,
        rows: params,
        offset,
        width: columns.len(),
    };
    columns.iter().enumerate().map(column).collect()
}

fn typed<'a>(params: &'a [Param<'a>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (param as &(dyn ToSql + Sync), param_type(param))).collect()
}

/// Server and transport errors as the store names them (PostgreSQL documentation, appendix A).
pub fn classify(error: postgres::Error) -> StoreError {
    let text = describe(&error);
    let Some(code) = error.code() else {
        // Without an answer of the server, either the connection failed or a value of ours could not be sent.
        let is_transport = error.is_closed() || error.source().is_some_and(|source| source.is::<io::Error>());
        return if is_transport { StoreError::Unavailable(text) } else { StoreError::Statement(text) };
    };
    match code.code() {
        "40001" | "40P01" | "55P03" => StoreError::Conflict(text),
        "23505" => StoreError::Duplicate(text),
        "53100" => StoreError::DiskFull(text),
        "08P01" => StoreError::Statement(text),
        "25006" | "25P03" => StoreError::Unavailable(text),
        code if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Statement(text),
    }
}

/// The server's words, or the transport's.
pub fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} ({})", database.message(), database.code().code()),
        None => error.to_string(),
    }
}
