//! Clients at once on one database, with lost connections and lost answers, see what one after the other would have seen.

use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::thread;

use bursar_store::lane::{Lane, LaneOptions};
use bursar_store::{EngineKind, OpenMode, Store, StoreOptions, Tx};
use bursar_test_stores::TestStore;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::commit_proxy::{CommitProxy, Cut};
use crate::registers::{
    Attempt, BALANCE, Batches, Fate, History, REGISTERS, Run, Runs, TABLES, UNWRITTEN, Value, Wish, fate,
    fulfil, fulfil_carelessly, lane_fate, survey,
};
use crate::strict_order::{Anomaly, check};

const ATTEMPTS: u32 = 60;

/// Numbers below `most`, from a seed.
struct Dice(TestRng);

impl Dice {
    fn new(seed: u8) -> Dice {
        Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    fn roll(&mut self, most: u32) -> u32 {
        use proptest::prelude::Rng;
        self.0.next_u32() % most
    }

    fn register(&mut self) -> i64 {
        i64::from(self.roll(8)) + 1
    }

    fn wish(&mut self) -> Wish {
        let (from, other) = (self.register(), self.register());
        let to = if other == from { from % REGISTERS + 1 } else { other };
        match self.roll(4) {
            0 => Wish::Look { ids: vec![from, to] },
            amount => Wish::Move { from, to, amount: amount.into() },
        }
    }
}

/// Serialization failures and deadlocks as the server itself reports them.
fn trouble(tx: &mut Tx<'_>, fails: bool) -> Result<(), bursar_store::StoreError> {
    if tx.engine() == EngineKind::Sqlite {
        return Ok(());
    }
    tx.batch_execute("SET LOCAL deadlock_timeout = '20ms'")?;
    let failure = "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$";
    if fails { tx.batch_execute(failure) } else { Ok(()) }
}

/// Moves and looks in transactions of its own. Every seventh fails first.
fn in_transactions(store: &Store, history: &History, seed: u8, before_each: &(dyn Fn(u32) + Sync)) {
    let mut dice = Dice::new(seed);
    for number in 0..ATTEMPTS {
        let wish = dice.wish();
        before_each(number);
        history.attempt(|runs| {
            let mut tried = 0;
            fate(&store.transact("test.wish", |tx| {
                tried += 1;
                trouble(tx, tried == 1 && number % 7 == 3)?;
                fulfil(tx, &wish, history, runs)
            }))
        });
    }
}

/// The same through a lane that other clients use too.
fn in_a_lane(lane: &Lane<Batches>, history: &History, seed: u8) {
    let mut dice = Dice::new(seed);
    for _ in 0..ATTEMPTS {
        let wish = dice.wish();
        history.attempt(|runs| lane_fate(&lane.call((wish, Arc::clone(runs)))));
    }
}

/// Reads every register in one snapshot, again and again.
fn in_snapshots(store: &Store, history: &History) {
    (0..ATTEMPTS).for_each(|_| {
        look_at_all(store, history);
    });
}

fn look_at_all(store: &Store, history: &History) -> Fate {
    history.attempt(|runs| {
        let reads = survey(store, 1..=REGISTERS);
        let fate = fate(&reads);
        let run = |reads| Run { stamp: history.stamp(), reads, writes: Vec::new() };
        runs.lock().unwrap().extend(reads.ok().map(run));
        fate
    })
}

/// Ends every other session of the database.
fn end_sessions(store: &Store) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // Another client may end this session at the same moment.
    let _ = store.read("test.end", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0)));
}

fn explained(history: History) -> (Vec<Attempt>, HashMap<Fate, usize>) {
    let attempts = history.attempts();
    if let Err(anomaly) = check(&attempts) {
        panic!("{anomaly:?}: {attempts:#?}");
    }
    let mut fates = HashMap::new();
    attempts.iter().for_each(|attempt| *fates.entry(attempt.fate).or_default() += 1);
    (attempts, fates)
}

#[test]
fn clients_on_postgres_whose_sessions_end_and_whose_commits_are_cut_see_one_strict_order() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let bursar_store::DatabaseUrl::Postgres(server) = test.url() else { panic!("a server's URL") };
    let proxy = CommitProxy::before(&server);
    let distant = Arc::new(Store::open(proxy.url(), StoreOptions::new(OpenMode::Server)).unwrap());
    let (near, operator) = (test.store(), test.another(|_| {}));
    let history = Arc::new(History::default());
    let lanes = [&near, &distant].map(|store| {
        Lane::start(Arc::clone(store), Batches(Arc::clone(&history)), LaneOptions::default()).unwrap()
    });
    let kill = |number: u32| {
        if number % 20 == 19 {
            end_sessions(&operator);
        }
    };
    let cut = |number: u32| match number % 15 {
        4 => proxy.cut(Cut::Before),
        9 => proxy.cut(Cut::After),
        14 => proxy.cut(Cut::AfterWithGoodbye),
        _ => {}
    };
    thread::scope(|scope| {
        scope.spawn(|| in_transactions(&near, &history, 1, &kill));
        scope.spawn(|| in_transactions(&near, &history, 2, &|_| {}));
        scope.spawn(|| in_transactions(&distant, &history, 3, &cut));
        scope.spawn(|| in_a_lane(&lanes[0], &history, 4));
        scope.spawn(|| in_a_lane(&lanes[0], &history, 5));
        scope.spawn(|| in_a_lane(&lanes[1], &history, 6));
        scope.spawn(|| in_snapshots(&near, &history));
    });
    drop(lanes);
    while look_at_all(&near, &history) != Fate::Committed {}
    let (attempts, fates) = explained(Arc::into_inner(history).unwrap());
    assert!(fates[&Fate::Committed] > 300, "{fates:?}");
    assert!(fates.contains_key(&Fate::Refused), "no session was ended amid its work: {fates:?}");
    assert!(attempts.iter().any(|attempt| attempt.fate == Fate::Committed && attempt.runs.len() > 1));
}

#[test]
fn clients_of_two_handles_on_one_file_see_one_strict_order() {
    let test = TestStore::with(EngineKind::Sqlite, &TABLES, |_| {});
    let (store, other) = (test.store(), test.another(|_| {}));
    let history = Arc::new(History::default());
    let lane =
        Lane::start(Arc::clone(&store), Batches(Arc::clone(&history)), LaneOptions::default()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| in_transactions(&store, &history, 1, &|_| {}));
        scope.spawn(|| in_transactions(&other, &history, 2, &|_| {}));
        scope.spawn(|| in_a_lane(&lane, &history, 3));
        scope.spawn(|| in_a_lane(&lane, &history, 4));
        scope.spawn(|| in_snapshots(&other, &history));
    });
    drop(lane);
    look_at_all(&store, &history);
    let (_, fates) = explained(Arc::into_inner(history).unwrap());
    assert_eq!(fates[&Fate::Committed], usize::try_from(5 * ATTEMPTS + 1).unwrap(), "{fates:?}");
}

#[test]
fn two_careless_transactions_on_postgres_lose_an_update_and_the_checker_says_so() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let (store, history, both_have_read) = (test.store(), History::default(), Barrier::new(2));
    let careless = || {
        history.attempt(|runs| {
            let wish = Wish::Move { from: 1, to: 2, amount: 5 };
            fate(&store.transact("test.careless", |tx| {
                fulfil_carelessly(tx, &wish, &history, runs, || {
                    both_have_read.wait();
                })
            }))
        });
    };
    thread::scope(|scope| {
        scope.spawn(careless);
        scope.spawn(careless);
    });
    let found = check(&history.attempts());
    assert!(matches!(found, Err(Anomaly::LostUpdate { register: 1, .. })), "{found:?}");
}

#[test]
fn an_answer_from_before_an_acknowledged_change_is_found() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let (store, history) = (test.store(), History::default());
    let remembered = survey(&store, 1..=REGISTERS).unwrap();
    let wish = Wish::Move { from: 1, to: 2, amount: 5 };
    history.attempt(|runs| fate(&store.transact("test.wish", |tx| fulfil(tx, &wish, &history, runs))));
    history.attempt(|runs| tell(&history, runs, remembered));
    assert_eq!(check(&history.attempts()), Err(Anomaly::Cycle(vec![0, 1])));
}

#[test]
fn an_answer_that_is_put_together_from_two_snapshots_is_found() {
    let test = TestStore::with(EngineKind::Postgres, &TABLES, |_| {});
    let (store, history) = (test.store(), History::default());
    history.attempt(|runs| {
        let half = survey(&store, 1..=1).unwrap();
        let wish = Wish::Move { from: 1, to: 2, amount: 5 };
        history.attempt(|runs| fate(&store.transact("test.wish", |tx| fulfil(tx, &wish, &history, runs))));
        tell(&history, runs, [half, survey(&store, 2..=2).unwrap()].concat())
    });
    let found = check(&history.attempts());
    assert!(matches!(&found, Err(Anomaly::Cycle(members)) if members.len() == 2), "{found:?}");
}

fn tell(history: &History, runs: &Runs, reads: Vec<Value>) -> Fate {
    runs.lock().unwrap().push(Run { stamp: history.stamp(), reads, writes: Vec::new() });
    Fate::Committed
}

/// An attempt at times `asked` to `answered` that read and wrote register 1, or only read it, under its own stamp.
fn attempt(asked: u64, answered: u64, stamp: i64, read: (i64, i64), write: Option<i64>) -> Attempt {
    let reads = vec![Value { id: 1, stamp: read.0, balance: read.1 }];
    let writes = write.map(|balance| (1, balance)).into_iter().collect();
    Attempt { asked, answered, fate: Fate::Committed, runs: vec![Run { stamp, reads, writes }] }
}

#[test]
fn attempts_at_once_may_come_in_any_order_and_later_ones_may_not() {
    let (write, read) =
        (attempt(0, 9, 1, (UNWRITTEN, BALANCE), Some(BALANCE)), attempt(1, 2, 2, (UNWRITTEN, BALANCE), None));
    assert_eq!(check(&[write.clone(), read.clone()]), Ok(vec![1, 0]));
    assert_eq!(check(&[write.clone(), attempt(1, 2, 2, (1, BALANCE), None)]), Ok(vec![0, 1]));
    let late = Attempt { asked: 10, answered: 11, ..read };
    assert_eq!(check(&[write, late]), Err(Anomaly::Cycle(vec![0, 1])));
}

#[test]
fn what_was_refused_or_undone_must_not_show_and_what_nobody_knew_may() {
    let reader = attempt(5, 6, 9, (1, BALANCE), None);
    let seen = |fate| {
        let writer = Attempt { fate, ..attempt(0, 1, 1, (UNWRITTEN, BALANCE), Some(BALANCE)) };
        check(&[writer, reader.clone()])
    };
    let uncommitted = Err(Anomaly::Uncommitted { reader: 1, stamp: 1 });
    assert_eq!(seen(Fate::Refused), uncommitted);
    assert_eq!(seen(Fate::Unknown), Ok(vec![0, 1]));
    let mut again = attempt(0, 1, 1, (UNWRITTEN, BALANCE), Some(BALANCE));
    again.runs.push(Run { stamp: 2, ..again.runs[0].clone() });
    assert_eq!(check(&[again, reader]), uncommitted);
}

#[test]
fn money_that_appears_is_found() {
    let more = attempt(0, 1, 1, (UNWRITTEN, BALANCE), Some(BALANCE + 1));
    assert_eq!(check(&[more]), Err(Anomaly::Contradiction(0)));
}
