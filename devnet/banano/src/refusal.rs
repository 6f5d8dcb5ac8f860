//! Why the node does not take a block in, in the words of real nodes.

/// A block is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This very block is in the ledger.
    #[error("Old block")]
    Old,
    /// Another block holds its slot.
    #[error("Fork")]
    Fork,
    /// The block before it is missing.
    #[error("Gap previous block")]
    GapPrevious,
    /// The send that it receives is missing.
    #[error("Gap source block")]
    GapSource,
    /// Its account did not sign it.
    #[error("Bad signature")]
    BadSignature,
    /// What it receives was not sent to it, or has been received.
    #[error("Unreceivable")]
    Unreceivable,
    /// Its balance rises by another amount than it receives.
    #[error("Balance and amount delta do not match")]
    BalanceMismatch,
    /// Its work is too little.
    #[error("Block work is less than threshold")]
    WorkLow,
    /// Its balance does not move as the named subtype says.
    #[error("Invalid block balance for given subtype")]
    SubtypeBalance,
    /// Its previous block does not fit the named subtype.
    #[error("Invalid previous block for given subtype")]
    SubtypePrevious,
    /// The named subtype is none.
    #[error("Invalid block subtype")]
    Subtype,
    /// It could not be kept: nobody knows what became of it.
    #[error("Error processing block")]
    Processing,
    /// It is no state block.
    #[error("Block is invalid")]
    Invalid,
}
