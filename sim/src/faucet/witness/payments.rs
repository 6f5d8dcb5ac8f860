//! Payments as they were signed, and as the chain has them: no restore takes these back.

use bursar_chain::Attempt;

use super::rows::{Accrual, Desk};
use super::{Adopted, Promise, Range, Witness};
use crate::chain::Landed;
use crate::faucet::terms::RAW_OF_E8;
use crate::invariant::{Breach, require};
use crate::payouts::rows::Signed;

impl Witness {
    /// What a payment pays for, as its accruals stood when it was signed.
    pub(super) fn note_promise(&mut self, attempt: &Signed) -> Result<(), Breach> {
        if self.promises.contains_key(&attempt.transaction) {
            return Ok(());
        }
        let intent = attempt.intent.and_then(|intent| self.seen.intents.get(&intent));
        let payout = self.seen.desk.payouts.values().find(|payout| payout.intent == attempt.intent);
        let (Some(intent), Some(payout)) = (intent, payout) else {
            require!(PaidOnce, false, "{attempt:?} pays no payout of the desk's");
            return Ok(());
        };
        let is_same = intent.to == payout.address
            && u128::try_from(payout.amount).is_ok_and(|amount| amount * RAW_OF_E8 == intent.amount);
        require!(PaidOnce, is_same, "{intent:?} is not what {payout:?} says");
        let promise = Promise {
            key: intent.key.clone(),
            player: self.seen.players.get(&payout.user).cloned(),
            to: payout.address.clone(),
            amount: intent.amount,
            kills: self.kills_of(&self.seen.desk, payout.id),
        };
        self.promises.insert(attempt.transaction.clone(), promise);
        Ok(())
    }

    /// The kills of a payout's rows.
    pub(super) fn kills_of(&self, desk: &Desk, payout: i64) -> Vec<Range> {
        let account = |row: &Accrual| self.seen.accounts.get(&row.id).cloned();
        let rows = desk.accruals.values().filter(|row| row.payout == Some(payout));
        let kills = rows.map(|row| Range {
            account: account(row).unwrap_or_else(|| format!("of accrual {}", row.id)),
            counted: (row.user, row.baseline),
            from: row.from,
            to: row.to,
        });
        kills.collect()
    }

    /// Bytes are about to leave: they must have been seen committed.
    pub fn check_stored(&self, attempt: &Attempt) -> Result<(), Breach> {
        let is_stored = self.seen.bytes.get(attempt.id.as_str()).is_some_and(|bytes| *bytes == attempt.bytes);
        require!(BytesFirst, is_stored, "{} leaves, and is not committed", attempt.id);
        Ok(())
    }

    /// Whether a transaction is known here: what a restore forgot is not.
    fn is_on_record(&self, transaction: &str) -> bool {
        self.restores == 0 || self.seen.bytes.contains_key(transaction)
    }

    /// Something became final.
    pub fn admit_landed(&mut self, landed: &Landed) -> Result<(), Breach> {
        require!(PaidOnce, !self.dead.contains(&landed.id), "{} was called dead and is final", landed.id);
        let payment = landed.payment();
        self.landed.insert(landed.id.clone(), payment.as_ref().map_or(0, |(_, amount)| *amount));
        let Some((to, amount)) = payment else { return Ok(()) };
        let promise = self.promises.get(&landed.id).cloned();
        let Some(promise) = promise else {
            require!(PaidOnce, false, "{} pays {amount}, which nobody owes", landed.id);
            return Ok(());
        };
        let is_as_promised = (&to, amount) == (&promise.to, promise.amount);
        require!(PaidOnce, is_as_promised, "{} pays {to} {amount}, promised is {promise:?}", landed.id);
        let first = self.paid_keys.insert(promise.key.clone(), landed.id.clone());
        // Of what was adopted the records know no order, so that its numbers may be given again.
        if let Some(first) = first.filter(|first| !self.seen.adopted.contains_key(first)) {
            let words = format!("{} is paid by {first} and again by {}", promise.key, landed.id);
            require!(RestoreNeverRepays, self.is_on_record(&first), "{words}");
            require!(PaidOnce, false, "{words}");
        }
        if let Some(adopted) = self.seen.adopted.get(&landed.id).map(|adopted| adopted.kills.clone()) {
            adopted.iter().try_for_each(|range| self.check_unpaid(range, &landed.id))?;
            promise.kills.into_iter().for_each(|range| self.keep_paid(range, &landed.id));
            return Ok(());
        }
        promise.kills.into_iter().try_for_each(|range| self.note_paid(range, &landed.id))
    }

    fn keep_paid(&mut self, range: Range, transaction: &str) {
        self.paid.entry(range.account.clone()).or_default().push((range, transaction.to_owned()));
    }

    /// Kills that a payment paid: nobody has paid them.
    pub(super) fn note_paid(&mut self, range: Range, transaction: &str) -> Result<(), Breach> {
        let checked = self.check_unpaid(&range, transaction);
        self.keep_paid(range, transaction);
        checked
    }

    /// No kill of an account is paid a second time, by whichever baseline and to whomever, unless a restore forgot how far the
    /// account was counted and statistics told the later baseline less (docs/spec/faucet.md 3.1). A payment that was adopted
    /// has paid the kills that it settled then, of as much worth, and not those that it was signed for (3.14).
    fn check_unpaid(&mut self, range: &Range, transaction: &str) -> Result<(), Breach> {
        let paid = self.paid.get(&range.account).map(Vec::as_slice).unwrap_or_default();
        let is_paid = |(id, _): &(&String, &Adopted)| *id != transaction && self.landed.contains_key(*id);
        let adopted = self.seen.adopted.iter().filter(is_paid).flat_map(|(transaction, adopted)| {
            let own = adopted.kills.iter().filter(|other| other.account == range.account);
            own.map(move |other| (other, transaction))
        });
        let as_signed = paid.iter().filter(|(_, transaction)| !self.seen.adopted.contains_key(transaction));
        let all = as_signed.map(|(other, transaction)| (other, transaction)).chain(adopted);
        let overlaps = all.filter(|(other, _)| range.from < other.to && other.from < range.to);
        let (allowed, again): (Vec<_>, Vec<_>) = overlaps.partition(|(other, _)| {
            let later = other.counted.max(range.counted);
            self.restores > 0 && other.counted != range.counted && self.outside.is_low(later, &range.account)
        });
        let again = again.first().map(|(other, first)| (Range::clone(other), String::clone(first)));
        let is_repeated = !allowed.is_empty();
        if let Some((other, first)) = again {
            let words = format!("{range:?} is paid by {transaction}, {other:?} was by {first}");
            require!(RestoreNeverRepays, self.is_on_record(&first), "{words}");
            require!(PaidOnce, false, "{words}");
        }
        if is_repeated {
            self.reach("witness", "kills paid again below a baseline that a restore let begin too low");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faucet::terms::Terms;
    use crate::invariant::Invariant;
    use crate::scenario::Scenario;

    fn witness() -> Witness {
        Witness::new(&Terms::of(&Scenario::new(1)))
    }

    fn broken(witness: &mut Witness, counted: (i64, i64), from: i64, to: i64) -> Option<Invariant> {
        let range = Range { account: "epic".to_owned(), counted, from, to };
        witness.note_paid(range, "t").err().map(|breach| breach.invariant)
    }

    #[test]
    fn no_two_players_and_no_two_baselines_are_paid_for_one_kill_of_an_account() {
        for other in [(1, 1), (1, 2), (2, 1)] {
            let mut witness = witness();
            assert_eq!(broken(&mut witness, (1, 1), 10, 20), None);
            assert_eq!(broken(&mut witness, other, 20, 30), None);
            assert_eq!(broken(&mut witness, other, 29, 31), Some(Invariant::PaidOnce));
        }
    }

    #[test]
    fn what_begins_too_low_since_a_restore_counts_again_from_there_and_only_once() {
        let mut witness = witness();
        witness.restores = 1;
        witness.outside.count("epic", 20);
        witness.outside.begin((1, 2), "epic", 12);
        assert_eq!(broken(&mut witness, (1, 1), 10, 20), None);
        assert_eq!(broken(&mut witness, (1, 2), 12, 25), None);
        assert_eq!(broken(&mut witness, (1, 2), 24, 26), Some(Invariant::RestoreNeverRepays));
        assert_eq!(broken(&mut witness, (1, 3), 24, 26), Some(Invariant::RestoreNeverRepays));
    }
}
