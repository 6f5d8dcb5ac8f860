//! Marks in a wallet's history: a page far back is found from the nearest mark, however many entries are newer.

use std::sync::LazyLock;

use bursar_ledger::AccountId;
use bursar_store::Column::Int;
use bursar_store::{Bulk, Param, StoreError, Tx};

/// Entries from one mark to the next (migrations/0002_wallet_mark.sql).
const EVERY: i64 = 256;

static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert("rounds_wallet_mark", &[("wallet", Int), ("number", Int), ("sequence", Int)])
});

/// An entry and its place among those of its wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The wallet's ledger account.
    pub wallet: AccountId,
    /// Its number among the wallet's entries, 1 for the oldest.
    pub number: i64,
    /// Its sequence.
    pub sequence: i64,
}

/// Marks those of new entries that stand where a mark belongs.
pub fn save(tx: &mut Tx<'_>, places: impl Iterator<Item = Place>) -> Result<(), StoreError> {
    let marked = places.filter(|place| place.number % EVERY == 0);
    let rows: Vec<Param<'_>> =
        marked.flat_map(|place| [place.wallet.0, place.number, place.sequence].map(Param::Int)).collect();
    tx.execute_many(&INSERT, &rows).map(|_| ())
}

/// The oldest marked entry of a wallet that has this number or a greater one; `None` where none is marked.
pub fn at_or_after(tx: &mut Tx<'_>, wallet: AccountId, number: i64) -> Result<Option<Place>, StoreError> {
    let sql = "SELECT number, sequence FROM rounds_wallet_mark WHERE wallet = $1 AND number >= $2 \
               ORDER BY number LIMIT 1";
    tx.query_first(sql, &[wallet.0.into(), number.into()], |row| {
        Ok(Place { wallet, number: row.get(0)?, sequence: row.get(1)? })
    })
}
