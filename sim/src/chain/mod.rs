//! A chain in memory, with nodes that lag, lie, forget and fork: the truth, what nodes say of it, and the chain as a
//! process of ours reaches it.
//!
//! Two families of rules: [`Family::Ordered`], in which a transaction names the one before it and never expires, and what
//! comes in has to be accepted; and [`Family::Expiring`], in which it is good until a height, costs a fee, and what is
//! sent has arrived.

mod evidence;
mod network;
mod node;
mod reach;
mod scheme;
mod transaction;

pub use network::{AccountState, Fate, Gift, Landed, Network, Truth};
pub use reach::{Bench, SimChain};
pub use scheme::{SCHEME, SimScheme, address_of};

/// By which rules a chain goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Each transaction names the one before it in its account.
    Ordered,
    /// Each transaction is good until a height.
    Expiring,
}

impl Family {
    /// Both.
    pub const ALL: [Family; 2] = [Family::Ordered, Family::Expiring];

    /// The chain's name in records.
    pub const fn chain(self) -> &'static str {
        match self {
            Family::Ordered => "sim-ordered",
            Family::Expiring => "sim-expiring",
        }
    }

    /// What a transaction costs, in base units.
    pub const fn fee(self) -> u128 {
        match self {
            Family::Ordered => 0,
            Family::Expiring => 5,
        }
    }
}

/// Nodes of a chain, and how many of them must agree.
pub const NODES: usize = 3;
/// See [`NODES`].
pub const AGREE: usize = 2;
