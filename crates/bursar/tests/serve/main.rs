//! The server as a process: starting, refusing to start, serving, being killed, ending, and what it tells about itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod clock;
mod control;
mod first_round;
mod infrastructure;
mod lifecycle;
mod migrations;
mod webhook;
