//! Reading all rows of a database from one snapshot, whichever engine it lives on.

mod postgres;
mod sqlite;

use bursar_store::DatabaseUrl;

use super::cell::Cell;
use super::error::BackupError;
use super::manifest::Step;
use super::schema::Table;

/// What is done with each row.
pub type EachRow<'a> = &'a mut dyn FnMut(&[Cell<'_>]) -> Result<(), BackupError>;

/// A snapshot of a database. It locks nothing that writers wait for, and ends when it is dropped.
pub trait Source {
    /// The migrations that ran.
    fn steps(&mut self) -> Result<Vec<Step>, BackupError>;

    /// Every table with its columns, by name.
    fn tables(&mut self) -> Result<Vec<(String, Vec<String>)>, BackupError>;

    /// Every row of `table` in the order of its primary key, one in memory at a time.
    fn read(&mut self, table: &Table, each: EachRow<'_>) -> Result<(), BackupError>;

    /// The last number that `table` gave out by itself; `None` = none yet, or it gives none.
    fn last_serial(&mut self, table: &Table) -> Result<Option<i64>, BackupError>;
}

/// Opens a snapshot of the database at `url`.
pub fn open(url: &DatabaseUrl) -> Result<Box<dyn Source>, BackupError> {
    Ok(match url {
        DatabaseUrl::Sqlite(path) => Box::new(sqlite::SqliteSource::open(path)?),
        DatabaseUrl::Postgres(url) => Box::new(postgres::PostgresSource::open(url)?),
    })
}
