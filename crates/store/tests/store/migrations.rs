//! Migrations: each runs once, none is changed afterwards, and a schema that does not fit is named.

use std::sync::Barrier;
use std::thread;

use bursar_store::{EngineKind, Migration, MigrationState, Store, StoreError};
use bursar_test_stores::{TestStore, for_each_engine};

const FIRST: Migration = Migration { name: "a/0001_first", epoch: 1, sql: "CREATE TABLE first (id @key)" };
const SECOND: Migration =
    Migration { name: "a/0002_second", epoch: 1, sql: "ALTER TABLE first ADD COLUMN note @text" };
const OTHER_EPOCH: Migration = Migration { name: "a/0003_break", epoch: 2, sql: "DROP TABLE first" };

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn each_step_runs_once_and_in_order() {
    for_each_engine(&[], |test| {
        let store = test.store();
        assert_eq!(store.migrate(&[FIRST]).unwrap(), ["a/0001_first"]);
        assert_eq!(store.migrate(&[FIRST, SECOND]).unwrap(), ["a/0002_second"]);
        assert_eq!(store.migrate(&[FIRST, SECOND]).unwrap(), [""; 0]);
        store
            .transact("test.use", |tx| tx.execute("INSERT INTO first (id, note) VALUES (1, 'x')", &[]))
            .unwrap();
    });
}

#[test]
fn steps_that_have_not_run_are_pending_and_the_schema_is_not_served() {
    for_each_engine(&[FIRST], |test| {
        let state = test.store().migration_state(&[FIRST, SECOND]).unwrap();
        let expected = MigrationState { pending: names(&["a/0002_second"]), ..MigrationState::default() };
        assert_eq!((state.is_servable(), state), (false, expected));
        assert!(test.store().migration_state(&[FIRST]).unwrap().is_servable());
    });
}

#[test]
fn a_newer_step_of_the_same_epoch_is_a_warning_and_the_older_binary_serves() {
    for_each_engine(&[FIRST, SECOND], |test| {
        let state = test.store().migration_state(&[FIRST]).unwrap();
        let expected = MigrationState { newer: names(&["a/0002_second"]), ..MigrationState::default() };
        assert_eq!((state.is_servable(), state), (true, expected));
    });
}

#[test]
fn a_step_of_another_epoch_makes_the_schema_incompatible_with_the_older_binary() {
    for_each_engine(&[FIRST, OTHER_EPOCH], |test| {
        let state = test.store().migration_state(&[FIRST]).unwrap();
        let expected = MigrationState { incompatible: names(&["a/0003_break"]), ..MigrationState::default() };
        assert_eq!((state.is_servable(), state), (false, expected));
    });
}

#[test]
fn a_step_whose_text_or_epoch_changed_after_it_ran_is_refused() {
    let rewritten = Migration { sql: "CREATE TABLE first (id @key, x @int)", ..FIRST };
    let raised = Migration { epoch: 2, ..FIRST };
    for_each_engine(&[FIRST], |test| {
        for changed in [rewritten, raised] {
            let state = test.store().migration_state(&[changed]).unwrap();
            assert_eq!((state.is_servable(), state.incompatible), (false, names(&["a/0001_first"])));
            let refused = test.store().migrate(&[changed]);
            assert!(matches!(refused, Err(StoreError::Schema(_))), "{refused:?}");
        }
    });
}

#[test]
fn a_step_that_fails_half_way_leaves_nothing_and_can_be_mended() {
    let broken = Migration { sql: "CREATE TABLE half (id @key); INSERT INTO nowhere VALUES (1)", ..FIRST };
    let mended = Migration { sql: "CREATE TABLE half (id @key)", ..FIRST };
    for_each_engine(&[], |test| {
        assert!(test.store().migrate(&[broken]).is_err());
        assert_eq!(test.store().migration_state(&[broken]).unwrap().pending, ["a/0001_first"]);
        assert_eq!(test.store().migrate(&[mended]).unwrap(), ["a/0001_first"]);
    });
}

#[test]
fn processes_that_migrate_a_new_database_at_once_run_each_step_once() {
    // Some tries, as it is rare that two make the first table in the same instant.
    let engines = [EngineKind::Sqlite].into_iter().chain([EngineKind::Postgres; 20]);
    for kind in engines {
        let test = TestStore::unmigrated(kind);
        let stores = [0; 8].map(|_| test.another(|_| {}));
        let together = Barrier::new(stores.len());
        let migrate = |store: &Store| {
            together.wait();
            store.migrate(&[FIRST, SECOND]).unwrap()
        };
        let mut ran = thread::scope(|scope| {
            let threads = stores.each_ref().map(|store| scope.spawn(|| migrate(store)));
            threads.map(|thread| thread.join().unwrap()).concat()
        });
        ran.sort_unstable();
        assert_eq!(ran, ["a/0001_first", "a/0002_second", "store/0001_base"]);
    }
}

#[test]
fn a_new_database_has_every_step_pending() {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        let state = TestStore::unmigrated(kind).store().migration_state(&[FIRST]).unwrap();
        assert_eq!(state.pending, ["store/0001_base", "a/0001_first"]);
    }
}
