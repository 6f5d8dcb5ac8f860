//! What must hold once nothing stands in the way any more: who is paid, and what the chain says of it.

use std::collections::BTreeMap;

use super::Witness;
use super::rows::Tally;
use crate::chain::Truth;
use crate::faucet::statistics::Truth as Played;
use crate::faucet::terms::RAW_OF_E8;
use crate::faucet::wiring::operator;
use crate::invariant::{Breach, require};
use crate::payouts::rows::{Intent, Signed};
use crate::payouts::{FINAL, HELD, holdings};

impl Witness {
    /// Whether nothing is left to do: all kills are counted, and what may be paid now is paid. After a restore that lost
    /// payments only what was signed goes on, as soon as adoption has left what it cannot settle.
    pub fn is_at_rest(&self, played: &Played) -> bool {
        !self.wallet_stands_still()
            && self.is_signed_over()
            && self.uncounted(played).is_none()
            && match self.lacks_payments() {
                true => self.is_left_to_people(),
                false => self.all_are_paid_who_may_be() && self.unpaid().is_none(),
            }
    }

    /// Whether what was signed is over. A desk that stays halted sends nothing: what the chain never had stays signed.
    fn is_signed_over(&self) -> bool {
        let stays = |attempt: &Signed| !self.landed.contains_key(&attempt.transaction);
        let mut live = self.seen.attempts.values().filter(|attempt| attempt.state < 2).peekable();
        live.peek().is_none() || (self.lacks_payments() && live.all(stays))
    }

    /// Whether only players who are held for review or revoked wait for a payout.
    fn all_are_paid_who_may_be(&self) -> bool {
        let is_kept_back = |intent: &Intent| {
            let payee = self.seen.payees.get(&intent.id);
            intent.state == HELD && payee.is_some_and(|payee| self.seen.desk.keeps_back(*payee))
        };
        self.seen.intents.values().all(|intent| intent.state >= FINAL || is_kept_back(intent))
    }

    /// Somebody who may be paid and has more open than a payout needs, within the caps.
    fn unpaid(&self) -> Option<&Tally> {
        let desk = &self.seen.desk;
        desk.tallies.iter().filter(|tally| !tally.dry_run && tally.open.1 > 0).find(|tally| {
            let user = desk.users.get(&tally.user).filter(|user| user.eligibility == "eligible");
            let player = user.and_then(|user| user.player.as_deref());
            player.is_some_and(|player| self.seen.wallets.is_linked(player))
                && self.payable(desk, tally.user) >= self.terms.minimum_e8.max(1)
        })
    }

    /// Somebody who earns and whose cursor is not where the game is: account, kills played, kills counted.
    fn uncounted(&self, played: &Played) -> Option<(String, i64, Option<i64>)> {
        let desk = &self.seen.desk;
        desk.users.iter().find_map(|(id, user)| {
            let account =
                user.account.as_ref().filter(|_| user.is_member && user.eligibility != "revoked")?;
            let is_linked = user.player.as_ref().is_some_and(|player| self.seen.wallets.is_linked(player));
            let played = played.get(account).copied().filter(|_| is_linked)?;
            let tally = desk.tallies.iter().find(|tally| tally.user == *id && !tally.dry_run);
            let counted = tally.and_then(|tally| tally.kills).map(|(_, cursor)| cursor);
            (counted != Some(played)).then(|| (account.clone(), played, counted))
        })
    }

    /// The book says what the chain says.
    pub fn check_rest(&mut self, truth: &Truth, played: &Played) -> Result<(), Breach> {
        holdings::check_rest(&self.connected(), (operator().as_str(), truth), self.restores > 0, false)?;
        require!(PaidOnce, self.is_signed_over(), "what was signed is not over");
        let uncounted = self.uncounted(played);
        require!(KillsOnce, uncounted.is_none(), "nobody counts the kills of {uncounted:?}");
        let is_whole = !self.lacks_payments();
        let unpaid = self.unpaid().filter(|_| is_whole);
        require!(PaidOnce, unpaid.is_none(), "{unpaid:?} is owed what nothing keeps back");
        if !is_whole {
            self.check_left()?;
            self.reach("witness", "rest not checked: that all are paid, as payments are missing");
        }
        let desk = &self.seen.desk;
        require!(
            ChainIsBook,
            is_whole || self.restores > 0,
            "payments are missing, and nothing was restored"
        );
        let sent = self.sent();
        for tally in desk.tallies.iter().filter(|tally| !tally.dry_run) {
            let sent = sent.get(&tally.user).copied().unwrap_or(0);
            let settled = u128::try_from(tally.settled.1).unwrap_or(0) * RAW_OF_E8;
            require!(ChainIsBook, sent == settled, "{tally:?} was sent {sent}, settled is {settled}");
            let rests = !is_whole || tally.reserved == (0, 0) || desk.keeps_back(tally.user);
            require!(PaidOnce, rests, "{tally:?} waits for payouts that nobody pays");
        }
        let (all, here) = (self.landed.values().sum::<u128>(), sent.values().sum::<u128>());
        require!(ChainIsBook, !is_whole || all == here, "the chain paid {all}, payouts of that are {here}");
        require!(
            RestoreNeverRepays,
            is_whole || self.is_halted(),
            "payments are missing, and the desk goes on"
        );
        Ok(())
    }

    /// What the chain has paid to each player for payouts that are on record here, adopted or not, in raw.
    fn sent(&self) -> BTreeMap<i64, u128> {
        let payments = self.seen.attempts.values().filter(|attempt| attempt.kind == 0);
        let ordered = payments.filter_map(|attempt| {
            let user = self.seen.payees.get(&attempt.intent?)?;
            Some((&attempt.transaction, *user))
        });
        let adopted = self.seen.adopted.iter().map(|(transaction, adopted)| (transaction, adopted.user));
        let payees: BTreeMap<&String, i64> = ordered.chain(adopted).collect();
        let mut sent = BTreeMap::new();
        for (transaction, user) in payees {
            if let Some(amount) = self.landed.get(transaction) {
                *sent.entry(user).or_default() += amount;
            }
        }
        sent
    }
}
