//! What the checks over kills and wallet found, the newest state of each kind.

use bursar_store::{Row, StoreError, Timestamp, Tx};

/// The newest state of one kind of finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check and what it found, such as `reconcile.missing` or `wallet.below_floor`.
    pub kind: String,
    /// How often; 0 = put right.
    pub count: i64,
    /// Figures, for people.
    pub detail: String,
    /// Since when the count is what it is.
    pub since: Timestamp,
    /// When it was last looked at.
    pub checked_at: Timestamp,
}

impl Finding {
    /// Every kind, in the order of names.
    pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Finding>, StoreError> {
        tx.query("SELECT kind, count, detail, since, checked_at FROM faucet_finding ORDER BY kind", &[], read)
    }

    /// Whether a kind was found and is not put right.
    pub fn is_open(tx: &mut Tx<'_>, kind: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count FROM faucet_finding WHERE kind = $1 AND count > 0";
        Ok(tx.query_first(sql, &[kind.into()], |row| row.get::<i64>(0))?.is_some())
    }

    /// Notes what a check found now, and says what stood there before.
    pub fn note(
        tx: &mut Tx<'_>,
        kind: &str,
        count: i64,
        detail: &str,
        now: Timestamp,
    ) -> Result<Option<Finding>, StoreError> {
        let before = tx.query_first(
            "SELECT kind, count, detail, since, checked_at FROM faucet_finding WHERE kind = $1",
            &[kind.into()],
            read,
        )?;
        let unchanged = before.as_ref().filter(|finding| finding.count == count);
        let since = unchanged.map_or(now, |finding| finding.since);
        let sql = "INSERT INTO faucet_finding (kind, count, detail, since, checked_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (kind) DO UPDATE SET count = excluded.count, detail = excluded.detail, \
                     since = excluded.since, checked_at = excluded.checked_at";
        tx.execute(sql, &[kind.into(), count.into(), detail.into(), since.into(), now.into()])?;
        Ok(before)
    }
}

fn read(row: &Row<'_>) -> Result<Finding, StoreError> {
    Ok(Finding {
        kind: row.get(0)?,
        count: row.get(1)?,
        detail: row.get(2)?,
        since: row.get(3)?,
        checked_at: row.get(4)?,
    })
}
