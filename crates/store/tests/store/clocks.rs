//! Time: one reading a batch, which never goes back whatever the machine's clock does.

use std::thread;

use bursar_store::clock::machine_time;
use bursar_store::{Clock, Store, Timestamp};
use bursar_test_stores::{START_MS, for_each_engine, for_each_engine_with};

/// The time of one batch of `scope`.
fn batch_time(store: &Store, scope: &'static str) -> i64 {
    let time = store.transact("test.batch", |tx| {
        let now = tx.open_clock(scope)?;
        tx.close_clock(scope, now)?;
        Ok(now)
    });
    time.unwrap().ms()
}

fn reading(store: &Store) -> i64 {
    store.read("test.reading", |tx| tx.reading()).unwrap().ms()
}

fn move_to(store: &Store, ms: i64) -> i64 {
    let moved = store.transact("test.move", |tx| tx.move_manual_clock(Timestamp::from_ms(ms)));
    moved.unwrap().ms()
}

#[test]
fn the_time_of_a_scope_stands_still_while_the_machine_s_clock_is_behind() {
    for_each_engine(&[], |test| {
        let store = test.store();
        assert_eq!(batch_time(&store, "a"), START_MS);
        test.advance_ms(10);
        assert_eq!(batch_time(&store, "a"), START_MS + 10);
        test.advance_ms(-3_600_000);
        assert_eq!(batch_time(&store, "a"), START_MS + 10);
        assert_eq!(batch_time(&store, "b"), START_MS + 10 - 3_600_000);
        test.advance_ms(3_600_001);
        assert_eq!(batch_time(&store, "a"), START_MS + 11);
    });
}

#[test]
fn a_scope_s_mark_outlives_a_restart() {
    for_each_engine(&[], |test| {
        assert_eq!(batch_time(&test.store(), "a"), START_MS);
        test.advance_ms(-1);
        assert_eq!(batch_time(&test.reopen(), "a"), START_MS);
    });
}

#[test]
fn the_time_of_a_batch_that_failed_leaves_no_mark() {
    for_each_engine(&[], |test| {
        let store = test.store();
        batch_time(&store, "a");
        let failed = store.transact("test.batch", |tx| {
            tx.close_clock("a", Timestamp::from_ms(START_MS + 500))?;
            tx.execute("UPDATE nowhere SET x = 1", &[])
        });
        assert!(failed.is_err());
        assert_eq!(batch_time(&store, "a"), START_MS);
    });
}

#[test]
fn batches_of_one_scope_take_turns_and_their_times_never_fall() {
    for_each_engine_with(
        &[],
        |options| options.clock = Clock::System,
        |test| {
            let stores = [test.store(), test.another(|_| {})];
            let earliest = machine_time().ms();
            // The notes of the times are written inside the batches, so their numbers follow the commits.
            let create = "CREATE TABLE seen (n BIGINT PRIMARY KEY, ms BIGINT NOT NULL)";
            stores[0].transact("test.create", |tx| tx.batch_execute(create)).unwrap();
            let one = |store: &Store| {
                store.transact("test.batch", |tx| {
                    let now = tx.open_clock("a")?;
                    let n = tx.allocate(bursar_store::Sequence("seen"), 1)?;
                    tx.execute("INSERT INTO seen (n, ms) VALUES ($1, $2)", &[n.into(), now.ms().into()])?;
                    tx.close_clock("a", now)
                })
            };
            thread::scope(|scope| {
                for store in stores.iter().chain(&stores) {
                    scope.spawn(move || (0..15).for_each(|_| one(store).unwrap()));
                }
            });
            let sql = "SELECT ms FROM seen ORDER BY n";
            let seen = stores[1].read("test.seen", |tx| tx.query(sql, &[], |row| row.get::<i64>(0))).unwrap();
            assert_eq!(seen.len(), 60);
            assert!(seen.is_sorted() && seen[0] >= earliest, "{seen:?}");
        },
    );
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved_and_is_shared_by_its_processes() {
    let start = |ms| Clock::Manual(Timestamp::from_ms(ms));
    for_each_engine_with(
        &[],
        |options| options.clock = start(1_000),
        |test| {
            let [store, other] = [test.store(), test.another(|_| {})];
            assert_eq!([reading(&store), batch_time(&store, "a")], [1_000; 2]);
            assert_eq!(move_to(&store, 2_000), 2_000);
            assert_eq!([reading(&other), batch_time(&other, "a"), batch_time(&other, "b")], [2_000; 3]);
            assert_eq!(move_to(&other, 1_500), 2_000);
            assert_eq!(reading(&store), 2_000);
            let later_start = test.another(|options| options.clock = start(3_000));
            assert_eq!(reading(&later_start), 3_000);
        },
    );
}

#[test]
fn a_manual_clock_that_two_processes_move_at_once_ends_at_the_later_time() {
    for_each_engine_with(
        &[],
        |options| options.clock = Clock::Manual(Timestamp::from_ms(0)),
        |test| {
            let stores = [test.store(), test.another(|_| {})];
            for round in 1..=20 {
                thread::scope(|scope| {
                    scope.spawn(|| move_to(&stores[0], round * 100));
                    scope.spawn(|| move_to(&stores[1], round * 100 + 50));
                });
                assert_eq!(reading(&stores[0]), round * 100 + 50);
            }
        },
    );
}

#[test]
fn the_real_clock_is_the_machine_s_or_the_database_s_to_the_millisecond() {
    for_each_engine_with(
        &[],
        |options| options.clock = Clock::System,
        |test| {
            let before = machine_time().ms();
            let now = reading(&test.store());
            // Both clocks are this machine's here.
            assert!((before..=machine_time().ms()).contains(&now), "{now}");
        },
    );
}

#[test]
fn a_fast_clock_runs_ahead_by_its_factor() {
    let origin = machine_time().after_ms(-1_000);
    for_each_engine_with(
        &[],
        |options| options.clock = Clock::Fast { origin, shown: origin, factor: 20 },
        |test| {
            let earliest = origin.ms() + 20_000;
            assert!(reading(&test.store()) >= earliest);
            assert!(batch_time(&test.store(), "a") >= earliest);
        },
    );
}

#[test]
fn the_latest_mark_is_that_of_any_scope_or_of_a_fast_clock() {
    for_each_engine(&[], |test| {
        let store = test.store();
        let latest = || store.read("test.latest", |tx| tx.latest_mark()).unwrap().map(Timestamp::ms);
        let mark = |ms| store.transact("test.mark", |tx| tx.mark_fast_clock(Timestamp::from_ms(ms))).unwrap();
        assert_eq!(latest(), None);
        batch_time(&store, "a");
        assert_eq!(latest(), Some(START_MS));
        mark(START_MS + 600_000);
        assert_eq!(latest(), Some(START_MS + 600_000));
        // A clock that stops in order takes its reserve back.
        mark(START_MS + 7);
        assert_eq!(latest(), Some(START_MS + 7));
        mark(START_MS - 1);
        assert_eq!(latest(), Some(START_MS));
        assert_eq!(batch_time(&store, "a"), START_MS, "no scope of a batch has moved");
    });
}
