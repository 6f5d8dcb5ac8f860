//! Paying out frozen plans: a bounded number of entries in one transaction, walking each side's posting chain.

use bursar_ledger::{Book, Posting, TransferId, history};
use bursar_money::{Amount, Balance};
use bursar_store::{StoreError, Timestamp, Tx, fail_stop, invariant};

use super::decide::Verdict;
use super::settler::SettledRound;
use super::storage::Settlement;
use super::{PAYOUT, REFUND};
use crate::pool::{Pool, PoolState};
use crate::stake::{Side, Stake};
use crate::timing::Round;

/// How far one transaction came.
pub(super) struct Progress {
    /// Rounds that are settled now.
    pub completed: Vec<SettledRound>,
    /// Whether there is more to pay out.
    pub is_more: bool,
}

/// Pays out up to `budget` entries of `rounds` in their order.
pub(super) fn post(
    tx: &mut Tx<'_>,
    rounds: &[Round],
    budget: i64,
    now: Timestamp,
) -> Result<Progress, StoreError> {
    let mut keys: Vec<i64> = rounds.iter().map(|round| round.key()).collect();
    keys.sort_unstable();
    let mut pools = Pool::load(tx, &keys)?;
    pools.retain(|pool| pool.state == PoolState::Settling);
    let unpaid = pools.len();
    pools.truncate(usize::try_from(budget).unwrap_or(usize::MAX));
    let settling: Vec<Round> = pools.iter().map(|pool| pool.round).collect();
    let mut settlements = Settlement::load(tx, &settling)?;
    let mut book = Book::default();
    let accounts: Vec<_> = pools.iter().flat_map(|pool| pool.accounts).collect();
    book.load(tx, &accounts)?;
    let (mut left, mut done, mut moved) = (budget, Vec::new(), Vec::new());
    for pool in &mut pools {
        let settlement = settlements.iter_mut().find(|settlement| settlement.plan.round == pool.round);
        let settlement = settlement.unwrap_or_else(|| fail_stop("a settling round without its plan"));
        let cursor = pay(tx, &mut book, pool, settlement, &mut left)?;
        if cursor.is_none() {
            check_empty(&book, pool);
            pool.state = PoolState::Settled;
            done.push((pool.clone(), settlement.plan.verdict));
        }
        moved.push((settlement.clone(), cursor));
        if left <= 0 {
            break;
        }
    }
    book.number(tx)?;
    book.write(tx, now)?;
    for (settlement, cursor) in &mut moved {
        settlement.advance(tx, *cursor, now)?;
    }
    Pool::save(tx, &done.iter().map(|(pool, _)| pool).collect::<Vec<_>>())?;
    let settled =
        |(pool, verdict): &(Pool, Verdict)| SettledRound { round: pool.round, verdict: *verdict, at: now };
    let completed: Vec<SettledRound> = done.iter().map(settled).collect();
    Ok(Progress { is_more: completed.len() < unpaid, completed })
}

/// Pays entries of one round until it is done or the budget is spent; returns where to go on.
fn pay(
    tx: &mut Tx<'_>,
    book: &mut Book,
    pool: &Pool,
    settlement: &Settlement,
    left: &mut i64,
) -> Result<Option<(Side, i64)>, StoreError> {
    let mut cursor = settlement.cursor;
    while let Some((side, next)) = cursor.filter(|_| *left > 0) {
        let page = history(tx, pool.account(side), Some(TransferId(next)), *left)?;
        let wallets: Vec<_> = page.iter().map(|posting| posting.counterpart).collect();
        book.load(tx, &wallets)?;
        for posting in &page {
            pay_entry(book, pool, settlement, side, posting)?;
        }
        *left -= i64::try_from(page.len()).unwrap_or(i64::MAX);
        let oldest = page.last().unwrap_or_else(|| fail_stop("a settlement's cursor names no entry"));
        cursor = match (oldest.previous, side, settlement.plan.verdict) {
            (Some(previous), ..) => Some((side, previous.0)),
            (None, Side::Up, Verdict::Refund(_)) => {
                pool.last_entry(Side::Down).map(|last| (Side::Down, last))
            }
            (None, ..) => None,
        };
    }
    Ok(cursor)
}

fn pay_entry(
    book: &mut Book,
    pool: &Pool,
    settlement: &Settlement,
    side: Side,
    posting: &Posting,
) -> Result<(), StoreError> {
    invariant!(!posting.is_debit, "the chain of {} holds a debit among its entries", pool.round.id());
    let stake = stake_of(posting.amount);
    let payout = settlement.plan.payout(side, stake, posting.transfer.0);
    let payout = payout.map_err(|error| StoreError::Decode(error.to_string()))?;
    if payout.is_zero() {
        return Ok(());
    }
    let kind = match settlement.plan.verdict {
        Verdict::Win { .. } => PAYOUT,
        Verdict::Refund(_) => REFUND,
    };
    let slots = book.slot(pool.account(side)).zip(book.slot(posting.counterpart));
    let (from, wallet) = slots.unwrap_or_else(|| fail_stop("a payout between accounts that are not there"));
    if let Err(refusal) = book.transfer(from, wallet, payout, kind, posting.transfer.0) {
        fail_stop(&format!("{} cannot pay entry {}: {refusal}", pool.round.id(), posting.transfer.0));
    }
    Ok(())
}

fn stake_of(amount: Amount) -> Stake {
    let bucks = i64::try_from(amount.units() / 100).ok().filter(|_| amount.units().is_multiple_of(100));
    bucks.and_then(Stake::from_bucks).unwrap_or_else(|| fail_stop(&format!("an entry of {amount} cents")))
}

/// Payouts and fee are the pool exactly (invariant ROUND-EXACT).
fn check_empty(book: &Book, pool: &Pool) {
    for side in [Side::Up, Side::Down] {
        let balance = book.slot(pool.account(side)).map(|slot| book.account(slot).balance());
        invariant!(balance == Some(Balance::ZERO), "{} is paid out but holds {balance:?}", pool.round.id());
    }
}
