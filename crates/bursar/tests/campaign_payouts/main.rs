//! The crash campaign of payouts: the real server is killed at every named point between an accrual and its finality,
//! against a node that misbehaves, and the chain's own history says what was paid.
//!
//! `BURSAR_CAMPAIGN_CYCLES` says how many cycles each campaign has. The long form takes longer than the test runner
//! allows: `BURSAR_CAMPAIGN_CYCLES=2000 cargo test -p bursar --test campaign_payouts -- --test-threads=1 --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a campaign that cannot go on has failed"
)]

#[path = "../campaign/mod.rs"]
mod campaign;
#[path = "../harness/mod.rs"]
mod harness;

mod customs;
mod cycles;
mod once;
mod points;
mod proof;
mod rows;
mod stage;
mod weather;
