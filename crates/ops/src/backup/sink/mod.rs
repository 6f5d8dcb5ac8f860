//! Putting rows into an empty database of either engine.

mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

use bursar_store::{DatabaseUrl, Migration};

use super::cell::Cell;
use super::error::BackupError;
use super::schema::Table;
use super::source::EachRow;

pub use postgres::clear_unproven;

/// Hands every row of a table to what is given.
pub type Feed<'a> = &'a mut dyn FnMut(EachRow<'_>) -> Result<(), BackupError>;

/// A database that is being filled.
pub trait Sink {
    /// Puts the rows that `feed` gives, in the order of the primary key, into `table`.
    fn load(&mut self, table: &Table, feed: Feed<'_>) -> Result<(), BackupError>;

    /// Makes `table` number its rows from behind `last` on.
    fn set_serial(&mut self, table: &Table, last: i64) -> Result<(), BackupError>;

    /// Makes indexes and triggers again and brings everything to disk.
    fn finish(self: Box<Self>) -> Result<(), BackupError>;
}

/// Makes the tables of `migrations` in an empty database, without indexes and triggers until [`Sink::finish`].
pub fn open(
    url: &DatabaseUrl,
    migrations: &[Migration],
    tables: &[Table],
) -> Result<Box<dyn Sink>, BackupError> {
    Ok(match url {
        DatabaseUrl::Sqlite(path) => Box::new(sqlite::SqliteSink::open(path, migrations, tables)?),
        DatabaseUrl::Postgres(url) => Box::new(postgres::PostgresSink::open(url, migrations, tables)?),
    })
}

/// Refuses a database in which anything is.
pub fn check_empty(url: &DatabaseUrl) -> Result<(), BackupError> {
    match url {
        DatabaseUrl::Sqlite(path) => sqlite::check_empty(path),
        DatabaseUrl::Postgres(postgres) => match postgres::is_empty(postgres)? {
            true => Ok(()),
            false => Err(BackupError::NotEmpty(url.to_string())),
        },
    }
}

/// `path` with `ending` behind its last part.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn mismatch(table: &Table, index: usize, cell: &Cell<'_>) -> BackupError {
    let column = table.columns.get(index).map_or("?", |column| column);
    BackupError::Schema(format!("{}.{column} cannot hold {}", table.name, cell.kind()))
}
