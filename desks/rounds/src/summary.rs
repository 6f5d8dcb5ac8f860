//! Figures over the whole desk, kept with the writes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_store::Column::Int;
use bursar_store::{Bulk, Param, StoreError, Tx};

use crate::join::NewEntry;
use crate::market::Market;

static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("market", Int), ("entries", Int), ("stake_bucks", Int), ("rounds", Int)];
    Bulk::upsert("rounds_market_total", &columns, "market")
});

/// What all rounds of a market have taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketTotal {
    /// Entries ever accepted.
    pub entries: i64,
    /// Their stakes, in whole bucks.
    pub stake_bucks: i64,
    /// Rounds that had an entry.
    pub rounds: i64,
}

/// The totals of every market that has any.
pub fn market_totals(tx: &mut Tx<'_>) -> Result<BTreeMap<Market, MarketTotal>, StoreError> {
    let sql = "SELECT market, entries, stake_bucks, rounds FROM rounds_market_total ORDER BY market";
    let rows = tx.query(sql, &[], |row| {
        let code: i64 = row.get(0)?;
        let market = u8::try_from(code).ok().and_then(Market::from_code);
        let market = market.ok_or_else(|| StoreError::Decode(format!("market {code}")))?;
        Ok((market, MarketTotal { entries: row.get(1)?, stake_bucks: row.get(2)?, rounds: row.get(3)? }))
    })?;
    Ok(rows.into_iter().collect())
}

/// Adds accepted entries to their markets' totals; `rounds` counts pools that this batch opened.
pub(crate) fn add_to_market_totals(
    tx: &mut Tx<'_>,
    accepted: &[NewEntry],
    opened: &[Market],
) -> Result<(), StoreError> {
    if accepted.is_empty() {
        return Ok(());
    }
    let mut totals = market_totals(tx)?;
    for entry in accepted {
        let total = totals.entry(entry.round.market()).or_default();
        total.entries += 1;
        total.stake_bucks += entry.stake.bucks();
    }
    for market in opened {
        totals.entry(*market).or_default().rounds += 1;
    }
    let rows = totals.iter().flat_map(|(market, total)| {
        [i64::from(market.code()), total.entries, total.stake_bucks, total.rounds].map(Param::Int)
    });
    tx.execute_many(&SAVE, &rows.collect::<Vec<_>>()).map(|_| ())
}
