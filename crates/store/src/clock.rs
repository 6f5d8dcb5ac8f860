//! Time as the rules see it: one reading a batch, in Unix milliseconds, that never goes back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{EngineKind, StoreError, Tx};

/// A moment in Unix milliseconds (UTC). Stored as timestamptz cut to milliseconds, or as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The moment `ms` later, held at the largest representable one.
    #[must_use]
    pub const fn after_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where a store takes its time from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock when embedded, the database's clock on PostgreSQL.
    System,
    /// Follows `System`, running `factor` times as fast from `origin` on.
    Fast {
        /// Real time at which the fast clock began to run.
        origin: Timestamp,
        /// What it showed then: not before `origin`, and not before anything that the database has seen.
        shown: Timestamp,
        /// How many milliseconds pass for each real one.
        factor: u32,
    },
    /// Frozen: moved forward through the database only, shared by its processes; the value is the least it starts at.
    Manual(Timestamp),
    /// Driven by a simulator.
    Simulated(Arc<AtomicI64>),
}

impl Clock {
    /// What this clock makes of a reading of the real one.
    #[must_use]
    pub fn transform(&self, real: Timestamp) -> Timestamp {
        match self {
            Clock::System => real,
            Clock::Fast { origin, shown, factor } => {
                let passed = real.ms().saturating_sub(origin.ms()).max(0);
                shown.after_ms(passed.saturating_mul(i64::from(*factor)))
            }
            Clock::Manual(at_least) => *at_least,
            Clock::Simulated(ms) => Timestamp(ms.load(Ordering::SeqCst)),
        }
    }

    /// How many of its milliseconds pass for a real one; 1 unless it runs fast.
    #[must_use]
    pub fn factor(&self) -> u32 {
        match self {
            Clock::Fast { factor, .. } => *factor,
            Clock::System | Clock::Manual(_) | Clock::Simulated(_) => 1,
        }
    }

    /// Whether the database's own clock is to be asked when it has one.
    #[must_use]
    pub fn follows_database(&self) -> bool {
        matches!(self, Clock::System | Clock::Fast { .. })
    }
}

/// The scope under which a fast clock keeps its place; no batch uses it.
const FAST: &str = "fast";

impl Tx<'_> {
    /// Real time, whatever clock the rules follow, for what is about processes being alive: the machine's on the
    /// embedded engine, the database's on PostgreSQL, where processes on many machines compare it.
    pub fn real_time(&mut self) -> Result<Timestamp, StoreError> {
        match self.engine() {
            EngineKind::Sqlite => Ok(machine_time()),
            EngineKind::Postgres => {
                let now = self.query_first("SELECT clock_timestamp()", &[], |row| row.get(0))?;
                now.ok_or_else(|| StoreError::Decode("the database told no time".into()))
            }
        }
    }

    /// The latest time that any scope has been marked with, or `None` where there is no mark.
    pub fn latest_mark(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT mark FROM store_clocks ORDER BY mark DESC LIMIT 1";
        self.query_first(sql, &[], |row| row.get(0))
    }

    /// Writes down that a fast clock shows nothing later than `at` until this is called again. What starts after it
    /// goes on from there, so that a process that was killed leaves no time to be seen twice.
    pub fn mark_fast_clock(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO store_clocks (scope, mark) VALUES ($1, $2) \
                   ON CONFLICT (scope) DO UPDATE SET mark = excluded.mark";
        self.execute(sql, &[FAST.into(), at.into()]).map(|_| ())
    }
}

/// The machine's clock. The one place that reads it.
#[must_use]
pub fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_multiplies_what_passed_since_its_origin() {
        let [origin, shown] = [1_000, 70_000].map(Timestamp::from_ms);
        let clock = Clock::Fast { origin, shown, factor: 20 };
        assert_eq!(clock.transform(Timestamp::from_ms(1_500)), Timestamp::from_ms(80_000));
        assert_eq!(clock.transform(Timestamp::from_ms(900)), Timestamp::from_ms(70_000));
    }
}
