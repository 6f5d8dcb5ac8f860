//! Figures over the whole desk, kept with the writes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_store::Column::Int;
use bursar_store::{Bulk, Param, StoreError, Timestamp, Tx};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::join::NewEntry;
use crate::market::Market;
use crate::results::SettlementFacts;
use crate::settle::Settlement;
use crate::status;

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

/// Figures over all rounds (docs/spec/rounds.md 4.11).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Always true: a failure is an error answer.
    pub ok: bool,
    /// When, Unix ms.
    pub now_ms: i64,
    /// Totals.
    pub totals: SummaryTotals,
    /// Per market that has entries.
    pub market_breakdown: BTreeMap<&'static str, MarketFigures>,
    /// Newest first.
    pub recent_settlements: Vec<RecentSettlement>,
}

/// Totals over all markets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryTotals {
    /// Entries ever accepted.
    pub entries: i64,
    /// Rounds that had an entry.
    pub distinct_rounds_in_ledger: i64,
    /// Rounds past their end and not settled.
    pub pending_due_rounds: i64,
    /// Age of the oldest of them.
    pub max_settlement_lag_ms: i64,
}

/// One market's figures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketFigures {
    /// Entries.
    pub entries: i64,
    /// Stakes, whole bucks.
    pub stake_bucks: i64,
}

/// One settlement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentSettlement {
    /// Round.
    pub round_id: String,
    /// `WIN` or `REFUND`.
    pub mode: &'static str,
    /// Winning side.
    pub winner_side: Option<&'static str>,
    /// Why it was refunded.
    pub reason: Option<&'static str>,
    /// Price at the lock.
    pub start_price: Box<RawValue>,
    /// Price at the end.
    pub end_price: Box<RawValue>,
    /// Fee.
    pub fee_cents: u128,
    /// When, Unix ms.
    pub settled_at_ms: i64,
}

/// Reads the summary with the newest `limit` settlements.
pub fn summary(tx: &mut Tx<'_>, limit: i64, now: Timestamp) -> Result<Summary, StoreError> {
    let totals = market_totals(tx)?;
    let due = status::due_rounds(tx, now)?;
    let recent = Settlement::newest(tx, limit)?;
    Ok(Summary {
        ok: true,
        now_ms: now.ms(),
        totals: SummaryTotals {
            entries: totals.values().map(|total| total.entries).sum(),
            distinct_rounds_in_ledger: totals.values().map(|total| total.rounds).sum(),
            pending_due_rounds: due.pending,
            max_settlement_lag_ms: due.max_lag_ms,
        },
        market_breakdown: totals
            .iter()
            .map(|(market, total)| {
                (market.key(), MarketFigures { entries: total.entries, stake_bucks: total.stake_bucks })
            })
            .collect(),
        recent_settlements: recent.iter().map(recent_settlement).collect::<Result<_, _>>()?,
    })
}

fn recent_settlement(settlement: &Settlement) -> Result<RecentSettlement, StoreError> {
    let plan = &settlement.plan;
    let facts = SettlementFacts::of(plan)?;
    Ok(RecentSettlement {
        round_id: plan.round.id(),
        mode: facts.mode,
        winner_side: facts.winner_side,
        reason: facts.reason,
        start_price: facts.start_price,
        end_price: facts.end_price,
        fee_cents: plan.fee().units(),
        settled_at_ms: plan.settled_at.ms(),
    })
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
