//! What must hold once everything has come to rest.

use super::super::holdings;
use super::super::put_back::PutBack;
use super::super::rows::Intent;
use super::{CANCELLED, FINAL, Witness};
use crate::chain::Truth;
use crate::invariant::{Breach, require};

impl Witness {
    /// Whether nothing is left to do.
    pub fn is_at_rest(&self) -> bool {
        let is_over = self.seen.intents.values().all(|intent| intent.state >= FINAL);
        is_over && self.wallets_run() && holdings::live(&self.connected()).is_empty()
    }

    /// Whether no wallet stands still: after a restore one may wait for somebody to look at its chain.
    pub fn wallets_run(&self) -> bool {
        holdings::wallets_run(&self.connected())
    }

    /// Everything accepted is paid, or was taken back; the book says what the chain says.
    pub fn check_rest(&self, truths: &[(String, Truth)]) -> Result<(), Breach> {
        let live = holdings::live(&self.connected());
        require!(PaidOnce, live.is_empty(), "nothing stands in its way, and it is not over: {live:?}");
        let is_booked_by_hand = self.restores > 0 || self.is_matched_by_hand;
        let forgets = self.put_back == PutBack::WithJournal && self.restores > 0;
        for (wallet, truth) in truths {
            holdings::check_rest(&self.connected(), (wallet, truth), is_booked_by_hand, forgets)?;
        }
        for intent in self.seen.intents.values() {
            let paid = self.paid.get(&intent.to).map(|(transaction, _)| transaction);
            let may_end = self.seen.cancels.may_end(intent.id) || !intent.has_hold;
            // What was paid by a transaction that a restore forgot may only be taken back.
            let is_forgotten = paid.is_some_and(|paid| !self.seen.bytes.contains_key(paid));
            // Nor is it known to be on record again before a server has looked at a chain whose journal fell back too: then what
            // waits is taken back.
            let is_unlooked = forgets && intent.state == CANCELLED;
            // What a journal brings back beside an order that is over stands for a transaction of its own.
            let is_beside = !intent.has_hold && self.is_paid_as_another(intent);
            let is_forgotten = is_forgotten || is_unlooked || is_beside;
            let is_right = match intent.state {
                FINAL => paid.is_some(),
                state => state > FINAL && may_end && (paid.is_none() || is_forgotten),
            };
            require!(PaidOnce, is_right, "{intent:?} is not over as it should be; paid by {paid:?}");
        }
        Ok(())
    }

    fn is_paid_as_another(&self, intent: &Intent) -> bool {
        let paid = self.paid.get(&intent.to).map(|(transaction, _)| transaction);
        let mut paying = self.seen.attempts.values().filter(|attempt| Some(&attempt.transaction) == paid);
        let payer = paying.next().and_then(|attempt| self.seen.intents.get(&attempt.intent?));
        payer.is_some_and(|payer| payer.id != intent.id && payer.state == FINAL)
    }
}
