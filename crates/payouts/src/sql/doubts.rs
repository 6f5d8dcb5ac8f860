//! What of wallets' pasts is in doubt.

use std::sync::LazyLock;

use bursar_store::Column::Text;
use bursar_store::{Lock, Lookup, Param, StoreError, Tx};

use crate::IntentId;
use crate::wallet::{Doubt, Wallet};

static BY_WALLET: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new("wallet, is_doubted, unclear_through", "payout_doubt", &[("wallet", Text)], Lock::None)
});

/// The same wallets with what is in doubt of each. Who writes it holds the wallet's row locked.
pub(super) fn with_doubts(tx: &mut Tx<'_>, mut wallets: Vec<Wallet>) -> Result<Vec<Wallet>, StoreError> {
    if wallets.is_empty() {
        return Ok(wallets);
    }
    let keys: Vec<Param<'_>> = wallets.iter().map(|wallet| Param::Text(wallet.name.as_str())).collect();
    let rows = tx.lookup(&BY_WALLET, &keys, |row| {
        Ok((row.get::<String>(0)?, Doubt::from_code(row.get(1)?)?, IntentId(row.get(2)?)))
    })?;
    for (name, doubt, unclear_through) in rows {
        if let Some(wallet) = wallets.iter_mut().find(|wallet| wallet.name.as_str() == name) {
            (wallet.doubt, wallet.unclear_through) = (doubt, unclear_through);
        }
    }
    Ok(wallets)
}

/// Stores what is in doubt of a wallet, whose row is locked.
pub(crate) fn put(tx: &mut Tx<'_>, wallet: &Wallet) -> Result<(), StoreError> {
    let sql = "INSERT INTO payout_doubt (wallet, is_doubted, unclear_through) VALUES ($1, $2, $3) \
               ON CONFLICT (wallet) DO UPDATE SET is_doubted = excluded.is_doubted, \
               unclear_through = excluded.unclear_through";
    let params = [
        Param::Text(wallet.name.as_str()),
        Param::Int(wallet.doubt.code()),
        Param::Int(wallet.unclear_through.0),
    ];
    tx.execute(sql, &params).map(|_| ())
}
