//! How the desk's payouts follow their intents, in the payouts room's own transactions.

use std::sync::Arc;

use bursar_audit::Recorder;
use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_payouts::{Change, Ear, IntentId, IntentState, Reach, Received};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::adoption::{BLIND, MARK, UNKNOWN, paid_from_suspense};
use crate::halt::halt_payouts;
use crate::money::Accounts;
use crate::policy::damaged;
use crate::record::{Accrual, Hole, Payout, Tally, Totals};
use crate::rules::holdings::{AccrualState, Share};
use crate::rules::payout_state::PayoutState;

/// How a payout moved on, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The move, as the payouts room tells it.
    pub change: &'a Change,
    /// Where the payout is now.
    pub state: PayoutState,
    /// Accruals that were settled with it.
    pub settled: usize,
}

/// Hears how payouts move on; within the transaction, so a repeated one is heard again.
pub type Told = Arc<dyn Fn(&Word<'_>) + Send + Sync>;
/// Takes what came to the operator's wallet: a donation, or the operator's own.
pub type Receives =
    Arc<dyn Fn(&mut Tx<'_>, &mut Book, &Received, Timestamp) -> Result<bool, StoreError> + Send + Sync>;

/// Hears for how many milliseconds a payout waited that is sent once more.
pub type Retried = Arc<dyn Fn(i64) + Send + Sync>;

/// Hears of a payment of which nobody knows whether it was taken.
pub type Doubted = Arc<dyn Fn() + Send + Sync>;

/// The desk's ear.
pub struct PayoutEar {
    /// Told of each change.
    pub told: Told,
    /// Told of each retry.
    pub retried: Retried,
    /// Told of each payment of which nobody knows whether it was taken.
    pub doubted: Doubted,
    /// Takes what comes in.
    pub receives: Receives,
    /// The audit chain of this writer.
    pub recorder: Arc<Recorder>,
}

impl Ear for PayoutEar {
    fn changed(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = payout_of(tx, change.intent, change.reference)?;
        let Some(mut payout) = known else { return self.unknown(tx, change, now) };
        let was = payout.state;
        follow(&mut payout, change, now)?;
        if change.is_unheld && payout.state != PayoutState::Failed {
            payout.error_detail = Some(MARK.to_owned());
        }
        if change.is_unheld && payout.state == PayoutState::Confirmed && payout.state != was {
            let accounts = Accounts::load_with(tx, book, &[change.suspense])?;
            paid_from_suspense(book, &accounts, change.suspense, &payout)?;
        }
        let ended = match payout.state {
            // Told again: what follows has been done.
            state if state == was => 0,
            PayoutState::Confirmed => end(tx, &payout, AccrualState::Settled, now)?,
            PayoutState::Failed => end(tx, &payout, AccrualState::Open, now)?,
            PayoutState::Created | PayoutState::Signed | PayoutState::Held | PayoutState::Published => 0,
        };
        let settled = if payout.state == PayoutState::Confirmed { ended } else { 0 };
        (self.told)(&Word { change, state: payout.state, settled });
        Payout::update(tx, &[payout], now)
    }

    fn received(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        received: &Received,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        (self.receives)(tx, book, received, now)
    }

    fn seen(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        reference: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match payout_of(tx, intent, reference)? {
            Some(mut payout) if payout.state == PayoutState::Signed => {
                payout.state = PayoutState::Published;
                Payout::update(tx, &[payout], now)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn blind(&self, tx: &mut Tx<'_>, wallet: &KeyId, now: Timestamp) -> Result<(), StoreError> {
        let detail = format!(
            "{wallet} runs after a restore without its journals, or after money left it that no record accounts for: what \
             it paid and is not known here counts as unpaid. Before you resume payouts, record it with `bursar faucet \
             adopt-payments --reason TEXT`"
        );
        tracing::error!(detail, "payments since the backup are not known");
        let reach = Reach::now(tx)?;
        Hole::note(tx, BLIND, &detail, reach, now)?;
        halt_payouts(tx, &self.recorder, &detail, now)
    }

    fn retried(&self, waited_ms: i64) {
        (self.retried)(waited_ms);
    }

    fn doubted(&self) {
        (self.doubted)();
    }
}

impl PayoutEar {
    /// After a restore the journal brings back payments of payouts that were made after the backup. Their kills may count
    /// as unpaid here, so nothing more is paid until somebody has looked.
    fn unknown(&self, tx: &mut Tx<'_>, change: &Change, now: Timestamp) -> Result<(), StoreError> {
        let detail = format!(
            "intent {} pays a payout {} that is not in this database: it was made after the backup. Before you \
             resume payouts, record it with `bursar faucet adopt-payments --reason TEXT`",
            change.intent, change.reference
        );
        tracing::error!(detail, "a payment without a payout");
        let reach = Reach::now(tx)?;
        // This one belongs to what is missing.
        let intent = reach.intent.min(IntentId(change.intent.0.saturating_sub(1)));
        Hole::note(tx, UNKNOWN, &detail, Reach { intent, ..reach }, now)?;
        if change.to == IntentState::Signed {
            halt_payouts(tx, &self.recorder, &detail, now)?;
        }
        Ok(())
    }
}

/// The payout that an intent pays; `None` = it is not in this database.
fn payout_of(tx: &mut Tx<'_>, intent: IntentId, reference: i64) -> Result<Option<Payout>, StoreError> {
    let payouts = Payout::load(tx, &[reference])?;
    Ok(payouts.into_iter().find(|payout| payout.intent == Some(intent.0)))
}

fn follow(payout: &mut Payout, change: &Change, now: Timestamp) -> Result<(), StoreError> {
    payout.tx_hash = change.transaction.as_ref().map(ToString::to_string);
    // What a node has shown stays published until it is final, or proven to be given up.
    let next = PayoutState::of_intent(change.to, payout.state == PayoutState::Published);
    payout.state = payout.state.follow(next).map_err(|error| StoreError::Decode(error.to_string()))?;
    payout.error_detail = change.why.clone();
    payout.attempt_count = change.attempts.max(1);
    payout.last_attempt_at = Some(now);
    if payout.state == PayoutState::Failed {
        // No transaction pays it: a hash beside a failed payout would say otherwise.
        payout.tx_hash = None;
    }
    Ok(())
}

/// Settles the accruals of a payout, or opens them again; says how many there were.
fn end(tx: &mut Tx<'_>, payout: &Payout, state: AccrualState, now: Timestamp) -> Result<usize, StoreError> {
    let tallies = Tally::load(tx, &[payout.user_id], payout.dry_run)?;
    let Some(mut tally) = tallies.into_iter().next() else {
        return Err(StoreError::Decode(format!("player {} has no tally", payout.user_id)));
    };
    let mut accruals = Accrual::of_payouts(tx, &[payout.id])?;
    let share = Share { kills: payout.kills, amount: payout.amount };
    tally.holdings = tally.holdings.shift(share, AccrualState::Reserved, state).map_err(damaged)?;
    for accrual in &mut accruals {
        accrual.state = state;
        if state == AccrualState::Open {
            accrual.payout_id = None;
            let since = tally.open_since.unwrap_or(accrual.created_at);
            tally.open_since = Some(since.min(accrual.created_at));
        } else {
            accrual.settled_at = Some(now);
        }
    }
    Accrual::update(tx, &accruals, now)?;
    Tally::save(tx, [&tally])?;
    let mut totals = Totals::locked(tx, payout.dry_run)?;
    totals.reserved = totals.reserved.minus(payout.amount).map_err(damaged)?;
    let sum = if state == AccrualState::Open { &mut totals.open } else { &mut totals.paid };
    *sum = sum.plus(payout.amount).map_err(damaged)?;
    totals.save(tx, payout.dry_run)?;
    Ok(accruals.len())
}
