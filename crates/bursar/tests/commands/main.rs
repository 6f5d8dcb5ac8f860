//! What the command line promises, on SQLite and on PostgreSQL alike, without starting a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod approvals;
mod audit;
#[path = "../harness/program.rs"]
mod bare;
mod config;
mod documents;
mod embedded;
mod faucet_switches;
mod incidents;
mod jobs;
mod keys;
mod ledger;
mod load;
mod lying;
mod migrate;
mod operators;
mod payment_scene;
mod payouts;
mod program;
mod scene;
mod settings;
mod stub;
mod switches;
mod watch;
