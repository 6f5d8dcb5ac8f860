//! `bursar demo` as a stranger runs it: it plays, stops in order, goes on, and refuses where it must.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod faucet;
mod playing;
mod refusing;
mod stage;
