//! Jobs by the manual clock: what falls due runs in order, at its own time, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_desk::job::{
    Cadence, Job, JobRow, MoveRefusal, Progress, Scheduler, SchedulerParts, Waker, job_rows,
};
use bursar_store::clock::machine_time;
use bursar_store::lease::Lease;
use bursar_store::{EngineKind, Store, Timestamp};
use bursar_test_stores::START_MS;
use parking_lot::Mutex;

use crate::rooms::{by_manual_clock, on_each_engine};

/// What ran, and at what time after [`START_MS`].
type Ran = Arc<Mutex<Vec<(&'static str, i64)>>>;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(START_MS + ms)
}

/// A job that notes its runs.
fn noting(store: &Arc<Store>, ran: &Ran, name: &'static str, every_ms: i64) -> Job {
    let (store, ran) = (Arc::clone(store), Arc::clone(ran));
    Job::new(name, Cadence::every_ms(every_ms), move |_| {
        let now = store.read("test.now", |tx| tx.reading())?;
        ran.lock().push((name, now.ms() - START_MS));
        Ok(Progress::Done)
    })
}

fn scheduler(store: &Arc<Store>, process: &str, jobs: Vec<Job>) -> Scheduler {
    let parts = SchedulerParts {
        store: Arc::clone(store),
        process: process.to_owned(),
        waker: Waker::default(),
        jobs,
    };
    Scheduler::start(parts).unwrap()
}

fn row(store: &Store, name: &str) -> JobRow {
    let rows = store.read("test.rows", job_rows).unwrap();
    rows.into_iter().find(|row| row.name == name).unwrap()
}

#[test]
fn a_move_passes_through_every_instant_in_order() {
    by_manual_clock(|test| {
        let (store, ran) = (test.store(), Ran::default());
        let jobs = vec![noting(&store, &ran, "a.slow", 10_000), noting(&store, &ran, "b.quick", 5_000)];
        let scheduler = scheduler(&store, "one", jobs);
        assert_eq!(scheduler.move_clock(at(12_000)).unwrap(), at(12_000));
        // The instants are multiples since 1970; START_MS is one of both. Of two due together the first registered runs first.
        assert_eq!(*ran.lock(), [("b.quick", 5_000), ("a.slow", 10_000), ("b.quick", 10_000)]);
        assert_eq!(store.read("test.now", |tx| tx.reading()).unwrap(), at(12_000));
    });
}

#[test]
fn work_runs_at_the_instant_it_falls_due_and_not_without_any() {
    by_manual_clock(|test| {
        let (store, ran) = (test.store(), Ran::default());
        let due = Arc::new(Mutex::new(vec![at(1_234), at(60_000)]));
        let sight = Arc::clone(&due);
        let job = noting(&store, &ran, "a.work", 5_000);
        let run = Arc::clone(&job.run);
        let done = Arc::clone(&due);
        let job = Job::new("a.work", Cadence::every_ms(5_000), move |turn| {
            done.lock().remove(0);
            run(turn)
        })
        .when(move |_| Ok(sight.lock().first().copied()));
        scheduler(&store, "one", vec![job]).move_clock(at(120_000)).unwrap();
        assert_eq!(*ran.lock(), [("a.work", 1_234), ("a.work", 60_000)]);
    });
}

#[test]
fn work_that_stays_undone_is_tried_again_by_the_cadence_and_at_the_next_move() {
    by_manual_clock(|test| {
        let (store, ran) = (test.store(), Ran::default());
        let job = noting(&store, &ran, "a.stuck", 5_000).when(|_| Ok(Some(at(1_000))));
        let scheduler = scheduler(&store, "one", vec![job]);
        scheduler.move_clock(at(11_000)).unwrap();
        assert_eq!(*ran.lock(), [("a.stuck", 1_000), ("a.stuck", 5_000), ("a.stuck", 10_000)]);
        scheduler.move_clock(at(11_000)).unwrap();
        assert_eq!(ran.lock().last(), Some(&("a.stuck", 11_000)));
    });
}

#[test]
fn a_job_with_more_work_runs_again_at_once() {
    by_manual_clock(|test| {
        let store = test.store();
        let left = Mutex::new(3);
        let job = Job::new("a.chunks", Cadence::every_ms(5_000), move |_| {
            *left.lock() -= 1;
            Ok(if *left.lock() > 0 { Progress::More } else { Progress::Done })
        });
        scheduler(&store, "one", vec![job]).move_clock(at(5_000)).unwrap();
        assert_eq!((row(&store, "a.chunks").runs, row(&store, "a.chunks").failures), (1, 0));
    });
}

#[test]
fn the_clock_never_goes_back_and_only_a_manual_one_is_moved() {
    by_manual_clock(|test| {
        let scheduler = scheduler(&test.store(), "one", Vec::new());
        scheduler.move_clock(at(10)).unwrap();
        assert!(matches!(scheduler.move_clock(at(9)), Err(MoveRefusal::Backward { .. })));
        assert_eq!(scheduler.move_clock(at(10)).unwrap(), at(10));
    });
    on_each_engine(|test| {
        let scheduler = scheduler(&test.store(), "one", Vec::new());
        assert!(matches!(scheduler.move_clock(at(10)), Err(MoveRefusal::NotManual)));
    });
}

#[test]
fn a_failure_or_panic_is_noted_and_the_job_goes_on_at_its_next_instant() {
    by_manual_clock(|test| {
        let store = test.store();
        let runs = Mutex::new(0);
        let job = Job::new("a.frail", Cadence::every_ms(5_000), move |_| {
            *runs.lock() += 1;
            let run = *runs.lock();
            match run {
                1 => Err("the disk is gone".into()),
                2 => panic!("a bug"),
                _ => Ok(Progress::Done),
            }
        });
        let scheduler = scheduler(&store, "one", vec![job]);
        scheduler.move_clock(at(5_000)).unwrap();
        let first = row(&store, "a.frail");
        assert_eq!(
            (first.failed_at, first.last_error.as_deref()),
            (Some(at(5_000)), Some("the disk is gone"))
        );
        scheduler.move_clock(at(10_000)).unwrap();
        assert_eq!(row(&store, "a.frail").failures, 2);
        scheduler.move_clock(at(15_000)).unwrap();
        let last = row(&store, "a.frail");
        assert_eq!((last.runs, last.failures, last.last_error), (3, 2, None));
        assert_eq!((last.succeeded_at, last.failed_at), (Some(at(15_000)), Some(at(10_000))));
    });
}

#[test]
fn the_row_says_who_ran_it_how_late_and_when_it_runs_next() {
    by_manual_clock(|test| {
        let (store, ran) = (test.store(), Ran::default());
        let scheduler = scheduler(&store, "process 7", vec![noting(&store, &ran, "a.job", 5_000)]);
        scheduler.move_clock(at(7_000)).unwrap();
        let row = row(&store, "a.job");
        assert_eq!((row.holder.as_deref(), row.lag_ms), (Some("process 7"), 0));
        assert_eq!(
            (row.served_at, row.started_at, row.succeeded_at),
            (Some(at(5_000)), Some(at(5_000)), Some(at(5_000)))
        );
        assert_eq!((row.checked_at, row.next_at), (Some(at(7_000)), Some(at(10_000))));
    });
}

#[test]
fn another_process_goes_on_where_a_dead_one_stopped() {
    by_manual_clock(|test| {
        let (store, ran) = (test.store(), Ran::default());
        let first = scheduler(&store, "one", vec![noting(&store, &ran, "a.job", 5_000)]);
        first.move_clock(at(5_000)).unwrap();
        first.stop();
        // A process that died in the middle of a run leaves its lease behind.
        let until = if store.kind() == EngineKind::Postgres { 300 } else { 60_000 };
        let held =
            store.transact("test.lease", |tx| Lease::take(tx, "job:a.job", "dead", machine_time(), until));
        assert!(held.unwrap().is_some());
        let second = scheduler(&store, "two", vec![noting(&store, &ran, "a.job", 5_000)]);
        second.move_clock(at(10_000)).unwrap();
        assert_eq!(*ran.lock(), [("a.job", 5_000), ("a.job", 10_000)]);
        assert_eq!(row(&store, "a.job").holder.as_deref(), Some("two"));
    });
}

#[test]
fn stopping_waits_for_a_run_that_is_told_to_end() {
    by_manual_clock(|test| {
        let store = test.store();
        let ended = Arc::new(AtomicBool::new(false));
        let (tell, told) = std::sync::mpsc::channel();
        let noted = Arc::clone(&ended);
        let job = Job::new("a.long", Cadence::every_ms(10), move |turn| {
            tell.send(())?;
            while !turn.is_stopping() {
                std::thread::yield_now();
            }
            noted.store(true, Ordering::SeqCst);
            Ok(Progress::Done)
        });
        let scheduler = scheduler(&store, "one", vec![job.in_real_time()]);
        told.recv().unwrap();
        scheduler.stop();
        assert!(ended.load(Ordering::SeqCst));
        assert!(row(&store, "a.long").succeeded_at.is_some());
    });
}
