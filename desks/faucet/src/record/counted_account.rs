//! Up to where the kills of Epic accounts were counted that players have lost.

use bursar_store::{Param, StoreError, Tx};

use super::number::small;
use crate::rules::baseline::Baseline;

/// What the hash of an account is for.
const CONTEXT: &str = "bursar faucet counted account v1";

/// What was counted of accounts that somebody had once.
#[derive(Clone, Copy, Debug)]
pub struct CountedAccount;

impl CountedAccount {
    /// A player loses the account: what the baseline has counted of it stays counted.
    pub fn note(tx: &mut Tx<'_>, account: &str, dry_run: bool, baseline: Baseline) -> Result<(), StoreError> {
        let Baseline::Set { kills, .. } = baseline else { return Ok(()) };
        let sql = "INSERT INTO faucet_counted_account (account, dry_run, kills) VALUES ($1, $2, $3) \
                   ON CONFLICT (account, dry_run) DO UPDATE SET kills = CASE \
                   WHEN excluded.kills > faucet_counted_account.kills THEN excluded.kills \
                   ELSE faucet_counted_account.kills END";
        let cursor = i64::from(kills.cursor);
        tx.execute(sql, &[Param::Bytes(&hash(account)), dry_run.into(), cursor.into()]).map(|_| ())
    }

    /// The lifetime kills up to which the account was counted for whoever lost it; 0 = nobody did.
    pub fn counted(tx: &mut Tx<'_>, account: &str, dry_run: bool) -> Result<u32, StoreError> {
        let sql = "SELECT kills FROM faucet_counted_account WHERE account = $1 AND dry_run = $2";
        let kills =
            tx.query_first(sql, &[Param::Bytes(&hash(account)), dry_run.into()], |row| row.get::<i64>(0))?;
        kills.map_or(Ok(0), small)
    }
}

fn hash(account: &str) -> [u8; 32] {
    blake3::derive_key(CONTEXT, account.as_bytes())
}
