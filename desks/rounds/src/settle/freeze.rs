//! Freezing the plan of a due round: decided once, sealed against joins, its fee taken, in one transaction.

use bursar_control::ConfigTable;
use bursar_ledger::{AccountSlot, Book, Overdraft};
use bursar_money::{Amount, Asset};
use bursar_store::{Sequence, StoreError, Timestamp, Tx, fail_stop};

use super::decide::{Verdict, decide, is_one_sided};
use super::plan::Plan;
use super::storage::Settlement;
use super::{FEE, MERGE, TREASURY_PATH, retry};
use crate::oracle::PriceEvidence;
use crate::pool::{Pool, PoolState};
use crate::stake::Side;
use crate::timing::{Phase, Round};

const ORDER: Sequence = Sequence("rounds_settlement");

/// What is known about a round's prices.
#[derive(Clone, Debug)]
pub(super) enum Prices {
    /// Lock and end.
    Known(PriceEvidence, PriceEvidence),
    /// The round needs none.
    NotNeeded,
    /// None came, and by the asker's clock the void deadline has passed. The batch's time decides whether it has.
    Void {
        /// From when on the stakes go back.
        deadline: Timestamp,
    },
}

/// Freezes those of `rounds` that are still unsealed and due, each for good (invariant ONCE); returns how many.
pub(super) fn freeze(
    tx: &mut Tx<'_>,
    rounds: &[(Round, Prices)],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut keys: Vec<i64> = rounds.iter().map(|(round, _)| round.key()).collect();
    keys.sort_unstable();
    let pools = Pool::load(tx, &keys)?;
    let mut book = Book::default();
    let accounts: Vec<_> = pools.iter().flat_map(|pool| pool.accounts).collect();
    book.load(tx, &accounts)?;
    book.load_paths(tx, &[TREASURY_PATH])?;
    let mut frozen = Vec::new();
    for mut pool in pools {
        let prices = rounds.iter().find(|(round, _)| *round == pool.round).map(|(_, prices)| prices);
        let Some(prices) = prices.filter(|_| pool.state == PoolState::Unsealed) else { continue };
        let is_early = matches!(prices, Prices::Void { deadline } if now < *deadline);
        if pool.round.phase(now) != Phase::Due || is_early {
            continue;
        }
        let Some(settlement) = settle(&pool, prices, now)? else { continue };
        post_sides(&mut book, &pool, &settlement.plan);
        pool.state = PoolState::Settling;
        frozen.push((pool, settlement));
    }
    if frozen.is_empty() {
        return Ok(0);
    }
    book.number(tx)?;
    book.write(tx, now)?;
    let count = i64::try_from(frozen.len()).map_err(|_| StoreError::Decode("round count".into()))?;
    let first = tx.allocate(ORDER, count)?;
    for (order, (pool, settlement)) in (first..).zip(&frozen) {
        settlement.insert(tx, order)?;
        retry::forget(tx, pool.round)?;
    }
    Pool::save(tx, &frozen.iter().map(|(pool, _)| pool).collect::<Vec<_>>())?;
    Ok(frozen.len())
}

/// The table of the switch that stops settlement, for callers that read it in the same transaction.
pub(super) const SWITCH_TABLE: ConfigTable = ConfigTable::ROUNDS;

/// The settlement of a pool, or `None` when joins since the prices were asked for make it need some.
fn settle(pool: &Pool, prices: &Prices, now: Timestamp) -> Result<Option<Settlement>, StoreError> {
    let overflow = |error: bursar_money::AmountError| StoreError::Decode(error.to_string());
    let evidence = match prices {
        Prices::Known(start, end) => Some((*start, *end)),
        Prices::NotNeeded if !is_one_sided(&pool.stakes) => return Ok(None),
        Prices::NotNeeded | Prices::Void { .. } => None,
    };
    let pair = evidence.as_ref().map(|(start, end)| (start.price(), end.price()));
    let verdict = decide(&pool.stakes, pair).map_err(overflow)?;
    let [up, down] = [Side::Up, Side::Down].map(|side| pool.stakes.cents(side).map_err(overflow));
    let total = up?.plus(down?).map_err(overflow)?;
    let (remainder_entry, cursor) = match verdict {
        Verdict::Win { winner, .. } => {
            (pool.last_entry(winner), pool.last_entry(winner).map(|last| (winner, last)))
        }
        Verdict::Refund(_) => (None, first_refund(pool)),
    };
    let plan = Plan { round: pool.round, verdict, total, remainder_entry, evidence, settled_at: now };
    Ok(Some(Settlement { plan, cursor }))
}

/// Refunds pay the up side first, then the down side.
fn first_refund(pool: &Pool) -> Option<(Side, i64)> {
    let side = |side: Side| pool.last_entry(side).map(|last| (side, last));
    side(Side::Up).or_else(|| side(Side::Down))
}

/// Of a won round: the losing side joins the winning one and the treasury takes its fee.
fn post_sides(book: &mut Book, pool: &Pool, plan: &Plan) {
    let Verdict::Win { winner, winning, fee, .. } = plan.verdict else { return };
    let slot = |book: &Book, side: Side| -> AccountSlot {
        book.slot(pool.account(side)).unwrap_or_else(|| fail_stop("a pool without its ledger account"))
    };
    let (winners, losers) = (slot(book, winner), slot(book, winner.other()));
    let losing = plan.total.minus(winning).unwrap_or(Amount::ZERO);
    let cause = plan.round.key();
    let treasury = book
        .slot_of_path(TREASURY_PATH, Asset::PanchoBucks)
        .unwrap_or_else(|| book.open(TREASURY_PATH, Asset::PanchoBucks, Overdraft::Forbidden));
    let moves = [(losers, winners, losing, MERGE), (winners, treasury, fee, FEE)];
    for (debit, credit, amount, kind) in moves.into_iter().filter(|(_, _, amount, _)| !amount.is_zero()) {
        if let Err(refusal) = book.transfer(debit, credit, amount, kind, cause) {
            fail_stop(&format!("the pool of {} does not hold its stakes: {refusal}", plan.round.id()));
        }
    }
}
