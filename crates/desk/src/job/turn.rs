//! One run of a job: the lease taken, the work done, how it ended noted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_store::lease::{Lease, renewing};
use bursar_store::{EngineKind, Store, StoreError, Timestamp, Tx};

use super::{Job, JobFault, JobTurn, Pace, Progress, rows};

/// How long a lease lasts unless it is renewed; a dead process blocks its jobs no longer. Real time.
pub(super) const LEASE_MS: i64 = 4_000;
/// Runs in a row that a job may ask for with [`Progress::More`] before others get their turn.
const RUNS_IN_A_ROW_MAX: u32 = 10_000;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnEnd {
    /// It ran and what it did is noted; work that fell due after it began may still be there.
    Ran {
        /// When it began.
        began: Timestamp,
    },
    /// Another process has the lease.
    Busy,
    /// Another process has done it meanwhile.
    Done,
}

/// How a turn begins.
enum Begun {
    Leased(Lease, Timestamp),
    Busy,
    Done,
}

/// Who runs jobs.
#[derive(Clone)]
pub(super) struct Holder {
    pub store: Arc<Store>,
    pub process: Arc<str>,
    pub stopping: Arc<AtomicBool>,
}

impl Holder {
    /// Runs `job`, due at `instant`, unless another process is at it or has done it since that was read.
    pub fn take_turn(&self, job: &Job, instant: Timestamp) -> Result<TurnEnd, StoreError> {
        let (lease, began) = match self.begin(job, instant)? {
            Begun::Leased(lease, began) => (lease, began),
            Begun::Busy => return Ok(TurnEnd::Busy),
            Begun::Done => return Ok(TurnEnd::Done),
        };
        let turn = JobTurn { lease, instant, stopping: Arc::clone(&self.stopping) };
        let ended = renewing(&self.store, &turn.lease, LEASE_MS, || run(job, &turn));
        let failure = ended.err().map(|fault| chain(&*fault));
        if let Some(failure) = &failure {
            tracing::error!(job = job.name, failure, "a job failed; it runs again when it is next due");
        }
        // Instants that were missed while nobody ran are made up for by one run: it serves the last one so far.
        let served = job.cadence.last_until(began).max(instant);
        self.end(job, &turn, served, failure.as_deref())?;
        Ok(TurnEnd::Ran { began })
    }

    /// The lease, and when the run begins.
    fn begin(&self, job: &Job, instant: Timestamp) -> Result<Begun, StoreError> {
        self.store.transact("desk.job_begin", |tx| {
            let real = tx.real_time()?;
            let Some(lease) = Lease::take(tx, &lease_name(job.name), &self.process, real, LEASE_MS)? else {
                return Ok(Begun::Busy);
            };
            if !is_still_due(tx, job, instant)? {
                lease.release(tx)?;
                return Ok(Begun::Done);
            }
            let now = tx.reading()?;
            rows::begin(tx, job.name, &self.process, instant, now)?;
            Ok(Begun::Leased(lease, now))
        })
    }

    fn end(
        &self,
        job: &Job,
        turn: &JobTurn,
        served: Timestamp,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        self.store.transact("desk.job_end", |tx| {
            let now = tx.reading()?;
            rows::end(tx, job.name, served, failure, now)?;
            turn.lease.release(tx)
        })
    }

    /// Makes a row for each job. On the embedded engine nobody else can be alive, so leases that a dead process left
    /// are given free.
    pub fn enter(&self, jobs: &[Job]) -> Result<(), StoreError> {
        self.store.transact("desk.job_enter", |tx| {
            let now = tx.reading()?;
            for job in jobs {
                rows::follow(tx, job.name, now)?;
            }
            if tx.engine() == EngineKind::Sqlite {
                let sql = "UPDATE store_leases SET until = $1 WHERE substr(name, 1, 4) = 'job:'";
                tx.execute(sql, &[Timestamp::from_ms(0).into()])?;
            }
            Ok(())
        })
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Whether nobody has done it since it was found due: what was read before the lease was free may be history.
fn is_still_due(tx: &mut Tx<'_>, job: &Job, instant: Timestamp) -> Result<bool, StoreError> {
    if let Some(work_at) = &job.work_at {
        let at = work_at(tx)?;
        let now = tx.reading()?;
        return Ok(at.is_some_and(|at| at <= now));
    }
    // Each process counts real time for itself.
    let is_real = job.pace == Pace::Real;
    Ok(is_real || rows::served_at(tx, job.name)?.is_none_or(|served| served < instant))
}

fn run(job: &Job, turn: &JobTurn) -> Result<(), JobFault> {
    for _ in 0..RUNS_IN_A_ROW_MAX {
        let ended = catch_unwind(AssertUnwindSafe(|| (job.run)(turn)));
        match ended.unwrap_or_else(|_| Err("the job panicked; the panic stands in the log".into()))? {
            Progress::More if !turn.is_stopping() => {}
            Progress::More | Progress::Done => return Ok(()),
        }
    }
    tracing::warn!(
        job = job.name,
        "a job found more work {RUNS_IN_A_ROW_MAX} times in a row; it goes on later"
    );
    Ok(())
}

fn lease_name(job: &str) -> String {
    format!("job:{job}")
}

/// An error with its sources.
fn chain(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cadence;
    use bursar_test_stores::{START_MS, for_each_engine};
    use std::sync::atomic::AtomicU32;

    fn holder(store: &Arc<Store>, process: &str) -> Holder {
        Holder { store: Arc::clone(store), process: process.into(), stopping: Arc::default() }
    }

    fn counting(runs: &Arc<AtomicU32>) -> Job {
        let runs = Arc::clone(runs);
        Job::new("test.job", Cadence::every_ms(1_000), move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(Progress::Done)
        })
    }

    #[test]
    fn what_another_process_did_since_it_was_found_due_is_not_done_again() {
        for_each_engine(&crate::MIGRATIONS, |test| {
            let (store, runs) = (test.store(), Arc::new(AtomicU32::new(0)));
            let (one, other, instant) =
                (holder(&store, "one"), holder(&store, "other"), Timestamp::from_ms(START_MS));
            let ran = |end: &TurnEnd| matches!(end, TurnEnd::Ran { .. });
            let job = counting(&runs);
            one.enter(std::slice::from_ref(&job)).unwrap();
            assert!(ran(&one.take_turn(&job, instant).unwrap()));
            assert_eq!(other.take_turn(&job, instant).unwrap(), TurnEnd::Done);
            assert!(ran(&other.take_turn(&job, instant.after_ms(1_000)).unwrap()));

            let is_due = Arc::new(AtomicBool::new(true));
            let due = Arc::clone(&is_due);
            let work =
                counting(&runs).when(move |tx| Ok(due.load(Ordering::SeqCst).then_some(tx.reading()?)));
            assert!(ran(&one.take_turn(&work, instant).unwrap()));
            is_due.store(false, Ordering::SeqCst);
            assert_eq!(other.take_turn(&work, instant).unwrap(), TurnEnd::Done);
            assert_eq!(runs.load(Ordering::SeqCst), 3);
        });
    }
}
