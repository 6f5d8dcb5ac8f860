//! Each recorded change is folded into the audit log exactly once.

use std::sync::Arc;
use std::thread;

use bursar_control::{fold_changes, unfolded_changes};
use bursar_store::{Sequence, Store, StoreError};
use bursar_test_stores::TestStore;

use crate::stage::{on_each_engine, set_joins, transact, unfolded};

const EVENTS: Sequence = Sequence("test_events");

/// Folds up to `limit` changes into events of the numbers that come next; how many it folded.
fn fold(store: &Store, limit: i64) -> usize {
    transact(store, |tx| {
        let changes = unfolded_changes(tx, limit)?;
        let count = i64::try_from(changes.len()).unwrap();
        let first = tx.allocate(EVENTS, count)?;
        fold_changes(tx, &changes, &(first..first + count).collect::<Vec<_>>())?;
        Ok(changes.len())
    })
}

fn make_changes(store: &TestStore, count: usize) {
    (0..count).for_each(|n| set_joins(store, n % 2 == 0, None));
}

/// The event of each change, in the order of the changes.
fn events(store: &TestStore) -> Vec<i64> {
    let sql = "SELECT folded_event FROM control_changes WHERE folded_event IS NOT NULL ORDER BY id";
    transact(&store.store(), |tx| tx.query(sql, &[], |row| row.get::<i64>(0)))
}

#[test]
fn changes_are_folded_oldest_first_and_then_gone_from_the_list() {
    on_each_engine(|store| {
        make_changes(store, 5);
        assert_eq!(fold(&store.store(), 2), 2);
        assert_eq!((events(store), unfolded(store).len()), (vec![1, 2], 3));
        assert_eq!((fold(&store.store(), 10), fold(&store.store(), 10)), (3, 0));
        assert_eq!(events(store), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn two_folders_at_once_fold_each_change_once() {
    on_each_engine(|store| {
        make_changes(store, 40);
        let folders = [store.store(), store.another(|_| {})].map(|handle: Arc<Store>| {
            thread::spawn(move || {
                let mut folded = 0;
                while let more @ 1.. = fold(&handle, 3) {
                    folded += more;
                }
                folded
            })
        });
        let folded: usize = folders.into_iter().map(|folder| folder.join().unwrap()).sum();
        assert_eq!(folded, 40);
        assert_eq!(events(store), (1..=40).collect::<Vec<i64>>());
    });
}

#[test]
fn a_change_that_another_folder_took_first_makes_the_whole_fold_run_again() {
    on_each_engine(|store| {
        make_changes(store, 2);
        let stale = unfolded(store);
        fold(&store.store(), 1);
        let mut runs = 0;
        let result = store.store().transact("test.stale", |tx| {
            runs += 1;
            fold_changes(tx, &stale, &[8, 9])
        });
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
        assert!(runs > 1);
        assert_eq!((events(store), unfolded(store).len()), (vec![1], 1));
    });
}

#[test]
fn a_fold_that_leaves_changes_without_an_event_is_refused() {
    on_each_engine(|store| {
        make_changes(store, 2);
        let changes = unfolded(store);
        let result = store.store().transact("test.short", |tx| fold_changes(tx, &changes, &[1]));
        assert!(matches!(result, Err(StoreError::Statement(_))), "{result:?}");
        assert_eq!(unfolded(store).len(), 2);
    });
}
