//! How a checker looks at the simulated database: by a connection of its own.

use bursar_disk_faults::Disk;
use rusqlite::{Connection, OpenFlags};

use crate::template::DATABASE;

/// A connection of a checker's own to the database on `disk`, which recovers it when it is the first after a crash. Reading
/// `table` makes it see the log before anybody goes on.
pub fn watch(disk: &Disk, table: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // As the platform's own first connection, which writes the log anew before it recovers from it.
    let layer = bursar_sqlite_log::gathering(Some(disk.vfs_name())).expect("the disk is registered");
    let connection = Connection::open_with_flags_and_vfs(DATABASE, flags, layer.as_str())?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch(&format!("PRAGMA wal_autocheckpoint = 0; SELECT 1 FROM {table} LIMIT 1"))?;
    Ok(connection)
}
