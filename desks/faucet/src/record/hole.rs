//! Holes in the records that a restore left, and up to where the records reached when each was noted.

use bursar_payouts::{IntentId, Reach};
use bursar_store::{Row, StoreError, Timestamp, Tx};

use super::{Finding, WALLET_LINKS};

/// A finding that payments are missing, until they are adopted. Its bounds are numbers, as clocks may be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// When it was noted.
    pub since: Timestamp,
    /// Nothing that was signed here before it is newer than this transaction: whatever is missing lies above.
    pub transaction: i64,
    /// No payout that belongs to it is this one or older.
    pub intent: IntentId,
    /// Number of the newest wallet link: whoever linked a wallet later was not paid before.
    pub link: i64,
}

impl Hole {
    /// The hole of a kind of finding; `None` = it is put right.
    pub fn load(tx: &mut Tx<'_>, kind: &str) -> Result<Option<Hole>, StoreError> {
        let sql = "SELECT finding.since, hole.reach_attempt, hole.reach_intent, hole.reach_link \
                   FROM faucet_finding finding LEFT JOIN faucet_hole hole ON hole.kind = finding.kind \
                   WHERE finding.kind = $1 AND finding.count > 0";
        tx.query_first(sql, &[kind.into()], read)
    }

    /// Notes a finding that payments are missing. One that is open keeps the bounds that it has.
    pub fn note(
        tx: &mut Tx<'_>,
        kind: &str,
        detail: &str,
        reach: Reach,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let before = Finding::note(tx, kind, 1, detail, now)?;
        let is_open = before.is_some_and(|before| before.count > 0);
        let link = tx.allocated(WALLET_LINKS)?;
        let sql = match is_open {
            true => {
                "INSERT INTO faucet_hole (kind, reach_attempt, reach_intent, reach_link) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (kind) DO NOTHING"
            }
            false => {
                "INSERT INTO faucet_hole (kind, reach_attempt, reach_intent, reach_link) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (kind) DO UPDATE SET reach_attempt = excluded.reach_attempt, \
                   reach_intent = excluded.reach_intent, reach_link = excluded.reach_link"
            }
        };
        let params = [kind.into(), reach.transaction.into(), reach.intent.0.into(), link.into()];
        tx.execute(sql, &params).map(|_| ())
    }

    /// Both in one: with the earlier bounds of the two.
    #[must_use]
    pub fn with(self, other: Hole) -> Hole {
        Hole {
            since: self.since.min(other.since),
            transaction: self.transaction.min(other.transaction),
            intent: self.intent.min(other.intent),
            link: self.link.min(other.link),
        }
    }
}

/// A hole whose bounds nobody knows reaches back to the beginning, and nobody's wallet is old enough.
fn read(row: &Row<'_>) -> Result<Hole, StoreError> {
    let bound = |column| row.get::<Option<i64>>(column).map(Option::unwrap_or_default);
    Ok(Hole { since: row.get(0)?, transaction: bound(1)?, intent: IntentId(bound(2)?), link: bound(3)? })
}
