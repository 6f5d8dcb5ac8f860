//! How each background job is doing, judged from its row alone: pure functions of the rows and the time.

use bursar_desk::job::JobRow;
use bursar_store::{Clock, Timestamp};

/// A living process says every 5 s that it follows its jobs; after three times that it is taken for dead. Real time.
const SILENCE_MAX_MS: i64 = 15_000;
/// How long a job may be due before it is late. Real time; a living process starts it within a second.
const LATE_MS: i64 = 60_000;
/// How long one run may take before it is taken for hanging. Real time; the longest is proving a large backup.
const RUN_MAX_MS: i64 = 3_600_000;

/// How a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It waits for its next run, or for work.
    Idle,
    /// It runs.
    Running,
    /// Its last run failed; it runs again when it is next due.
    Failing,
    /// Nobody has started it although it has been due for so many milliseconds.
    Late(i64),
    /// One run has taken so many milliseconds.
    Hanging(i64),
    /// No living process has followed it for so many milliseconds.
    Dead(i64),
    /// The living processes follow other jobs of its desk and not this one: their version of the program has no such job.
    Retired,
    /// Its desk is off here.
    Off,
}

impl Condition {
    /// A stable word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Idle => "idle",
            Condition::Running => "running",
            Condition::Failing => "failing",
            Condition::Late(_) => "late",
            Condition::Hanging(_) => "hanging",
            Condition::Dead(_) => "dead",
            Condition::Retired => "retired",
            Condition::Off => "off",
        }
    }
}

/// The time by which jobs are judged.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What the rules' clock shows.
    pub now: Timestamp,
    /// How many times as fast as real time it runs.
    pub factor: i64,
}

impl Moment {
    /// `now` by `clock`. A clock that only moves by hand makes nobody late between two moves.
    pub fn of(clock: &Clock, now: Timestamp) -> Moment {
        let factor = match clock {
            Clock::Fast { factor, .. } => i64::from((*factor).max(1)),
            Clock::System | Clock::Manual(_) | Clock::Simulated(_) => 1,
        };
        Moment { now, factor }
    }

    /// How long `at` is past, in milliseconds of the rules' clock; 0 = it is not past.
    pub fn since(self, at: Timestamp) -> i64 {
        self.now.ms().saturating_sub(at.ms()).max(0)
    }

    fn is_longer(self, ms: i64, real_ms: i64) -> bool {
        ms > real_ms.saturating_mul(self.factor)
    }
}

/// The desk of a job: what stands before the first dot of its name.
pub fn desk(job: &JobRow) -> &str {
    job.name.split_once('.').map_or(&*job.name, |(desk, _)| desk)
}

/// How `job` is doing among `all` jobs; `is_on` says whether a desk is on here.
pub fn condition(job: &JobRow, all: &[JobRow], is_on: impl Fn(&str) -> bool, moment: Moment) -> Condition {
    if !is_on(desk(job)) {
        return Condition::Off;
    }
    let silent_ms = silence(job, moment);
    if moment.is_longer(silent_ms, SILENCE_MAX_MS) {
        let is_followed = |other: &JobRow| !moment.is_longer(silence(other, moment), SILENCE_MAX_MS);
        let is_retired = all.iter().any(|other| desk(other) == desk(job) && is_followed(other));
        return if is_retired { Condition::Retired } else { Condition::Dead(silent_ms) };
    }
    if job.leased_by.is_some() {
        let running_ms = job.started_at.map_or(0, |at| moment.since(at));
        let is_hanging = moment.is_longer(running_ms, RUN_MAX_MS);
        return if is_hanging { Condition::Hanging(running_ms) } else { Condition::Running };
    }
    let late_ms = job.next_at.map_or(0, |at| moment.since(at));
    if moment.is_longer(late_ms, LATE_MS) {
        return Condition::Late(late_ms);
    }
    if job.last_error.is_some() { Condition::Failing } else { Condition::Idle }
}

/// For how long no living process has followed a job, in milliseconds.
fn silence(job: &JobRow, moment: Moment) -> i64 {
    job.checked_at.map_or(i64::MAX, |at| moment.since(at))
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
