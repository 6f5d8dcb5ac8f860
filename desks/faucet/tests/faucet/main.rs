//! The faucet's money path on both engines: kills counted, capped, paid through the payouts room, and every sum right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accruing;
mod adopting;
mod adopting_bounds;
mod adopting_under_way;
mod approving;
mod checks;
mod conserving;
mod holding;
mod paying;
mod players;
mod receiving;
mod restoring;
mod scene;
mod scheduling;
mod settling;
mod taking_turns;
mod upkeeping;
