//! From a payment to a signed attempt, opaque to everyone but the chain.

use std::fmt;

use bursar_money::Amount;

/// An address in its chain's canonical text. [`crate::Chain::parse_address`] is what makes one from outside text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// The id by which a chain knows a transaction, in its canonical text. Known before anything is sent, and the same for
/// every re-broadcast.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(String);

/// The one place in an account's order that a transaction takes (account and previous block, account and nonce). Of all
/// transactions signed for a slot at most one ever becomes final. Chains without such an order give each transaction a
/// slot of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(String);

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// Text that the chain itself has checked or made, such as what was stored earlier.
            #[must_use]
            pub fn from_canonical(text: String) -> $name {
                $name(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_newtype!(Address);
text_newtype!(TransactionId);
text_newtype!(Slot);

/// Who pays whom how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The paying account.
    pub from: Address,
    /// The receiving account.
    pub to: Address,
    /// What arrives, in base units; above zero.
    pub amount: Amount,
}

/// An account as a transaction can be built on it now. Not for keeping: it is stale once its slot is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderState {
    /// Whose state it is.
    pub account: Address,
    /// The slot that is open.
    pub slot: Slot,
    /// The account's newest transaction, where nobody but the holder of its key can make one; `None` = it has none, or the
    /// chain does not tell.
    pub newest: Option<TransactionId>,
    /// What can be spent, in base units.
    pub spendable: Amount,
    /// What only the chain reads.
    pub details: Vec<u8>,
}

/// A transaction without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// The slot it would take.
    pub slot: Slot,
    /// The most it can cost beyond the payment, in base units.
    pub fee_max: Amount,
    /// What only the chain reads.
    pub bytes: Vec<u8>,
}

/// A signed transaction. Whoever holds its bytes can send it: they are committed before the first broadcast, and a
/// restart goes on with the very same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id on the chain.
    pub id: TransactionId,
    /// The slot it takes.
    pub slot: Slot,
    /// The most it can cost beyond the payment, in base units.
    pub fee_max: Amount,
    /// The signed transaction.
    pub bytes: Vec<u8>,
}

/// Something that was sent to an account and has to be accepted before it can be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The sender's transaction.
    pub id: TransactionId,
    /// Who sent it.
    pub from: Address,
    /// How much, in base units.
    pub amount: Amount,
}
