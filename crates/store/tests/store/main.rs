//! What the store promises, on SQLite and on PostgreSQL alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod bulk;
mod clocks;
mod commit_answers;
mod commit_proxy;
mod conflicts;
mod faulty_disk;
mod lanes;
mod large_transactions;
mod leases;
mod limits;
mod migrations;
mod power_cuts;
mod registers;
mod schema;
mod sequences;
mod serialisability;
mod sign_in;
mod strict_order;
mod units;
mod values;
mod wiped;
