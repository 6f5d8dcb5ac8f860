//! Jobs by themselves: when work falls due in real time, and under a manual clock only what follows real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bursar_desk::job::{Cadence, Job, Progress, Scheduler, SchedulerParts, Waker, job_rows};
use bursar_store::clock::machine_time;
use bursar_store::{EngineKind, Store, Timestamp, Tx};
use parking_lot::Mutex;

use crate::rooms::{by_manual_clock, in_real_time};

const PATIENCE: Duration = Duration::from_secs(20);

/// A job that tells when it ran, by the machine's clock.
fn telling(name: &'static str, every_ms: i64) -> (Job, Receiver<Timestamp>) {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let job = Job::new(name, Cadence::every_ms(every_ms), move |_| {
        // Nobody listens any more once the test has seen enough.
        let _ = tell.lock().send(machine_time());
        Ok(Progress::Done)
    });
    (job, told)
}

fn scheduler(store: &Arc<Store>, jobs: Vec<Job>) -> Scheduler {
    let (store, process) = (Arc::clone(store), "one".to_owned());
    Scheduler::start(SchedulerParts { store, process, waker: Waker::default(), jobs }).unwrap()
}

#[test]
fn work_starts_when_it_falls_due_and_not_at_the_next_instant_of_the_cadence() {
    in_real_time(|test| {
        let (job, told) = telling("a.work", 60_000);
        let due = machine_time().after_ms(400);
        let done = Arc::new(Mutex::new(false));
        let (sight, run) = (Arc::clone(&done), Arc::clone(&job.run));
        let job = Job::new("a.work", Cadence::every_ms(60_000), move |turn| {
            *done.lock() = true;
            run(turn)
        })
        .when(move |_| Ok((!*sight.lock()).then_some(due)));
        let _scheduler = scheduler(&test.store(), vec![job]);
        let ran = told.recv_timeout(PATIENCE).unwrap();
        assert!(ran >= due && ran < due.after_ms(5_000), "{} ms late", ran.ms() - due.ms());
    });
}

#[test]
fn work_that_is_there_now_starts_although_time_passes_between_two_looks() {
    in_real_time(|test| {
        let (job, told) = telling("a.now", 60_000);
        // Each question takes its time, as a database on another machine does.
        let job = job.when(|tx| {
            std::thread::sleep(Duration::from_millis(2));
            tx.reading().map(Some)
        });
        let _scheduler = scheduler(&test.store(), vec![job]);
        told.recv_timeout(PATIENCE).unwrap();
    });
}

#[test]
fn instants_missed_while_nobody_ran_are_made_up_for_by_one_run() {
    in_real_time(|test| {
        let store = test.store();
        let now = machine_time();
        store
            .transact("test.row", |tx| {
                let sql =
                    "INSERT INTO job_runs (name, served_at, lag_ms, runs, failures) VALUES ($1, $2, 0, 0, 0)";
                tx.execute(sql, &["a.hourly".into(), now.after_ms(-10 * 3_600_000).into()]).map(|_| ())
            })
            .unwrap();
        let (job, told) = telling("a.hourly", 3_600_000);
        let hourly = scheduler(&store, vec![job]);
        told.recv_timeout(PATIENCE).unwrap();
        hourly.stop();
        let rows = store.read("test.rows", job_rows).unwrap();
        assert_eq!(rows[0].runs, 1);
        assert!(rows[0].lag_ms > 8 * 3_600_000, "{} ms", rows[0].lag_ms);
        assert_eq!(
            rows[0].served_at,
            Some(Cadence::every_ms(3_600_000).last_until(rows[0].started_at.unwrap()))
        );
    });
}

#[test]
fn under_a_manual_clock_only_jobs_of_real_time_run_by_themselves() {
    by_manual_clock(|test| {
        let (by_rules, silent) = telling("a.rules", 1);
        let (real, told) = telling("b.real", 10);
        let scheduler = scheduler(&test.store(), vec![by_rules, real.in_real_time()]);
        for _ in 0..3 {
            told.recv_timeout(PATIENCE).unwrap();
        }
        scheduler.stop();
        assert!(silent.try_recv().is_err());
    });
}

#[test]
fn a_wake_makes_the_scheduler_look_at_once() {
    in_real_time(|test| {
        let (job, told) = telling("a.work", 1);
        let is_due = Arc::new(AtomicBool::new(false));
        let (sight, run) = (Arc::clone(&is_due), Arc::clone(&job.run));
        let done = Arc::clone(&is_due);
        let job = Job::new("a.work", Cadence::every_ms(1), move |turn| {
            done.store(false, Ordering::SeqCst);
            run(turn)
        });
        let job = job.when(move |_| Ok(sight.load(Ordering::SeqCst).then_some(Timestamp::from_ms(0))));
        let (store, process, waker) = (test.store(), "one".to_owned(), Waker::default());
        let parts = SchedulerParts { store, process, waker: waker.clone(), jobs: vec![job] };
        let _scheduler = Scheduler::start(parts).unwrap();
        let started = Instant::now();
        for _ in 0..12 {
            is_due.store(true, Ordering::SeqCst);
            waker.wake();
            told.recv_timeout(PATIENCE).unwrap();
        }
        // Without being woken it looks once a second.
        assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    });
}

#[test]
fn a_job_whose_work_cannot_be_read_keeps_no_other_from_running() {
    in_real_time(|test| {
        let (broken, silent) = telling("a.broken", 10);
        let broken = broken.when(|tx| tx.query_first("SELECT at FROM no_such_table", &[], |row| row.get(0)));
        let (sound, told) = telling("b.sound", 10);
        let scheduler = scheduler(&test.store(), vec![broken, sound]);
        told.recv_timeout(PATIENCE).unwrap();
        scheduler.stop();
        assert!(silent.try_recv().is_err());
    });
}

#[test]
fn a_job_that_hangs_in_a_transaction_keeps_its_lease_and_no_other_job_from_running() {
    in_real_time(|test| {
        let (quick, told) = telling("a.quick", 10);
        let store = test.store();
        let (begun, begins) = channel();
        let (begun, used) = (Mutex::new(begun), Arc::clone(&store));
        let hangs = Job::new("b.hangs", Cadence::every_ms(10), move |turn| {
            let _ = begun.lock().send(());
            // Longer than a lease lasts; one that reads, as writers take turns where the database is embedded.
            let hang = |tx: &mut Tx<'_>| {
                if tx.engine() == EngineKind::Postgres {
                    turn.lease.check(tx)?;
                }
                std::thread::sleep(Duration::from_millis(4_500));
                Ok(())
            };
            match used.kind() {
                EngineKind::Postgres => used.transact("test.hang", hang)?,
                EngineKind::Sqlite => used.read("test.hang", hang)?,
            }
            used.transact("test.proof", |tx| turn.lease.check(tx))?;
            Ok(Progress::Done)
        });
        let one = scheduler(&store, vec![quick, hangs]);
        begins.recv_timeout(PATIENCE).unwrap();
        let until = Instant::now() + Duration::from_secs(4);
        let mut quick_runs = 0;
        while Instant::now() < until {
            told.recv_timeout(Duration::from_secs(2)).expect("the other job runs meanwhile");
            quick_runs += 1;
        }
        one.stop();
        let rows = store.read("test.rows", job_rows).unwrap();
        let hung = rows.iter().find(|row| row.name == "b.hangs").unwrap();
        assert!(quick_runs >= 2 && hung.failures == 0, "{quick_runs} runs, {:?}", hung.last_error);
    });
}
