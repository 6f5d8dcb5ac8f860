//! The desk room against both engines: jobs and their clock, limits, and folding changes into the audit log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod control;
mod incidents;
mod jobs;
mod limits;
mod real_time;
mod rooms;
