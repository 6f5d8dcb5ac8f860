//! One connection to PostgreSQL with its prepared statements, and the pool that lends connections.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::Severity;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls, Statement};

use super::codec::{ColumnArray, array_types, param_type};
use super::tls;
use crate::pool::Pool;
use crate::{Bulk, Column, Lookup, Param, Row, StoreError};

/// How long a connection attempt may take, in seconds.
const CONNECT_TIMEOUT_S: u64 = 5;
/// Every statement finds its rows by an index and joins only against the arrays it is sent. The planner is told so,
/// since a plan made for tables that were nearly empty then, and kept, would read them whole once they are full. What
/// remains to be read whole (a handful of rows) then looks dear enough to be compiled first, which takes far longer.
const PLANNING: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
                        SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";
/// A statement of a transaction that writes is cancelled by the server when it runs longer.
const WRITE_STATEMENT_MAX: Duration = Duration::from_secs(60);

/// Connections to one server; lent out one at a time, opened when first needed.
pub struct PostgresEngine {
    config: Config,
    cache_statements: bool,
    pool: Pool<Connection>,
    read_limit: Duration,
}

/// One session. It keeps no session state, so that a pooler between transactions may swap it.
pub struct Connection {
    client: Client,
    /// Prepared statements by the place of their static text; `None` = a pooler that cannot keep them.
    statements: Option<HashMap<(usize, usize), Statement>>,
}

impl PostgresEngine {
    /// A pool of at most `size` connections to `url`; `patience` limits the wait for one, and each reading statement.
    pub fn open(
        url: &str,
        size: usize,
        patience: Duration,
        cache_statements: bool,
    ) -> Result<Self, StoreError> {
        let config = configuration(url)?;
        Ok(PostgresEngine { config, cache_statements, pool: Pool::new(size, patience), read_limit: patience })
    }

    /// Lends a connection in a transaction that has begun. One that died since its last use is replaced.
    pub fn with<T>(
        &self,
        read_only: bool,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let limit = if read_only { self.read_limit } else { WRITE_STATEMENT_MAX };
        let mut place = self.pool.take()?;
        let reused = place.connection.take().and_then(|mut connection| {
            let begun = connection.begin(read_only, limit);
            begun.is_ok().then_some(connection)
        });
        let connection = match reused {
            Some(connection) => connection,
            None => {
                let mut fresh = self.connect()?;
                fresh.begin(read_only, limit)?;
                fresh
            }
        };
        let result = work(place.connection.insert(connection));
        place.connection.take_if(|connection| connection.client.is_closed());
        result
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let client = connect(&self.config)?;
        Ok(Connection { client, statements: self.cache_statements.then(HashMap::new) })
    }
}

/// A session of its own with the server at `url`, set up as the pool's are.
pub fn session(url: &str) -> Result<Client, StoreError> {
    connect(&configuration(url)?)
}

fn configuration(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url.parse().map_err(|error| unavailable(&error))?;
    config.connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S));
    config.tcp_user_timeout(Duration::from_secs(30));
    if config.get_application_name().is_none() {
        config.application_name("bursar");
    }
    Ok(config)
}

fn connect(config: &Config) -> Result<Client, StoreError> {
    let client = match config.get_ssl_mode() {
        SslMode::Disable => config.connect(NoTls),
        _ if is_local(config) => config.connect(NoTls),
        // `prefer` would fall back to plain text on a host that somebody else may answer for.
        _ => config.clone().ssl_mode(SslMode::Require).connect(tls::connector()?),
    };
    client.map_err(|error| unavailable(&error))
}

/// Whether every host is a socket of this machine, where encryption protects nothing.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        postgres::config::Host::Unix(_) => true,
        postgres::config::Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    })
}

impl Connection {
    /// Starts a transaction, each statement of which may take up to `limit`.
    fn begin(&mut self, read_only: bool, limit: Duration) -> Result<(), StoreError> {
        let mode = if read_only {
            "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        } else {
            "ISOLATION LEVEL READ COMMITTED"
        };
        let limit_ms = limit.as_millis().max(1);
        let text = format!("BEGIN {mode}; SET LOCAL statement_timeout = {limit_ms}; {PLANNING}");
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

fn unavailable(error: &postgres::Error) -> StoreError {
    StoreError::Unavailable(describe(error))
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
        "25006" => StoreError::Unavailable(text),
        code if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Statement(text),
    }
}

fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} ({})", database.message(), database.code().code()),
        None => error.to_string(),
    }
}
