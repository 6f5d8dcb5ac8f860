//! What the crash and stop campaigns share: players on raw connections, failpoints, and an exact reading of the book.
//!
//! `BURSAR_CAMPAIGN_SEED` repeats a campaign's random choices; every campaign prints its seed.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests; each test file uses a part of it"
)]

mod bet;
mod book;
mod connection;
mod crowd;
mod failpoints;
mod money;
mod prices;
mod random;
mod rows;
mod snapshot;

use std::time::{Duration, Instant};

pub use bet::{Bet, MARKETS, round_key};
pub use book::{Book, newest_entry};
pub use connection::{Connection, Heard};
pub use crowd::{Asked, Crowd, Player, Seat};
pub use failpoints::{Failpoints, STEPS};
pub use prices::Outcomes;
pub use random::Random;
pub use snapshot::Snapshot;

use crate::harness::{Place, Prices, Setup};

/// The longest wait for something that must happen. Real time; only a broken server reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A number from the environment that makes a campaign longer.
pub fn count(variable: &str, short: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => short,
    }
}

/// Looks until `done` says so.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < patience, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A rounds server whose limits are out of the campaign's way, on a manual clock.
pub fn setup(place: &Place, prices: &Prices) -> Setup {
    let limits = ["SIM_ENTRIES_IP", "SIM_ENTRIES_WALLET", "SIM_RESULTS_IP", "SIM_RESULTS_WALLET"];
    let setup = Setup::rounds(place).env("HERMES_URL", &prices.url());
    limits.iter().fold(setup, |setup, limit| setup.env(&format!("PANCHO_RL_{limit}_LIMIT"), "10000000"))
}
