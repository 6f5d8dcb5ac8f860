//! One connection to PostgreSQL with its prepared statements, and the pool that lends connections.

use std::collections::HashMap;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use postgres::config::SslMode;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls, Statement};

use super::codec::{ColumnArray, array_types, param_type};
use super::tls;
use crate::{Bulk, Column, Lookup, Param, Row, StoreError};

/// How long a connection attempt may take, in seconds.
const CONNECT_TIMEOUT_S: u64 = 5;
/// A statement that runs longer than this many milliseconds is cancelled by the server.
const STATEMENT_TIMEOUT_MS: u64 = 60_000;

/// Connections to one server; lent out one at a time, opened when first needed.
pub struct PostgresEngine {
    config: Config,
    cache_statements: bool,
    idle: (Sender<Option<Connection>>, Receiver<Option<Connection>>),
    wait: Duration,
}

/// One session. It keeps no session state, so that a pooler between transactions may swap it.
pub struct Connection {
    client: Client,
    /// Prepared statements by the place of their static text; `None` = a pooler that cannot keep them.
    statements: Option<HashMap<(usize, usize), Statement>>,
}

impl PostgresEngine {
    /// A pool of at most `size` connections to `url`.
    pub fn open(url: &str, size: usize, wait: Duration, cache_statements: bool) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|error| unavailable(&error))?;
        config.connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S));
        config.tcp_user_timeout(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("bursar");
        }
        let (give, take) = bounded(size.max(1));
        for _ in 0..size.max(1) {
            // The channel holds exactly `size` places, so this cannot be full.
            let _ = give.send(None);
        }
        Ok(PostgresEngine { config, cache_statements, idle: (give, take), wait })
    }

    /// Lends a connection to `work`; a connection that died is replaced next time.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let place = self.idle.1.recv_timeout(self.wait).map_err(|_| {
            StoreError::Unavailable("every database connection of this process is busy".into())
        })?;
        let mut connection = match place {
            Some(connection) if !connection.client.is_closed() => Some(connection),
            _ => None,
        };
        let result = match &mut connection {
            Some(connection) => work(connection),
            None => self.connect().and_then(|fresh| work(connection.insert(fresh))),
        };
        let usable = connection.filter(|connection| !connection.client.is_closed());
        let _ = self.idle.0.send(usable);
        result
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let client = match self.config.get_ssl_mode() {
            SslMode::Disable => self.config.connect(NoTls),
            _ if self.is_local() => self.config.connect(NoTls),
            _ => self.config.connect(tls::connector()?),
        };
        let client = client.map_err(|error| unavailable(&error))?;
        Ok(Connection { client, statements: self.cache_statements.then(HashMap::new) })
    }

    /// Whether every host is a socket of this machine, where encryption protects nothing.
    fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            postgres::config::Host::Unix(_) => true,
            postgres::config::Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        })
    }
}

impl Connection {
    /// Starts a transaction.
    pub fn begin(&mut self, read_only: bool) -> Result<(), StoreError> {
        let mode = if read_only {
            "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        } else {
            "ISOLATION LEVEL READ COMMITTED"
        };
        let text = format!("BEGIN {mode}; SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}");
        self.client.batch_execute(&text).map_err(classify)
    }

    /// Ends it; an error here means the outcome is not known unless the server itself refused.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.client.batch_execute("COMMIT").map_err(|error| match error.as_db_error() {
            Some(_) => classify(error),
            None => StoreError::UnknownCommit(error.to_string()),
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
fn classify(error: postgres::Error) -> StoreError {
    let Some(code) = error.code() else {
        return StoreError::Unavailable(describe(&error));
    };
    let text = describe(&error);
    match code.code() {
        "40001" | "40P01" | "55P03" | "23505" => StoreError::Conflict(text),
        "53100" => StoreError::DiskFull(text),
        code if code.starts_with("08") || code.starts_with("57") || code.starts_with("53") => {
            StoreError::Unavailable(text)
        }
        "25006" => StoreError::Unavailable(text),
        _ => StoreError::Statement(text),
    }
}

fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} ({})", database.message(), database.code().code()),
        None => error.to_string(),
    }
}
