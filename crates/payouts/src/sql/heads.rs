//! Where the history of wallets ended on their chains before any transaction that the records hold.

use bursar_keys::KeyId;
use bursar_store::{StoreError, Tx};

/// The transaction, or empty where there was none; `None` = nobody has looked yet.
pub(crate) fn of_wallet(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT head FROM payout_head WHERE wallet = $1";
    tx.query_first(sql, &[wallet.as_str().into()], |row| row.get(0))
}

/// Keeps it, unless one is kept.
pub(crate) fn put(tx: &mut Tx<'_>, wallet: &KeyId, head: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO payout_head (wallet, head) VALUES ($1, $2) ON CONFLICT (wallet) DO NOTHING";
    tx.execute(sql, &[wallet.as_str().into(), head.into()]).map(|_| ())
}

/// Keeps another one.
pub(crate) fn set(tx: &mut Tx<'_>, wallet: &KeyId, head: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO payout_head (wallet, head) VALUES ($1, $2) \
               ON CONFLICT (wallet) DO UPDATE SET head = excluded.head";
    tx.execute(sql, &[wallet.as_str().into(), head.into()]).map(|_| ())
}

/// Whatever it ends in at the next match is taken.
pub(crate) fn forget(tx: &mut Tx<'_>, wallet: &KeyId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM payout_head WHERE wallet = $1", &[wallet.as_str().into()]).map(|_| ())
}
