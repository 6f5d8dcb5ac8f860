//! The scheduler: every job of every desk, when each is due, and what the metrics tell of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use bursar_store::{Clock, Store, StoreError, Timestamp, Tx};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;

use super::calendar::{Sight, next_run};
use super::follower::Follower;
use super::rows::{self, JobRow, job_rows};
use super::turn::Holder;
use super::{Job, Waker};

/// What a scheduler works with.
pub struct SchedulerParts {
    /// The database.
    pub store: Arc<Store>,
    /// The id of this process ([`crate::Platform::process`]).
    pub process: String,
    /// What wakes it.
    pub waker: Waker,
    /// Every job of every desk that is on.
    pub jobs: Vec<Job>,
}

/// Runs jobs until it is stopped. Dropping it stops it.
pub struct Scheduler {
    pub(super) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the scheduler's thread, its runs and the manual clock have in common.
pub(super) struct Shared {
    pub holder: Holder,
    pub jobs: Vec<Job>,
    /// When each job with work was last tried here.
    pub tried: Mutex<BTreeMap<&'static str, Timestamp>>,
    /// One move of the manual clock at a time.
    pub moving: Mutex<()>,
    pub waker: Waker,
    started: Timestamp,
    seen: Mutex<Vec<JobRow>>,
}

/// What one look found: the time, and the instant of each job's next run.
pub(super) struct Look {
    pub now: Timestamp,
    pub next: Vec<Result<Option<Timestamp>, StoreError>>,
}

impl Scheduler {
    /// Makes the jobs' rows and starts the thread.
    pub fn start(parts: SchedulerParts) -> Result<Scheduler, StoreError> {
        let SchedulerParts { store, process, waker, jobs } = parts;
        let holder = Holder { store, process: process.into(), stopping: Arc::new(AtomicBool::new(false)) };
        holder.enter(&jobs)?;
        let started = holder.store.read("desk.jobs", |tx| tx.reading())?;
        let shared = Arc::new(Shared {
            holder,
            jobs,
            tried: Mutex::default(),
            moving: Mutex::default(),
            waker,
            started,
            seen: Mutex::default(),
        });
        let follower = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("jobs".to_owned())
            .spawn(move || Follower::new(follower).follow())
            .map_err(|error| StoreError::Unavailable(format!("scheduler thread: {error}")))?;
        Ok(Scheduler { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Registers what the jobs' rows say as metrics.
    pub fn register(&self, metrics: &Registry) -> Result<(), MetricError> {
        type Read = fn(&JobRow) -> Option<i64>;
        let gauges: [(&'static str, &'static str, Unit, Read); 4] = [
            (
                "bursar_job_last_success_timestamp_seconds",
                "When each job last succeeded, by the rules' clock.",
                Unit::MILLISECONDS,
                |row| row.succeeded_at.map(Timestamp::ms),
            ),
            (
                "bursar_job_checked_timestamp_seconds",
                "When a living process last followed each job, by the rules' clock.",
                Unit::MILLISECONDS,
                |row| row.checked_at.map(Timestamp::ms),
            ),
            ("bursar_job_lag_seconds", "How late each job's last run began.", Unit::MILLISECONDS, |row| {
                Some(row.lag_ms)
            }),
            ("bursar_job_failures", "Failed runs of each job so far.", Unit::ONE, |row| Some(row.failures)),
        ];
        for (name, help, unit, read) in gauges {
            let shared = Arc::clone(&self.shared);
            metrics.computed_gauge(name, help, ["job"], unit, move || {
                let seen = shared.seen.lock();
                let readings = seen.iter().filter_map(|row| Some((row.name.clone(), read(row)?)));
                readings.map(|(name, value)| Reading { labels: [name], value }).collect()
            })?;
        }
        Ok(())
    }

    /// Lets what runs end and ends the thread.
    pub fn stop(&self) {
        self.shared.holder.stopping.store(true, Ordering::Relaxed);
        self.shared.waker.wake();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Whether jobs of the rules' clock wait for the clock to be moved.
    pub fn is_manual(&self) -> bool {
        matches!(self.holder.store.clock(), Clock::Manual(_) | Clock::Simulated(_))
    }

    /// Reads when each job runs next. A job whose work cannot be read keeps no other job from running.
    pub fn look(&self, wanted: impl Fn(&Job) -> bool) -> Result<Look, StoreError> {
        let store = &self.holder.store;
        let rows = store.read("desk.jobs", job_rows)?;
        let next = |job: &Job| match wanted(job) {
            true => store.read("desk.jobs", |tx| self.next(tx, job, &rows)),
            false => Ok(None),
        };
        let next = self.jobs.iter().map(next).collect();
        // Read last: a job that has work now names the time that it saw, which must not lie ahead of this one.
        let now = store.read("desk.jobs", |tx| tx.reading())?;
        *self.seen.lock() = rows;
        Ok(Look { now, next })
    }

    fn next(&self, tx: &mut Tx<'_>, job: &Job, rows: &[JobRow]) -> Result<Option<Timestamp>, StoreError> {
        let sight = match &job.work_at {
            Some(work_at) => {
                let tried = self.tried.lock().get(job.name).copied();
                Sight::Work { at: work_at(tx)?, tried }
            }
            None => {
                let row = rows.iter().find(|row| row.name == job.name);
                Sight::Cadence { served: row.and_then(|row| row.served_at).unwrap_or(self.started) }
            }
        };
        Ok(next_run(job.cadence, sight))
    }

    /// Writes that the jobs are followed.
    pub fn heartbeat(&self, look: &Look) -> Result<(), StoreError> {
        self.holder.store.transact("desk.job_heartbeat", |tx| {
            for (job, next) in self.jobs.iter().zip(&look.next) {
                rows::heartbeat(tx, job.name, next.as_ref().ok().copied().flatten(), look.now)?;
            }
            Ok(())
        })
    }
}

impl Shared {
    /// Notes that whatever was due at `began` has been tried.
    pub fn note_tried(&self, job: &Job, began: Timestamp) {
        if job.work_at.is_some() {
            self.tried.lock().insert(job.name, began);
        }
    }
}
