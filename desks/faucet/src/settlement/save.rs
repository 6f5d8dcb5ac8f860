//! Writing a settlement: accruals taken or split, totals moved, payouts inserted.

use bursar_store::{StoreError, Timestamp, Tx};

use super::load::Candidate;
use crate::policy::damaged;
use crate::record::{ACCRUALS, Accrual, Payout, Tally, Totals, User};
use crate::rules::holdings::AccrualState;
use crate::rules::settlement::{NewPayout, Remainder};

/// A payout that is made.
pub struct Decided {
    pub candidate: Candidate,
    pub new: NewPayout,
    pub payout: Payout,
}

/// Writes the payouts and everything that follows from them.
pub fn save(tx: &mut Tx<'_>, decided: Vec<Decided>, dry_run: bool, now: Timestamp) -> Result<(), StoreError> {
    if decided.is_empty() {
        return Ok(());
    }
    let (mut changed, mut split) = (Vec::new(), Vec::new());
    let (mut tallies, mut payouts, mut users) = (Vec::new(), Vec::new(), Vec::new());
    let mut totals = Totals::locked(tx, dry_run)?;
    for mut paid in decided {
        let (total, state) = (paid.new.selection.total, paid.payout.state.accruals());
        let left = take(&mut paid, state, now, &mut changed);
        let remainder = paid.new.selection.remainder;
        split.extend(remainder.and_then(|remainder| rest(&paid.candidate, remainder)));
        let tally = &mut paid.candidate.tally;
        tally.holdings = tally.holdings.shift(total, AccrualState::Open, state).map_err(damaged)?;
        tally.open_since = left;
        totals.open = totals.open.minus(total.amount).map_err(damaged)?;
        let sum = if state == AccrualState::Settled { &mut totals.paid } else { &mut totals.reserved };
        *sum = sum.plus(total.amount).map_err(damaged)?;
        users.push(paid.payout.user_id);
        tallies.push(paid.candidate.tally);
        payouts.push(paid.payout);
    }
    number(tx, &mut split)?;
    Payout::insert(tx, &payouts, now)?;
    Accrual::update(tx, &changed, now)?;
    Accrual::insert(tx, &split, now)?;
    Tally::save(tx, &tallies)?;
    User::note_settled(tx, &users, now)?;
    totals.save(tx, dry_run)
}

/// Moves the rows that the payout takes to `changed` and says since when something is left open.
fn take(
    paid: &mut Decided,
    state: AccrualState,
    now: Timestamp,
    changed: &mut Vec<Accrual>,
) -> Option<Timestamp> {
    let settled_at = (state == AccrualState::Settled).then_some(now);
    let selection = &paid.new.selection;
    let split = selection.remainder.map(|remainder| remainder.accrual_id);
    let mut left = None;
    for accrual in &paid.candidate.open {
        let taken = selection.taken.iter().find(|taken| taken.accrual_id == accrual.id);
        if taken.is_none() || split == Some(accrual.id) {
            left = Some(left.map_or(accrual.created_at, |since: Timestamp| since.min(accrual.created_at)));
        }
        if let Some(taken) = taken {
            changed.push(Accrual {
                kills: taken.kills,
                amount: taken.amount,
                cursor_to: taken.cursor_to,
                state,
                payout_id: Some(paid.payout.id),
                settled_at,
                ..accrual.clone()
            });
        }
    }
    left
}

/// The row that a split leaves open; it is numbered later.
fn rest(candidate: &Candidate, remainder: Remainder) -> Option<Accrual> {
    let whole = candidate.open.iter().find(|accrual| accrual.id == remainder.accrual_id)?;
    Some(Accrual {
        id: 0,
        seq: remainder.seq,
        kills: remainder.kills,
        amount: remainder.amount,
        cursor_from: remainder.cursor_from,
        cursor_to: remainder.cursor_to,
        ..whole.clone()
    })
}

fn number(tx: &mut Tx<'_>, rows: &mut [Accrual]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let first = tx.allocate(ACCRUALS, i64::try_from(rows.len()).unwrap_or(i64::MAX))?;
    for (id, row) in (first..).zip(rows) {
        row.id = id;
    }
    Ok(())
}
