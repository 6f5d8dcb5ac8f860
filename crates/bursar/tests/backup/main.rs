//! Backups of the real server: taken while players join, by hand and on a timer; proven, restored, played on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

#[path = "../campaign/mod.rs"]
mod campaign;
#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod books;
mod load;
mod objects;
mod timer;
mod tool;
