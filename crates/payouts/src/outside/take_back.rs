//! Taking a payout back from outside, as long as nothing is signed for it.

use bursar_access::{Act, By, Permission, admit};
use bursar_audit::Recorder;
use bursar_store::Tx;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::order::{Request, is_outside};
use crate::case::{Case, Hand, Particulars};
use crate::life::Event;
use crate::operate::{approved, audited, check_reason};
use crate::sql::intents;
use crate::{IntentState, Outcome, Payouts, Rejection};

impl Payouts {
    /// Takes back a payout that was asked for from outside: its money is free again in this transaction. One that is
    /// cancelled already stays so. Takes [`Permission::CancelPayout`] on its desk, under the policy
    /// `payouts.api_cancel`. A stop does not stand in the way: nothing leaves.
    ///
    /// # Errors
    /// [`Rejection::TooLate`] once anything was signed for it, [`Rejection::WalletUnmatched`] while it may have been paid
    /// before a restore, [`Rejection::Unknown`] for whatever nobody from outside asked for.
    pub fn take_back(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        id: Uuid,
        why: &str,
        request: &Request,
        recorder: &Recorder,
    ) -> Outcome<()> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        let peeked = intents::by_public_id(tx, id)?.filter(|row| is_outside(&row.key));
        let Some(peeked) = peeked else { return Ok(Err(Rejection::Unknown)) };
        let act = Act {
            action: "payouts.api_cancel".to_owned(),
            desk: peeked.desk,
            subject: id.to_string(),
            payload: why.to_owned(),
            permission: Permission::CancelPayout,
        };
        let admission = match admit(tx, by, &act)? {
            Ok(admission) => admission,
            // Other desks' payouts are not told of.
            Err(bursar_access::Rejection::OtherDesk { .. }) => return Ok(Err(Rejection::Unknown)),
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        let Some(mut case) = Case::lock(tx, peeked.id)? else { return Ok(Err(Rejection::Unknown)) };
        match case.intent.state {
            IntentState::Cancelled => return Ok(Ok(())),
            // With a dead transaction behind it, it would fail instead of being cancelled.
            state @ (IntentState::Accepted | IntentState::Held) if case.life().was_signed() => {
                return Ok(Err(Rejection::TooLate(state)));
            }
            IntentState::Accepted | IntentState::Held => {}
            state @ (IntentState::Signed
            | IntentState::Broadcast
            | IntentState::Final
            | IntentState::Failed) => return Ok(Err(Rejection::TooLate(state))),
        }
        // What was held as nobody knew whether it was paid: an operator releases or cancels it.
        let is_unclear =
            case.intent.state == IntentState::Held && case.intent.id <= case.wallet.unclear_through;
        if is_unclear || !self.knows_past(tx, &case.wallet)? {
            return Ok(Err(Rejection::WalletUnmatched));
        }
        let hand = Hand { recorder, actor: audited(admission.actor()), now: by.now };
        let detail = told(request).into_iter().chain(approved(admission.cleared())).collect();
        let particulars = Particulars { detail, ..Particulars::why(why) };
        let done = self.change(tx, &mut case, Event::Cancel, None, particulars, &hand)?;
        if done.is_err() {
            return Ok(Err(Rejection::TooLate(case.intent.state)));
        }
        admission.spend(tx)?;
        Ok(Ok(()))
    }
}

fn told(request: &Request) -> Map<String, Value> {
    request.id.iter().map(|id| ("requestId".to_owned(), Value::from(id.as_str()))).collect()
}
