//! Stop campaigns: players keep joining, joins are stopped by command or by hand-typed SQL, and no join commits later
//! than the stop.
//!
//! `BURSAR_CAMPAIGN_STOPS` says how many trials each way has. The long form takes longer than the test runner allows:
//! `BURSAR_CAMPAIGN_STOPS=1000 cargo test -p bursar --test campaign_stop -- --test-threads=1 --nocapture`.
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

mod hanging;
mod races;
mod stage;
mod trials;
