//! What somebody wants signed.

use bursar_chain::Address;
use bursar_money::{Amount, Asset};

use crate::{KeyId, Rejection};

/// Longest id of an intent, in bytes.
const INTENT_LENGTH_MAX: usize = 128;
/// Longest destination, in bytes.
const DESTINATION_LENGTH_MAX: usize = 256;

/// What a signature would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Pay somebody.
    Payment {
        /// In which asset.
        asset: Asset,
        /// Whom, in the chain's canonical text.
        destination: Address,
        /// How much, in base units; above zero.
        amount: Amount,
    },
    /// Move no money to anybody: accept what came in, free a slot, cancel.
    Upkeep,
}

/// One intent that is to be signed with one key. The same intent may come again: it is charged once, unless so long
/// passed that its first charge has left the windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id of the intent, 1 to 128 bytes, one key's and one work's for ever.
    pub intent: String,
    /// The key.
    pub key: KeyId,
    /// What is to be signed.
    pub work: Work,
}

impl Order {
    /// Refuses what cannot be stored, and payments of nothing.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let fits = |text: &str, most| (1..=most).contains(&text.len()) && !text.contains('\0');
        if !fits(&self.intent, INTENT_LENGTH_MAX) {
            return Err(Rejection::Invalid { field: "intent", rule: "its id is 1 to 128 bytes without NUL" });
        }
        match &self.work {
            Work::Payment { destination, .. } if !fits(destination.as_str(), DESTINATION_LENGTH_MAX) => {
                Err(Rejection::Invalid { field: "destination", rule: "it is 1 to 256 bytes without NUL" })
            }
            Work::Payment { amount, .. } if amount.is_zero() => {
                Err(Rejection::Invalid { field: "amount", rule: "a payment is above zero" })
            }
            Work::Payment { .. } | Work::Upkeep => Ok(()),
        }
    }
}
