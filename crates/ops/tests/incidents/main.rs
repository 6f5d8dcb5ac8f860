//! Operating incidents on both engines: overdue timers, what is linked to an incident, and the routes that desks share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod linked;
mod overdue;
mod rooms;
mod routes;
