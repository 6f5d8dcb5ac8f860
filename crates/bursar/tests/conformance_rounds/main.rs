//! Conformance of the rounds desk (docs/spec/rounds.md): the real server over HTTP and its command line, with a manual
//! clock. A test's name begins with the row that it proves (`r31_`), or with the worked example (`example_c13_`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

#[path = "../evidence/mod.rs"]
mod evidence;
#[path = "../harness/mod.rs"]
mod harness;

mod alerts;
mod backup;
mod canaries;
mod counts;
mod crash;
mod daily;
mod deployed;
mod gate;
mod incidents;
mod joins;
mod keys;
mod limits;
mod load;
mod operations;
mod outcomes;
mod pauses;
mod prelaunch;
mod prices;
mod profile;
mod rollback;
mod rule_files;
mod runbook;
mod scene;
mod smoke;
