//! Payouts on both engines: accepting, sending against a node that misbehaves, crashing, reconciling, resolving.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accepting;
mod banano;
mod campaign;
mod fallen_back;
mod four_eyes;
mod giving_up;
mod heard;
mod history;
mod matching;
mod operating;
mod outrun;
mod outside;
mod outside_edges;
mod remote_wallets;
mod resolving;
mod restore;
mod restored_outside;
mod running;
mod scene;
mod sending;
mod stopping;
mod strikes;
mod unsent;
mod wallets;
mod watched;
