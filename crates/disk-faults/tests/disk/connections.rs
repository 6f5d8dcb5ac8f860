//! Several connections and threads on one database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bursar_disk_faults::{CrashMode, Disk};
use rusqlite::{Connection, ErrorCode};

use crate::book::{self, Mode};

const TRANSFERS: i64 = 2_000;

fn purses(disk: &Disk, mode: Mode) -> Connection {
    let connection = book::open(disk, mode).unwrap();
    let schema =
        "CREATE TABLE purse (id INTEGER PRIMARY KEY, coins INTEGER); INSERT INTO purse VALUES (1, 0), (2, 0)";
    connection.execute_batch(schema).unwrap();
    connection
}

/// Moves one coin, in two statements of one transaction.
fn transfer(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN IMMEDIATE; UPDATE purse SET coins = coins - 1 WHERE id = 1;
         UPDATE purse SET coins = coins + 1 WHERE id = 2; COMMIT",
    )
}

fn coins(connection: &Connection) -> (i64, i64) {
    let query = "SELECT sum(coins), max(coins) FROM purse";
    connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn three_readers_see_whole_transfers_in_order_while_one_connection_writes() {
    let disk = Disk::new(1);
    let writer = purses(&disk, book::WAL);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let reader = book::connect(&disk, book::FILE).unwrap();
                let mut last = 0;
                while !done.load(Ordering::Acquire) || last < TRANSFERS {
                    let (sum, moved) = coins(&reader);
                    assert_eq!(sum, 0);
                    assert!(moved >= last, "a reader went back from {last} to {moved}");
                    last = moved;
                }
            });
        }
        for _ in 0..TRANSFERS {
            transfer(&writer).unwrap();
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn writers_on_several_threads_wait_for_each_other() {
    for mode in [book::WAL, book::ROLLBACK] {
        let disk = Disk::new(1);
        drop(purses(&disk, mode));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let writer = book::open(&disk, mode).unwrap();
                    (0..200).for_each(|_| transfer(&writer).unwrap());
                });
            }
        });
        assert_eq!(coins(&book::open(&disk, mode).unwrap()), (0, 600));
    }
}

#[test]
fn a_second_writer_on_the_same_thread_is_told_at_once_that_the_database_is_busy() {
    let disk = Disk::new(1);
    let first = purses(&disk, book::WAL);
    let second = book::connect(&disk, book::FILE).unwrap();
    first.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refusal = transfer(&second).unwrap_err();
    assert_eq!(refusal.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    assert_eq!(coins(&second), (0, 0), "readers go on");
    first.execute_batch("COMMIT").unwrap();
    transfer(&second).unwrap();
}

#[test]
fn an_exclusive_connection_keeps_others_out_until_its_process_dies() {
    let disk = Disk::new(1);
    let mut owner = book::open(&disk, book::WAL_EXCLUSIVE).unwrap();
    book::enter(&mut owner, 1).unwrap();
    assert!(disk.file_bytes(book::FILE).is_some());
    let refusal = book::read(&disk, book::WAL).unwrap_err();
    assert!(refusal.contains("locked"), "{refusal}");
    disk.crash(CrashMode::ProcessKill);
    assert_eq!(book::read(&disk, book::WAL).map(|found| found.len()), Ok(1));
}

#[test]
fn a_disk_lives_as_long_as_its_connections_and_its_name_goes_with_the_last() {
    let disk = Disk::new(1);
    let name = disk.vfs_name().to_owned();
    let mut connection = book::open(&disk, book::WAL).unwrap();
    drop(disk);
    book::enter(&mut connection, 1).unwrap();
    let open =
        || Connection::open_with_flags_and_vfs("other.db", rusqlite::OpenFlags::default(), name.as_str());
    assert!(open().is_ok());
    drop(connection);
    assert!(open().is_err());
}
