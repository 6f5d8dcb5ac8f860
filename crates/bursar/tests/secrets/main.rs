//! Replacing every secret of a running server (docs/spec/platform.md V1, V8): under load, without one call failing that
//! should have passed, and with the old value gone when it should be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod cluster;
mod database;
mod files;
mod keys;
mod payouts;
mod refusals;
mod under_load;
mod verbs;
mod webhook;
