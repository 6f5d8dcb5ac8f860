//! How checkers look at the simulated database: by a connection of their own, which they share.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bursar_disk_faults::Disk;
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
use rusqlite::{Connection, OpenFlags};

use crate::template::DATABASE;

/// Distinct statements of all checkers that are kept prepared.
const STATEMENTS_KEPT: usize = 128;

/// The connection of all checkers, one of which looks at a time. It closes with the last of them that has it.
#[derive(Clone)]
pub struct Eye(Arc<ReentrantMutex<Connection>>);

impl Eye {
    /// Looks through `connection`.
    pub fn new(connection: Connection) -> Eye {
        Eye(Arc::new(ReentrantMutex::new(connection)))
    }

    /// Looks at the database on `disk`, which somebody has recovered, and sees the log before anybody goes on.
    pub fn on(disk: &Disk) -> rusqlite::Result<Eye> {
        open(disk.vfs_name()).map(Eye::new)
    }

    /// The connection, for as long as the look takes.
    pub fn look(&self) -> ReentrantMutexGuard<'_, Connection> {
        self.0.lock()
    }
}

impl fmt::Debug for Eye {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eye")
    }
}

/// One consistent look at the database.
pub struct Snapshot<'c>(&'c Connection);

impl<'c> Snapshot<'c> {
    /// Begins it.
    pub fn of(connection: &'c Connection) -> rusqlite::Result<Snapshot<'c>> {
        connection.prepare_cached("BEGIN")?.raw_execute()?;
        Ok(Snapshot(connection))
    }
}

impl Deref for Snapshot<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // After an error SQLite may have ended it by itself; then this fails harmlessly.
        let _ = self.0.prepare_cached("ROLLBACK").and_then(|mut end| end.raw_execute());
    }
}

/// A connection that recovers the database when it is the first after a crash, as the platform's own: the log is written
/// anew before.
pub fn recover(disk: &Disk) -> rusqlite::Result<Connection> {
    let layer = bursar_sqlite_log::gathering(Some(disk.vfs_name())).expect("the disk is registered");
    open(&layer)
}

fn open(vfs: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(DATABASE, flags, vfs)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; SELECT 1 FROM sqlite_schema LIMIT 1")?;
    Ok(connection)
}
