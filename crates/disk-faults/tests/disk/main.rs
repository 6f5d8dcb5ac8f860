//! What SQLite on the simulated disk promises, and what it must not survive.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and what only tests use")]

mod book;
mod connections;
mod copies;
mod faults;
mod kills;
mod power_cuts;
