//! Rows of wallets.

use std::sync::LazyLock;

use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::AccountId;
use bursar_store::Column::{Amount as AmountColumn, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Tx};

use super::doubts::with_doubts;
use super::{asset_of, key_of};
use crate::IntentId;
use crate::wallet::{Doubt, Standing, Wallet};

macro_rules! columns {
    () => {
        "name, desk, chain, asset, address, standing, why, since, account, suspense_account, funds_account, \
         fees_account, expected_balance, restored_mark, matched_at"
    };
}

static BY_NAME: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(columns!(), "payout_wallet", &[("name", Text)], Lock::None));
static BY_NAME_LOCKED: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(columns!(), "payout_wallet", &[("name", Text)], Lock::Update));
static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("name", Text),
        ("desk", Text),
        ("chain", Text),
        ("asset", Int),
        ("address", Text),
        ("standing", Int),
        ("why", Text),
        ("since", Time),
        ("account", Int),
        ("suspense_account", Int),
        ("funds_account", Int),
        ("fees_account", Int),
        ("expected_balance", AmountColumn),
        ("journal_position", Int),
        ("restored_mark", Int),
        ("matched_at", Time),
    ];
    Bulk::insert("payout_wallet", &columns)
});

/// Wallets by name, without a lock.
pub(crate) fn load(tx: &mut Tx<'_>, names: &[&KeyId]) -> Result<Vec<Wallet>, StoreError> {
    let keys: Vec<Param<'_>> = names.iter().map(|name| Param::Text(name.as_str())).collect();
    let wallets = tx.lookup(&BY_NAME, &keys, read)?;
    with_doubts(tx, wallets)
}

/// One wallet, locked until the transaction ends.
pub(crate) fn load_locked(tx: &mut Tx<'_>, name: &KeyId) -> Result<Option<Wallet>, StoreError> {
    let locked = tx.lookup(&BY_NAME_LOCKED, &[Param::Text(name.as_str())], read)?;
    Ok(with_doubts(tx, locked)?.into_iter().next())
}

/// All wallets by name.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Wallet>, StoreError> {
    let all = tx.query(concat!("SELECT ", columns!(), " FROM payout_wallet ORDER BY name"), &[], read)?;
    with_doubts(tx, all)
}

/// Adds wallets.
pub(crate) fn insert(tx: &mut Tx<'_>, wallets: &[Wallet]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(wallets.len() * 16);
    for wallet in wallets {
        rows.extend([
            Param::Text(wallet.name.as_str()),
            Param::Text(&wallet.desk),
            Param::Text(&wallet.chain),
        ]);
        rows.extend([Param::Int(wallet.asset.code()), Param::Text(wallet.address.as_str())]);
        rows.extend([
            Param::Int(wallet.standing.code()),
            Param::Text(&wallet.why),
            Param::Time(wallet.since),
        ]);
        rows.extend(
            [wallet.account, wallet.suspense, wallet.funds, wallet.fees].map(|account| Param::Int(account.0)),
        );
        // The column of the journal's position is an older one's; journals have rows of their own.
        rows.extend([Param::Amount(wallet.expected), Param::Int(0)]);
        rows.extend([Param::Int(wallet.restored_mark), wallet.matched_at.into()]);
    }
    tx.execute_many(&INSERT, &rows).map(|_| ())
}

/// Stores what changes in a wallet's life: standing, expected balance and marks.
pub(crate) fn update(tx: &mut Tx<'_>, wallet: &Wallet) -> Result<(), StoreError> {
    let sql = "UPDATE payout_wallet SET standing = $2, why = $3, since = $4, expected_balance = $5, \
               restored_mark = $6, matched_at = $7 WHERE name = $1";
    let params = [
        Param::Text(wallet.name.as_str()),
        Param::Int(wallet.standing.code()),
        Param::Text(&wallet.why),
        Param::Time(wallet.since),
        Param::Amount(wallet.expected),
        Param::Int(wallet.restored_mark),
        wallet.matched_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Wallet, StoreError> {
    Ok(Wallet {
        name: key_of(&row.get::<String>(0)?)?,
        desk: row.get(1)?,
        chain: row.get(2)?,
        asset: asset_of(row.get(3)?)?,
        address: Address::from_canonical(row.get(4)?),
        standing: Standing::from_code(row.get(5)?)?,
        why: row.get(6)?,
        since: row.get(7)?,
        account: AccountId(row.get(8)?),
        suspense: AccountId(row.get(9)?),
        funds: AccountId(row.get(10)?),
        fees: AccountId(row.get(11)?),
        expected: row.get(12)?,
        restored_mark: row.get(13)?,
        matched_at: row.get(14)?,
        doubt: Doubt::Nothing,
        unclear_through: IntentId(0),
    })
}
