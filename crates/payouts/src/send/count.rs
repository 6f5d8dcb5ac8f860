//! Counting a broadcast before it happens: the gate that stored bytes pass each time they leave.

use bursar_chain::TransactionId;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

use super::Sender;
use crate::backoff::wait_ms;
use crate::case::{Case, Particulars};
use crate::life::{AttemptKind, AttemptState, Event};
use crate::sql::attempts::{self, AttemptRow};
use crate::stops::Reading;
use crate::{events, sql};

/// What came of asking to send.
pub(super) enum Counted {
    /// Counted: these bytes, read back from the store, may leave now.
    Send(AttemptRow),
    /// They may not leave now; the chain may be asked.
    Look(AttemptRow, String),
    /// The attempt is over.
    Over,
}

impl Sender {
    /// Passes the gate and counts one broadcast of the attempt, or says why not. BYTES-FIRST: what leaves is what this read
    /// back.
    pub(super) fn count(&self, lease: &Lease, id: &TransactionId) -> Result<Counted, StoreError> {
        self.payouts.parts.store.transact("payouts.count", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let wallet = self.locked(tx)?;
            let Some(mut attempt) = attempts::by_transaction(tx, id)? else { return Ok(Counted::Over) };
            if !attempt.state.is_alive() {
                return Ok(Counted::Over);
            }
            if let Some(why) = self.gate(tx, &wallet, now)? {
                self.plan_next(&mut attempt, now);
                attempts::update(tx, &attempt)?;
                return Ok(Counted::Look(attempt, why));
            }
            if let Some(intent) = attempt.intent {
                let case = Case::under(tx, wallet, intent)?;
                let mut case = case.ok_or_else(|| StoreError::Decode(format!("payout {intent} is gone")))?;
                self.note_stuck(tx, &mut case, now)?;
                if is_being_freed(&case, &attempt) {
                    self.plan_next(&mut attempt, now);
                    attempts::update(tx, &attempt)?;
                    return Ok(Counted::Look(attempt, "its slot is being freed".to_owned()));
                }
                if attempt.state == AttemptState::Signed {
                    let event = Event::Broadcast(id.clone());
                    let hand = self.hand(now);
                    let done =
                        self.payouts.change(tx, &mut case, event, None, Particulars::default(), &hand)?;
                    bursar_store::invariant!(done.is_ok(), "payout {intent}: {id} lives and cannot be sent");
                }
            }
            attempt.state = AttemptState::Broadcast;
            attempt.broadcasts = attempt.broadcasts.saturating_add(1);
            self.plan_next(&mut attempt, now);
            attempts::update(tx, &attempt)?;
            Ok(Counted::Send(attempt))
        })
    }

    /// Why nothing may leave the wallet now: switches under a lock, and the wallet's own standing. NO-SIGN-AFTER-STOP: the
    /// transaction that signs asks this, and keeps the lock until it has committed.
    pub(super) fn gate(
        &self,
        tx: &mut Tx<'_>,
        wallet: &crate::wallet::Wallet,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let generation = (self.payouts.parts.generation)(tx)?;
        if !wallet.is_running(generation) {
            return Ok(Some(format!("the wallet is {}", wallet.still(generation))));
        }
        let stopped = self.payouts.stopped(tx, &wallet.desk, self.chain.name(), now, Reading::Locked)?;
        Ok(stopped.map(|switch| format!("{switch} is stopped or cannot be read")))
    }

    /// Plans when the attempt is looked at again, by how often it was sent.
    pub(super) fn plan_next(&self, attempt: &mut AttemptRow, now: Timestamp) {
        let sent = u32::try_from(attempt.broadcasts).unwrap_or(u32::MAX);
        let wait = wait_ms(sent.saturating_add(1).max(2), self.draw());
        if let Some(metrics) = &self.payouts.parts.metrics {
            metrics.observe_wait(wait);
        }
        attempt.next_at = Some(now.after_ms(wait));
        self.memory.lock().planned = Some((attempt.transaction.id.clone(), wait));
    }

    /// Tells once of an intent that takes too long.
    fn note_stuck(&self, tx: &mut Tx<'_>, case: &mut Case, now: Timestamp) -> Result<(), StoreError> {
        let since = case
            .life()
            .living_payments()
            .filter_map(|living| {
                case.attempts.iter().find(|row| row.transaction.id == living.id).map(|row| row.signed_at)
            })
            .min();
        let limit_ms = self.payouts.parts.settings.stuck_after_ms;
        let is_stuck = since.is_some_and(|since| now.ms().saturating_sub(since.ms()) >= limit_ms);
        if !is_stuck || case.intent.stuck_at.is_some() {
            return Ok(());
        }
        case.intent.stuck_at = Some(now);
        sql::intents::update(tx, &case.intent)?;
        self.recorder.record(tx, &[events::stuck(&self.payouts, case)], now).map(|_| ())
    }
}

/// Whether a payment's slot is to go to something that moves nothing: its bytes are not sent again then.
fn is_being_freed(case: &Case, attempt: &AttemptRow) -> bool {
    attempt.kind == AttemptKind::Payment
        && case.attempts.iter().any(|other| {
            other.kind == AttemptKind::Freeing
                && other.transaction.slot == attempt.transaction.slot
                && other.state.is_alive()
        })
}
