//! Reading events by filter and by page.

use bursar_audit::{Event, EventFilter, Level, events};
use bursar_store::Timestamp;
use bursar_test_stores::{START_MS, TestStore};

use crate::log::{event, on_each_engine, recorder};

/// Six events: numbers 1 to 6, one a second, of two desks.
fn fill(store: &TestStore) {
    let all = [
        Event { ..event("join.accepted", 1) },
        Event { level: Level::Warn, ..event("join.rejected", 2) },
        Event { desk: "faucet", ..event("payout.sent", 1) },
        Event { level: Level::Error, ..event("joiner", 4) },
        Event { desk: "faucet", level: Level::Error, ..event("payout_error", 2) },
        Event { ..event("settle.finished", 6) },
    ];
    for event in all {
        let record = |tx: &mut bursar_store::Tx<'_>| {
            recorder("a").record(tx, std::slice::from_ref(&event), store.now())
        };
        store.store().transact("test.fill", record).unwrap();
        store.advance_ms(1_000);
    }
}

fn numbers(store: &TestStore, filter: EventFilter) -> Vec<i64> {
    let found = store.store().read("test.read", |tx| events(tx, &filter)).unwrap();
    found.into_iter().map(|event| event.id).collect()
}

#[test]
fn each_filter_narrows_and_together_they_all_hold() {
    on_each_engine(|store| {
        fill(store);
        let any = EventFilter::default;
        let second = |n: i64| Some(Timestamp::from_ms(START_MS + n * 1_000));
        assert_eq!(numbers(store, any()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(numbers(store, EventFilter { desk: Some("faucet".into()), ..any() }), [3, 5]);
        assert_eq!(numbers(store, EventFilter { event_prefix: Some("join".into()), ..any() }), [1, 2, 4]);
        assert_eq!(numbers(store, EventFilter { event_prefix: Some("join.".into()), ..any() }), [1, 2]);
        assert_eq!(numbers(store, EventFilter { event_prefix: Some("payout_".into()), ..any() }), [5]);
        assert_eq!(numbers(store, EventFilter { level: Some(Level::Warn), ..any() }), [2, 4, 5]);
        assert_eq!(numbers(store, EventFilter { level: Some(Level::Error), ..any() }), [4, 5]);
        assert_eq!(numbers(store, EventFilter { actor: Some("wallet-2".into()), ..any() }), [2, 5]);
        assert_eq!(numbers(store, EventFilter { since: second(2), until: second(4), ..any() }), [3, 4]);
        let narrow = EventFilter {
            desk: Some("faucet".into()),
            event_prefix: Some("payout".into()),
            level: Some(Level::Error),
            actor: Some("wallet-2".into()),
            since: second(4),
            ..any()
        };
        assert_eq!(numbers(store, narrow), [5]);
        assert_eq!(numbers(store, EventFilter { desk: Some("' OR 1=1 --".into()), ..any() }), [0; 0]);
    });
}

#[test]
fn pages_go_on_behind_the_last_number_in_either_direction() {
    on_each_engine(|store| {
        fill(store);
        let page = |newest_first, after_id| {
            numbers(store, EventFilter { newest_first, after_id, limit: 4, ..EventFilter::default() })
        };
        assert_eq!(page(false, None), [1, 2, 3, 4]);
        assert_eq!(page(false, Some(4)), [5, 6]);
        assert_eq!(page(false, Some(6)), [0; 0]);
        assert_eq!(page(true, None), [6, 5, 4, 3]);
        assert_eq!(page(true, Some(3)), [2, 1]);
        assert_eq!(page(true, Some(1)), [0; 0]);
    });
}

#[test]
fn a_page_has_at_least_one_event_and_at_most_a_thousand() {
    on_each_engine(|store| {
        let many: Vec<Event> = (0..1_100).map(|n| event("x", n)).collect();
        store.store().transact("t", |tx| recorder("a").record(tx, &many, store.now())).unwrap();
        let page = |limit| numbers(store, EventFilter { limit, ..EventFilter::default() }).len();
        assert_eq!([page(-1), page(0), page(1_000), page(i64::MAX)], [1, 1, 1_000, 1_000]);
    });
}
