//! The faucet's rules: pure functions over plain data, without I/O, clock, randomness or SQL (docs/spec/faucet.md 3).
//!
//! Where to begin: [`accrual::decide`] turns a reading of a player's kills into a row, [`rate`] says what a kill earns,
//! [`caps`] how many may be paid now, [`settlement::decide`] which rows a payout pays, [`payout_state`] how it goes on.

pub mod abuse;
pub mod accrual;
pub mod adoption;
pub mod balance;
pub mod ban;
pub mod baseline;
pub mod cap_window;
pub mod caps;
pub mod cursor_ranges;
pub mod donation;
pub mod eligibility;
pub mod hodl;
pub mod holdings;
pub mod milestone;
pub mod payout_order;
pub mod payout_state;
pub mod promo;
pub mod pruning;
pub mod rate;
pub mod reconciliation;
pub mod region;
pub mod schedule;
pub mod session_token;
pub mod settlement;
pub mod startup;
pub mod wallet_watch;

#[cfg(test)]
mod properties;
