//! The faucet's promises against a running server (docs/spec/faucet.md), named by their rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod accruing;
mod alerts;
mod authorisation;
mod deploying;
mod dry_run;
mod examples;
mod gaps;
mod live;
mod migrating;
mod mitigating;
mod paying;
mod rotating;
mod runbook;
mod scrapes;
mod start;
mod upkeep;
mod wallet;
