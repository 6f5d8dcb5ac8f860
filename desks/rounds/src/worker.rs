//! Whether somebody settles: the heartbeat of the settlement job (docs/spec/rounds.md R49).

use bursar_store::{Clock, StoreError, Timestamp, Tx};

/// The job that settles rounds.
pub const JOB: &str = "rounds.settle";
/// A living process says every 5 s that it follows its jobs; after three times that it is taken for dead. Real time.
const SILENCE_MAX_MS: i64 = 15_000;

/// The settlement worker as its row shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// When a living process last followed it.
    pub checked_at: Timestamp,
    /// How long ago that was by the rules' clock, in milliseconds.
    pub age_ms: i64,
    /// The longest silence of a living one by that clock, in milliseconds.
    pub silence_max_ms: i64,
}

impl Worker {
    /// How long it has been silent, when that is too long for a living one.
    #[must_use]
    pub fn silent_ms(self) -> Option<i64> {
        (self.age_ms > self.silence_max_ms).then_some(self.age_ms)
    }
}

/// The worker; `None` = no server has ever run on this database, so that nobody can have joined either.
pub fn worker(tx: &mut Tx<'_>, now: Timestamp) -> Result<Option<Worker>, StoreError> {
    let sql = "SELECT checked_at FROM job_runs WHERE name = $1";
    let checked_at = tx.query_first(sql, &[JOB.into()], |row| row.get::<Option<Timestamp>>(0))?.flatten();
    let factor = match tx.clock() {
        Clock::Fast { factor, .. } => i64::from((*factor).max(1)),
        Clock::System | Clock::Manual(_) | Clock::Simulated(_) => 1,
    };
    Ok(checked_at.map(|checked_at| Worker {
        checked_at,
        age_ms: now.ms().saturating_sub(checked_at.ms()).max(0),
        silence_max_ms: SILENCE_MAX_MS.saturating_mul(factor),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_missed_beats_are_too_many() {
        let silent = |age_ms| {
            Worker { checked_at: Timestamp::from_ms(0), age_ms, silence_max_ms: SILENCE_MAX_MS }.silent_ms()
        };
        assert_eq!((silent(0), silent(15_000), silent(15_001)), (None, None, Some(15_001)));
    }
}
