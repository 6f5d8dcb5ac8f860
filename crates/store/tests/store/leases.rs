//! Leases: one holder at a time, and a token that tells a former holder that it is one no more.

use std::sync::Barrier;
use std::thread;

use bursar_store::lease::Lease;
use bursar_store::{EngineKind, Store, StoreError, Timestamp};
use bursar_test_stores::{START_MS, TestStore, for_each_engine};

use crate::schema::{TABLES, notes, write_note};

const JOB: &str = "job";
const MINUTE_MS: i64 = 60_000;

fn take(store: &Store, holder: &str, at_ms: i64) -> Option<Lease> {
    let now = Timestamp::from_ms(START_MS + at_ms);
    store.transact("test.lease", |tx| Lease::take(tx, JOB, holder, now, MINUTE_MS)).unwrap()
}

fn write_under(store: &Store, lease: &Lease, id: i64) -> Result<u64, StoreError> {
    store.transact("test.leased", |tx| {
        lease.check(tx)?;
        write_note(tx, id)
    })
}

#[test]
fn a_lease_is_refused_to_others_until_it_ends_and_renewed_for_its_holder() {
    for_each_engine(&[], |test| {
        let store = test.store();
        let first = take(&store, "one", 0).unwrap();
        assert_eq!(take(&store, "two", MINUTE_MS - 1), None);
        assert_eq!(take(&store, "one", MINUTE_MS - 1), Some(first));
        assert_eq!(take(&store, "two", 2 * MINUTE_MS - 2), None);
        assert!(take(&store, "two", 2 * MINUTE_MS - 1).is_some());
    });
}

#[test]
fn a_takeover_raises_the_token_and_stops_the_former_holder_s_writes() {
    for_each_engine(&TABLES, |test| {
        let store = test.store();
        let stale = take(&store, "one", 0).unwrap();
        write_under(&store, &stale, 1).unwrap();
        let fresh = take(&store, "two", MINUTE_MS).unwrap();
        assert_eq!([stale.token, fresh.token], [1, 2]);
        let refused = write_under(&store, &stale, 2);
        assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "{refused:?}");
        write_under(&store, &fresh, 3).unwrap();
        assert_eq!(notes(&store), [1, 3]);
        // Back with the first holder: its old token stays worthless.
        assert_eq!(take(&store, "one", 2 * MINUTE_MS).unwrap().token, 3);
        assert!(write_under(&store, &stale, 4).is_err());
    });
}

#[test]
fn a_lease_given_back_is_free_at_once_and_giving_a_lost_one_back_frees_nothing() {
    for_each_engine(&[], |test| {
        let store = test.store();
        let first = take(&store, "one", 0).unwrap();
        store.transact("test.release", |tx| first.release(tx)).unwrap();
        let second = take(&store, "two", 1).unwrap();
        assert_eq!(second.token, 2);
        store.transact("test.release", |tx| first.release(tx)).unwrap();
        assert_eq!(take(&store, "three", 2), None);
    });
}

#[test]
fn a_lease_that_was_never_taken_cannot_be_held() {
    for_each_engine(&TABLES, |test| {
        let made_up = Lease { name: JOB.into(), token: 1 };
        let refused = write_under(&test.store(), &made_up, 1);
        assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "{refused:?}");
    });
}

#[test]
fn of_many_that_reach_for_a_new_lease_at_once_one_gets_it() {
    for_each_engine(&[], |test| {
        let store = test.store();
        let together = Barrier::new(4);
        let holders = thread::scope(|scope| {
            let takers = ["a", "b", "c", "d"].map(|name| {
                let (store, together) = (&store, &together);
                scope.spawn(move || {
                    together.wait();
                    take(store, name, 0)
                })
            });
            takers.map(|taker| taker.join().unwrap())
        });
        assert_eq!(holders.iter().flatten().count(), 1, "{holders:?}");
    });
}

#[test]
fn of_two_that_both_saw_no_lease_one_gets_it() {
    let test = TestStore::with(EngineKind::Postgres, &[], |_| {});
    let store = test.store();
    let both_saw_nothing = Barrier::new(2);
    let reach = |holder: &str| {
        let mut is_first_run = true;
        let now = Timestamp::from_ms(START_MS);
        let taken = store.transact("test.lease", |tx| {
            tx.query("SELECT token FROM store_leases", &[], |_| Ok(()))?;
            if std::mem::take(&mut is_first_run) {
                both_saw_nothing.wait();
            }
            Lease::take(tx, JOB, holder, now, MINUTE_MS)
        });
        taken.unwrap()
    };
    let holders = thread::scope(|scope| {
        let other = scope.spawn(|| reach("two"));
        [reach("one"), other.join().unwrap()]
    });
    assert_eq!(holders.iter().flatten().count(), 1, "{holders:?}");
}
