//! The faucet's promises against a running server (docs/spec/faucet.md), named by their rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod dry_run;
mod start;
