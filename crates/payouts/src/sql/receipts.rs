//! Rows of receipts.

use bursar_keys::KeyId;
use bursar_ledger::AccountId;
use bursar_money::Amount;
use bursar_store::{Param, Row, Sequence, StoreError, Timestamp, Tx};

use super::key_of;
use crate::receipts::{Receipt, ReceiptState};

const RECEIPTS: Sequence = Sequence("payout_receipt");

macro_rules! columns {
    () => {
        "id, wallet, source, sender, amount, attempt, state, assigned_to, seen_at, ended_at"
    };
}

/// The receipt of this source.
pub(crate) fn by_source(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    source: &str,
) -> Result<Option<Receipt>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_receipt WHERE wallet = $1 AND source = $2");
    tx.query_first(sql, &[wallet.as_str().into(), source.into()], read)
}

/// The receipt that an attempt of the wallet accepts.
pub(crate) fn by_attempt(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    attempt: i64,
) -> Result<Option<Receipt>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_receipt WHERE state < 2 AND wallet = $1 AND attempt = $2"
    );
    tx.query_first(sql, &[wallet.as_str().into(), attempt.into()], read)
}

/// One receipt.
pub(crate) fn by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Receipt>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM payout_receipt WHERE id = $1");
    tx.query_first(sql, &[id.into()], read)
}

/// Receipts of a wallet that nobody has assigned, oldest first, after the one numbered `after`.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    wallet: &KeyId,
    after: i64,
    limit: i64,
) -> Result<Vec<Receipt>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM payout_receipt WHERE state < 2 AND wallet = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    tx.query(sql, &[wallet.as_str().into(), after.into(), limit.into()], read)
}

/// Adds a receipt and gives it its number.
pub(crate) fn insert(tx: &mut Tx<'_>, receipt: &mut Receipt) -> Result<(), StoreError> {
    receipt.id = tx.allocate(RECEIPTS, 1)?;
    let sql = "INSERT INTO payout_receipt (id, wallet, source, sender, amount, attempt, state, assigned_to, seen_at, \
               ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params = [
        Param::Int(receipt.id),
        Param::Text(receipt.wallet.as_str()),
        Param::Text(&receipt.source),
        Param::Text(&receipt.sender),
        Param::Amount(receipt.amount),
        receipt.attempt.into(),
        Param::Int(receipt.state.code()),
        receipt.assigned_to.map_or(Param::Null, |account| Param::Int(account.0)),
        Param::Time(receipt.seen_at),
        receipt.ended_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Stores what changes in a receipt's life.
pub(crate) fn update(tx: &mut Tx<'_>, receipt: &Receipt) -> Result<(), StoreError> {
    let sql =
        "UPDATE payout_receipt SET attempt = $2, state = $3, assigned_to = $4, ended_at = $5 WHERE id = $1";
    let params = [
        Param::Int(receipt.id),
        receipt.attempt.into(),
        Param::Int(receipt.state.code()),
        receipt.assigned_to.map_or(Param::Null, |account| Param::Int(account.0)),
        receipt.ended_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        id: row.get(0)?,
        wallet: key_of(&row.get::<String>(1)?)?,
        source: row.get(2)?,
        sender: row.get(3)?,
        amount: row.get::<Amount>(4)?,
        attempt: row.get(5)?,
        state: ReceiptState::from_code(row.get(6)?)?,
        assigned_to: row.get::<Option<i64>>(7)?.map(AccountId),
        seen_at: row.get::<Timestamp>(8)?,
        ended_at: row.get(9)?,
    })
}
