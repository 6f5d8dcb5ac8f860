//! The demo's faucet: a Banano chain, Discord, Yunite and game statistics of its own, an operator who keeps the wallet
//! filled, and people who play. The faucet itself is the real one, live, and really pays on that chain.

mod chain;
mod client;
mod figures;
mod outside;
mod people;
mod play;
mod secrets;

pub(super) use figures::{FaucetFigures, figures};
pub(super) use outside::Outside;
pub(super) use play::Play;

/// The guild that everybody is in.
const GUILD: u64 = 1_000_000_000_000_007;
