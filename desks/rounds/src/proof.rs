//! Proving a whole database of the desk, such as a restored one: every entry is staked, every settled round has paid out
//! its pool, and nothing was paid twice. Walks in pages; memory does not grow with the number of rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bursar_money::Amount;
use bursar_store::Column::Int;
use bursar_store::{Lock, Lookup, Param, StoreError, Timestamp, Tx};

use crate::join::JOIN;
use crate::settle::{FEE, PAYOUT, REFUND};
use crate::timing::Round;

const PAGE: i64 = 8_192;
/// Things of one kind that are told; a database that was torn apart has many.
const TOLD_MAX: usize = 20;
const CENTS_PER_BUCK: u128 = 100;

/// Says in words what does not add up, at most a few of each kind; nothing = the desk's books are right.
///
/// # Errors
/// The store's.
pub fn check(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let mut found = check_entries(tx)?;
    found.extend(check_ids(tx)?);
    found.extend(check_payouts(tx)?);
    found.extend(check_pools(tx)?);
    Ok(found)
}

/// Every entry is a transfer of its stake.
fn check_entries(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT e.sequence, e.stake_bucks, t.kind, t.amount FROM rounds_entry e \
               LEFT JOIN ledger_transfer t ON t.id = e.sequence WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2";
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = tx.query(sql, &[Param::Int(after), PAGE.into()], |row| {
            Ok((
                row.get::<i64>(0)?,
                row.get::<i64>(1)?,
                row.get::<Option<i64>>(2)?,
                row.get::<Option<Amount>>(3)?,
            ))
        })?;
        let Some((last, ..)) = page.last() else { return Ok(found) };
        after = *last;
        for (sequence, bucks, kind, amount) in page {
            let stake = u128::try_from(bucks).unwrap_or(0).saturating_mul(CENTS_PER_BUCK);
            if (kind, amount.map(Amount::units)) != (Some(JOIN.0), Some(stake)) {
                tell(&mut found, || {
                    format!("entry {sequence} has no transfer of its stake of {bucks} bucks")
                });
            }
        }
    }
}

/// No client's id stands twice.
fn check_ids(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id_hash FROM rounds_entry WHERE id_hash > $1 GROUP BY id_hash HAVING COUNT(*) > 1 \
               ORDER BY id_hash LIMIT $2";
    let (mut found, mut after) = (Vec::new(), i64::MIN);
    loop {
        let page = tx.query(sql, &[Param::Int(after), PAGE.into()], |row| row.get::<i64>(0))?;
        let Some(last) = page.last() else { return Ok(found) };
        after = *last;
        for hash in page {
            // Two ids may share a hash; the same id may not stand twice.
            let mut seen = BTreeSet::new();
            let sql = "SELECT id FROM rounds_entry WHERE id_hash = $1 ORDER BY sequence";
            for id in tx.query(sql, &[hash.into()], |row| row.get::<String>(0))? {
                if !seen.insert(id.clone()) {
                    tell(&mut found, || format!("the entry id {id:?} stands twice"));
                }
            }
        }
    }
}

/// What a round has paid so far.
#[derive(Clone, Copy)]
struct Paid {
    paid: Amount,
    fee: Amount,
}

/// One transfer out of a pool.
struct Out {
    id: i64,
    kind: i64,
    cause: i64,
    amount: Amount,
    /// The round of the entry that it pays.
    round: Option<i64>,
}

/// What a settlement says of its round.
struct Settled {
    total: Amount,
    fee: Amount,
    is_complete: bool,
}

static SETTLED: LazyLock<Lookup> = LazyLock::new(|| {
    let columns = "round_key, total_cents, fee_cents, completed_at";
    Lookup::new(columns, "rounds_settlement", &[("round_key", Int)], Lock::None)
});

/// Payouts and fee of each settled round are its pool, and no entry is paid twice.
fn check_payouts(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT t.id, t.kind, t.cause, t.amount, e.round_key FROM ledger_transfer t \
               LEFT JOIN rounds_entry e ON e.sequence = t.cause \
               WHERE t.id > $1 AND t.kind IN ($2, $3, $4) ORDER BY t.id LIMIT $5";
    let (mut found, mut after) = (Vec::new(), 0);
    let (mut open, mut entries, mut complete) = (BTreeMap::new(), BitSet::default(), 0_i64);
    loop {
        let params = [after, PAYOUT.0, REFUND.0, FEE.0, PAGE].map(Param::Int);
        let page = tx.query(sql, &params, |row| {
            let (id, kind, cause) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Out { id, kind, cause, amount: row.get(3)?, round: row.get(4)? })
        })?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let mut touched = BTreeSet::new();
        for out in &page {
            touched.extend(add(out, &mut open, &mut entries, &mut found)?);
        }
        complete += close(tx, &touched, &mut open, &mut found)?;
    }
    for (round, paid) in &open {
        tell(&mut found, || {
            format!(
                "{} has paid {} and a fee of {}, which is not its pool",
                name(*round),
                paid.paid,
                paid.fee
            )
        });
    }
    let sql = "SELECT COUNT(*) FROM rounds_settlement WHERE completed_at IS NOT NULL";
    let settled = tx.query_first(sql, &[], |row| row.get::<i64>(0))?.unwrap_or(0);
    if settled != complete {
        found.push(format!("{settled} rounds are settled, but {complete} pools were paid out"));
    }
    Ok(found)
}

/// Adds a transfer to what its round has paid, and says which round that is.
fn add(
    out: &Out,
    open: &mut BTreeMap<i64, Paid>,
    entries: &mut BitSet,
    found: &mut Vec<String>,
) -> Result<Option<i64>, StoreError> {
    let is_fee = out.kind == FEE.0;
    let Some(round) = (if is_fee { Some(out.cause) } else { out.round }) else {
        tell(found, || format!("transfer {} pays entry {}, which is not there", out.id, out.cause));
        return Ok(None);
    };
    if !is_fee && !entries.insert(out.cause) {
        tell(found, || format!("entry {} is paid twice", out.cause));
    }
    let paid = open.entry(round).or_insert(Paid { paid: Amount::ZERO, fee: Amount::ZERO });
    let sum = if is_fee { &mut paid.fee } else { &mut paid.paid };
    *sum = sum.plus(out.amount).map_err(|error| StoreError::Decode(error.to_string()))?;
    Ok(Some(round))
}

/// Forgets rounds that have paid exactly their pool, or are still paying, and says how many are complete.
fn close(
    tx: &mut Tx<'_>,
    touched: &BTreeSet<i64>,
    open: &mut BTreeMap<i64, Paid>,
    found: &mut Vec<String>,
) -> Result<i64, StoreError> {
    let keys: Vec<Param<'_>> = touched.iter().map(|round| Param::Int(*round)).collect();
    let settled: BTreeMap<i64, Settled> = tx
        .lookup(&SETTLED, &keys, |row| {
            let is_complete = row.get::<Option<Timestamp>>(3)?.is_some();
            Ok((row.get(0)?, Settled { total: row.get(1)?, fee: row.get(2)?, is_complete }))
        })?
        .into_iter()
        .collect();
    let mut complete = 0;
    for round in touched {
        let (Some(paid), Some(settled)) = (open.get(round).copied(), settled.get(round)) else { continue };
        let all = paid.paid.plus(paid.fee).map_err(|error| StoreError::Decode(error.to_string()))?;
        if !settled.is_complete && all <= settled.total {
            open.remove(round);
        } else if settled.is_complete && all == settled.total {
            if paid.fee != settled.fee {
                tell(found, || {
                    format!("{} took a fee of {} instead of {}", name(*round), paid.fee, settled.fee)
                });
            }
            open.remove(round);
            complete += 1;
        }
    }
    Ok(complete)
}

/// The accounts of a settled pool hold nothing (invariant ROUND-EXACT), and a settled pool has its settlement.
fn check_pools(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT p.round_key, u.debits, u.credits, d.debits, d.credits, s.completed_at FROM rounds_pool p \
               JOIN ledger_account u ON u.id = p.up_account JOIN ledger_account d ON d.id = p.down_account \
               LEFT JOIN rounds_settlement s ON s.round_key = p.round_key \
               WHERE p.round_key > $1 AND p.state = 2 ORDER BY p.round_key LIMIT $2";
    let (mut found, mut after) = (Vec::new(), i64::MIN);
    loop {
        let page = tx.query(sql, &[Param::Int(after), PAGE.into()], |row| {
            let amounts: [Amount; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok((row.get::<i64>(0)?, amounts, row.get::<Option<Timestamp>>(5)?))
        })?;
        let Some((last, ..)) = page.last() else { return Ok(found) };
        after = *last;
        for (round, [up_debits, up_credits, down_debits, down_credits], completed) in page {
            if (up_debits, down_debits) != (up_credits, down_credits) {
                tell(&mut found, || format!("the pool of {} is settled and not empty", name(round)));
            }
            if completed.is_none() {
                tell(&mut found, || format!("the pool of {} is settled without a settlement", name(round)));
            }
        }
    }
}

fn tell(found: &mut Vec<String>, what: impl FnOnce() -> String) {
    if found.len() < TOLD_MAX {
        found.push(what());
    }
}

fn name(round: i64) -> String {
    Round::from_key(round).map_or_else(|| format!("round {round}"), |round| round.id())
}

/// Entry numbers, one bit each: they ascend without gaps, so this stays small.
#[derive(Default)]
struct BitSet(BTreeMap<i64, u64>);

impl BitSet {
    /// False = it was in already.
    fn insert(&mut self, number: i64) -> bool {
        let word = self.0.entry(number.div_euclid(64)).or_default();
        let bit = 1_u64 << number.rem_euclid(64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}
