//! An order as it is given, and the hash by which its repetition is told from a mistake.

use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::AccountSlot;
use bursar_money::{Amount, Asset};

use crate::Rejection;
use crate::ids::{IdempotencyKey, REASON_CHARACTERS_MAX};

const HASH_CONTEXT: &str = "bursar payouts order v1";

/// Somebody to be paid.
#[derive(Clone, Debug)]
pub struct PayoutOrder {
    /// The desk that owes it.
    pub desk: &'static str,
    /// The wallet that pays it, one of the desk's.
    pub wallet: KeyId,
    /// The caller's name for it, one payout's for ever.
    pub key: IdempotencyKey,
    /// Whom, in any text that the chain reads; what is stored and paid is its canonical form.
    pub destination: Address,
    /// How much, in base units of the wallet's asset; above zero.
    pub amount: Amount,
    /// The account in the caller's book that it is paid from. Not part of what a repetition must repeat.
    pub debit: AccountSlot,
    /// The desk's own row, given back in each [`crate::Change`]; 0 = none.
    pub reference: i64,
    /// Why, for people: at most 200 characters.
    pub reason: String,
}

impl PayoutOrder {
    /// What a repetition must repeat, with the destination in canonical form. `other_asset` is what was asked for when the
    /// wallet does not pay in it, so that no order which was accepted has the same hash.
    pub(super) fn hash(&self, destination: &Address, other_asset: Option<Asset>) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(HASH_CONTEXT);
        let amount = self.amount.to_be_bytes();
        let reference = self.reference.to_be_bytes();
        let parts: [&[u8]; 6] = [
            self.desk.as_bytes(),
            self.wallet.as_str().as_bytes(),
            destination.as_str().as_bytes(),
            &amount,
            &reference,
            self.reason.as_bytes(),
        ];
        for part in parts.into_iter().chain(other_asset.map(|asset| asset.symbol().as_bytes())) {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            hasher.update(&length.to_be_bytes()).update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// Refuses what cannot be stored, and payments of nothing.
    pub(super) fn check(&self) -> Result<(), Rejection> {
        let is_long = self.reason.chars().count() > REASON_CHARACTERS_MAX;
        if is_long || self.reason.contains('\0') {
            return Err(Rejection::Invalid {
                field: "reason",
                rule: "it is at most 200 characters without NUL",
            });
        }
        if self.amount.is_zero() {
            return Err(Rejection::Invalid { field: "amount", rule: "a payout is above zero" });
        }
        if self.reference < 0 {
            return Err(Rejection::Invalid { field: "reference", rule: "it is a row's number, or 0" });
        }
        Ok(())
    }
}
