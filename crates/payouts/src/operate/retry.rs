//! Trying again: what is held is released, with other people's approval where its key asks for it, and what waits does not
//! wait longer.

use bursar_access::{ApprovalId, By, admit};
use bursar_audit::Recorder;
use bursar_keys::{Decision, KeyError, Order};
use bursar_store::{StoreError, Tx};

use super::pause::{check_reason, letting_go};
use super::{approved_why, audited};
use crate::case::{Case, Hand, payment_order};
use crate::life::Event;
use crate::sql::attempts;
use crate::unclear::may_have_been_paid;
use crate::{IntentId, IntentState, Outcome, Payouts, Rejection, sql};

impl Payouts {
    /// Lets an intent be tried now: one that is held is released; one that waits does not wait longer; one that is under
    /// way is looked up at once. Takes [`bursar_access::Permission::ResolvePayout`], under the policy `payouts.retry`.
    pub fn retry(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        self.retry_approved(tx, by, None, intent, why, recorder)
    }

    /// The same, with the approval of other people for the payment itself
    /// ([`bursar_keys::Keystore::approval_act`]), which is another than that of the act. It is used up where the key asks
    /// for it, and where the payment is still to be made.
    pub fn retry_approved(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        payment: Option<ApprovalId>,
        intent: IntentId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        let payer = payment.map(|approval| By::new(by.actor, by.now).with(approval));
        if let Some(payer) = &payer
            && let Err(rejection) = self.check_approval(tx, payer, intent)?
        {
            return Ok(Err(rejection));
        }
        self.admitted(
            tx,
            by,
            intent,
            "payouts.retry",
            |row| letting_go(why, row),
            |payouts, tx, case, cleared| {
                let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
                let state = case.intent.state;
                if state.is_ended() {
                    return Ok(Err(Rejection::TooLate(state)));
                }
                if state == IntentState::Held && case.intent.wish.gives_up() {
                    return Ok(Err(Rejection::GivenUp));
                }
                // It may have been paid: whoever lets it go on says so, by releasing it.
                if state == IntentState::Held && may_have_been_paid(&case.intent.why) {
                    return Ok(Err(Rejection::WalletUnmatched));
                }
                if let Some(payer) = &payer
                    && matches!(state, IntentState::Held | IntentState::Accepted)
                    && let Err(rejection) = payouts.approve_payment(tx, payer, case)?
                {
                    return Ok(Err(rejection));
                }
                if state == IntentState::Held {
                    let particulars = approved_why(why, cleared);
                    let done = payouts.change(tx, case, Event::Release, None, particulars, &hand)?;
                    return Ok(done.map(|()| case.intent.state).map_err(|_| Rejection::TooLate(state)));
                }
                hurry(tx, case, &hand)?;
                payouts.record_asked(tx, case, "retry", why, cleared, &hand)?;
                Ok(Ok(state))
            },
        )
    }

    /// Whether the approval is one for this payment that can be used. Approvals take turns before anything else is locked.
    fn check_approval(&self, tx: &mut Tx<'_>, payer: &By<'_>, intent: IntentId) -> Outcome<()> {
        let Some(row) = sql::intents::by_id(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        let act = match self.parts.keystore.approval_act(tx, &payment_order(&row))? {
            Ok(act) => act,
            Err(error) => return refused(error),
        };
        // It is dropped unspent: what uses it up is the payment's authorisation.
        Ok(admit(tx, payer, &act)?.map(drop).map_err(Rejection::from))
    }

    /// Uses the approval up where the key's rule needs it for a payment of this size.
    fn approve_payment(&self, tx: &mut Tx<'_>, payer: &By<'_>, case: &Case) -> Outcome<()> {
        let order = payment_order(&case.intent);
        if !self.needs_approval(tx, &order, case)? {
            return Ok(Ok(()));
        }
        match self.parts.keystore.authorize_approved(tx, payer, &order)? {
            Ok(approved) => match approved.decision {
                Decision::Authorized(_) => Ok(Ok(())),
                // A destination that is new waits first; the approval stays good for when it has.
                Decision::Held { .. } => Ok(Err(Rejection::FirstUseHold)),
                Decision::Refused(rejection) => Ok(Err(rejection.into())),
            },
            Err(error) => refused(error),
        }
    }

    fn needs_approval(&self, tx: &mut Tx<'_>, order: &Order, case: &Case) -> Result<bool, StoreError> {
        let key = self.parts.keystore.key(tx, &order.key)?;
        let rule = key.and_then(|record| record.policy).and_then(|policy| policy.approval);
        Ok(rule.is_some_and(|rule| case.intent.amount > rule.above))
    }
}

/// What waits is due now.
fn hurry(tx: &mut Tx<'_>, case: &mut Case, hand: &Hand<'_>) -> Result<(), StoreError> {
    if case.intent.state == IntentState::Accepted {
        case.intent.next_at = Some(hand.now);
        return sql::intents::update(tx, &case.intent);
    }
    for row in case.attempts.iter_mut().filter(|row| row.state.is_alive()) {
        row.next_at = Some(hand.now);
        attempts::update(tx, row)?;
    }
    Ok(())
}

fn refused<T>(error: KeyError) -> Outcome<T> {
    match error {
        KeyError::Rejected(rejection) => Ok(Err(rejection.into())),
        KeyError::Sealed(error) => Err(StoreError::Decode(error.to_string())),
    }
}
