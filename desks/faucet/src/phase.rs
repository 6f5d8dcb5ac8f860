//! A phase of the faucet's scheduler: when it is due by its heartbeat, how long it rests after errors, what it notes.

use std::sync::Arc;

use bursar_desk::job::{Cadence, Job, JobFault, Progress};
use bursar_store::{StoreError, Timestamp, Tx};
use parking_lot::Mutex;

use crate::faucet::Faucet;
use crate::record::Heartbeat;
use crate::rules::schedule::error_wait_ms;

/// How often a phase that is due and could not run is looked at again.
const LOOK_MS: i64 = 1_000;

/// The status of a run that has begun and not ended.
const STARTED: &str = "started";

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It did its work.
    Well,
    /// A switch kept it from its work.
    Halted,
}

/// When a phase is due, from its newest run.
pub type Due = fn(&Faucet, &mut Tx<'_>, Option<Heartbeat>) -> Result<Option<Timestamp>, StoreError>;
/// What a phase does.
pub type Work = fn(&Faucet, &dyn Fn() -> bool) -> Result<Ran, JobFault>;

/// A phase.
#[derive(Clone, Copy)]
pub struct Phase {
    /// Its name in heartbeats and metrics.
    pub name: &'static str,
    /// The job's name.
    pub job: &'static str,
    /// When it is due.
    pub due: Due,
    /// What it does.
    pub work: Work,
}

/// Failures in a row, and until when it rests because of them.
#[derive(Clone, Copy, Default)]
struct Rest {
    failures: u32,
    until: Option<Timestamp>,
}

impl Phase {
    /// The phase as a job. A phase that fails stops no other.
    #[must_use]
    pub fn job(self, faucet: &Arc<Faucet>) -> Job {
        let rest = Arc::new(Mutex::new(Rest::default()));
        let (worker, looked) = (Arc::clone(faucet), Arc::clone(&rest));
        let watched = Arc::clone(faucet);
        let run = move |turn: &bursar_desk::job::JobTurn| {
            let began = self.begin(&worker)?;
            let done = (self.work)(&worker, &|| turn.is_stopping());
            self.note(&worker, &rest, began, &done)?;
            done.map(|_| Progress::Done)
        };
        Job::new(self.job, Cadence::every_ms(LOOK_MS), run).when(move |tx| {
            let now = tx.reading()?;
            if watched.mode(tx, now)?.scheduler_halted {
                return Ok(None);
            }
            if let Some(until) = looked.lock().until {
                return Ok(Some(until));
            }
            let newest = Heartbeat::find(tx, self.name)?;
            if let Some(begun) = newest.as_ref().filter(|beat| beat.status == STARTED) {
                // It runs now, under the lease of its job; or its process died in the middle of it.
                return Ok(Some(begun.ran_at));
            }
            (self.due)(&watched, tx, newest)
        })
    }

    /// Notes that a run begins: the cadence counts from here, however long it takes.
    fn begin(&self, faucet: &Faucet) -> Result<Timestamp, StoreError> {
        faucet.platform.store.transact("faucet.heartbeat", |tx| {
            let now = tx.reading()?;
            self.beat(faucet, now, STARTED).save(tx)?;
            Ok(now)
        })
    }

    fn beat(&self, faucet: &Faucet, began: Timestamp, status: &str) -> Heartbeat {
        Heartbeat {
            job: self.name.to_owned(),
            ran_at: began,
            last_ok_at: None,
            status: status.to_owned(),
            process: faucet.platform.process().to_owned(),
            error: None,
        }
    }

    fn note(
        &self,
        faucet: &Faucet,
        rest: &Mutex<Rest>,
        began: Timestamp,
        done: &Result<Ran, JobFault>,
    ) -> Result<(), StoreError> {
        let error = done.as_ref().err().map(ToString::to_string);
        let status = match done {
            Ok(Ran::Well) => "ok",
            Ok(Ran::Halted) => "halted",
            Err(_) => "error",
        };
        if error.is_some() {
            faucet.metrics.scheduler_errors.increment();
        }
        let noted = faucet.platform.store.transact("faucet.heartbeat", |tx| {
            let now = tx.reading()?;
            let last_ok_at = (status == "ok").then_some(now);
            Heartbeat { last_ok_at, error: error.clone(), ..self.beat(faucet, began, status) }.save(tx)?;
            Ok(now)
        });
        let mut rest = rest.lock();
        let now = match (&noted, &error) {
            (Ok(_), None) => {
                *rest = Rest::default();
                return Ok(());
            }
            (Ok(now), Some(_)) => Some(*now),
            // Without a database there is no time either; the scheduler itself looks again later.
            (Err(_), _) => None,
        };
        rest.failures = rest.failures.saturating_add(1);
        rest.until = now.map(|now| now.after_ms(error_wait_ms(rest.failures)));
        noted.map(|_| ())
    }
}
