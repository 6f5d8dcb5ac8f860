//! How a checker looks at the simulated database: by a connection of its own.

use bursar_disk_faults::Disk;
use rusqlite::{Connection, OpenFlags};

use crate::template::DATABASE;

/// A connection of a checker's own to the database on `disk`, which somebody has recovered. Reading `table` makes it see the
/// log before anybody goes on.
pub fn watch(disk: &Disk, table: &str) -> rusqlite::Result<Connection> {
    open(disk.vfs_name(), table)
}

/// A connection that recovers the database when it is the first after a crash, as the platform's own: the log is written
/// anew before.
pub fn recover(disk: &Disk) -> rusqlite::Result<Connection> {
    let layer = bursar_sqlite_log::gathering(Some(disk.vfs_name())).expect("the disk is registered");
    open(&layer, "sqlite_schema")
}

fn open(vfs: &str, table: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(DATABASE, flags, vfs)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch(&format!("PRAGMA wal_autocheckpoint = 0; SELECT 1 FROM {table} LIMIT 1"))?;
    Ok(connection)
}
