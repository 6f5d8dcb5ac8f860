//! Freeing a slot: something that moves no money is signed and sent in a payment's place, and one of the two wins.

use bursar_keys::{Order, Work};
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Tx};

use super::view::View;
use super::{Remote, Sender, Turn};
use crate::case::{Case, Particulars};
use crate::life::{AttemptKind, Event};
use crate::sql::attempts::AttemptRow;

impl Sender {
    /// Signs what frees the attempt's slot when an operator asked for it and nothing does yet; `None` = go on as usual.
    pub(super) fn free_if_wished(
        &self,
        lease: &Lease,
        view: &View,
        attempt: &AttemptRow,
    ) -> Result<Option<Turn>, StoreError> {
        let Some(intent) = attempt.intent.filter(|_| attempt.kind == AttemptKind::Payment && view.is_running)
        else {
            return Ok(None);
        };
        let is_freed_already = view.open.iter().any(|other| {
            other.kind == AttemptKind::Freeing && other.transaction.slot == attempt.transaction.slot
        });
        let wish =
            self.payouts.parts.store.read("payouts.wish", |tx| crate::sql::intents::by_id(tx, intent))?;
        if is_freed_already || !wish.is_some_and(|row| row.wish.frees()) {
            return Ok(None);
        }
        // While the slot is not open, or the payment is on its way to being final, there is nothing to free.
        let Ok(state) = self.chain.sender_state(&view.wallet.address) else { return Ok(None) };
        let Ok(unsigned) = self.chain.free_slot(&attempt.transaction, &state) else { return Ok(None) };
        if unsigned.slot != attempt.transaction.slot {
            return Ok(None);
        }
        let name = format!("payout/{intent}/free/{}", attempt.number);
        let order = Order { intent: name, key: self.wallet.clone(), work: Work::Upkeep };
        let may = |tx: &mut Tx<'_>, now| match Case::lock(tx, intent)?.filter(is_to_be_freed) {
            Some(case) => self.gate(tx, &case.wallet, now),
            None => Ok(Some("nothing is to be freed any more".to_owned())),
        };
        let remote = match self.sign_remotely(lease, &order, &unsigned, may)? {
            Remote::Local => None,
            Remote::Signed(freeing) => Some(*freeing),
            Remote::Wait(_) | Remote::Refused { .. } => return Ok(None),
        };
        let stored = self.payouts.parts.store.transact("payouts.free", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let Some(mut case) = Case::lock(tx, intent)?.filter(is_to_be_freed) else { return Ok(None) };
            if self.gate(tx, &case.wallet, now)?.is_some() {
                return Ok(None);
            }
            let Ok(freeing) = self.signature(tx, &order, &unsigned, remote.as_ref(), now)? else {
                return Ok(None);
            };
            let event = Event::Free { id: freeing.id.clone(), slot: freeing.slot.clone() };
            let added = Some(self.new_attempt(Some(intent), AttemptKind::Freeing, freeing, now));
            let done =
                self.payouts.change(tx, &mut case, event, added, Particulars::default(), &self.hand(now))?;
            Ok(done.ok().and_then(|()| case.attempts.pop()))
        })?;
        match stored {
            Some(freeing) => self.send_first(lease, &freeing, &view.wallet.desk, None).map(Some),
            None => Ok(None),
        }
    }
}

fn is_to_be_freed(case: &Case) -> bool {
    case.intent.wish.frees() && case.life().living_payments().next().is_some()
}
