//! The rounds desk without HTTP: joining, settling and reading, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../fixture/mod.rs"]
mod fixture;

mod alerts;
mod asking;
mod backlog;
mod canaries;
mod commands;
mod feed_faults;
mod histories;
mod interruptions;
mod joins;
mod many_settlers;
mod pauses;
mod prices;
mod properties;
mod reading;
mod refusals;
mod settling;
mod worked_examples;
