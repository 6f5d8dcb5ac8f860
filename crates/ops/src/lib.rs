//! Operating the platform: backups that are proven by restoring them, alerts, incidents, and counts kept for
//! days.
//!
//! Entry points: [`backup::create`], [`backup::verify`], [`backup::restore`] and [`backup::prune`], all on a
//! [`backup::Target`].
//!
//! # One logical format for both engines
//!
//! A backup is a folder: one part a table, a manifest and its seal. A part is the table's rows in the order of their
//! primary key, each value as the embedded engine stores it (nothing, an integer, a text or bytes), so the same rows
//! give the same bytes whichever engine they lie on. We chose this over a copy of the SQLite file and a `pg_dump`
//! beside it because a logical backup restores across engines, across versions of either engine and without any
//! installed tool; because a restored table can be compared with its part by one hash, row for row, which no file copy
//! allows; and because a scratch store of the embedded engine then proves the backup of a shared one. The price is that
//! indexes are built again on restore and that instants are kept in whole milliseconds, which is all that the platform
//! ever reads. Rows are read from one snapshot (a read transaction of the write-ahead log, or `REPEATABLE READ`), which
//! holds no lock that a join could wait for.

pub mod alerts;
pub mod backup;
pub mod incidents;
pub mod rollup;

use bursar_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: [Migration; 3] = [
    Migration { name: "ops/0001_backup", epoch: 1, sql: include_str!("../migrations/0001_backup.sql") },
    Migration { name: "ops/0002_watch", epoch: 1, sql: include_str!("../migrations/0002_watch.sql") },
    Migration { name: "ops/0003_proofs", epoch: 1, sql: include_str!("../migrations/0003_proofs.sql") },
];
