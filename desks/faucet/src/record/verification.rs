//! Every look at who a player is, with where it came from.

use bursar_store::{Row, StoreError, Timestamp, Tx};

use super::VERIFICATIONS;

/// A stored verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Its id; 0 for one that is not stored yet.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The Discord account that was looked at.
    pub discord_user_id: Option<String>,
    /// Whether it was in the guild.
    pub is_guild_member: bool,
    /// The Epic account that it had.
    pub epic_account_id: Option<String>,
    /// What made us look, such as `auth_callback`.
    pub source: String,
    /// `ok`, or `mismatch` when something was missing.
    pub status: String,
    /// When.
    pub created_at: Timestamp,
}

impl Verification {
    /// A player's newest.
    pub fn newest(tx: &mut Tx<'_>, user: i64) -> Result<Option<Verification>, StoreError> {
        let sql = "SELECT id, user_id, discord_user_id, discord_guild_member, epic_account_id, source, status, \
                     created_at FROM faucet_verification_record WHERE user_id = $1 ORDER BY id DESC LIMIT 1";
        tx.query_first(sql, &[user.into()], read)
    }

    /// Writes a new one, under the next id.
    pub fn insert(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let id = tx.allocate(VERIFICATIONS, 1)?;
        let sql = "INSERT INTO faucet_verification_record (id, user_id, discord_user_id, discord_guild_member, \
                     epic_account_id, source, status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let params = [
            id.into(),
            self.user_id.into(),
            self.discord_user_id.as_deref().into(),
            self.is_guild_member.into(),
            self.epic_account_id.as_deref().into(),
            self.source.as_str().into(),
            self.status.as_str().into(),
            self.created_at.into(),
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<Verification, StoreError> {
    Ok(Verification {
        id: row.get(0)?,
        user_id: row.get(1)?,
        discord_user_id: row.get(2)?,
        is_guild_member: row.get(3)?,
        epic_account_id: row.get(4)?,
        source: row.get(5)?,
        status: row.get(6)?,
        created_at: row.get(7)?,
    })
}
