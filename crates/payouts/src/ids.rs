//! Names of payouts: their ids, the caller's key, and where they stand.

use std::fmt;

use bursar_store::StoreError;

use crate::Rejection;

/// Longest idempotency key, in bytes.
const KEY_LENGTH_MAX: usize = 160;
/// Longest reason, in characters.
pub const REASON_CHARACTERS_MAX: usize = 200;

/// The number of an intent, ascending in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub i64);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The caller's name for one payout, 1 to 160 visible ASCII characters: whoever asks again with it asks for the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub fn parse(text: &str) -> Result<IdempotencyKey, Rejection> {
        let fits =
            (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let rule = "it is 1 to 160 visible ASCII characters";
        fits.then(|| IdempotencyKey(text.to_owned()))
            .ok_or(Rejection::Invalid { field: "idempotency key", rule })
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where an intent stands. `Failed` after a signature means that every attempt is proven dead; unknown is never that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentState {
    /// Its money is held and it waits for its turn.
    Accepted,
    /// It waits for somebody or something; nothing of it lives on the chain.
    Held,
    /// A transaction for it is signed and stored.
    Signed,
    /// That transaction was handed to nodes.
    Broadcast,
    /// Paid, for good.
    Final,
    /// Not paid, for good: refused before a signature, or all its transactions proven dead.
    Failed,
    /// Taken back before anything was signed.
    Cancelled,
}

impl IntentState {
    /// All states, in the order of their codes.
    pub const ALL: [IntentState; 7] = [
        IntentState::Accepted,
        IntentState::Held,
        IntentState::Signed,
        IntentState::Broadcast,
        IntentState::Final,
        IntentState::Failed,
        IntentState::Cancelled,
    ];

    /// Its name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            IntentState::Accepted => "accepted",
            IntentState::Held => "held",
            IntentState::Signed => "signed",
            IntentState::Broadcast => "broadcast",
            IntentState::Final => "final",
            IntentState::Failed => "failed",
            IntentState::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<IntentState> {
        IntentState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        match self {
            IntentState::Accepted | IntentState::Held | IntentState::Signed | IntentState::Broadcast => false,
            IntentState::Final | IntentState::Failed | IntentState::Cancelled => true,
        }
    }

    pub(crate) const fn code(self) -> i64 {
        match self {
            IntentState::Accepted => 0,
            IntentState::Held => 1,
            IntentState::Signed => 2,
            IntentState::Broadcast => 3,
            IntentState::Final => 4,
            IntentState::Failed => 5,
            IntentState::Cancelled => 6,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<IntentState, StoreError> {
        let found = IntentState::ALL.into_iter().find(|state| state.code() == code);
        found.ok_or_else(|| StoreError::Decode(format!("payout state {code}")))
    }
}

impl fmt::Display for IntentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_1_to_160_visible_characters() {
        for good in ["a", "settle:7f00", &"k".repeat(160)] {
            assert_eq!(IdempotencyKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " a", "a b", "é", "a\n", &"k".repeat(161)] {
            assert_eq!(IdempotencyKey::parse(bad).unwrap_err().code(), "invalid_body", "{bad:?}");
        }
    }

    #[test]
    fn a_state_is_read_back_from_its_code_and_its_name() {
        for state in IntentState::ALL {
            assert_eq!(IntentState::from_code(state.code()).unwrap(), state);
            assert_eq!(IntentState::from_name(state.name()), Some(state));
        }
        assert!(IntentState::from_code(7).is_err());
    }
}
