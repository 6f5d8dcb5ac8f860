//! Numbers: consecutive, and visible in the order in which they were given out.

use std::thread;

use bursar_store::{Sequence, Store};
use bursar_test_stores::for_each_engine;

use crate::schema::{TABLES, notes, write_note};

const NOTES: Sequence = Sequence("note");

#[test]
fn numbers_start_at_one_and_a_unit_that_fails_uses_none_up() {
    for_each_engine(&[], |test| {
        let store = test.store();
        let take = |count| store.transact("test.take", |tx| tx.allocate(NOTES, count)).unwrap();
        assert_eq!([take(1), take(10), take(1)], [1, 2, 12]);
        let failed = store.transact("test.fail", |tx| {
            tx.allocate(NOTES, 100)?;
            tx.execute("INSERT INTO nowhere VALUES (1)", &[])
        });
        assert!(failed.is_err());
        assert_eq!(take(1), 13);
        assert_eq!(store.transact("test.take", |tx| tx.allocate(Sequence("other"), 1)).unwrap(), 1);
    });
}

#[test]
fn numbers_of_four_threads_have_no_gap_and_appear_in_their_order() {
    const UNITS: i64 = 40;
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let write = |count: i64| {
            store.transact("test.write", |tx| {
                let first = tx.allocate(NOTES, count)?;
                (first..first + count).try_for_each(|id| write_note(tx, id).map(|_| ()))
            })
        };
        thread::scope(|scope| {
            let write = &write;
            for worker in 1..=4 {
                scope.spawn(move || (0..UNITS).for_each(|_| write(worker).unwrap()));
            }
            scope.spawn(|| while gapless(&store) < UNITS * 10 {});
        });
    });
}

/// How many notes there are; whatever the moment, they are the first ones without a gap.
fn gapless(store: &Store) -> i64 {
    let found = notes(store);
    let count = i64::try_from(found.len()).unwrap();
    assert_eq!(found, (1..=count).collect::<Vec<_>>());
    count
}
