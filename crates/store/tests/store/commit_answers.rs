//! A COMMIT whose answer is lost: the unit is done once, whether the commit had happened or not.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use bursar_store::fault::{Injected, Step};
use bursar_store::{EngineKind, OpenMode, Store, StoreOptions};
use bursar_test_stores::{TestStore, for_each_engine_with_faults};

use crate::commit_proxy::{CommitProxy, Cut};
use crate::schema::{TABLES, count_up, counter};

/// By how much a unit that counts up raised the counter, and by how much it said it had, and how often it ran.
fn count_once(store: &Store) -> (i64, Result<i64, String>, u32) {
    let before = counter(store, "a");
    let mut runs = 0;
    let value = store.transact("test.count", |tx| {
        runs += 1;
        count_up(tx, "a")
    });
    let said = value.map(|counter| counter - before).map_err(|error| error.to_string());
    (counter(store, "a") - before, said, runs)
}

fn with_fault(step: Step, fault: Injected, expected: (i64, Result<i64, String>, u32)) {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        faults.plan("test.count", step, fault);
        assert_eq!(count_once(&test.store()), expected);
        assert_eq!(faults.left(), 0);
    });
}

#[test]
fn a_commit_that_did_not_happen_is_done_again_once() {
    with_fault(Step::Commit, Injected::AnswerLost, (1, Ok(1), 2));
}

#[test]
fn a_commit_that_did_happen_is_not_done_again() {
    with_fault(Step::Committed, Injected::AnswerLost, (1, Ok(1), 1));
}

#[test]
fn no_fault_after_a_commit_makes_the_unit_run_twice_or_look_undone() {
    let kinds = [Injected::ConnectionLost, Injected::Conflict, Injected::DiskFull, Injected::StatementFails];
    for_each_engine_with_faults(&TABLES, |test, faults| {
        for fault in kinds {
            faults.plan("test.count", Step::Committed, fault);
            assert_eq!(count_once(&test.store()), (1, Ok(1), 1), "{fault:?}");
            assert_eq!(faults.left(), 0);
        }
    });
}

#[test]
fn an_outcome_that_cannot_be_read_at_first_is_asked_for_again() {
    for_each_engine_with_faults(&TABLES, |test, faults| {
        faults.plan("test.count", Step::Committed, Injected::AnswerLost);
        faults.plan("store.outcome", Step::Statement, Injected::ConnectionLost);
        assert_eq!(count_once(&test.store()), (1, Ok(1), 1));
        assert_eq!(faults.left(), 0);
    });
}

fn through_proxy() -> (TestStore, CommitProxy, Store) {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let bursar_store::DatabaseUrl::Postgres(server) = test.url() else { panic!("a server's URL") };
    let proxy = CommitProxy::before(&server);
    let store = Store::open(proxy.url(), StoreOptions::new(OpenMode::Server)).unwrap();
    (test, proxy, store)
}

#[test]
fn a_connection_that_ends_before_the_commit_arrives_leaves_it_undone_and_it_is_done_again() {
    let (_test, proxy, store) = through_proxy();
    proxy.cut(Cut::Before);
    assert_eq!(count_once(&store), (1, Ok(1), 2));
    assert_eq!(count_once(&store), (1, Ok(1), 1));
}

#[test]
fn a_connection_that_ends_before_the_answer_arrives_leaves_the_commit_done_once() {
    let (_test, proxy, store) = through_proxy();
    for cut in [Cut::After, Cut::AfterWithGoodbye] {
        proxy.cut(cut);
        assert_eq!(count_once(&store), (1, Ok(1), 1));
    }
}

#[test]
fn a_commit_that_arrives_late_is_waited_for_and_not_done_twice() {
    let (test, proxy, store) = through_proxy();
    let (release, held): (Sender<()>, _) = channel();
    proxy.cut(Cut::Held(held));
    let outcome = thread::scope(|scope| {
        let unit = scope.spawn(|| count_once(&store));
        wait_until_somebody_waits_for_a_lock(&test.store());
        release.send(()).unwrap();
        unit.join().unwrap()
    });
    assert_eq!(outcome, (1, Ok(1), 1));
}

fn wait_until_somebody_waits_for_a_lock(store: &Store) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND wait_event_type = 'Lock'";
    while store.read("test.locks", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0))).unwrap() == Some(0)
    {
        thread::yield_now();
    }
}
