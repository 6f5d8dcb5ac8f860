//! Copies of the database: VACUUM INTO, the backup interface, images, and tampering with bytes.
#![allow(unsafe_code, reason = "the backup interface is called in C, as the feature for it is off")]

use std::collections::BTreeSet;

use bursar_disk_faults::{CrashMode, Disk};
use rusqlite::{Connection, ffi};

use crate::book;

fn book_of(entries: i64) -> (Disk, Connection) {
    let disk = Disk::new(2);
    let mut connection = book::open(&disk, book::WAL).unwrap();
    (0..entries).for_each(|id| book::enter(&mut connection, id).unwrap());
    (disk, connection)
}

fn rows(disk: &Disk, file: &str) -> i64 {
    let copy = book::connect(disk, file).unwrap();
    copy.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap()
}

#[test]
fn vacuum_into_writes_a_whole_copy() {
    let (disk, connection) = book_of(50);
    connection.execute_batch("VACUUM INTO 'backup/book.db'").unwrap();
    assert_eq!(rows(&disk, "backup/book.db"), 150);
}

#[test]
fn a_copy_is_certain_only_once_its_directory_is_synced() {
    let whole_after_power_cut = |seed: u64, synced: bool| {
        let disk = Disk::new(seed);
        let mut connection = book::open(&disk, book::WAL).unwrap();
        book::enter(&mut connection, 1).unwrap();
        connection.execute_batch("VACUUM INTO 'backup/book.db'").unwrap();
        if synced {
            disk.sync_directory("backup/book.db");
        }
        disk.crash(CrashMode::PowerCut);
        let copy = book::connect(&disk, "backup/book.db").unwrap();
        copy.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)) == Ok(3)
    };
    let whole = |synced: bool| (0..20).filter(|seed| whole_after_power_cut(*seed, synced)).count();
    assert_eq!(whole(true), 20);
    assert!(whole(false) < 20, "the copy's journal never came back to undo it");
}

#[test]
fn the_backup_interface_copies_page_by_page_while_the_source_is_open() {
    let (disk, source) = book_of(50);
    let copy = book::connect(&disk, "backup/book.db").unwrap();
    let main = c"main".as_ptr();
    // SAFETY: both connections outlive the backup, which is finished in the same block.
    let codes = unsafe {
        let backup = ffi::sqlite3_backup_init(copy.handle(), main, source.handle(), main);
        let steps = [(); 100].map(|()| ffi::sqlite3_backup_step(backup, 7));
        (steps[0], steps[99], ffi::sqlite3_backup_finish(backup))
    };
    assert_eq!(codes, (ffi::SQLITE_OK, ffi::SQLITE_DONE, ffi::SQLITE_OK));
    drop(copy);
    assert_eq!(rows(&disk, "backup/book.db"), 150);
}

#[test]
fn an_image_restores_on_another_disk_with_its_wal() {
    let (disk, connection) = book_of(5);
    let image = disk.snapshot();
    assert_eq!(image.files().map(|(name, _)| name).collect::<Vec<_>>(), [book::FILE, "data/book.db-wal"]);
    drop(connection);
    let other = Disk::new(3);
    other.restore(image);
    assert_eq!(book::read(&other, book::WAL), Ok(BTreeSet::from([0, 1, 2, 3, 4])));
}

#[test]
fn restoring_an_image_takes_the_disk_back_and_kills_open_connections() {
    let (disk, mut connection) = book_of(1);
    let image = disk.snapshot();
    book::enter(&mut connection, 1).unwrap();
    disk.restore(image);
    book::enter(&mut connection, 2).unwrap_err();
    assert_eq!(book::read(&disk, book::WAL), Ok(BTreeSet::from([0])));
}

#[test]
fn a_flipped_byte_is_read_back_and_survives_a_power_cut() {
    let (disk, connection) = book_of(5);
    drop(connection);
    assert!(disk.overwrite(book::FILE, 100, &[0xff]));
    assert!(!disk.overwrite(book::FILE, 1 << 30, &[0xff]), "there is no such byte");
    assert!(!disk.overwrite("data/other.db", 0, &[0xff]), "there is no such file");
    disk.crash(CrashMode::PowerCut);
    assert_eq!(disk.file_bytes(book::FILE).unwrap()[100], 0xff);
    assert!(book::read(&disk, book::WAL).unwrap_err().contains("malformed"));
}
