//! The evaluator on both engines: what is raised, once by all processes, and what hides nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};

use bursar_audit::{EventFilter, Level, Recorder, SaltKey, StoredEvent, events};
use bursar_control::settings::{self, Setting};
use bursar_control::{ConfigTable, MIGRATIONS as CONTROL};
use bursar_desk::alert::{AlertRule, Figure, Measured, Telling, Threshold};
use bursar_desk::job::{Cadence, Job, Progress};
use bursar_ops::alerts::rules::missed;
use bursar_ops::alerts::{Evaluator, Seen};
use bursar_store::{Clock, EngineKind, Migration, StoreError, Timestamp};
use bursar_test_stores::{START_MS, TestStore};

const COOLDOWN_MS: i64 = 60_000;
const LIMIT: Setting =
    Setting { key: "limit", variable: "LIMIT", min: 0, max: 100, default: 5, description: "" };

fn migrations(kind: EngineKind) -> Vec<Migration> {
    let mut all = CONTROL.to_vec();
    all.extend(bursar_audit::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.extend(bursar_ops::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", kind));
    all
}

fn on_each_engine(test: impl Fn(&TestStore)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&TestStore::with(kind, &migrations(kind), |_| {}));
    }
}

/// A rule over a figure that the test sets.
fn rule(id: &'static str, figure: &Arc<AtomicI64>) -> AlertRule {
    let figure = Arc::clone(figure);
    AlertRule {
        id,
        desk: "platform",
        telling: Telling::Event(Level::Warn, "test.alert"),
        figure: Figure::State,
        threshold: Threshold::Live { table: ConfigTable::PLATFORM, setting: LIMIT, factor: 2 },
        cooldown_ms: COOLDOWN_MS,
        runbook: "test",
        measure: Arc::new(move |_, _| Ok(Measured::of(figure.load(Ordering::SeqCst)).with("why", "so"))),
    }
}

fn evaluator(test: &TestStore, process: &str, rules: Vec<AlertRule>) -> Evaluator {
    Evaluator::new(test.store(), Recorder::new(process, SaltKey::new([7; 32])), rules)
}

fn told(test: &TestStore) -> Vec<StoredEvent> {
    test.store().read("test", |tx| events(tx, &EventFilter::default())).unwrap()
}

fn names(test: &TestStore) -> Vec<String> {
    let mut names: Vec<String> = told(test).into_iter().map(|event| event.event).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_figure_at_its_live_threshold_is_told_with_its_runbook_and_repeated_after_the_cooldown_until_it_ends() {
    on_each_engine(|test| {
        let figure = Arc::new(AtomicI64::new(9));
        let evaluator = evaluator(test, "a", vec![rule("r", &figure)]);
        let tell = |value, at_ms| {
            figure.store(value, Ordering::SeqCst);
            test.set_time(Timestamp::from_ms(START_MS + at_ms));
            evaluator.tell().unwrap();
            told(test).len()
        };
        assert_eq!(tell(9, 0), 0);
        assert_eq!(tell(10, 0), 1);
        assert_eq!(tell(10, COOLDOWN_MS - 1), 1);
        assert_eq!(tell(11, COOLDOWN_MS), 2);
        assert_eq!(tell(0, COOLDOWN_MS), 3);
        assert_eq!(tell(0, 9 * COOLDOWN_MS), 3);
        assert_eq!(names(test), ["ops.alert_resolved", "test.alert", "test.alert"]);
        let first = told(test).into_iter().find(|event| event.at == Timestamp::from_ms(START_MS)).unwrap();
        let expected = serde_json::json!(
            {"rule": "r", "runbook": "test", "threshold": 10, "value": 10, "why": "so"}
        );
        let payload: serde_json::Value = serde_json::from_str(&first.payload.unwrap()).unwrap();
        assert_eq!((payload, first.level), (expected, Level::Warn));
    });
}

#[test]
fn a_threshold_that_is_changed_while_the_server_runs_holds_at_the_next_look() {
    on_each_engine(|test| {
        let figure = Arc::new(AtomicI64::new(4));
        let evaluator = evaluator(test, "a", vec![rule("r", &figure)]);
        let seen = |threshold, is_pending| [Seen { rule: "r", value: 4, threshold, is_pending }];
        assert_eq!(evaluator.look(), seen(10, false));
        test.store()
            .transact("test", |tx| {
                let now = tx.reading()?;
                settings::seed(tx, ConfigTable::PLATFORM, &[("limit", "5".to_owned(), "", false)], now)?;
                settings::change(tx, ConfigTable::PLATFORM, LIMIT, 2, ("ann", "test"), now)
            })
            .unwrap();
        assert_eq!(evaluator.look(), seen(4, true));
    });
}

#[test]
fn processes_that_look_at_the_same_time_raise_an_alert_once() {
    on_each_engine(|test| {
        let figure = Arc::new(AtomicI64::new(10));
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for process in ["a", "b", "c", "d"] {
                let evaluator = evaluator(test, process, vec![rule("r", &figure)]);
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    evaluator.tell().unwrap();
                });
            }
        });
        assert_eq!(names(test), ["test.alert"]);
    });
}

#[test]
fn a_rule_that_cannot_be_measured_hides_no_other() {
    on_each_engine(|test| {
        let figure = Arc::new(AtomicI64::new(10));
        let broken = AlertRule {
            measure: Arc::new(|tx, _| {
                tx.query_first("SELECT number FROM no_such_table", &[], |row| row.get(0))
                    .map(|found| Measured::of(found.unwrap_or(0)))
            }),
            ..rule("broken", &figure)
        };
        let evaluator = evaluator(test, "a", vec![broken, rule("sound", &figure)]);
        let seen: Vec<&str> = evaluator.look().iter().map(|seen| seen.rule).collect();
        assert_eq!(seen, ["sound"]);
        let told: Result<(), StoreError> = evaluator.tell();
        assert!(told.is_err());
        assert_eq!(names(test), ["test.alert"]);
    });
}

#[test]
fn what_the_desk_tells_by_itself_is_measured_and_never_told_again() {
    on_each_engine(|test| {
        let by_desk = AlertRule { telling: Telling::ByDesk, ..rule("r", &Arc::new(AtomicI64::new(10))) };
        let evaluator = evaluator(test, "a", vec![by_desk]);
        assert_eq!(evaluator.look(), [Seen { rule: "r", value: 10, threshold: 10, is_pending: false }]);
        evaluator.tell().unwrap();
        assert_eq!(names(test), [""; 0]);
    });
}

/// A job whose work is due since [`START_MS`].
fn due_job() -> Job {
    let job = Job::new("rounds.settle", Cadence::every_ms(5_000), |_| Ok(Progress::Done));
    job.when(|_| Ok(Some(Timestamp::from_ms(START_MS))))
}

/// For how long that job has been missed at `at_ms`, and from when on that is told.
fn missed_ms(test: &TestStore, clock: &Clock, started_ms: i64, at_ms: i64) -> (i64, i64) {
    let rule = missed("rounds", &due_job(), clock, Timestamp::from_ms(START_MS + started_ms)).unwrap();
    test.set_time(Timestamp::from_ms(START_MS + at_ms));
    let seen = evaluator(test, "a", vec![rule]).look();
    (seen[0].value, seen[0].threshold)
}

#[test]
fn a_job_is_missed_from_its_due_work_its_last_success_or_this_process_start_whichever_is_latest() {
    on_each_engine(|test| {
        assert_eq!(missed_ms(test, &Clock::System, -1, 9_000), (9_000, 10_000));
        assert_eq!(missed_ms(test, &Clock::System, 4_000, 9_000), (5_000, 10_000));
        let store = test.store();
        let succeed = |at_ms| {
            let row =
                "INSERT INTO job_runs (name, succeeded_at, lag_ms, runs, failures) VALUES ($1, $2, 0, 1, 0)";
            let params = ["rounds.settle".into(), Timestamp::from_ms(START_MS + at_ms).into()];
            store.transact("test", |tx| tx.execute(row, &params)).unwrap();
        };
        succeed(7_000);
        assert_eq!(missed_ms(test, &Clock::System, 4_000, 9_000), (2_000, 10_000));
    });
}

#[test]
fn a_fast_clock_stretches_intervals_and_one_moved_by_hand_misses_nothing() {
    let origin = Timestamp::from_ms(START_MS);
    let fast = Clock::Fast { origin, shown: origin, factor: 20 };
    on_each_engine(|test| assert_eq!(missed_ms(test, &fast, 0, 1_000), (1_000, 200_000)));
    assert!(missed("rounds", &due_job(), &Clock::Manual(origin), origin).is_none());
    let by_cadence = Job::new("rounds.other", Cadence::every_ms(5_000), |_| Ok(Progress::Done));
    assert!(missed("rounds", &by_cadence, &Clock::System, origin).is_none());
}
