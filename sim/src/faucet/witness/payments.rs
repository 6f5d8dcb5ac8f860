//! Payments as they were signed, and as the chain has them: no restore takes these back.

use bursar_chain::Attempt;

use super::{Promise, Witness};
use crate::chain::Landed;
use crate::faucet::terms::RAW_OF_E8;
use crate::invariant::{Breach, require};
use crate::payouts::rows::Signed;

impl Witness {
    /// What a payment pays for, as its accruals stood when it was signed.
    pub(super) fn note_promise(&mut self, attempt: &Signed) -> Result<(), Breach> {
        if attempt.is_imported || self.promises.contains_key(&attempt.transaction) {
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
        let rows = self.seen.desk.accruals.values().filter(|row| row.payout == Some(payout.id));
        let kills =
            rows.map(|row| ((row.user, row.account.clone(), row.baseline), row.from, row.to)).collect();
        let promise = Promise { key: intent.key.clone(), kills };
        self.promises.insert(attempt.transaction.clone(), promise);
        Ok(())
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
        let Some((_, amount)) = payment else { return Ok(()) };
        let promise = self.promises.get(&landed.id).cloned();
        let Some(promise) = promise else {
            require!(PaidOnce, false, "{} pays {amount}, which nobody owes", landed.id);
            return Ok(());
        };
        let first = self.paid_keys.insert(promise.key.clone(), landed.id.clone());
        if let Some(first) = first {
            let words = format!("{} is paid by {first} and again by {}", promise.key, landed.id);
            require!(RestoreNeverRepays, self.is_on_record(&first), "{words}");
            require!(PaidOnce, false, "{words}");
        }
        for (counted, from, to) in promise.kills {
            let paid = self.paid.get(&counted).map_or(&[][..], Vec::as_slice);
            let again = paid.iter().find(|(start, end, _)| from < *end && *start < to).cloned();
            if let Some(again) = again {
                let words =
                    format!("kills {from} to {to} of {counted:?} are paid by {again:?} and {}", landed.id);
                require!(RestoreNeverRepays, self.is_on_record(&again.2), "{words}");
                require!(PaidOnce, false, "{words}");
            }
            self.paid.entry(counted).or_default().push((from, to, landed.id.clone()));
        }
        Ok(())
    }
}
