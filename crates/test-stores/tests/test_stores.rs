//! What a test may rely on: a fresh database each, which outlives a reopening and is gone afterwards.
#![allow(clippy::unwrap_used, reason = "tests and what only tests use")]

use std::collections::HashSet;

use bursar_store::{DatabaseUrl, Migration, Store, StoreError, Timestamp};
use bursar_test_stores::{START_MS, TestStore, for_each_engine};

const NOTES: [Migration; 1] =
    [Migration { name: "test/0001_notes", epoch: 1, sql: "CREATE TABLE note (text @text NOT NULL)" }];

fn write(store: &Store) {
    store.transact("test.note", |tx| tx.execute("INSERT INTO note (text) VALUES ('x')", &[])).unwrap();
}

fn count(store: &Store) -> i64 {
    let read = store
        .read("test.count", |tx| tx.query_first("SELECT count(*) FROM note", &[], |row| row.get::<i64>(0)));
    read.unwrap().unwrap()
}

#[test]
fn every_store_starts_empty_with_its_migrations_applied() {
    let mut urls = HashSet::new();
    for _ in 0..2 {
        for_each_engine(&NOTES, |test| {
            assert!(test.store().migration_state(&NOTES).unwrap().is_servable());
            assert_eq!(count(&test.store()), 0);
            write(&test.store());
            assert!(urls.insert(format!("{}", test.url())), "{} was used twice", test.url());
        });
    }
    assert_eq!(urls.len(), 4);
}

#[test]
fn what_was_written_is_there_after_reopening_and_through_another_handle() {
    for_each_engine(&NOTES, |test| {
        write(&test.store());
        assert_eq!(count(&test.reopen()), 1);
        assert_eq!(count(&test.another(|_| {})), 1);
    });
}

#[test]
fn the_clock_shows_what_the_test_set() {
    for_each_engine(&[], |test| {
        let reading = || test.store().read("test.time", |tx| tx.reading()).unwrap();
        assert_eq!(reading(), Timestamp::from_ms(START_MS));
        assert_eq!(test.advance_ms(5), reading());
        test.set_time(Timestamp::from_ms(-1));
        assert_eq!(reading(), Timestamp::from_ms(-1));
    });
}

#[test]
fn a_database_is_gone_with_its_store() {
    let sqlite = TestStore::sqlite();
    let DatabaseUrl::Sqlite(path) = sqlite.url() else { unreachable!("an embedded database has a path") };
    assert!(path.exists());
    drop(sqlite);
    assert!(!path.exists());

    let postgres = TestStore::postgres();
    let other = postgres.another(|_| {});
    assert!(other.read("test.time", |tx| tx.reading()).is_ok());
    drop(postgres);
    let gone = other.read("test.time", |tx| tx.reading());
    assert!(matches!(gone, Err(StoreError::Unavailable(_) | StoreError::Statement(_))), "{gone:?}");
}
