//! Suspicions about players.

use bursar_store::{Row, StoreError, Timestamp, Tx};

use super::number::word;
use crate::rules::abuse::{Flag, FlagState, Severity};

/// A stored flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbuseFlag {
    /// Its id.
    pub id: i64,
    /// Whom it is about.
    pub user_id: i64,
    /// Its kind, such as `kill_rate_spike`.
    pub flag_type: String,
    /// What the rules need of it.
    pub flag: Flag,
    /// Figures, for people.
    pub detail: String,
    /// Who reviewed it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// When it was raised.
    pub created_at: Timestamp,
}

impl AbuseFlag {
    /// A player's newest flag of a type.
    pub fn newest(tx: &mut Tx<'_>, user: i64, flag_type: &str) -> Result<Option<AbuseFlag>, StoreError> {
        let sql = "SELECT id, user_id, flag_type, severity, detail, state, last_excess_at, reviewed_by, reviewed_at, \
                     created_at FROM faucet_abuse_flag \
                   WHERE user_id = $1 AND flag_type = $2 ORDER BY id DESC LIMIT 1";
        tx.query_first(sql, &[user.into(), flag_type.into()], read)
    }

    /// The flag of an id.
    pub fn find(tx: &mut Tx<'_>, id: i64) -> Result<Option<AbuseFlag>, StoreError> {
        let sql = "SELECT id, user_id, flag_type, severity, detail, state, last_excess_at, reviewed_by, reviewed_at, \
                     created_at FROM faucet_abuse_flag WHERE id = $1";
        tx.query_first(sql, &[id.into()], read)
    }

    /// Up to `limit` flags in a state, newest first, after skipping `offset`.
    pub fn page(
        tx: &mut Tx<'_>,
        state: FlagState,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<AbuseFlag>, StoreError> {
        let sql = "SELECT id, user_id, flag_type, severity, detail, state, last_excess_at, reviewed_by, reviewed_at, \
                     created_at FROM faucet_abuse_flag WHERE state = $1 ORDER BY id DESC LIMIT $2 OFFSET $3";
        tx.query(sql, &[state.word().into(), limit.into(), offset.into()], read)
    }

    /// Writes a flag, whether there or not.
    pub fn save(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO faucet_abuse_flag (id, user_id, flag_type, severity, detail, state, last_excess_at, \
                     reviewed_by, reviewed_at, created_at, updated_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                   ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state, \
                     last_excess_at = excluded.last_excess_at, reviewed_by = excluded.reviewed_by, \
                     reviewed_at = excluded.reviewed_at, updated_at = excluded.updated_at";
        let params = [
            self.id.into(),
            self.user_id.into(),
            self.flag_type.as_str().into(),
            self.flag.severity.word().into(),
            self.detail.as_str().into(),
            self.flag.state.word().into(),
            self.flag.last_excess_at.into(),
            self.reviewed_by.as_deref().into(),
            self.reviewed_at.into(),
            self.created_at.into(),
            now.into(),
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<AbuseFlag, StoreError> {
    Ok(AbuseFlag {
        id: row.get(0)?,
        user_id: row.get(1)?,
        flag_type: row.get(2)?,
        flag: Flag {
            severity: word(&row.get::<String>(3)?, Severity::from_word)?,
            state: word(&row.get::<String>(5)?, FlagState::from_word)?,
            last_excess_at: row.get(6)?,
        },
        detail: row.get(4)?,
        reviewed_by: row.get(7)?,
        reviewed_at: row.get(8)?,
        created_at: row.get(9)?,
    })
}
