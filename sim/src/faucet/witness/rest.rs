//! What must hold once nothing stands in the way any more: who is paid, and what the chain says of it.

use std::collections::BTreeMap;

use super::{Witness, rows};
use crate::chain::Truth;
use crate::faucet::terms::RAW_OF_E8;
use crate::faucet::wiring::operator;
use crate::invariant::{Breach, require};
use crate::payouts::rows::{Intent, Signed};
use crate::payouts::{FINAL, HELD, holdings};

impl Witness {
    /// Whether nothing is left to do: what may be paid now is paid. After a restore that lost payments only what was signed
    /// goes on.
    pub fn is_at_rest(&self) -> bool {
        !self.wallet_stands_still()
            && self.is_signed_over()
            && (self.lacks_payments() || self.all_are_paid_who_may_be())
    }

    /// Whether what was signed is over. A desk that stays halted sends nothing: what the chain never had stays signed.
    fn is_signed_over(&self) -> bool {
        let stays = |attempt: &Signed| !self.landed.contains_key(&attempt.transaction);
        let mut live = self.seen.attempts.values().filter(|attempt| attempt.state < 2);
        live.all(|attempt| self.lacks_payments() && stays(attempt))
    }

    /// Whether only players who are held for review or revoked wait for a payout.
    fn all_are_paid_who_may_be(&self) -> bool {
        let kept_back = rows::kept_back(self.connected()).expect("the witness can read");
        let is_kept_back = |intent: &Intent| {
            let payee = self.seen.payees.get(&intent.id);
            intent.state == HELD && payee.is_some_and(|payee| kept_back.contains(payee))
        };
        self.seen.intents.values().all(|intent| intent.state >= FINAL || is_kept_back(intent))
    }

    /// The book says what the chain says.
    pub fn check_rest(&mut self, truth: &Truth) -> Result<(), Breach> {
        holdings::check_rest(self.connected(), (operator().as_str(), truth), self.restores)?;
        require!(PaidOnce, self.is_signed_over(), "what was signed is not over");
        let is_whole = !self.lacks_payments();
        if !is_whole {
            self.reach("witness", "rest not checked: that all are paid, as payments are missing");
        }
        let desk = &self.seen.desk;
        require!(
            ChainIsBook,
            is_whole || self.restores > 0,
            "payments are missing, and nothing was restored"
        );
        let (sent, kept_back) =
            (self.sent(), rows::kept_back(self.connected()).expect("the witness can read"));
        for tally in desk.tallies.iter().filter(|tally| !tally.dry_run) {
            let sent = sent.get(&tally.user).copied().unwrap_or(0);
            let settled = u128::try_from(tally.settled.1).unwrap_or(0) * RAW_OF_E8;
            require!(ChainIsBook, sent == settled, "{tally:?} was sent {sent}, settled is {settled}");
            let rests = !is_whole || tally.reserved == (0, 0) || kept_back.contains(&tally.user);
            require!(PaidOnce, rests, "{tally:?} waits for payouts that nobody pays");
        }
        let (all, here) = (self.landed.values().sum::<u128>(), sent.values().sum::<u128>());
        require!(ChainIsBook, !is_whole || all == here, "the chain paid {all}, payouts of that are {here}");
        require!(
            RestoreNeverRepays,
            is_whole || desk.is_halted,
            "payments are missing, and the desk goes on"
        );
        Ok(())
    }

    /// What the chain has paid to each player for payouts that are on record here, in raw.
    fn sent(&self) -> BTreeMap<i64, u128> {
        let mut sent = BTreeMap::new();
        for attempt in self.seen.attempts.values().filter(|attempt| attempt.kind == 0) {
            let user = attempt.intent.and_then(|intent| self.seen.payees.get(&intent));
            if let (Some(user), Some(amount)) = (user, self.landed.get(&attempt.transaction)) {
                *sent.entry(*user).or_default() += amount;
            }
        }
        sent
    }
}
