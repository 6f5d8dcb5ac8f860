//! The key store on both engines: keys, seals, rotation, limits, signing and secrecy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod approvals;
mod banano;
mod commands;
mod concurrency;
mod keys;
mod kills;
mod limits;
mod remote;
mod remote_stub;
mod rotation;
mod scene;
mod secrecy;
mod signing;
mod tampering;
