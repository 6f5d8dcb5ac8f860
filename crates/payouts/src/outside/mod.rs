//! Payouts that callers from outside ask for, over the API: admitted in the very transaction that accepts them, and paid
//! from the wallet's own funds, which an operator fills, and from nothing else.

mod funding;
mod hold_back;
mod lane;
mod order;
mod page;
mod rules;
mod take_back;

pub use funding::Funding;
pub use lane::{OutsideLane, OutsideWork};
pub use order::{OutsideKey, OutsideOrder, Request};
pub use page::OutsideFilter;
pub use rules::OutsideRules;

pub(crate) use order::{is_outside, recovered_key, split};
