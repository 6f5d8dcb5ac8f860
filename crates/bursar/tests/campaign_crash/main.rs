//! Crash campaigns: the real server is killed hard in the middle of joins and of settlements, and nothing is lost,
//! made up, or paid twice.
//!
//! `BURSAR_CAMPAIGN_KILLS` says how many random kills there are. The long form takes longer than the test runner allows:
//! `BURSAR_CAMPAIGN_KILLS=200 cargo test -p bursar --test campaign_crash -- --test-threads=1 --nocapture`.
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

mod chunks;
mod fleet;
mod kills;
mod soak;
mod steps;
