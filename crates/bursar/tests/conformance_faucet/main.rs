//! The faucet's promises against a running server (docs/spec/faucet.md), named by their rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod accruing;
mod alerts;
mod dry_run;
mod gaps;
mod live;
mod migrating;
mod paying;
mod scrapes;
mod start;
