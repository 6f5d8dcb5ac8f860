//! The audit log as its readers rely on it: what is found, what is delivered, what can be erased; on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod anchors;
mod delivery;
mod guards;
mod log;
mod random_tampering;
mod reading;
mod recording;
mod redaction;
mod tampering;
