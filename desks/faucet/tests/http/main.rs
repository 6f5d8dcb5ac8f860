//! The faucet's routes, in process, over stand-ins of Discord, Yunite, the statistics, Solana and a node.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod administrating;
mod demonstrating;
mod forcing;
mod limits;
mod logs;
mod passwords;
mod players;
mod public;
mod scene;
mod sessions;
mod signing_in;
