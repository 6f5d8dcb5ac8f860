//! When a round without usable prices is tried again, and when the settler is needed next.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::timing::Round;

/// First wait, doubled at each miss.
const WAIT_MS: i64 = 5_000;
const WAIT_MAX_MS: i64 = 60_000;

/// How long to wait after the `misses`-th miss in a row.
pub(super) fn wait_ms(misses: i64) -> i64 {
    let doublings = u32::try_from(misses.clamp(1, 16) - 1).unwrap_or(0);
    WAIT_MS.saturating_mul(1_i64 << doublings).min(WAIT_MAX_MS)
}

/// Notes that a round's prices could not be had.
pub(super) fn note_miss(tx: &mut Tx<'_>, round: Round, why: &str, now: Timestamp) -> Result<i64, StoreError> {
    let sql = "SELECT misses FROM rounds_price_retry WHERE round_key = $1";
    let misses = tx.query_first(sql, &[round.key().into()], |row| row.get::<i64>(0))?.unwrap_or(0) + 1;
    let sql = "INSERT INTO rounds_price_retry (round_key, misses, next_at, last_miss) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (round_key) DO UPDATE SET misses = excluded.misses, next_at = excluded.next_at, \
               last_miss = excluded.last_miss";
    let next = now.after_ms(wait_ms(misses));
    tx.execute(sql, &[round.key().into(), misses.into(), next.into(), why.into()])?;
    Ok(misses)
}

/// Forgets the misses of a round that is settled now.
pub(super) fn forget(tx: &mut Tx<'_>, round: Round) -> Result<(), StoreError> {
    tx.execute("DELETE FROM rounds_price_retry WHERE round_key = $1", &[round.key().into()]).map(|_| ())
}

/// The next instant at which a round falls due or is to be tried again; `None` while nothing is open.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT p.round_key, r.next_at FROM rounds_pool p \
               LEFT JOIN rounds_price_retry r ON r.round_key = p.round_key \
               WHERE p.state < 2 ORDER BY p.round_key LIMIT 512";
    let instants = tx.query(sql, &[], |row| {
        let key: i64 = row.get(0)?;
        let round = Round::from_key(key).ok_or_else(|| StoreError::Decode(format!("round key {key}")))?;
        Ok(row.get::<Option<Timestamp>>(1)?.unwrap_or(Timestamp::from_ms(round.end_ms())))
    })?;
    Ok(instants.into_iter().min())
}

#[cfg(test)]
mod tests {
    use super::wait_ms;

    #[test]
    fn waits_double_from_5_s_up_to_a_minute() {
        assert_eq!([1, 2, 3, 4, 5, 100].map(wait_ms), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }
}
