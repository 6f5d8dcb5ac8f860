//! The rows that keep counts by minute: added to by every process, pruned after some days.

use std::collections::BTreeMap;

use bursar_control::settings::Setting;
use bursar_desk::Refused;
use bursar_store::{Param, StoreError, Timestamp, Tx};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;
/// Rows deleted in one transaction, so that lanes get their turn between two.
const CHUNK: i64 = 5_000;

/// For how many days counts by minute are kept.
pub const KEPT_DAYS: Setting = Setting {
    key: "rollup_days",
    variable: "BURSAR_ROLLUP_DAYS",
    min: 2,
    max: 400,
    default: 14,
    description: "days for which counts by minute, refused wallets included, are kept",
};

/// What one process adds at a time.
#[derive(Clone, Debug, Default)]
pub struct Addition {
    /// Growth of counters.
    pub grown: BTreeMap<String, i64>,
    /// Refused callers.
    pub refused: BTreeMap<Refused, i64>,
    /// Growth of totals that alerts are judged by.
    pub totals: BTreeMap<&'static str, i64>,
}

impl Addition {
    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grown.is_empty() && self.refused.is_empty() && self.totals.is_empty()
    }
}

/// The minute of a moment, counted from the Unix epoch.
#[must_use]
pub fn minute(at: Timestamp) -> i64 {
    at.ms().div_euclid(MINUTE_MS)
}

/// Adds to the rows of the minute in which `now` lies. Rows are touched in the order of their keys, so that two
/// processes never wait for each other in a circle.
pub fn add(tx: &mut Tx<'_>, addition: &Addition, now: Timestamp) -> Result<(), StoreError> {
    let minute = minute(now);
    for (series, growth) in &addition.grown {
        let sql = "INSERT INTO ops_minute (minute, series, growth) VALUES ($1, $2, $3) \
                   ON CONFLICT (minute, series) DO UPDATE SET growth = ops_minute.growth + excluded.growth";
        tx.execute(sql, &[minute.into(), Param::Text(series), (*growth).into()])?;
    }
    for (refused, calls) in &addition.refused {
        let sql = "INSERT INTO ops_refusal (minute, desk, subject, code, calls) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (minute, desk, subject, code) DO UPDATE SET calls = ops_refusal.calls + excluded.calls";
        let Refused { desk, subject, code } = refused;
        let params: [Param<'_>; 5] =
            [minute.into(), Param::Text(desk), Param::Text(subject), Param::Text(code), (*calls).into()];
        tx.execute(sql, &params)?;
    }
    for (name, growth) in &addition.totals {
        let sql = "INSERT INTO ops_total (name, number) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET number = ops_total.number + excluded.number";
        tx.execute(sql, &[Param::Text(name), (*growth).into()])?;
    }
    Ok(())
}

/// A total over all processes and restarts.
pub fn total(tx: &mut Tx<'_>, name: &'static str) -> Result<i64, StoreError> {
    let sql = "SELECT number FROM ops_total WHERE name = $1";
    Ok(tx.query_first(sql, &[name.into()], |row| row.get(0))?.unwrap_or(0))
}

/// Deletes some rows that are older than `days` days, and says whether there may be more.
pub fn prune(tx: &mut Tx<'_>, days: i64, now: Timestamp) -> Result<bool, StoreError> {
    let before = minute(now).saturating_sub(days.saturating_mul(DAY_MINUTES));
    let sql = "DELETE FROM ops_minute WHERE (minute, series) IN \
               (SELECT minute, series FROM ops_minute WHERE minute < $1 ORDER BY minute LIMIT $2)";
    let minutes = tx.execute(sql, &[before.into(), CHUNK.into()])?;
    let sql = "DELETE FROM ops_refusal WHERE (minute, desk, subject, code) IN \
               (SELECT minute, desk, subject, code FROM ops_refusal WHERE minute < $1 ORDER BY minute LIMIT $2)";
    let refusals = tx.execute(sql, &[before.into(), CHUNK.into()])?;
    let full = u64::try_from(CHUNK).unwrap_or(u64::MAX);
    Ok(minutes >= full || refusals >= full)
}
