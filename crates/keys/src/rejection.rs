//! What callers are refused for, with a stable code, a status, and words on what to do next.

use bursar_money::{Amount, Asset};

use crate::{KeyId, SealError};

/// A refusal: the caller's doing, or a limit that somebody set. The text can be shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Who asked may not, or not without other people's approval.
    #[error(transparent)]
    Access(#[from] bursar_access::Rejection),
    /// A value that breaks its rule.
    #[error("The {field} is not acceptable: {rule}. Correct it and try again.")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What holds for it.
        rule: &'static str,
    },
    /// The name is taken; names are never given twice.
    #[error("A key of this name exists already. Choose another name: those of retired keys stay taken.")]
    KeyExists,
    /// No key has this name.
    #[error("There is no key of this name. Look it up in the list of keys.")]
    KeyUnknown,
    /// The same wallet under another name.
    #[error(
        "This private key is the key {0} already, retired or not. One wallet is one key of one desk; use another."
    )]
    WalletInUse(KeyId),
    /// No scheme has this name.
    #[error("No signature scheme is called {0:?} here. Name one that this program knows.")]
    SchemeUnknown(String),
    /// The secret is none of the scheme's.
    #[error("This is no secret of the scheme, or nobody can hold its account. Check which key was meant.")]
    BadSecret,
    /// The key was retired for good.
    #[error("This key is retired: it signs nothing any more, for good. Use another key.")]
    KeyRetired,
    /// The key is stopped.
    #[error("This key is stopped: {reason}. Find out why, then resume it.")]
    KeyStopped {
        /// Why.
        reason: String,
    },
    /// A switch is on, or its state is unknown.
    #[error("Nothing is signed while {switch} is stopped or cannot be read. Resume it, then try again.")]
    SwitchStopped {
        /// Which.
        switch: &'static str,
    },
    /// The key has no policy.
    #[error("This key has no policy, so it signs nothing. Set one first.")]
    NoPolicy,
    /// The policy is about another asset.
    #[error("This key pays in {0}. Use a key for the asset that is to be paid.")]
    OtherAsset(Asset),
    /// The intent was authorised for something else before.
    #[error(
        "This intent was authorised for another key, destination or amount before. Use an intent of its own."
    )]
    IntentReused,
    /// The destination is not on the list.
    #[error("The destination is not on this key's list. An admin can list it.")]
    DestinationNotListed,
    /// More than one payment may be.
    #[error("One payment of this key is {max} base units at most. Pay less, or have the policy changed.")]
    AbovePaymentMax {
        /// The most.
        max: Amount,
    },
    /// More than the window has left.
    #[error(
        "This key may pay {max} base units in any {window_ms} ms, of which {left} are left. Wait, or have the policy \
         changed."
    )]
    AboveCap {
        /// Length of the window.
        window_ms: i64,
        /// The most.
        max: Amount,
        /// What could be paid now.
        left: Amount,
    },
    /// Other people must approve.
    #[error(
        "A payment of this size takes the approval of {needed} other people and has {given}. File an approval request \
         for it, have it approved, and authorise it with its id."
    )]
    ApprovalNeeded {
        /// Approvers needed.
        needed: u32,
        /// Approvers that count so far.
        given: u32,
    },
    /// The change is already in effect, or there is nothing to do.
    #[error("This is so already; nothing was changed.")]
    NothingToChange,
    /// The authorisation was not recorded in this transaction, was not committed, or was taken over by a later one.
    #[error(
        "Nothing is recorded that allows this signature. Authorise it again, and sign in the same transaction."
    )]
    NotAuthorized,
    /// The authorisation is too old to be signed.
    #[error("The authorisation is too old to be signed. Authorise it again.")]
    AuthorizationExpired,
    /// A remote signer is not called within a transaction.
    #[error("This key is held by a remote signer. Commit the authorisation first, then sign.")]
    CommitFirst,
}

/// Every code of this room with its status, for the registry of error codes. Those of `bursar_access` come on top.
pub const CODES: [(&str, u16); 20] = [
    ("invalid_body", 400),
    ("key_exists", 409),
    ("key_not_found", 404),
    ("wallet_in_use", 409),
    ("scheme_unknown", 400),
    ("bad_secret", 400),
    ("key_retired", 409),
    ("key_stopped", 409),
    ("signing_stopped", 503),
    ("key_without_policy", 409),
    ("other_asset", 409),
    ("intent_reused", 409),
    ("destination_not_listed", 403),
    ("above_payment_max", 409),
    ("above_cap", 409),
    ("approval_needed", 409),
    ("nothing_to_change", 409),
    ("not_authorized", 409),
    ("authorization_expired", 409),
    ("commit_first", 409),
];

impl Rejection {
    /// The stable code; it never changes once published.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Rejection::Access(rejection) => rejection.code(),
            Rejection::Invalid { .. } => "invalid_body",
            Rejection::KeyExists => "key_exists",
            Rejection::KeyUnknown => "key_not_found",
            Rejection::WalletInUse(_) => "wallet_in_use",
            Rejection::SchemeUnknown(_) => "scheme_unknown",
            Rejection::BadSecret => "bad_secret",
            Rejection::KeyRetired => "key_retired",
            Rejection::KeyStopped { .. } => "key_stopped",
            Rejection::SwitchStopped { .. } => "signing_stopped",
            Rejection::NoPolicy => "key_without_policy",
            Rejection::OtherAsset(_) => "other_asset",
            Rejection::IntentReused => "intent_reused",
            Rejection::DestinationNotListed => "destination_not_listed",
            Rejection::AbovePaymentMax { .. } => "above_payment_max",
            Rejection::AboveCap { .. } => "above_cap",
            Rejection::ApprovalNeeded { .. } => "approval_needed",
            Rejection::NothingToChange => "nothing_to_change",
            Rejection::NotAuthorized => "not_authorized",
            Rejection::AuthorizationExpired => "authorization_expired",
            Rejection::CommitFirst => "commit_first",
        }
    }

    /// The HTTP status it is sent with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Rejection::Access(rejection) => rejection.status(),
            Rejection::Invalid { .. } | Rejection::SchemeUnknown(_) | Rejection::BadSecret => 400,
            Rejection::DestinationNotListed => 403,
            Rejection::KeyUnknown => 404,
            Rejection::SwitchStopped { .. } => 503,
            Rejection::KeyExists
            | Rejection::WalletInUse(_)
            | Rejection::KeyRetired
            | Rejection::KeyStopped { .. }
            | Rejection::NoPolicy
            | Rejection::OtherAsset(_)
            | Rejection::IntentReused
            | Rejection::AbovePaymentMax { .. }
            | Rejection::AboveCap { .. }
            | Rejection::ApprovalNeeded { .. }
            | Rejection::NothingToChange
            | Rejection::NotAuthorized
            | Rejection::AuthorizationExpired
            | Rejection::CommitFirst => 409,
        }
    }
}

/// Why an operation on keys was not done, other than a failing store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The caller's doing, or a limit.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Ours: a secret does not open.
    #[error(transparent)]
    Sealed(#[from] SealError),
}

impl From<bursar_access::Rejection> for KeyError {
    fn from(rejection: bursar_access::Rejection) -> KeyError {
        KeyError::Rejected(Rejection::Access(rejection))
    }
}

impl KeyError {
    /// The rejection's stable code; `internal` for a fault of ours.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            KeyError::Rejected(rejection) => rejection.code(),
            KeyError::Sealed(_) => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejections_code_and_status_are_in_the_list() {
        let [max, left] = [Amount::new(2), Amount::new(1)];
        let one_of_each = [
            Rejection::Invalid { field: "name", rule: "r" },
            Rejection::KeyExists,
            Rejection::KeyUnknown,
            Rejection::WalletInUse(KeyId::parse("ab").unwrap()),
            Rejection::SchemeUnknown("x".into()),
            Rejection::BadSecret,
            Rejection::KeyRetired,
            Rejection::KeyStopped { reason: "drill".into() },
            Rejection::SwitchStopped { switch: "payouts_halted" },
            Rejection::NoPolicy,
            Rejection::OtherAsset(Asset::Banano),
            Rejection::IntentReused,
            Rejection::DestinationNotListed,
            Rejection::AbovePaymentMax { max },
            Rejection::AboveCap { window_ms: 1, max, left },
            Rejection::ApprovalNeeded { needed: 2, given: 1 },
            Rejection::NothingToChange,
            Rejection::NotAuthorized,
            Rejection::AuthorizationExpired,
            Rejection::CommitFirst,
        ];
        assert_eq!(one_of_each.map(|rejection| (rejection.code(), rejection.status())), CODES);
    }
}
