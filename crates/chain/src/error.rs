//! How a chain says no. None of these means that a payment failed.

use bursar_money::Amount;

/// Text that is no address to pay to: the caller's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Wrong prefix, length or characters.
    #[error("this is no address of the chain; copy it whole from the wallet")]
    Malformed,
    /// The check characters do not fit the rest.
    #[error("the address has a typing error: its check characters do not fit; copy it from the wallet")]
    Checksum,
    /// Nobody can hold the key of it.
    #[error("nobody can spend from this address, so money sent there is lost; use the address of a wallet")]
    Unspendable,
}

impl AddressError {
    /// A stable code for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            AddressError::Malformed | AddressError::Checksum => "invalid_address",
            AddressError::Unspendable => "burn_address",
        }
    }
}

/// Why no transaction was built. Nothing was signed, so nothing can happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There is nothing to pay.
    #[error("a payment must be above zero")]
    ZeroAmount,
    /// The account does not hold enough.
    #[error("the wallet holds {spendable} base units and {needed} are needed; top it up")]
    Insufficient {
        /// What the payment takes.
        needed: Amount,
        /// What the state shows.
        spendable: Amount,
    },
    /// State and payment are of different accounts.
    #[error("the state is of another account than the payment's sender; ask for the sender's state")]
    OtherAccount,
    /// The attempt's slot is not the open one.
    #[error("the slot is no longer open; look the attempt up again")]
    SlotClosed,
    /// The transaction would be the attempt itself.
    #[error("the attempt moves no money already; broadcast it until it is final")]
    NothingToFree,
    /// On this chain what is sent has arrived.
    #[error("nothing has to be accepted on this chain: what is sent to an account is its own")]
    NothingToAccept,
    /// The bytes are not the chain's.
    #[error("this is not what the chain stored ({0}); the record is damaged or of another chain")]
    Unreadable(String),
}

/// Why there is no signature. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The signer will not sign now.
    #[error("the signer refused: {0}")]
    Refused(String),
    /// The signer did not answer.
    #[error("the signer cannot be reached ({0}); signing can be asked for again")]
    Unavailable(String),
    /// The key is not the account's.
    #[error("the signer holds the key of another account; check which wallet it is set up with")]
    OtherAccount,
    /// The signature does not verify.
    #[error("the signer's signature does not verify, so it was not used; check the signer")]
    BadSignature,
    /// The bytes are not the chain's.
    #[error("this is not what the chain built ({0}); the record is damaged or of another chain")]
    Unreadable(String),
}

/// Why the chain could not be asked, or not believed. The truth is unknown, never "no".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Too few nodes answered.
    #[error("{answered} nodes answered and {needed} must; the last problem was: {problem}")]
    TooFewNodes {
        /// How many gave a usable answer.
        answered: usize,
        /// How many must.
        needed: usize,
        /// The last thing that went wrong.
        problem: String,
    },
    /// Nodes contradict each other.
    #[error("nodes contradict each other ({0}); nothing is sent until they agree")]
    Disagreement(String),
    /// The account's newest transaction is not final.
    #[error("the account's newest transaction is not final yet; ask again soon")]
    Unsettled,
    /// The account does not exist on the chain.
    #[error("the account holds nothing and never has; send something to it first")]
    Unopened,
    /// Something that takes time is not ready.
    #[error("{0} is not ready yet; ask again soon")]
    NotReady(String),
    /// The text is no address of this chain.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Why an attempt is not proven dead. It lives until it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not proven dead: {0}")]
pub struct NotProven(pub String);
