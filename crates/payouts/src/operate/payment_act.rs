//! What people are asked to approve before a large payment leaves.

use bursar_access::Drafted;
use bursar_keys::KeyError;
use bursar_store::{StoreError, Tx};

use crate::case::payment_order;
use crate::{IntentId, IntentState, Outcome, Payouts, Rejection, sql};

impl Payouts {
    /// The payment of an intent that is not signed yet, as an act that others approve, and how many of them its key asks
    /// for now. The approval is brought with [`Payouts::retry_approved`].
    pub fn payment_act(&self, tx: &mut Tx<'_>, intent: IntentId) -> Outcome<Drafted> {
        let Some(row) = sql::intents::by_id(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        if !matches!(row.state, IntentState::Accepted | IntentState::Held) {
            return Ok(Err(Rejection::TooLate(row.state)));
        }
        if row.wish.gives_up() {
            return Ok(Err(Rejection::GivenUp));
        }
        let keystore = &self.parts.keystore;
        let act = match keystore.approval_act(tx, &payment_order(&row))? {
            Ok(act) => act,
            Err(KeyError::Rejected(rejection)) => return Ok(Err(rejection.into())),
            Err(KeyError::Sealed(error)) => return Err(StoreError::Decode(error.to_string())),
        };
        let rule = keystore.key(tx, &row.wallet)?.and_then(|record| record.policy?.approval);
        let approvals_needed = rule.filter(|rule| row.amount > rule.above).map_or(0, |rule| rule.needed);
        Ok(Ok(Drafted { act, approvals_needed }))
    }
}
