//! A snapshot of an embedded database: a read transaction on a connection of its own. Writers go on beside it; only the
//! write-ahead log cannot start over before it ends.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::{EachRow, Source};
use crate::backup::cell::Cell;
use crate::backup::error::{BackupError, sqlite};
use crate::backup::manifest::Step;
use crate::backup::schema::{APPLIED, Table};

/// How long it waits for a database that somebody recovers or closes.
const WAIT: Duration = Duration::from_secs(30);

pub struct SqliteSource {
    connection: Connection,
}

impl SqliteSource {
    pub fn open(path: &Path) -> Result<SqliteSource, BackupError> {
        // Without write access a log that was left by a killed server could not be read.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        connection.busy_timeout(WAIT).map_err(sqlite)?;
        let begin = "PRAGMA query_only = ON; PRAGMA cache_size = -16384; BEGIN; \
                     SELECT COUNT(*) FROM sqlite_master;";
        connection.execute_batch(begin).map_err(sqlite)?;
        Ok(SqliteSource { connection })
    }

    fn list<T>(
        &self,
        sql: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, BackupError> {
        let mut statement = self.connection.prepare(sql).map_err(sqlite)?;
        let rows = statement.query_map([], read).map_err(sqlite)?;
        rows.collect::<Result<_, _>>().map_err(sqlite)
    }
}

impl Source for SqliteSource {
    fn steps(&mut self) -> Result<Vec<Step>, BackupError> {
        self.list(APPLIED, |row| Ok(Step { name: row.get(0)?, checksum: row.get(1)?, epoch: row.get(2)? }))
    }

    fn tables(&mut self) -> Result<Vec<(String, Vec<String>)>, BackupError> {
        let sql = "SELECT m.name, (SELECT group_concat(name, ',') FROM \
                     (SELECT name FROM pragma_table_info(m.name) ORDER BY cid)) \
                   FROM sqlite_master m WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' ORDER BY m.name";
        self.list(sql, |row| {
            let columns: String = row.get(1)?;
            Ok((row.get(0)?, columns.split(',').map(str::to_owned).collect()))
        })
    }

    fn read(&mut self, table: &Table, each: EachRow<'_>) -> Result<(), BackupError> {
        let mut statement = self.connection.prepare(&table.select()).map_err(sqlite)?;
        let width = table.columns.len();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            let mut cells = Vec::with_capacity(width);
            for index in 0..width {
                let value = row.get_ref(index).map_err(sqlite)?;
                cells.push(cell(value).ok_or_else(|| strange(table, index))?);
            }
            each(&cells)?;
        }
        Ok(())
    }

    fn last_serial(&mut self, table: &Table) -> Result<Option<i64>, BackupError> {
        if table.serial.is_none() {
            return Ok(None);
        }
        let sql = format!("SELECT seq FROM sqlite_sequence WHERE name = '{}'", table.name);
        // A table whose every insert was taken back has the row, and has given out nothing.
        Ok(self.list(&sql, |row| row.get(0))?.into_iter().find(|last: &i64| *last > 0))
    }
}

fn cell(value: ValueRef<'_>) -> Option<Cell<'_>> {
    match value {
        ValueRef::Null => Some(Cell::Null),
        ValueRef::Integer(value) => Some(Cell::Int(value)),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Cell::Text),
        ValueRef::Blob(bytes) => Some(Cell::Bytes(bytes)),
        ValueRef::Real(_) => None,
    }
}

fn strange(table: &Table, index: usize) -> BackupError {
    let column = table.columns.get(index).map_or("?", |column| column);
    BackupError::Schema(format!(
        "{}.{column} holds a value that this program never writes (a fraction, or text that is not UTF-8); correct \
         it by hand",
        table.name
    ))
}
