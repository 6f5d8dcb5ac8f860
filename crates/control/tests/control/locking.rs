//! On PostgreSQL nothing that saw a switch running commits after its stop has, and a stop does not wait long.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bursar_control::{ConfigTable, StopSource, SwitchState};
use bursar_store::{EngineKind, Store};
use bursar_test_stores::TestStore;

use crate::stage::{JOINS, SETTLE, joins, no_stops, seeded, transact, type_sql};

const STOP: &str = "UPDATE rounds_config SET value='on' WHERE key='pause_joins'";
const STOPPED: SwitchState = SwitchState::Stopped(StopSource::Row);

/// A transaction in a thread of its own that reads the joins switch and stays open until it is let go.
struct Batch {
    seen: Receiver<SwitchState>,
    go: Sender<()>,
    thread: JoinHandle<()>,
}

impl Batch {
    fn begin(store: &TestStore) -> Batch {
        let (say_seen, seen) = channel();
        let (go, held) = channel::<()>();
        let (store, now) = (store.store(), store.now());
        let thread = thread::spawn(move || {
            transact(&store, |tx| {
                say_seen.send(no_stops().read(tx, ConfigTable::ROUNDS, &[JOINS, SETTLE], now)?[0]).unwrap();
                held.recv().unwrap();
                Ok(())
            });
        });
        Batch { seen, go, thread }
    }

    fn end(self) {
        self.go.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// Somebody who types the stop in another session.
fn type_stop(store: &TestStore) -> JoinHandle<()> {
    let session = store.another(|_| {});
    thread::spawn(move || type_sql(&session, STOP))
}

/// Comes back once `count` sessions of this database wait for a lock; gives up after half a minute of real time.
fn until_waiting(observer: &Store, count: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND wait_event_type = 'Lock'";
    let waiting = || observer.read("t", |tx| tx.query_first(sql, &[], |row| row.get::<i64>(0))).unwrap();
    while waiting() != Some(count) {
        assert!(Instant::now() < deadline, "no {count} sessions wait for a lock");
        thread::yield_now();
    }
}

#[test]
fn a_typed_stop_waits_for_the_batch_that_saw_the_switch_running_and_no_later_batch_does() {
    // Once behind the gate, once with the lock of the row alone, as when somebody has switched the triggers off.
    for preparation in ["SELECT 1", "ALTER TABLE rounds_config DISABLE TRIGGER USER"] {
        let store = seeded(EngineKind::Postgres);
        type_sql(&store.store(), preparation);
        let batch = Batch::begin(&store);
        assert_eq!(batch.seen.recv().unwrap(), SwitchState::Running);
        let stop = type_stop(&store);
        until_waiting(&store.another(|_| {}), 1);
        assert!(!stop.is_finished());
        batch.end();
        stop.join().unwrap();
        assert_eq!(joins(&store), STOPPED);
    }
}

#[test]
fn a_batch_that_begins_while_a_stop_waits_lets_it_pass_first() {
    let store = seeded(EngineKind::Postgres);
    let observer = store.another(|_| {});
    let first = Batch::begin(&store);
    assert_eq!(first.seen.recv().unwrap(), SwitchState::Running);
    let stop = type_stop(&store);
    until_waiting(&observer, 1);
    let second = Batch::begin(&store);
    until_waiting(&observer, 2);
    first.end();
    stop.join().unwrap();
    assert_eq!(second.seen.recv().unwrap(), STOPPED);
    second.end();
}

#[test]
fn batches_do_not_wait_for_each_other() {
    let store = seeded(EngineKind::Postgres);
    let batches = [(); 4].map(|()| Batch::begin(&store));
    for batch in &batches {
        assert_eq!(batch.seen.recv().unwrap(), SwitchState::Running);
    }
    batches.into_iter().for_each(Batch::end);
}

#[test]
fn stops_typed_at_the_same_time_take_turns() {
    let store = seeded(EngineKind::Postgres);
    let batch = Batch::begin(&store);
    batch.seen.recv().unwrap();
    let stops = [(); 3].map(|()| type_stop(&store));
    until_waiting(&store.another(|_| {}), 3);
    batch.end();
    stops.into_iter().for_each(|stop| stop.join().unwrap());
    assert_eq!(crate::stage::unfolded(&store).len(), 1);
}
