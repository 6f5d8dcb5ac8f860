//! Counted calls stay counted: across batches, restarts and processes.

use std::sync::Arc;
use std::thread;

use bursar_control::{ConfigTable, FixedWindow, RateWindows, Verdict, purge_windows, settings};
use bursar_store::{EngineKind, Store, Timestamp};
use bursar_test_stores::TestStore;

use crate::stage::{on_each_engine, seeded, transact};

const WINDOW: FixedWindow = FixedWindow { limit: 5, window_ms: 60_000 };
const HOUR_MS: i64 = 3_600_000;
const TABLE: ConfigTable = ConfigTable::ROUNDS;
const KEY: &str = "sim-entries:ip:127.0.0.1";

/// One batch of one call.
fn call(store: &Store, desk: &'static str, window: FixedWindow, now: Timestamp) -> Verdict {
    transact(store, |tx| {
        tx.open_clock("test.rates")?;
        let mut windows = RateWindows::new(desk);
        windows.load(tx, [(window, KEY)], now)?;
        let verdict = windows.hit(window, KEY, now);
        windows.save(tx)?;
        Ok(verdict)
    })
}

fn call_at(store: &TestStore, now: Timestamp) -> Verdict {
    call(&store.store(), "rounds", WINDOW, now)
}

fn passed(count: i64) -> Verdict {
    Verdict::Passed { count }
}

fn limited(retry_after_s: i64) -> Verdict {
    Verdict::Limited { retry_after_s }
}

/// The first moment of a window.
const START: Timestamp = Timestamp::from_ms(1_700_000_040_000);

#[test]
fn counts_survive_a_restart_and_end_with_their_window() {
    on_each_engine(|store| {
        for count in 1..=3 {
            assert_eq!(call_at(store, START), passed(count));
        }
        store.reopen();
        assert_eq!([call_at(store, START), call_at(store, START)], [passed(4), passed(5)]);
        assert_eq!(call_at(store, START), limited(60));
        assert_eq!(call_at(store, START.after_ms(59_001)), limited(1));
        assert_eq!(call_at(store, START.after_ms(60_000)), passed(1));
    });
}

#[test]
fn refused_calls_count_so_that_a_raised_limit_does_not_forgive_them() {
    on_each_engine(|store| {
        assert_eq!((0..7).map(|_| call_at(store, START)).last(), Some(limited(60)));
        let raised = |limit| call(&store.store(), "rounds", FixedWindow { limit, ..WINDOW }, START);
        assert_eq!([raised(8), raised(8)], [passed(8), limited(60)]);
    });
}

#[test]
fn desks_and_keys_are_counted_apart() {
    on_each_engine(|store| {
        assert_eq!(call(&store.store(), "rounds", WINDOW, START), passed(1));
        assert_eq!(call(&store.store(), "trades", WINDOW, START), passed(1));
        let both = transact(&store.store(), |tx| {
            let mut windows = RateWindows::new("rounds");
            windows.load(tx, [(WINDOW, KEY), (WINDOW, "other"), (WINDOW, KEY)], START)?;
            let hits = [KEY, "other", KEY].map(|key| windows.hit(WINDOW, key, START));
            windows.save(tx)?;
            Ok(hits)
        });
        assert_eq!(both, [passed(2), passed(1), passed(3)]);
    });
}

#[test]
fn a_batch_that_is_undone_counts_nothing() {
    on_each_engine(|store| {
        let undone = store.store().transact("test.undone", |tx| {
            let mut windows = RateWindows::new("rounds");
            windows.load(tx, [(WINDOW, KEY)], START)?;
            windows.hit(WINDOW, KEY, START);
            windows.save(tx)?;
            Err::<(), _>(bursar_store::StoreError::Statement("undone on purpose".into()))
        });
        assert!(undone.is_err());
        assert_eq!(call_at(store, START), passed(1));
    });
}

#[test]
fn two_processes_share_one_count_to_the_call() {
    let store = seeded(EngineKind::Postgres);
    let handles = [store.store(), store.another(|_| {})];
    let callers = handles.map(|handle: Arc<Store>| {
        thread::spawn(move || {
            let window = FixedWindow { limit: 50, ..WINDOW };
            (0..40)
                .filter(|_| matches!(call(&handle, "rounds", window, START), Verdict::Passed { .. }))
                .count()
        })
    });
    let passed: usize = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
    assert_eq!(passed, 50);
    assert_eq!(call_at(&store, START), limited(60));
    let raised = call(&store.store(), "rounds", FixedWindow { limit: 82, ..WINDOW }, START);
    assert_eq!(raised, Verdict::Passed { count: 82 });
}

#[test]
fn a_purge_removes_the_windows_that_began_more_than_an_hour_ago_and_no_others() {
    on_each_engine(|store| {
        let later = START.after_ms(60_000);
        assert_eq!([START, START, later].map(|now| call_at(store, now)), [passed(1), passed(2), passed(1)]);
        let purge = |now: Timestamp| transact(&store.store(), |tx| purge_windows(tx, &[TABLE], now));
        let hours_after = |start: Timestamp| start.after_ms(HOUR_MS);
        assert_eq!([hours_after(START), hours_after(later), hours_after(later)].map(purge), [0, 1, 0]);
        assert_eq!(call_at(store, later), passed(2));
    });
}

#[test]
fn what_a_setting_counts_for_a_day_is_kept_for_a_day() {
    on_each_engine(|store| {
        let window = |key, ms: i64| (key, ms.to_string(), "", false);
        let rows =
            [window("rl_joins_window_ms", 24 * HOUR_MS), window("rl_typed_window_ms", 9_000 * HOUR_MS)];
        transact(&store.store(), |tx| settings::seed(tx, TABLE, &rows, START));
        assert_eq!(call_at(store, START), passed(1));
        let purge = |hours: i64| {
            let now = START.after_ms(hours * HOUR_MS);
            transact(&store.store(), |tx| purge_windows(tx, &[TABLE], now))
        };
        assert_eq!([2, 24, 25].map(purge), [0, 0, 1]);
    });
}
