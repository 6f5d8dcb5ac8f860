//! The same seed gives the same bytes; alone in its process, because SQLite has one random generator in each.
#![allow(clippy::unwrap_used, reason = "what only tests use")]

use bursar_disk_faults::{CrashMode, Disk, DiskImage, Fault, FaultPlan, Fired};
use rusqlite::{Connection, OpenFlags};

/// Writes with faults and power cuts, ending in the middle of things.
fn run(seed: u64) -> (DiskImage, u64, Vec<Fired>) {
    let disk = Disk::new(seed);
    for round in 0..6 {
        let at = disk.steps() + 20 + round * 13;
        disk.plan(
            FaultPlan::new().at(at, Fault::FailWrite).at(at + 9, Fault::FailSync).at(at + 40, Fault::Halt),
        );
        while !disk.halted() {
            let _whatever_the_disk_allows = write(&disk);
        }
        disk.crash(CrashMode::PowerCut);
    }
    (disk.snapshot(), disk.steps(), disk.fired())
}

fn write(disk: &Disk) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags_and_vfs("book.db", OpenFlags::default(), disk.vfs_name())?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8;
         CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, note BLOB)",
    )?;
    (0..10).try_for_each(|_| connection.execute_batch("INSERT INTO entry (note) VALUES (randomblob(500))"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    for seed in 0..10 {
        let first = run(seed);
        assert!(first.1 > 150 && first.2.len() >= 12, "{} steps, {:?}", first.1, first.2);
        assert_eq!(first, run(seed));
        assert_ne!(first.0, run(seed + 1_000).0);
    }
}
