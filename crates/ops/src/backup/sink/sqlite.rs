//! Filling an embedded database. It is nobody's yet, so nothing is kept for a rollback: a crash leaves a file that is
//! thrown away.

use std::fs::File;
use std::path::{Path, PathBuf};

use bursar_store::{DatabaseUrl, Migration, OpenMode, Store, StoreOptions};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::{Feed, Sink, beside};
use crate::backup::cell::Cell;
use crate::backup::error::{BackupError, sqlite};
use crate::backup::schema::Table;

const SPEED: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; \
                     PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -131072; \
                     PRAGMA temp_store = FILE; PRAGMA threads = 2;";
/// Indexes and triggers that somebody made; those of a primary key have no text.
const MADE: &str = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL \
                    ORDER BY type, name";

pub struct SqliteSink {
    connection: Connection,
    path: PathBuf,
    /// The text of each index, then of each trigger.
    later: Vec<String>,
}

/// Refuses a file with anything in it, and one that a log lies beside: the log would be taken for the new file's.
pub fn check_empty(path: &Path) -> Result<(), BackupError> {
    let is_there = |path: &Path| path.metadata().is_ok_and(|file| file.len() > 0);
    let log = beside(path, "-wal");
    match [path, &log].into_iter().find(|path| is_there(path)) {
        Some(taken) => Err(BackupError::NotEmpty(taken.display().to_string())),
        None => Ok(()),
    }
}

impl SqliteSink {
    pub fn open(path: &Path, migrations: &[Migration], tables: &[Table]) -> Result<SqliteSink, BackupError> {
        let store = Store::open(&DatabaseUrl::Sqlite(path.to_owned()), StoreOptions::new(OpenMode::Tool))?;
        store.migrate(migrations)?;
        drop(store);
        let connection = Connection::open(path).map_err(sqlite)?;
        connection.execute_batch(SPEED).map_err(sqlite)?;
        let later = made(&connection)?;
        for (kind, name, _) in &later {
            connection.execute_batch(&format!("DROP {kind} {name}")).map_err(sqlite)?;
        }
        // Migrations seed some tables; what the backup has is all there was.
        for table in tables.iter().rev() {
            connection.execute_batch(&format!("DELETE FROM {}", table.name)).map_err(sqlite)?;
        }
        let later = later.into_iter().map(|(_, _, sql)| sql).collect();
        Ok(SqliteSink { connection, path: path.to_owned(), later })
    }
}

fn made(connection: &Connection) -> Result<Vec<(String, String, String)>, BackupError> {
    let mut statement = connection.prepare(MADE).map_err(sqlite)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(sqlite)?;
    rows.collect::<Result<_, _>>().map_err(sqlite)
}

impl Sink for SqliteSink {
    fn load(&mut self, table: &Table, feed: Feed<'_>) -> Result<(), BackupError> {
        self.connection.execute_batch("BEGIN").map_err(sqlite)?;
        let marks: Vec<String> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            table.name,
            table.columns.join(", "),
            marks.join(", ")
        );
        let mut insert = self.connection.prepare_cached(&sql).map_err(sqlite)?;
        feed(&mut |row| write(&mut insert, row))?;
        drop(insert);
        self.connection.execute_batch("COMMIT").map_err(sqlite)
    }

    fn set_serial(&mut self, table: &Table, last: i64) -> Result<(), BackupError> {
        let name = &table.name;
        let sql = format!(
            "DELETE FROM sqlite_sequence WHERE name = '{name}'; \
             INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {last});"
        );
        self.connection.execute_batch(&sql).map_err(sqlite)
    }

    fn finish(self: Box<Self>) -> Result<(), BackupError> {
        for sql in &self.later {
            self.connection.execute_batch(sql).map_err(sqlite)?;
        }
        self.connection.close().map_err(|(_, error)| sqlite(error))?;
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|cause| BackupError::file(self.path.display(), cause))
    }
}

fn write(insert: &mut CachedStatement<'_>, row: &[Cell<'_>]) -> Result<(), BackupError> {
    for (index, cell) in row.iter().enumerate() {
        insert.raw_bind_parameter(index + 1, Bound(*cell)).map_err(sqlite)?;
    }
    insert.raw_execute().map(|_| ()).map_err(sqlite)
}

struct Bound<'a>(Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Int(value) => ValueRef::Integer(value),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
