//! The scheduler's thread: looks what is due, starts each run on a thread of its own, and notes that it is alive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_store::{Clock, EngineKind, Store, StoreError, Timestamp, Tx};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;

use super::calendar::{Sight, next_run};
use super::rows::{self, JobRow, job_rows};
use super::turn::{Holder, TurnEnd};
use super::{Job, Pace, Waker};

/// The longest real time between two looks at what is due.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a failed look, or one that found another process at work, the next look comes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often an idle scheduler writes that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

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
    waker: Waker,
    started: Timestamp,
    seen: Mutex<Vec<JobRow>>,
}

/// What one look found: the time, and the instant of each job's next run.
pub(super) struct Look {
    pub now: Timestamp,
    pub next: Vec<Option<Timestamp>>,
}

struct Running {
    job: usize,
    thread: JoinHandle<()>,
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

    /// Reads when each job runs next.
    pub fn look(&self, wanted: impl Fn(&Job) -> bool) -> Result<Look, StoreError> {
        let look = self.holder.store.read("desk.jobs", |tx| {
            let (now, rows) = (tx.reading()?, job_rows(tx)?);
            let mut next = Vec::with_capacity(self.jobs.len());
            for job in &self.jobs {
                next.push(if wanted(job) { self.next(tx, job, &rows)? } else { None });
            }
            Ok((Look { now, next }, rows))
        });
        let (look, rows) = look?;
        *self.seen.lock() = rows;
        Ok(look)
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
                rows::heartbeat(tx, job.name, *next, look.now)?;
            }
            Ok(())
        })
    }
}

/// The thread that follows the jobs.
struct Follower {
    shared: Arc<Shared>,
    running: Vec<Running>,
    /// When each job of real time is looked at next.
    real: BTreeMap<&'static str, Instant>,
    heartbeat: Instant,
}

impl Follower {
    fn new(shared: Arc<Shared>) -> Follower {
        Follower { shared, running: Vec::new(), real: BTreeMap::new(), heartbeat: Instant::now() }
    }

    fn follow(mut self) {
        while !self.shared.holder.is_stopping() {
            self.reap();
            let wait = match self.round() {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "the jobs cannot be followed now; looking again");
                    LOOK_AGAIN
                }
            };
            self.shared.waker.wait(wait);
        }
        for running in self.running {
            // A panic inside a run was caught and noted there.
            let _ = running.thread.join();
        }
    }

    /// Looks once, starts what is due, and says how long to wait.
    fn round(&mut self) -> Result<Duration, StoreError> {
        let is_manual = self.shared.is_manual();
        let by_rules = |job: &Job| job.pace == Pace::Rules && !is_manual;
        let now = Instant::now();
        let due_real: Vec<&'static str> = self.due_in_real_time(now);
        let look = self.shared.look(|job| by_rules(job) || due_real.contains(&job.name))?;
        let mut wait = LOOK;
        for (index, next) in look.next.clone().into_iter().enumerate() {
            let Some(job) = self.shared.jobs.get(index) else { continue };
            match (job.pace, next) {
                (_, None) => {}
                // Real time decided that it is its turn; what it found decides whether there is work.
                (Pace::Real, Some(at)) => {
                    if job.work_at.is_none() || at <= look.now {
                        self.start(index, at.min(look.now));
                    }
                }
                (Pace::Rules, Some(at)) if at <= look.now => self.start(index, at),
                (Pace::Rules, Some(at)) => wait = wait.min(self.real_distance(look.now, at)),
            }
        }
        if !is_manual && self.heartbeat.elapsed() >= HEARTBEAT {
            self.shared.heartbeat(&look)?;
            self.heartbeat = now;
        }
        self.renew()?;
        Ok(if self.running.is_empty() { wait } else { wait.min(LOOK_AGAIN) })
    }

    fn due_in_real_time(&mut self, now: Instant) -> Vec<&'static str> {
        let mut due = Vec::new();
        for job in self.shared.jobs.iter().filter(|job| job.pace == Pace::Real) {
            let next = self.real.entry(job.name).or_insert(now);
            if *next <= now {
                *next = now + milliseconds(job.cadence.distance_ms());
                self.shared.tried.lock().remove(job.name);
                due.push(job.name);
            }
        }
        due
    }

    /// Starts a run on a thread of its own, unless the last one still runs here.
    fn start(&mut self, index: usize, instant: Timestamp) {
        let Some(job) = self.shared.jobs.get(index).cloned() else { return };
        if self.running.iter().any(|running| running.job == index) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new().name(job.name.to_owned()).spawn(move || {
            match shared.holder.take_turn(&job, instant) {
                Ok(TurnEnd::Ran) => {
                    shared.note_tried(&job);
                    shared.waker.wake();
                }
                // The next look comes by itself: waking for a job that cannot run would spin.
                Ok(TurnEnd::Busy) => {}
                Err(error) => {
                    tracing::warn!(job = job.name, %error, "a job could not run; it is tried again")
                }
            }
        });
        match spawned {
            Ok(thread) => self.running.push(Running { job: index, thread }),
            Err(error) => tracing::error!(%error, "no thread for a job; it is tried again"),
        }
    }

    fn reap(&mut self) {
        let (ended, running) =
            std::mem::take(&mut self.running).into_iter().partition(|running| running.thread.is_finished());
        self.running = running;
        let ended: Vec<Running> = ended;
        for run in ended {
            // A panic inside a run was caught and noted there.
            let _ = run.thread.join();
        }
    }

    /// Only other processes could take a lease over, so an embedded server renews none.
    fn renew(&self) -> Result<(), StoreError> {
        if self.running.is_empty() || self.shared.holder.store.kind() == EngineKind::Sqlite {
            return Ok(());
        }
        let names: Vec<&'static str> = self
            .running
            .iter()
            .filter(|running| !running.thread.is_finished())
            .filter_map(|running| self.shared.jobs.get(running.job).map(|job| job.name))
            .collect();
        self.shared.holder.renew(&names)
    }

    /// Real time until the rules' clock shows `at`.
    fn real_distance(&self, now: Timestamp, at: Timestamp) -> Duration {
        let factor = match self.shared.holder.store.clock() {
            Clock::Fast { factor, .. } => i64::from((*factor).max(1)),
            Clock::System | Clock::Manual(_) | Clock::Simulated(_) => 1,
        };
        milliseconds((at.ms() - now.ms()) / factor + 1)
    }
}

impl Shared {
    /// Notes that whatever was due until now has been tried.
    pub fn note_tried(&self, job: &Job) {
        if job.work_at.is_none() {
            return;
        }
        match self.holder.store.read("desk.jobs", |tx| tx.reading()) {
            Ok(now) => _ = self.tried.lock().insert(job.name, now),
            Err(error) => tracing::warn!(job = job.name, %error, "the time of a job's try cannot be read"),
        }
    }
}

fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
