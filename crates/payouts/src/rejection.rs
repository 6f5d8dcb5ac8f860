//! What callers are refused for, with a stable code, a status, and words on what to do next.

use bursar_chain::AddressError;
use bursar_money::{Amount, Asset};

use crate::IntentState;

/// A refusal: the caller's doing, or a limit that somebody set. The text can be shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Who asked may not, or not without other people's approval.
    #[error(transparent)]
    Access(#[from] bursar_access::Rejection),
    /// The signing key's policy refuses it whatever time passes.
    #[error(transparent)]
    Key(#[from] bursar_keys::Rejection),
    /// A value that breaks its rule.
    #[error("The {field} is not acceptable: {rule}. Correct it and try again.")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What holds for it.
        rule: &'static str,
    },
    /// The destination is no address that can be paid to.
    #[error("The destination cannot be paid: {0}.")]
    Address(AddressError),
    /// The destination is the wallet itself.
    #[error("The destination is the wallet that pays. Name the account of whoever is to be paid.")]
    OwnWallet,
    /// The key was given before with another order.
    #[error(
        "This idempotency key was used for another payout (its hash is {stored}, the hash of this one {given}). Use a \
         key of its own for each payout, and repeat a payout with the same body."
    )]
    KeyReused {
        /// Hash of the order that was first given, in hexadecimal digits.
        stored: String,
        /// Hash of this one.
        given: String,
    },
    /// No wallet has this name, or it is another desk's.
    #[error("The desk has no wallet of this name. Look it up in the list of wallets.")]
    WalletUnknown,
    /// The account holds something else than the wallet pays.
    #[error("This wallet pays {0}. Use a wallet of the asset that is to be paid.")]
    OtherAsset(Asset),
    /// The account that is to be debited does not hold enough.
    #[error("The account to be debited does not hold enough. Pay less, or fund it first.")]
    InsufficientFunds,
    /// A switch is on, or its state is unknown.
    #[error("No payout is accepted while {switch} is stopped or cannot be read. Resume it, then try again.")]
    Stopped {
        /// Which.
        switch: &'static str,
    },
    /// The desk pays for nobody from outside, or not now.
    #[error("This desk pays for no caller from outside: {0}. Ask its operator.")]
    NotOpen(&'static str),
    /// What is there belongs to others.
    #[error(
        "Only {free} base units in the desk's wallets belong to nobody else. Fund less, or send money to the wallet first."
    )]
    OwedToOthers {
        /// What is left, in base units.
        free: Amount,
    },
    /// No payout has this id.
    #[error("There is no payout of this id. Look it up in the list of payouts.")]
    Unknown,
    /// The payout is beyond what was asked.
    #[error(
        "This payout is {0}, or something was signed for it before, so that cannot be done to it any more. Look at it and its \
         transactions."
    )]
    TooLate(IntentState),
    /// Somebody was told that it gets no further attempt.
    #[error(
        "This payout was given up, so it gets no further attempt. Resolve it so that it fails afterwards, or cancel it where it \
         is held, and give a new order if it is still owed."
    )]
    GivenUp,
    /// The payout has no such transaction.
    #[error("This payout has no such transaction that is not over. Look at its attempts.")]
    AttemptUnknown,
    /// The wallet does not stand as was assumed.
    #[error("The wallet does not stand as was assumed: {0}. Look at it again.")]
    WalletChanged(&'static str),
    /// The wallet's past is not all here.
    #[error(
        "The wallet's past is not all here: {0}. Start the server where the journal of signed payouts is, which takes over \
         what is missing, and look again. If that journal is lost, or servers have one each, compare the wallet's \
         history on the chain with the payouts by hand, and say that the journals are lost."
    )]
    JournalNotCompared(&'static str),
    /// What the wallet signed before a restore is not known yet.
    #[error(
        "The wallet is not matched with its chain since a restore, or since its records were found to lack something, so \
         nobody knows whether this was paid already. Nothing was changed. Try again once an operator has matched the \
         wallet. If it is held since then, an operator releases or cancels it."
    )]
    WalletUnmatched,
    /// Nothing is held that a further attempt could pay with.
    #[error(
        "The journal of signed payouts brought this payout back and nothing is held for it, so it gets no further attempt. \
         Resolve it so that it fails afterwards, and give a new order if it is still owed."
    )]
    NothingHeld,
    /// Nobody can be asked.
    #[error("No node of the chain {0} is set up here, so nobody can be asked. Set one up.")]
    ChainUnknown(String),
    /// Nobody answered.
    #[error("The chain gave no answer ({0}), so this transaction may live. Ask again later.")]
    ChainSilent(String),
    /// A node has the transaction.
    #[error(
        "The nodes say that this transaction is {0}. It is not dead; let the server find out what becomes of it."
    )]
    TransactionLives(String),
    /// Nothing took the transaction's slot.
    #[error(
        "The chain shows this transaction's slot as free, so it may still become final. Free the slot: what takes it \
         proves the transaction dead."
    )]
    SlotFree,
    /// No node shows what would make it dead.
    #[error(
        "No node shows another final transaction in this one's slot ({0}), so it may still become final. Free the slot, \
         or ask again once the nodes have caught up."
    )]
    NotProvenDead(String),
    /// The key lets the destination wait first.
    #[error(
        "This destination is new to the key, which lets it wait first. The approval stays good; try again later."
    )]
    FirstUseHold,
    /// No receipt has this id, or it is assigned already.
    #[error("There is no receipt of this id that waits to be assigned. Look it up in the list of receipts.")]
    ReceiptUnknown,
    /// No ledger account has this path.
    #[error("There is no account of this path and asset. Look it up in the book.")]
    AccountUnknown,
}

/// Every code of this room with its status, for the registry of error codes. Those of access and keys come on top.
pub const CODES: [(&str, u16); 27] = [
    ("invalid_body", 400),
    ("invalid_address", 400),
    ("burn_address", 400),
    ("own_wallet", 400),
    ("idempotency_key_reused", 409),
    ("wallet_not_found", 404),
    ("other_asset", 409),
    ("insufficient_funds", 409),
    ("payouts_stopped", 503),
    ("payouts_not_open", 409),
    ("owed_to_others", 409),
    ("payout_not_found", 404),
    ("payout_too_late", 409),
    ("payout_given_up", 409),
    ("attempt_not_found", 404),
    ("wallet_changed", 409),
    ("journal_not_compared", 409),
    ("wallet_unmatched", 503),
    ("nothing_held", 409),
    ("chain_unknown", 409),
    ("chain_silent", 503),
    ("transaction_lives", 409),
    ("slot_free", 409),
    ("not_proven_dead", 409),
    ("first_use_hold", 409),
    ("receipt_not_found", 404),
    ("account_not_found", 404),
];

impl Rejection {
    /// The stable code; it never changes once published.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Rejection::Access(rejection) => rejection.code(),
            Rejection::Key(rejection) => rejection.code(),
            Rejection::Invalid { .. } => "invalid_body",
            Rejection::Address(error) => error.code(),
            Rejection::OwnWallet => "own_wallet",
            Rejection::KeyReused { .. } => "idempotency_key_reused",
            Rejection::WalletUnknown => "wallet_not_found",
            Rejection::OtherAsset(_) => "other_asset",
            Rejection::InsufficientFunds => "insufficient_funds",
            Rejection::Stopped { .. } => "payouts_stopped",
            Rejection::NotOpen(_) => "payouts_not_open",
            Rejection::OwedToOthers { .. } => "owed_to_others",
            Rejection::Unknown => "payout_not_found",
            Rejection::TooLate(_) => "payout_too_late",
            Rejection::GivenUp => "payout_given_up",
            Rejection::AttemptUnknown => "attempt_not_found",
            Rejection::WalletChanged(_) => "wallet_changed",
            Rejection::JournalNotCompared(_) => "journal_not_compared",
            Rejection::WalletUnmatched => "wallet_unmatched",
            Rejection::NothingHeld => "nothing_held",
            Rejection::ChainUnknown(_) => "chain_unknown",
            Rejection::ChainSilent(_) => "chain_silent",
            Rejection::TransactionLives(_) => "transaction_lives",
            Rejection::SlotFree => "slot_free",
            Rejection::NotProvenDead(_) => "not_proven_dead",
            Rejection::FirstUseHold => "first_use_hold",
            Rejection::ReceiptUnknown => "receipt_not_found",
            Rejection::AccountUnknown => "account_not_found",
        }
    }

    /// The HTTP status it is sent with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Rejection::Access(rejection) => rejection.status(),
            Rejection::Key(rejection) => rejection.status(),
            Rejection::Invalid { .. } | Rejection::Address(_) | Rejection::OwnWallet => 400,
            Rejection::WalletUnknown
            | Rejection::Unknown
            | Rejection::AttemptUnknown
            | Rejection::ReceiptUnknown
            | Rejection::AccountUnknown => 404,
            Rejection::Stopped { .. } | Rejection::ChainSilent(_) | Rejection::WalletUnmatched => 503,
            Rejection::KeyReused { .. }
            | Rejection::OtherAsset(_)
            | Rejection::InsufficientFunds
            | Rejection::NotOpen(_)
            | Rejection::OwedToOthers { .. }
            | Rejection::TooLate(_)
            | Rejection::GivenUp
            | Rejection::WalletChanged(_)
            | Rejection::JournalNotCompared(_)
            | Rejection::NothingHeld
            | Rejection::ChainUnknown(_)
            | Rejection::TransactionLives(_)
            | Rejection::SlotFree
            | Rejection::NotProvenDead(_)
            | Rejection::FirstUseHold => 409,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejections_code_and_status_are_in_the_list() {
        let one_of_each = [
            Rejection::Invalid { field: "reason", rule: "r" },
            Rejection::Address(AddressError::Malformed),
            Rejection::Address(AddressError::Unspendable),
            Rejection::OwnWallet,
            Rejection::KeyReused { stored: String::new(), given: String::new() },
            Rejection::WalletUnknown,
            Rejection::OtherAsset(Asset::Banano),
            Rejection::InsufficientFunds,
            Rejection::Stopped { switch: "payouts" },
            Rejection::NotOpen("why"),
            Rejection::OwedToOthers { free: Amount::ZERO },
            Rejection::Unknown,
            Rejection::TooLate(IntentState::Final),
            Rejection::GivenUp,
            Rejection::AttemptUnknown,
            Rejection::WalletChanged("w"),
            Rejection::JournalNotCompared("j"),
            Rejection::WalletUnmatched,
            Rejection::NothingHeld,
            Rejection::ChainUnknown(String::new()),
            Rejection::ChainSilent(String::new()),
            Rejection::TransactionLives(String::new()),
            Rejection::SlotFree,
            Rejection::NotProvenDead(String::new()),
            Rejection::FirstUseHold,
            Rejection::ReceiptUnknown,
            Rejection::AccountUnknown,
        ];
        assert_eq!(one_of_each.map(|rejection| (rejection.code(), rejection.status())), CODES);
    }
}
