//! The database under test: each entry is one transaction of three rows, so that halves and doubles show.

use std::collections::{BTreeMap, BTreeSet};

use bursar_disk_faults::Disk;
use rusqlite::{Connection, OpenFlags, params};

pub const FILE: &str = "data/book.db";
/// Rows of one entry.
const PARTS: i64 = 3;

/// How the database is kept.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    pub journal: &'static str,
    pub synchronous: &'static str,
    pub locking: &'static str,
}

pub const WAL: Mode = Mode { journal: "WAL", synchronous: "FULL", locking: "NORMAL" };
pub const WAL_EXCLUSIVE: Mode = Mode { locking: "EXCLUSIVE", ..WAL };
/// EXTRA, because only it syncs the directory when the journal goes.
pub const ROLLBACK: Mode = Mode { journal: "DELETE", synchronous: "EXTRA", locking: "NORMAL" };

/// Opens the database, with a checkpoint every 8 pages so that short tests see many.
pub fn open(disk: &Disk, mode: Mode) -> rusqlite::Result<Connection> {
    let connection = connect(disk, FILE)?;
    let Mode { journal, synchronous, locking } = mode;
    connection.execute_batch(&format!(
        "PRAGMA locking_mode={locking}; PRAGMA journal_mode={journal}; PRAGMA synchronous={synchronous};
         PRAGMA wal_autocheckpoint=8; CREATE TABLE IF NOT EXISTS entry (id INTEGER, part INTEGER, note BLOB)"
    ))?;
    Ok(connection)
}

/// A connection to any file of the disk, with SQLite's defaults.
pub fn connect(disk: &Disk, file: &str) -> rusqlite::Result<Connection> {
    Connection::open_with_flags_and_vfs(file, OpenFlags::default(), disk.vfs_name())
}

/// Commits one entry whole.
pub fn enter(connection: &mut Connection, id: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for part in 0..PARTS {
        let length = 100 + (id * 37 + part * 411) % 1500;
        transaction
            .prepare_cached("INSERT INTO entry VALUES (?1, ?2, zeroblob(?3))")?
            .execute(params![id, part, length])?;
    }
    transaction.commit()
}

/// The entries in the database; an error in words when one is not whole, or the file is damaged.
pub fn read(disk: &Disk, mode: Mode) -> Result<BTreeSet<i64>, String> {
    let survey = |connection: &Connection| -> rusqlite::Result<(String, BTreeMap<i64, i64>)> {
        let health = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let mut statement = connection.prepare("SELECT id, part FROM entry")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut parts = BTreeMap::new();
        for row in rows {
            let (id, part): (i64, u32) = row?;
            *parts.entry(id).or_default() += 1 << (8 * part);
        }
        Ok((health, parts))
    };
    let (health, parts) =
        open(disk, mode).and_then(|connection| survey(&connection)).map_err(|e| e.to_string())?;
    if health != "ok" {
        return Err(health);
    }
    match parts.iter().find(|(_, parts)| **parts != 0x01_01_01) {
        Some((id, parts)) => Err(format!("entry {id} is not there once and whole: {parts:#x}")),
        None => Ok(parts.into_keys().collect()),
    }
}
