//! Units that get in each other's way take turns or run again; nothing is lost or done twice.

use std::sync::Barrier;
use std::thread;

use bursar_store::fault::{Injected, Step};
use bursar_store::{EngineKind, Store, StoreError, Tx};
use bursar_test_stores::{TestStore, for_each_engine, for_each_engine_with_faults};

use crate::schema::{TABLES, count_up, counter, notes, write_note};

fn postgres() -> TestStore {
    TestStore::with(EngineKind::Postgres, &TABLES, |_| {})
}

#[test]
fn two_threads_on_one_counter_lose_nothing() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    (0..50).for_each(|_| {
                        store.transact("test.count", |tx| count_up(tx, "a")).unwrap();
                    });
                });
            }
        });
        assert_eq!(counter(&store, "a"), 100);
    });
}

#[test]
fn units_of_two_handles_on_one_database_lose_nothing() {
    for_each_engine(&TABLES, |test| {
        let stores = [test.store(), test.another(|_| {})];
        thread::scope(|scope| {
            for store in &stores {
                scope.spawn(|| {
                    (0..50).for_each(|_| {
                        store.transact("test.count", |tx| count_up(tx, "a")).unwrap();
                    });
                });
            }
        });
        assert_eq!(counter(&stores[0], "a"), 100);
    });
}

#[test]
fn a_deadlock_is_broken_and_both_units_are_done_once() {
    let test = postgres();
    let store = test.store();
    let both_hold_one = Barrier::new(2);
    let crosswise = |first: &str, second: &str| {
        let mut runs = 0;
        let unit = |tx: &mut Tx<'_>| {
            runs += 1;
            tx.batch_execute("SET LOCAL deadlock_timeout = '20ms'")?;
            count_up(tx, first)?;
            if runs == 1 {
                both_hold_one.wait();
            }
            count_up(tx, second)
        };
        store.transact("test.cross", unit).unwrap();
        runs
    };
    let runs = thread::scope(|scope| {
        let other = scope.spawn(|| crosswise("b", "a"));
        crosswise("a", "b") + other.join().unwrap()
    });
    assert_eq!((runs, counter(&store, "a"), counter(&store, "b")), (3, 2, 2));
}

#[test]
fn of_two_units_that_insert_one_key_the_slower_one_runs_again_and_sees_the_row() {
    let test = postgres();
    let store = test.store();
    let both_saw_nothing = Barrier::new(2);
    let insert_unless_there = || {
        let mut runs = 0;
        let unit = |tx: &mut Tx<'_>| {
            runs += 1;
            let found = tx.query_first("SELECT id FROM note WHERE id = 1", &[], |_| Ok(()))?;
            if runs == 1 {
                both_saw_nothing.wait();
            }
            if found.is_none() { write_note(tx, 1) } else { Ok(0) }
        };
        (store.transact("test.insert", unit).unwrap(), runs)
    };
    let mut outcomes = thread::scope(|scope| {
        let other = scope.spawn(insert_unless_there);
        [insert_unless_there(), other.join().unwrap()]
    });
    outcomes.sort_unstable();
    assert_eq!((outcomes, notes(&store)), ([(0, 2), (1, 1)], vec![1]));
}

#[test]
fn a_key_that_is_there_already_is_refused_as_the_unit_s_own_fault() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        store.transact("test.insert", |tx| write_note(tx, 1)).unwrap();
        let refused = store.transact("test.insert", |tx| write_note(tx, 1));
        assert!(refused.as_ref().is_err_and(StoreError::may_be_poison), "{refused:?}");
    });
}

#[test]
fn a_conflict_at_the_commit_makes_the_unit_run_again_once() {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        faults.plan("test.count", Step::Commit, Injected::Conflict);
        assert_eq!(count_runs(&test.store()), (Ok(1), 2));
    });
}

#[test]
fn a_unit_that_meets_conflicts_for_ever_is_given_up() {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        (0..24).for_each(|_| faults.plan("test.count", Step::Commit, Injected::Conflict));
        let (result, runs) = count_runs(&test.store());
        assert_eq!((result.is_err(), runs, faults.left()), (true, 24, 0));
        assert_eq!(count_runs(&test.store()), (Ok(1), 1));
    });
}

fn count_runs(store: &Store) -> (Result<i64, String>, u32) {
    let mut runs = 0;
    let result = store.transact("test.count", |tx| {
        runs += 1;
        count_up(tx, "a")
    });
    (result.map_err(|error| error.to_string()), runs)
}

#[test]
fn connections_that_the_server_closed_are_replaced_unnoticed() {
    let test = postgres();
    let store = test.store();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| store.transact("test.count", |tx| count_up(tx, "a")).unwrap());
        }
    });
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended =
        test.another(|_| {}).transact("test.end", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0)));
    assert!(ended.unwrap() > Some(0));
    for expected in 5..15 {
        assert_eq!(store.transact("test.count", |tx| count_up(tx, "a")).unwrap(), expected);
        assert_eq!(counter(&store, "a"), expected);
    }
}
