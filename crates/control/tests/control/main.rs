//! Switches, settings and rate limits as operators and callers meet them, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests and what only tests use")]

mod changes;
mod control_file;
mod hand_typed;
mod locking;
mod rate_windows;
mod secret_roster;
mod settings;
mod stage;
mod switches;
