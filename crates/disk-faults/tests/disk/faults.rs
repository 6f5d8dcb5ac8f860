//! Faults that the process lives to see: failed syncs, full disks, failed writes.

use std::collections::BTreeSet;

use bursar_disk_faults::{CrashMode, Disk, Fault, FaultPlan, Step};
use rusqlite::{Connection, ErrorCode, ffi};

use crate::book;

fn refused(outcome: rusqlite::Result<()>) -> (ErrorCode, i32) {
    let error = outcome.unwrap_err();
    let code = error.sqlite_error().unwrap();
    (code.code, code.extended_code)
}

fn book_with_one_entry() -> (Disk, Connection) {
    let disk = Disk::new(5);
    let mut connection = book::open(&disk, book::WAL).unwrap();
    book::enter(&mut connection, 1).unwrap();
    (disk, connection)
}

#[test]
fn a_failed_sync_fails_the_commit() {
    let (disk, mut connection) = book_with_one_entry();
    disk.plan(FaultPlan::new().at(disk.steps(), Fault::FailSync));
    let outcome = book::enter(&mut connection, 2);
    assert_eq!(refused(outcome), (ErrorCode::SystemIoFailure, ffi::SQLITE_IOERR_FSYNC));
    let fired = disk.fired();
    assert_eq!((fired.len(), fired[0].kind, fired[0].fault), (1, Step::Sync, Fault::FailSync));
}

/// On how many of 20 disks entry 1, written without a sync, or entry 3, written with one, goes in a power cut
/// when the sync in between meets `fault`.
fn losses(fault: Fault) -> usize {
    let loses = |seed: &u64| {
        let disk = Disk::new(*seed);
        let mut connection = book::open(&disk, book::WAL).unwrap();
        connection.execute_batch("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF").unwrap();
        book::enter(&mut connection, 1).unwrap();
        connection.execute_batch("PRAGMA synchronous=FULL").unwrap();
        disk.plan(FaultPlan::new().at(disk.steps(), fault));
        assert_eq!(book::enter(&mut connection, 2).is_err(), fault == Fault::FailSync);
        book::enter(&mut connection, 3).unwrap();
        disk.crash(CrashMode::PowerCut);
        !book::read(&disk, book::WAL).is_ok_and(|found| found.is_superset(&BTreeSet::from([1, 3])))
    };
    (0..20).filter(loses).count()
}

#[test]
fn a_sync_after_a_failed_one_succeeds_and_still_loses_data_unlike_after_a_forgotten_one() {
    assert!(losses(Fault::FailSync) >= 10);
    assert_eq!(losses(Fault::LostSync), 0);
}

#[test]
fn a_full_disk_fails_the_commit_and_the_database_goes_on_when_there_is_space() {
    let (disk, mut connection) = book_with_one_entry();
    disk.plan(FaultPlan::new().at(disk.steps(), Fault::DiskFull));
    assert_eq!(refused(book::enter(&mut connection, 2)), (ErrorCode::DiskFull, ffi::SQLITE_FULL));
    assert_eq!(refused(book::enter(&mut connection, 3)), (ErrorCode::DiskFull, ffi::SQLITE_FULL));
    disk.clear_faults();
    book::enter(&mut connection, 4).unwrap();
    drop(connection);
    assert_eq!(book::read(&disk, book::WAL), Ok(BTreeSet::from([1, 4])));
}

#[test]
fn so_does_a_disk_that_fills_up_by_size() {
    let (disk, mut connection) = book_with_one_entry();
    let used: usize = disk.snapshot().files().map(|(_, bytes)| bytes.len()).sum();
    disk.set_capacity(Some(u64::try_from(used).unwrap() + 20_000));
    let accepted = (2..1_000).take_while(|id| book::enter(&mut connection, *id).is_ok()).count();
    assert!((1..100).contains(&accepted), "{accepted} entries fitted");
    let (code, _) = refused(book::enter(&mut connection, 5_000));
    assert_eq!(code, ErrorCode::DiskFull);
    disk.set_capacity(None);
    book::enter(&mut connection, 6_000).unwrap();
    drop(connection);
    assert_eq!(book::read(&disk, book::WAL).map(|found| found.len()), Ok(accepted + 2));
}

#[test]
fn a_failed_write_fails_the_transaction_and_no_other() {
    for fault in [Fault::FailWrite, Fault::TornWrite { bytes: 100 }] {
        let (disk, mut connection) = book_with_one_entry();
        disk.plan(FaultPlan::new().at(disk.steps(), fault));
        let outcome = book::enter(&mut connection, 2);
        assert_eq!(refused(outcome), (ErrorCode::SystemIoFailure, ffi::SQLITE_IOERR_WRITE));
        book::enter(&mut connection, 3).unwrap();
        disk.crash(CrashMode::PowerCut);
        assert_eq!(book::read(&disk, book::WAL), Ok(BTreeSet::from([1, 3])));
    }
}

#[test]
fn a_journal_that_cannot_be_deleted_rolls_the_transaction_back() {
    let disk = Disk::new(5);
    let mut connection = book::open(&disk, book::ROLLBACK).unwrap();
    disk.plan(FaultPlan::new().at(disk.steps(), Fault::FailDelete));
    let outcome = book::enter(&mut connection, 1);
    assert_eq!(refused(outcome), (ErrorCode::SystemIoFailure, ffi::SQLITE_IOERR_DELETE));
    drop(connection);
    assert_eq!(book::read(&disk, book::ROLLBACK), Ok(BTreeSet::new()));
}

#[test]
fn the_time_is_the_one_that_was_set() {
    let (disk, connection) = book_with_one_entry();
    let now = || connection.query_row("SELECT strftime('%Y-%m-%dT%H:%M:%fZ')", [], |row| row.get(0));
    assert_eq!(now(), Ok("2023-11-14T22:13:20.000Z".to_owned()));
    disk.set_time_ms(1_800_000_000_123);
    assert_eq!(now(), Ok("2027-01-15T08:00:00.123Z".to_owned()));
}
