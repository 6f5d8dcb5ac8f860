//! A unit of work is whole or not at all, whatever stops it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bursar_store::fault::{Injected, Step};
use bursar_store::{CommitGuard, StoreError};
use bursar_test_stores::{for_each_engine, for_each_engine_with, for_each_engine_with_faults};

use crate::schema::{TABLES, count_up, counter, notes, write_note};

const BROKEN: &str = "INSERT INTO note (id, text) VALUES (1, NULL)";

#[test]
fn what_a_unit_wrote_is_there_when_it_returns_and_after_a_restart() {
    for_each_engine(&TABLES, |test| {
        assert_eq!(test.store().transact("test.unit", |tx| write_note(tx, 1)).unwrap(), 1);
        assert_eq!(notes(&test.store()), [1]);
        assert_eq!(notes(&test.reopen()), [1]);
    });
}

#[test]
fn a_unit_that_refuses_leaves_nothing_and_its_reason_comes_out() {
    for_each_engine(&TABLES, |test| {
        let refused = test.store().transact("test.unit", |tx| {
            write_note(tx, 1)?;
            Err::<(), _>(StoreError::LeaseLost("job".into()))
        });
        assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "{refused:?}");
        assert!(notes(&test.store()).is_empty());
    });
}

#[test]
fn a_unit_whose_statement_failed_cannot_go_on_as_if_it_had_not() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let ended = store.transact("test.unit", |tx| {
            write_note(tx, 1)?;
            assert!(tx.execute(BROKEN, &[]).is_err());
            Ok(())
        });
        assert!(matches!(ended, Err(StoreError::Statement(_))), "{ended:?}");
        let went_on = store.transact("test.unit", |tx| {
            assert!(tx.execute(BROKEN, &[]).is_err());
            write_note(tx, 2)
        });
        assert!(matches!(went_on, Err(StoreError::Statement(_))), "{went_on:?}");
        assert!(notes(&store).is_empty());
    });
}

#[test]
fn a_unit_that_panics_leaves_nothing_and_the_store_goes_on() {
    for_each_engine_with(
        &TABLES,
        |options| options.postgres_connections = 2,
        |test| {
            let store = test.store();
            for _ in 0..5 {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    store.transact("test.unit", |tx| {
                        write_note(tx, 1)?;
                        panic!("on purpose");
                        #[allow(unreachable_code, reason = "gives the closure its type")]
                        Ok(())
                    })
                }));
                assert!(panicked.is_err());
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    store.read("test.read", |_| -> Result<(), StoreError> { panic!("on purpose") })
                }));
                assert!(panicked.is_err());
            }
            store.transact("test.unit", |tx| write_note(tx, 2)).unwrap();
            assert_eq!(notes(&store), [2]);
        },
    );
}

#[test]
fn a_read_cannot_write() {
    for_each_engine(&TABLES, |test| {
        let written = test.store().read("test.read", |tx| write_note(tx, 1));
        assert!(written.is_err());
        assert!(notes(&test.store()).is_empty());
    });
}

#[test]
fn a_read_sees_one_moment() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let seen = store.read("test.read", |tx| {
            let sql = "SELECT value FROM counter WHERE name = 'a'";
            let first = tx.query_first(sql, &[], |row| row.get::<i64>(0))?;
            store.transact("test.unit", |tx| count_up(tx, "a"))?;
            Ok([first, tx.query_first(sql, &[], |row| row.get::<i64>(0))?])
        });
        assert_eq!(seen.unwrap(), [Some(0), Some(0)]);
        assert_eq!(counter(&store, "a"), 1);
    });
}

#[test]
fn a_fault_before_the_commit_leaves_nothing_and_the_next_unit_works() {
    let kinds = [Injected::StatementFails, Injected::ConnectionLost, Injected::DiskFull];
    for_each_engine_with_faults(&TABLES, |test, faults| {
        let store = test.store();
        for (id, step) in (1..).zip([Step::Begin, Step::Statement, Step::Commit]) {
            for fault in kinds {
                faults.plan("test.unit", step, fault);
                let failed = store.transact("test.unit", |tx| write_note(tx, 100));
                let as_injected = match fault {
                    Injected::ConnectionLost => matches!(failed, Err(StoreError::Unavailable(_))),
                    Injected::DiskFull => matches!(failed, Err(StoreError::DiskFull(_))),
                    _ => matches!(failed, Err(StoreError::Statement(_))),
                };
                assert!(as_injected, "{step:?} {fault:?}: {failed:?}");
            }
            store.transact("test.unit", |tx| write_note(tx, id)).unwrap();
            assert_eq!((notes(&store), faults.left()), ((1..=id).collect(), 0));
        }
    });
}

/// Refuses the first commit, as a stop that arrives while a unit runs.
struct StopOnce(AtomicU64);

impl CommitGuard for StopOnce {
    fn check(&self, epoch: u64) -> Result<(), StoreError> {
        if self.0.swap(1, Ordering::SeqCst) == epoch {
            Ok(())
        } else {
            Err(StoreError::Guarded("a stop arrived".into()))
        }
    }

    fn epoch(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_unit_that_a_guard_holds_back_runs_again_and_is_written_once() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let guard = Arc::new(StopOnce(AtomicU64::new(0)));
        store.guard_commits(guard.clone());
        let mut runs = 0;
        let value = store.transact("test.unit", |tx| {
            runs += 1;
            if runs == 1 {
                guard.0.store(7, Ordering::SeqCst);
            }
            count_up(tx, "a")
        });
        assert_eq!((value.unwrap(), runs, counter(&store, "a")), (1, 2, 1));
    });
}
