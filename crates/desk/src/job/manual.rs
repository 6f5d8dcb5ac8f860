//! Moving the manual clock: through every instant at which a job is due, in order, each run to its end.

use std::time::{Duration, Instant};

use bursar_store::{Clock, StoreError, Timestamp};

use super::Pace;
use super::scheduler::{Look, Scheduler, Shared};
use super::turn::TurnEnd;

/// How long a move waits for a lease that another process, perhaps a dead one, still has. Real time.
const LEASE_PATIENCE: Duration = Duration::from_secs(10);
const LEASE_PAUSE: Duration = Duration::from_millis(20);

/// Why the clock was not moved, or not all the way.
#[derive(Debug, thiserror::Error)]
pub enum MoveRefusal {
    /// The clock is not a manual one.
    #[error("the clock follows real time; start the server with --clock manual:<unix-ms> to move it")]
    NotManual,
    /// It would have to go back.
    #[error("the clock shows {now}, which is later than {asked}; it never goes back")]
    Backward {
        /// What it shows.
        now: Timestamp,
        /// What was asked for.
        asked: Timestamp,
    },
    /// Another process keeps a job's lease.
    #[error("the job {0} is still run by another process after 10 s; look at its row in job_runs")]
    Busy(&'static str),
    /// The process is shutting down.
    #[error("the server is shutting down")]
    Stopping,
    /// The store failed; the clock stands somewhere on the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scheduler {
    /// Moves the manual clock to `to` and returns what it shows. Blocks until everything due on the way has run.
    pub fn move_clock(&self, to: Timestamp) -> Result<Timestamp, MoveRefusal> {
        let shared = &self.shared;
        if !matches!(shared.holder.store.clock(), Clock::Manual(_)) {
            return Err(MoveRefusal::NotManual);
        }
        let _turn = shared.moving.lock();
        let look = shared.look(|job| job.pace == Pace::Rules)?;
        if to < look.now {
            return Err(MoveRefusal::Backward { now: look.now, asked: to });
        }
        // What was tried in vain before, such as a settlement that was paused, gets another try.
        shared.tried.lock().clear();
        while let Some((index, instant)) = shared.next_until(to)? {
            shared.run_at(index, instant)?;
        }
        let now = shared.set_clock(to)?;
        let look = shared.look(|job| job.pace == Pace::Rules)?;
        shared.heartbeat(&look)?;
        Ok(now)
    }
}

impl Shared {
    /// The job that is due first until `to`, and when. Of two due together the one registered first.
    fn next_until(&self, to: Timestamp) -> Result<Option<(usize, Timestamp)>, StoreError> {
        let Look { now, next } = self.look(|job| job.pace == Pace::Rules)?;
        let mut first: Option<(Timestamp, usize, Timestamp)> = None;
        for (index, next) in next.into_iter().enumerate() {
            let Some(at) = next? else { continue };
            let moment = at.max(now);
            if moment <= to && first.is_none_or(|(earliest, ..)| moment < earliest) {
                first = Some((moment, index, at));
            }
        }
        Ok(first.map(|(_, index, at)| (index, at)))
    }

    fn run_at(&self, index: usize, instant: Timestamp) -> Result<(), MoveRefusal> {
        let Some(job) = self.jobs.get(index) else { return Ok(()) };
        if self.holder.is_stopping() {
            return Err(MoveRefusal::Stopping);
        }
        self.set_clock(instant)?;
        let patience = Instant::now() + LEASE_PATIENCE;
        loop {
            match self.holder.take_turn(job, instant)? {
                TurnEnd::Ran { began } => {
                    self.note_tried(job, began);
                    return Ok(());
                }
                TurnEnd::Done => return Ok(()),
                TurnEnd::Busy if Instant::now() > patience => return Err(MoveRefusal::Busy(job.name)),
                TurnEnd::Busy => std::thread::sleep(LEASE_PAUSE),
            }
        }
    }

    /// Moves the clock forward to `at`, if it is not there yet.
    fn set_clock(&self, at: Timestamp) -> Result<Timestamp, StoreError> {
        self.holder.store.transact("desk.move_clock", |tx| {
            let now = tx.reading()?;
            if at <= now { Ok(now) } else { tx.move_manual_clock(at) }
        })
    }
}
