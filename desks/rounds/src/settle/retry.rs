//! When a round without usable prices is tried again, and when the settler is needed next.

use std::collections::HashMap;
use std::sync::LazyLock;

use bursar_store::Column::{Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, StoreError, Timestamp, Tx};

use crate::pool::{Pool, PoolState};
use crate::timing::Round;

/// First wait, doubled at each miss.
const WAIT_MS: i64 = 5_000;
const WAIT_MAX_MS: i64 = 60_000;

static BY_ROUND: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new("round_key, misses", "rounds_price_retry", &[("round_key", Int)], Lock::None)
});
static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("round_key", Int), ("misses", Int), ("next_at", Time), ("last_miss", Text)];
    Bulk::upsert("rounds_price_retry", &columns, "round_key")
});

/// A round that waits for its prices.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub round: Round,
    /// Tries in a row that have failed.
    pub misses: i64,
    /// How long to wait for the next.
    pub wait_ms: i64,
    /// The last try before a refund is made right then.
    pub deadline: Timestamp,
    /// Why the last one failed.
    pub why: String,
}

impl Retry {
    fn next_at(&self, now: Timestamp) -> Timestamp {
        let next = now.after_ms(self.wait_ms);
        if now < self.deadline { next.min(self.deadline) } else { next }
    }
}

/// How long to wait after the `misses`-th miss in a row.
pub(super) fn wait_ms(misses: i64) -> i64 {
    let doublings = u32::try_from(misses.clamp(1, 16) - 1).unwrap_or(0);
    WAIT_MS.saturating_mul(1_i64 << doublings).min(WAIT_MAX_MS)
}

/// How often the prices of rounds were asked for in vain; rounds without a miss are absent.
pub(super) fn misses(tx: &mut Tx<'_>, rounds: &[Round]) -> Result<HashMap<i64, i64>, StoreError> {
    let keys: Vec<Param<'_>> = rounds.iter().map(|round| Param::Int(round.key())).collect();
    Ok(tx.lookup(&BY_ROUND, &keys, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect())
}

/// Notes when rounds are tried again, and returns those noted: what another settler has frozen meanwhile waits for
/// nothing.
pub(super) fn note<'r>(
    tx: &mut Tx<'_>,
    retries: &'r [Retry],
    now: Timestamp,
) -> Result<Vec<&'r Retry>, StoreError> {
    let keys: Vec<i64> = retries.iter().map(|retry| retry.round.key()).collect();
    let mut waiting = Pool::load(tx, &keys)?;
    waiting.retain(|pool| pool.state == PoolState::Unsealed);
    let is_waiting = |retry: &&Retry| waiting.iter().any(|pool| pool.round == retry.round);
    let noted: Vec<&Retry> = retries.iter().filter(is_waiting).collect();
    let mut rows = Vec::with_capacity(noted.len() * 4);
    for retry in &noted {
        rows.extend([Param::Int(retry.round.key()), Param::Int(retry.misses)]);
        rows.extend([Param::Time(retry.next_at(now)), Param::Text(&retry.why)]);
    }
    tx.execute_many(&SAVE, &rows)?;
    Ok(noted)
}

/// Forgets the misses of a round that is settled now.
pub(super) fn forget(tx: &mut Tx<'_>, round: Round) -> Result<(), StoreError> {
    tx.execute("DELETE FROM rounds_price_retry WHERE round_key = $1", &[round.key().into()]).map(|_| ())
}

/// The next instant at which a round falls due or is to be tried again; `None` while nothing is open.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT COALESCE(MIN(p.round_key), -1) FROM rounds_pool p \
               LEFT JOIN rounds_price_retry r ON r.round_key = p.round_key \
               WHERE p.state < 2 AND r.round_key IS NULL";
    let oldest = tx.query_first(sql, &[], |row| row.get::<i64>(0))?;
    let end = oldest.and_then(Round::from_key).map(|round| Timestamp::from_ms(round.end_ms()));
    let sql = "SELECT MIN(next_at) FROM rounds_price_retry";
    let retry = tx.query_first(sql, &[], |row| row.get::<Option<Timestamp>>(0))?.flatten();
    Ok(end.into_iter().chain(retry).min())
}

#[cfg(test)]
mod tests {
    use super::wait_ms;

    #[test]
    fn waits_double_from_5_s_up_to_a_minute() {
        assert_eq!([1, 2, 3, 4, 5, 100].map(wait_ms), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }
}
