//! The scheduler's thread: looks what is due, starts each run on a thread of its own, and notes that it is alive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_store::{Clock, StoreError, Timestamp};

use super::scheduler::Shared;
use super::turn::TurnEnd;
use super::{Job, Pace};

/// The longest real time between two looks at what is due.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a failed look, or one that found another process at work, the next look comes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often an idle scheduler writes that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

struct Running {
    job: usize,
    thread: JoinHandle<()>,
}

/// The thread that follows the jobs.
pub(super) struct Follower {
    shared: Arc<Shared>,
    running: Vec<Running>,
    /// When each job of real time is looked at next.
    real: BTreeMap<&'static str, Instant>,
    heartbeat: Instant,
}

impl Follower {
    pub fn new(shared: Arc<Shared>) -> Follower {
        Follower { shared, running: Vec::new(), real: BTreeMap::new(), heartbeat: Instant::now() }
    }

    pub fn follow(mut self) {
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
        for (index, next) in look.next.iter().enumerate() {
            let Some(job) = self.shared.jobs.get(index) else { continue };
            let next = next.as_ref().unwrap_or_else(|error| {
                tracing::warn!(job = job.name, %error, "a job's work cannot be read; looking again");
                &None
            });
            match (job.pace, *next) {
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
                Ok(TurnEnd::Ran { began }) => {
                    shared.note_tried(&job, began);
                    shared.waker.wake();
                }
                // The next look comes by itself: waking for a job that cannot run would spin.
                Ok(TurnEnd::Busy | TurnEnd::Done) => {}
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

    /// Real time until the rules' clock shows `at`.
    fn real_distance(&self, now: Timestamp, at: Timestamp) -> Duration {
        let factor = match self.shared.holder.store.clock() {
            Clock::Fast { factor, .. } => i64::from((*factor).max(1)),
            Clock::System | Clock::Manual(_) | Clock::Simulated(_) => 1,
        };
        milliseconds((at.ms() - now.ms()) / factor + 1)
    }
}

fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
