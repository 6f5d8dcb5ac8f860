//! What nodes said, and what may be concluded from it.

use bursar_money::Amount;

use crate::TransactionId;

/// What nodes answered about one attempt, silence included, as opaque bytes. Stored beside a decision, it can be judged
/// again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence(pub Vec<u8>);

/// How an attempt stands. Only `Confirmed` ends it well; nothing here ends it badly: that takes a [`DeathProof`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As many nodes as must agree answered, and none knows it. It may still be on its way, or be sent again by anyone
    /// who has seen it.
    NotFound,
    /// A node has it, and it is not final yet.
    Pending,
    /// Final, by the word of as many nodes as must agree.
    Confirmed,
    /// The chain turned it down. What was said of it says nothing about tomorrow: ask for proof.
    Rejected {
        /// What the nodes said, for people.
        reason: String,
    },
    /// Nodes were silent, contradicted each other, or answered in a way that settles nothing.
    Unknown {
        /// What is missing, for people.
        reason: String,
    },
}

/// Why an attempt can never become final. Made by [`crate::Chain::prove_dead`], and kept with the attempt for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeathProof {
    /// Which attempt is dead.
    pub attempt: TransactionId,
    /// The final transaction that took its slot; `None` where time killed it.
    pub taken_by: Option<TransactionId>,
    /// How many nodes vouch for it.
    pub nodes: usize,
    /// What it was concluded from.
    pub evidence: Evidence,
}

/// What an account holds, in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountBalance {
    /// What is its own.
    pub settled: Amount,
    /// What was sent to it and still has to be accepted, where the chain knows such a thing.
    pub incoming: Amount,
}

/// How far a chain is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finality {
    /// A height that as many nodes as must agree have all finalized. It never falls on a healthy chain.
    pub height: u64,
    /// How many nodes answered.
    pub nodes: usize,
}
