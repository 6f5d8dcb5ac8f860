//! Backups of both engines: made, proven, restored into either, refused when damaged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod crossing;
mod damage;
mod drafts;
mod forged;
mod keys;
mod objects;
mod proofs;
mod restoring;
mod serials;
mod tampering;
mod town;
