//! The payouts API against a running server that pays on a node of the test's own (docs/spec/platform.md section 11).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod asking;
mod creating;
mod notices;
mod reading;
mod shop;
mod taking_back;
