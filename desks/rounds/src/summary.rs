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
    let columns = [
        ("market", Int),
        ("entries", Int),
        ("stake_bucks", Int),
        ("rounds", Int),
        ("canary_entries", Int),
        ("canary_stake_bucks", Int),
    ];
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
    /// Of the entries, those that canaries made.
    pub canary_entries: i64,
    /// Their stakes, in whole bucks.
    pub canary_stake_bucks: i64,
}

/// The totals of every market that has any.
pub fn market_totals(tx: &mut Tx<'_>) -> Result<BTreeMap<Market, MarketTotal>, StoreError> {
    let sql = "SELECT market, entries, stake_bucks, rounds, canary_entries, canary_stake_bucks \
               FROM rounds_market_total ORDER BY market";
    let rows = tx.query(sql, &[], |row| {
        let code: i64 = row.get(0)?;
        let market = u8::try_from(code).ok().and_then(Market::from_code);
        let market = market.ok_or_else(|| StoreError::Decode(format!("market {code}")))?;
        let total = MarketTotal {
            entries: row.get(1)?,
            stake_bucks: row.get(2)?,
            rounds: row.get(3)?,
            canary_entries: row.get(4)?,
            canary_stake_bucks: row.get(5)?,
        };
        Ok((market, total))
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
    /// The part of the figures that canaries made.
    pub canary: CanaryFigures,
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

/// The canaries' part of the figures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryFigures {
    /// Entries.
    pub entries: i64,
    /// Stakes, whole bucks.
    pub stake_bucks: i64,
    /// Per market that canaries joined.
    pub market_breakdown: BTreeMap<&'static str, MarketFigures>,
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
        canary: canary_figures(&totals),
        recent_settlements: recent.iter().map(recent_settlement).collect::<Result<_, _>>()?,
    })
}

fn canary_figures(totals: &BTreeMap<Market, MarketTotal>) -> CanaryFigures {
    let joined = totals.iter().filter(|(_, total)| total.canary_entries > 0);
    let figures = joined.map(|(market, total)| {
        let (entries, stake_bucks) = (total.canary_entries, total.canary_stake_bucks);
        (market.key(), MarketFigures { entries, stake_bucks })
    });
    let market_breakdown: BTreeMap<_, _> = figures.collect();
    CanaryFigures {
        entries: market_breakdown.values().map(|market| market.entries).sum(),
        stake_bucks: market_breakdown.values().map(|market| market.stake_bucks).sum(),
        market_breakdown,
    }
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
        if entry.is_canary {
            total.canary_entries += 1;
            total.canary_stake_bucks += entry.stake.bucks();
        }
    }
    for market in opened {
        totals.entry(*market).or_default().rounds += 1;
    }
    let rows = totals.iter().flat_map(|(market, total)| {
        let MarketTotal { entries, stake_bucks, rounds, canary_entries, canary_stake_bucks } = *total;
        let code = i64::from(market.code());
        [code, entries, stake_bucks, rounds, canary_entries, canary_stake_bucks].map(Param::Int)
    });
    tx.execute_many(&SAVE, &rows.collect::<Vec<_>>()).map(|_| ())
}
