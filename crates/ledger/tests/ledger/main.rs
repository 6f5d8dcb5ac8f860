//! What the book promises, on SQLite and on PostgreSQL alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod accounts;
mod chains;
mod concurrency;
mod holds;
mod model;
mod past;
mod sums;
mod town;
mod transfers;
