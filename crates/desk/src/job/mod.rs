//! Background jobs: one process at a time runs each, taken over when that process dies (docs/spec/platform.md, jobs).

mod calendar;
mod follower;
mod manual;
mod rows;
mod scheduler;
mod turn;
mod waker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

pub use calendar::Cadence;
pub use manual::MoveRefusal;
pub use rows::{JobRow, job_rows};
pub use scheduler::{Scheduler, SchedulerParts};
pub use waker::Waker;

/// Which time a job follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The clock of all rules; under the manual clock it runs while the clock is moved, and at no other time.
    Rules,
    /// Real time under every clock: for work that no rule depends on, such as deliveries.
    Real,
}

/// The earliest instant at which there is work; `None` = none in sight.
pub type WorkAt = Arc<dyn Fn(&mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> + Send + Sync>;
/// What a job does.
pub type Run = Arc<dyn Fn(&JobTurn) -> Result<Progress, JobFault> + Send + Sync>;
/// Why a run failed, for the log and the job's row.
pub type JobFault = Box<dyn std::error::Error + Send + Sync>;

/// A background job.
#[derive(Clone)]
pub struct Job {
    /// `desk.job`.
    pub name: &'static str,
    /// When it runs; with `work_at`, how often it tries again while work stays undone.
    pub cadence: Cadence,
    /// Which time it follows.
    pub pace: Pace,
    /// When there is work, so that it starts right then and nothing is written while there is none.
    pub work_at: Option<WorkAt>,
    /// What it does.
    pub run: Run,
}

impl Job {
    /// A job of the rules' clock that runs at each instant of `cadence`.
    pub fn new(
        name: &'static str,
        cadence: Cadence,
        run: impl Fn(&JobTurn) -> Result<Progress, JobFault> + Send + Sync + 'static,
    ) -> Job {
        Job { name, cadence, pace: Pace::Rules, work_at: None, run: Arc::new(run) }
    }

    /// Runs it when there is work, and at each instant of the cadence while work stays undone.
    #[must_use]
    pub fn when(
        mut self,
        work_at: impl Fn(&mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> + Send + Sync + 'static,
    ) -> Job {
        self.work_at = Some(Arc::new(work_at));
        self
    }

    /// Lets it follow real time under every clock.
    #[must_use]
    pub fn in_real_time(mut self) -> Job {
        self.pace = Pace::Real;
        self
    }
}

/// What a run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing that could be done now.
    Done,
    /// More: run again at once.
    More,
}

/// One run, as the job sees it.
pub struct JobTurn {
    /// The lease it runs under; writes that must not happen twice check it.
    pub lease: Lease,
    /// The instant it was due at.
    pub instant: Timestamp,
    stopping: Arc<AtomicBool>,
}

impl JobTurn {
    /// A run under a lease that somebody else took, which nobody stops: for drills and tests.
    #[must_use]
    pub fn alone(lease: Lease, instant: Timestamp) -> JobTurn {
        JobTurn { lease, instant, stopping: Arc::default() }
    }

    /// Whether the process is shutting down: long work ends at its next resting place.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
